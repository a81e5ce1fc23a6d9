import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { type Finding, type ObjectRef, rank } from '../../../src/tools/analyzers/analyzer.ts'
import { foldConsequences } from '../../../src/tools/analyzers/fold.ts'
import { finding, ref } from './findings.ts'

const crash = finding()
const service = ref('Service', 'api')
const unavailable = finding({ reason: 'ReplicasUnavailable', object: ref('ReplicaSet', 'api-7'), severity: 'critical' })

test('a symptom stands behind the cause of the same workload, which names its object', () => {
  const folded = foldConsequences([unavailable, crash])

  assert.deepEqual(folded, [{ ...crash, affects: [ref('ReplicaSet', 'api-7')] }])
})

test('what a cause says it affects is not reported by itself', () => {
  const cause = { ...crash, affects: [service] }
  const consequence = finding({ owner: service, reason: 'NoReadyEndpoints' })

  assert.deepEqual(foldConsequences([cause, consequence]), [cause])
})

test('a cause is as severe as the worst of its consequences', () => {
  const mild = finding({ reason: 'ImagePullBackOff', severity: 'warning' })

  const [only] = foldConsequences([mild, unavailable])

  assert.equal(only?.reason, 'ImagePullBackOff')
  assert.equal(only?.severity, 'critical')
})

test('a hint explains no outage', () => {
  const hint = finding({ reason: 'NoLimits', severity: 'info' })

  assert.equal(foldConsequences([hint, unavailable]).length, 2)
})

test('a symptom without a cause stays, and so does the same symptom of another workload', () => {
  const other = finding({ reason: 'ReplicasUnavailable', owner: ref('Deployment', 'api', 'staging') })

  assert.deepEqual(foldConsequences([unavailable]), [unavailable])
  assert.equal(foldConsequences([crash, other]).length, 2)
})

test('at the end of a chain stands one cause that names everything below it', () => {
  const node = finding({ owner: ref('Node', 'worker-1', null), reason: 'KubeletSilent', affects: [crash.owner] })
  const pods = { ...crash, affects: [service] }
  const endpoints = finding({ owner: service, reason: 'NoReadyEndpoints' })

  const folded = foldConsequences([endpoints, pods, node])

  assert.deepEqual(folded, [{ ...node, affects: [crash.owner, service] }])
})

test('faults that lead round in a circle are all told', () => {
  const names = ['a', 'b', 'c']
  const circle = names.map((name, index) =>
    finding({
      owner: ref('Service', name),
      reason: 'Odd',
      affects: [ref('Service', names[(index + 1) % 3] as string)],
    }),
  )

  assert.deepEqual(foldConsequences(circle), circle)
})

const objects = fc.constantFrom(...['a', 'b', 'c', 'd', 'e'].map((name) => ref('Deployment', name)))
const findings: fc.Arbitrary<Finding[]> = fc.array(
  fc
    .record({
      owner: objects,
      object: objects,
      reason: fc.constantFrom('NotReady', 'ReplicasUnavailable', 'CrashLoopBackOff', 'OOMKilled'),
      severity: fc.constantFrom('critical' as const, 'warning' as const, 'info' as const),
      affects: fc.array(objects, { maxLength: 2 }),
    })
    .map(finding),
  { maxLength: 8 },
)

test('nothing is lost: every fault is told or stands behind one that is, and the worst stays the worst', () => {
  const same = (a: ObjectRef) => (b: ObjectRef) => a.kind === b.kind && a.namespace === b.namespace && a.name === b.name
  const worst = (list: Finding[]) => Math.min(...list.map(({ severity }) => rank[severity]))
  fc.assert(
    fc.property(findings, (given) => {
      const folded = foldConsequences(given)

      assert.equal(worst(folded), worst(given))
      const told = folded.flatMap(({ object, owner, affects = [] }) => [object, owner, ...affects])
      for (const { object } of given) assert.ok(told.some(same(object)), `${object.name} is not told of`)
      const blamed = given.flatMap(({ affects = [] }) => affects)
      for (const one of given.filter(({ reason }) => reason === 'OOMKilled')) {
        if ([one.object, one.owner].some((subject) => blamed.some(same(subject)))) continue
        assert.ok(
          folded.some(
            ({ object, owner, reason, text }) =>
              JSON.stringify([object, owner, reason, text]) ===
              JSON.stringify([one.object, one.owner, one.reason, one.text]),
          ),
          'a cause that nothing explains is gone',
        )
      }
    }),
    { numRuns: 2_000 },
  )
})

test("a fault of its own is told although the workload also suffers from somebody else's", () => {
  const node = finding({ owner: ref('Node', 'worker-1', null), reason: 'KubeletSilent', affects: [crash.owner] })
  const ownCrash = { ...crash, object: ref('Pod', 'api-7-x') }

  assert.equal(foldConsequences([node, ownCrash]).length, 2)
})
