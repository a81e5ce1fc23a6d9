import assert from 'node:assert/strict'
import { test } from 'node:test'
import { statefulSet as analyzer } from '../../../../../src/tools/analyzers/rules/workloads/stateful-set.ts'
import { bearsDamage } from '../../damage.ts'
import { ago, meta, snapshotOf } from '../../snapshot.ts'
import { event, pod, podWith, template } from '../../workloads.ts'

type Objects = Parameters<typeof snapshotOf>[0]

const statefulSet = (more: { spec?: object; status?: object } = {}) => ({
  metadata: meta('api'),
  spec: { replicas: 3, serviceName: 'api', template: template(), ...more.spec },
  status: { observedGeneration: 1, replicas: 3, readyReplicas: 3, availableReplicas: 3, ...more.status },
})

const member = (ordinal: number) => pod({ name: `api-${ordinal}`, owner: 'StatefulSet' })
const unready = (ordinal: number, more: object = {}) =>
  podWith({ state: { running: {} } }, { name: `api-${ordinal}`, owner: 'StatefulSet', ...more })

const inspect = (one: object, pods: object[] = [], more: Objects = {}) =>
  analyzer.inspect(
    snapshotOf({
      StatefulSet: [one],
      Pod: pods,
      Service: [{ metadata: meta('api') }],
      StorageClass: [],
      Event: [],
      ...more,
    }),
  )

const short = { readyReplicas: 1, availableReplicas: 1 }

test('a serviceName that leads nowhere is told, an empty one is allowed', () => {
  const [finding] = inspect(statefulSet({ spec: { serviceName: 'api-headless' } }))

  assert.equal(finding?.reason, 'MissingService')
  assert.match(finding.text, /Service api-headless/)
  assert.deepEqual(inspect(statefulSet({ spec: { serviceName: '' } })), [])
})

test('Services that could not be read are not missing', () => {
  const snapshot = snapshotOf({ StatefulSet: [statefulSet()], Pod: [], Event: [] }, [
    { kind: 'Service', gap: 'forbidden', message: 'no' },
  ])

  assert.deepEqual(analyzer.inspect(snapshot), [])
})

test('a StorageClass that does not exist is told while claims still have to be made', () => {
  const claim = { volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: { storageClassName: 'fast' } }] }

  assert.equal(inspect(statefulSet({ spec: claim, status: short }))[0]?.reason, 'MissingStorageClass')
  assert.deepEqual(inspect(statefulSet({ spec: claim })), [])
})

test('the first ordinal that is not ready is named, although it runs', () => {
  const [finding] = inspect(statefulSet({ status: short }), [member(0), unready(1), unready(2)])

  assert.equal(finding?.reason, 'ReplicasUnavailable')
  assert.equal(finding.severity, 'warning')
  assert.match(
    finding.text,
    /1 of 3 replicas available; the first that is not is api-1, which is Running but not ready\./,
  )
  assert.equal(finding.next, 'k8s_get_pod name=api-1 namespace=shop')
})

test('a missing ordinal is named with what the set says about it, counted from its start', () => {
  const set = statefulSet({ spec: { ordinals: { start: 5 } }, status: short })
  const refused = event('StatefulSet', 'api', 'FailedCreate', 'create Pod api-6 failed: forbidden')

  const [finding] = inspect(set, [member(5)], { Event: [refused] })

  assert.match(finding!.text, /api-6, which does not exist: create Pod api-6 failed: forbidden\./)
})

test('nothing ready is critical', () => {
  assert.equal(inspect(statefulSet({ status: { readyReplicas: 0, availableReplicas: 0 } }))[0]?.severity, 'critical')
})

test('a rollout in which a pod changed in the last ten minutes gets on', () => {
  const fresh = unready(1, { metadata: { creationTimestamp: ago(3) } })

  assert.deepEqual(inspect(statefulSet({ status: short }), [member(0), fresh]), [])
})

test('a pod gap is not concluded when pods could not be read', () => {
  const snapshot = snapshotOf({ StatefulSet: [statefulSet({ status: short })], Service: [{ metadata: meta('api') }] })

  assert.match(analyzer.inspect(snapshot)[0]!.text, /1 of 3 replicas available\.$/)
})

test('a set that is well, asleep, or not yet seen by its controller gives nothing', () => {
  assert.deepEqual(inspect(statefulSet(), [member(0)]), [])
  assert.deepEqual(
    inspect(statefulSet({ spec: { replicas: 0, serviceName: 'gone' }, status: { availableReplicas: 0 } })),
    [],
  )
  assert.deepEqual(inspect(statefulSet({ status: { ...short, observedGeneration: 0 } })), [])
  assert.deepEqual(inspect({ metadata: meta('api') }), [])
})

test('damaged StatefulSets never make it throw', () => {
  bearsDamage(analyzer, {
    StatefulSet: [
      statefulSet({
        spec: {
          serviceName: 'gone',
          volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: { storageClassName: 'x' } }],
        },
        status: short,
      }),
    ],
    Pod: [member(0), unready(1)],
    Service: [],
    StorageClass: [],
    Event: [event('StatefulSet', 'api', 'FailedCreate', 'no')],
  })
})
