import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Approval, UserId } from '../../../src/agent/approval.ts'
import { type Mode, mayDecide, type Policy, rule } from '../../../src/agent/policy/index.ts'
import type { Effect } from '../../../src/tools/tool.ts'

const alice = '@alice:corp' as UserId
const bob = '@bob:corp' as UserId

const policy = (changes: Partial<Policy> = {}): Policy => ({
  mode: 'approve',
  protectedNamespaces: ['kube-system'],
  auto: [{ tool: 'restart', namespace: 'shop', name: 'api' }],
  approvers: [alice, bob],
  destroyQuorum: 1,
  destroyNeedsOther: true,
  ...changes,
})

const call = (effect: Effect, namespace = 'shop', name = 'api', askers: Approval['askers'] = ['signal']) => ({
  askers,
  tool: 'restart',
  readOnly: false,
  effect,
  target: { kind: 'Deployment', namespace, name },
})

const table: [Mode, Effect, string, string, 'run' | 'ask' | 'refuse'][] = [
  ['observe', 'read', 'kube-system', 'api', 'run'],
  ['observe', 'change', 'shop', 'api', 'refuse'],
  ['observe', 'destroy', 'shop', 'api', 'refuse'],
  ['approve', 'read', 'shop', 'api', 'run'],
  ['approve', 'change', 'shop', 'api', 'ask'],
  ['approve', 'destroy', 'shop', 'api', 'ask'],
  ['approve', 'change', 'kube-system', 'api', 'refuse'],
  ['auto', 'change', 'shop', 'api', 'run'],
  ['auto', 'change', 'shop', 'web', 'ask'],
  ['auto', 'change', 'other', 'api', 'ask'],
  ['auto', 'destroy', 'shop', 'api', 'ask'],
  ['auto', 'change', 'kube-system', 'api', 'refuse'],
]

for (const [mode, effect, namespace, name, expected] of table) {
  test(`in mode ${mode} a ${effect} of ${namespace}/${name} means ${expected}`, () => {
    assert.equal(rule(policy({ mode }), call(effect, namespace, name)).kind, expected)
  })
}

test('with an empty list of approvers nobody is asked and nothing is changed', () => {
  assert.deepEqual(rule(policy({ approvers: [] }), call('change')), { kind: 'refuse', why: { kind: 'no-approvers' } })
})

test('in a protected namespace nothing but reading is let through, whoever asks, whatever a list allows', () => {
  const open = policy({ mode: 'auto', auto: [{ tool: '*', namespace: '*', name: '*' }] })
  const approving = policy()
  for (const rules of [open, approving])
    for (const effect of ['change', 'destroy'] as const)
      for (const askers of [['signal' as const], [alice], [bob, alice]])
        assert.deepEqual(rule(rules, call(effect, 'kube-system', 'api', askers)), {
          kind: 'refuse',
          why: { kind: 'protected', namespace: 'kube-system' },
        })
  assert.deepEqual(rule(open, call('read', 'kube-system')), { kind: 'run' })
})

test('work from somebody who may not write there is only read, in every mode', () => {
  const open = { auto: [{ tool: '*', namespace: '*', name: '*' }] }
  for (const mode of ['observe', 'approve', 'auto'] as const)
    for (const effect of ['change', 'destroy'] as const)
      assert.deepEqual(rule(policy({ mode, ...open }), { ...call(effect), readOnly: true }), {
        kind: 'refuse',
        why: { kind: 'read-only' },
      })
  assert.deepEqual(rule(policy(), { ...call('read'), readOnly: true }), { kind: 'run' })
})

test('a destroy needs as many people as configured', () => {
  assert.deepEqual(rule(policy({ destroyQuorum: 2 }), call('destroy')), { kind: 'ask', needed: 2 })
  assert.deepEqual(rule(policy({ destroyQuorum: 2 }), call('destroy', 'shop', 'api', [alice])), {
    kind: 'refuse',
    why: { kind: 'too-few', needed: 2, able: 1 },
  })
})

test('only people on the list may approve, whatever their name looks like', () => {
  const look = ['@Alice:corp', '@alice:corp.evil', '@alice:cor', 'alice', '@alice:corp ']
  for (const person of look) {
    assert.deepEqual(mayDecide(policy(), { effect: 'change', askers: [bob] }, person as UserId, 'approve'), {
      may: false,
      why: 'not-an-approver',
    })
  }
})

test('who asked for a destroy cannot be its second person, but may approve a change and call anything off', () => {
  assert.deepEqual(mayDecide(policy(), { effect: 'destroy', askers: [alice] }, alice, 'approve'), {
    may: false,
    why: 'needs-another',
  })
  assert.deepEqual(mayDecide(policy(), { effect: 'destroy', askers: [alice] }, bob, 'approve'), { may: true })
  assert.deepEqual(mayDecide(policy(), { effect: 'change', askers: [alice] }, alice, 'approve'), { may: true })
  const stranger = '@stranger:corp' as UserId
  assert.deepEqual(mayDecide(policy(), { effect: 'destroy', askers: [stranger] }, stranger, 'deny'), { may: true })
})

test('a signal has no asker, so anybody on the list may approve what it leads to', () => {
  assert.deepEqual(mayDecide(policy(), { effect: 'destroy', askers: ['signal'] }, alice, 'approve'), { may: true })
})

test('nothing that changes something runs without a person, but for what the allow-list names in mode auto', () => {
  const anything = fc.record({
    mode: fc.constantFrom<Mode>('observe', 'approve', 'auto'),
    effect: fc.constantFrom<Effect>('change', 'destroy'),
    namespace: fc.constantFrom('shop', 'kube-system', 'other'),
    name: fc.constantFrom('api', 'web'),
  })
  fc.assert(
    fc.property(anything, ({ mode, effect, namespace, name }) => {
      const runs = rule(policy({ mode }), call(effect, namespace, name)).kind === 'run'
      assert.equal(runs, mode === 'auto' && effect === 'change' && namespace === 'shop' && name === 'api')
    }),
  )
})
