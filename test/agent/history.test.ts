import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Approval, type ApprovalState, openApproval, type Stage } from '../../src/agent/approval.ts'
import { markTold, transitionsOf } from '../../src/agent/history.ts'
import { createSession, type Session } from '../../src/agent/session.ts'
import { upgrade } from '../../src/agent/upgrade.ts'
import { ownText } from '../../src/text/outside.ts'
import { restart, restartCall, restartPreview } from './fixtures.ts'
import { alice, bob } from './harness.ts'

const ran = { by: [bob], startedAt: 1 }
const states = {
  open: { kind: 'open' },
  approved: { kind: 'approved', by: [bob] },
  denied: { kind: 'denied', by: bob },
  expired: { kind: 'expired' },
  withdrawn: { kind: 'withdrawn', why: { kind: 'stop' } },
  used: { kind: 'used', ...ran },
  lost: { kind: 'lost', ...ran },
  ended: { kind: 'ended', ...ran, ok: true, result: ownText('') },
  failed: { kind: 'ended', ...ran, ok: false, result: ownText('') },
} satisfies Record<string, ApprovalState>

function withApproval(): { session: Session; approval: Approval } {
  const approval = openApproval(restartCall('call-1'), restart(), { name: 'api' }, restartPreview(), {
    thread: 'fake|ops|t',
    effect: 'change',
    target: { kind: 'Deployment', namespace: 'shop', name: 'api' },
    askers: [alice],
    needed: 1,
    createdAt: 0,
    expiresAt: 60_000,
  })
  const session = createSession()
  session.approvals.push(approval)
  return { session, approval }
}

/** What is told now, and then is known. */
function tell(session: Session): Stage[] {
  const transitions = transitionsOf(session)
  transitions.forEach(markTold)
  return transitions.map(({ to }) => to)
}

test('a stage that was skipped between two looks is told with those that it follows from', () => {
  const skipped: [ApprovalState, Stage[]][] = [
    [states.open, ['open']],
    [states.approved, ['open', 'approved']],
    [states.denied, ['open', 'denied']],
    [states.expired, ['open', 'expired']],
    [states.withdrawn, ['open', 'withdrawn']],
    [states.used, ['open', 'approved', 'started']],
    [states.lost, ['open', 'approved', 'started', 'lost']],
    [states.ended, ['open', 'approved', 'started', 'ended']],
    [states.failed, ['open', 'approved', 'started', 'failed']],
  ]
  for (const [state, stages] of skipped) {
    const { session, approval } = withApproval()
    approval.state = state

    assert.deepEqual(tell(session), stages)
    assert.deepEqual(tell(session), [])
  }
})

test('an approval that is taken back is open again, and each time that it is given is told', () => {
  const { session, approval } = withApproval()
  const told = (['open', 'approved', 'open', 'approved', 'used', 'ended'] as const).map((state) => {
    approval.state = states[state]
    return tell(session)
  })

  assert.deepEqual(told, [['open'], ['approved'], ['reopened'], ['approved'], ['started'], ['ended']])
})

test('what is not known to be told is told again, the same, after the document was read anew', () => {
  const { session, approval } = withApproval()
  tell(session)
  approval.state = states.approved
  const disk = JSON.stringify(session)
  const first = tell(session)

  const again = JSON.parse(disk) as Session

  assert.deepEqual(tell(again), first)
  assert.deepEqual(tell(again), [])
})

/** The states that may follow. */
const next: Record<keyof typeof states, (keyof typeof states)[]> = {
  open: ['open', 'approved', 'denied', 'expired', 'withdrawn'],
  approved: ['open', 'approved', 'denied', 'withdrawn', 'used'],
  used: ['lost', 'ended', 'failed'],
  denied: [],
  expired: [],
  withdrawn: [],
  lost: [],
  ended: [],
  failed: [],
}

test('however often it is looked, an approval has one beginning and one end, and what runs was approved before', () => {
  const walk = fc.array(fc.record({ turn: fc.nat(4), looks: fc.boolean() }), { maxLength: 12 })
  fc.assert(
    fc.property(walk, (steps) => {
      const { session, approval } = withApproval()
      let at: keyof typeof states = 'open'
      const told: Stage[] = []
      for (const { turn, looks } of steps) {
        const ways: (keyof typeof states)[] = next[at]
        at = ways[turn % Math.max(1, ways.length)] ?? at
        approval.state = states[at]
        if (looks) told.push(...tell(session))
      }
      told.push(...tell(session))

      assert.equal(told[0], 'open')
      assert.equal(told.filter((stage) => stage === 'open').length, 1)
      const end = told.findIndex((stage) =>
        ['denied', 'expired', 'withdrawn', 'lost', 'ended', 'failed'].includes(stage),
      )
      assert.ok(end < 0 || end === told.length - 1, told.join())
      const started = told.indexOf('started')
      if (started >= 0) assert.equal(told[started - 1], 'approved')
      assert.equal(told.includes('started'), ['used', 'lost', 'ended', 'failed'].includes(at), told.join())
    }),
  )
})

test('a session of an earlier version tells nothing of what was before, and everything of what comes', () => {
  const { session, approval } = withApproval()
  approval.state = states.approved
  const { told: _unknown, ...written } = approval
  const old = { ...session, approvals: [written] } as unknown as Session

  upgrade(old)
  assert.deepEqual(tell(old), [])

  old.approvals[0]!.state = states.used
  upgrade(old)
  assert.deepEqual(tell(old), ['started'])
})
