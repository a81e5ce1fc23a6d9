import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  type Approval,
  canonical,
  expire,
  isIntact,
  openApproval,
  type UserId,
  vote,
  withdrawVote,
} from '../../src/agent/approval.ts'
import { restart, restartCall, restartPreview } from './fixtures.ts'

const alice = '@alice:corp' as UserId
const bob = '@bob:corp' as UserId

function open(changes: Partial<Approval> = {}): Approval {
  const approval = openApproval(restartCall('call-1'), restart(), { name: 'api' }, restartPreview(), {
    thread: 'matrix|!r|$t',
    effect: 'change',
    target: { kind: 'Deployment', namespace: 'shop', name: 'api' },
    askers: [alice],
    needed: 1,
    createdAt: 0,
    expiresAt: 1_000,
  })
  return { ...approval, ...changes }
}

const approve = (by: UserId, id = `$${by}`) => ({ id, by, mark: 'approve' as const })
const deny = (by: UserId) => ({ id: `$no-${by}`, by, mark: 'deny' as const })

test('one approval decides a change, and says by whom', () => {
  const approval = open()

  assert.deepEqual(vote(approval, approve(bob), 10), { kind: 'decided' })

  assert.deepEqual(approval.state, { kind: 'approved', by: [bob] })
})

test('with a quorum of two, one person approving twice is still one', () => {
  const approval = open({ needed: 2 })

  vote(approval, approve(bob, '$1'), 10)
  vote(approval, approve(bob, '$2'), 11)
  assert.equal(approval.state.kind, 'open')

  vote(approval, approve(alice), 12)
  assert.deepEqual(approval.state, { kind: 'approved', by: [bob, alice] })
})

test('one denial ends it, also after approvals, and keeps the reason', () => {
  const approval = open({ needed: 2 })
  vote(approval, approve(bob), 10)

  vote(approval, deny(alice), 11, 'not during the sale')

  assert.deepEqual(approval.state, { kind: 'denied', by: alice, reason: 'not during the sale' })
})

test('a mark after the expiry comes too late', () => {
  const approval = open()

  assert.deepEqual(vote(approval, approve(bob), 1_000), { kind: 'too-late' })

  assert.equal(approval.state.kind, 'expired')
})

test('an approval taken back before the start opens the question again', () => {
  const approval = open()
  vote(approval, approve(bob), 10)

  assert.deepEqual(withdrawVote(approval, bob, 'approve'), { kind: 'decided' })

  assert.equal(approval.state.kind, 'open')
  assert.deepEqual(approval.votes, [])
})

test('an approval taken back after the start changes nothing', () => {
  const approval = open()
  vote(approval, approve(bob), 10)
  approval.state = { kind: 'used', by: [bob], startedAt: 20 }

  assert.deepEqual(withdrawVote(approval, bob, 'approve'), { kind: 'too-late' })

  assert.equal(approval.state.kind, 'used')
})

test('a denial cannot be taken back', () => {
  const approval = open()
  vote(approval, deny(bob), 10)

  withdrawVote(approval, bob, 'deny')

  assert.equal(approval.state.kind, 'denied')
})

test('an open approval expires at its time and no earlier', () => {
  assert.equal(expire(open(), 999), false)
  assert.equal(expire(open(), 1_000), true)
})

test('another argument, request or target version is another call', () => {
  const tampered = (change: (approval: Approval) => void) => {
    const approval = structuredClone(open())
    change(approval)
    return isIntact(approval)
  }

  assert.equal(isIntact(open()), true)
  assert.equal(
    tampered((approval) => (approval.call.function.arguments = '{"name":"web"}')),
    false,
  )
  assert.equal(
    tampered((approval) => (approval.preview.request.body = '[]')),
    false,
  )
  assert.equal(
    tampered((approval) => (approval.preview.version = 'other')),
    false,
  )
})

test('arguments are the same in any order of keys and any spacing', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
      const reversed = Object.fromEntries(Object.entries(value).reverse())
      assert.equal(canonical(JSON.stringify(value)), canonical(JSON.stringify(reversed, null, 2)))
    }),
  )
})

test('whatever people mark in whatever order, it is approved only by enough different people and never after a denial', () => {
  const person = fc.constantFrom(alice, bob, '@carol:corp' as UserId)
  const mark = fc.record({
    by: person,
    mark: fc.constantFrom('approve' as const, 'deny' as const),
    withdrawn: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(mark), fc.integer({ min: 1, max: 3 }), (marks, needed) => {
      const approval = open({ needed })
      let denied = false
      for (const [index, given] of marks.entries()) {
        if (given.withdrawn) withdrawVote(approval, given.by, given.mark)
        else vote(approval, { id: `$${index}`, by: given.by, mark: given.mark }, 10)
        denied ||= approval.state.kind === 'denied'
        assert.equal(approval.state.kind === 'denied', denied)
        if (approval.state.kind === 'approved') assert.ok(new Set(approval.state.by).size >= needed)
      }
    }),
  )
})
