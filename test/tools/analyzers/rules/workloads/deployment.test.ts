import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deployment as analyzer } from '../../../../../src/tools/analyzers/rules/workloads/deployment.ts'
import { bearsDamage } from '../../damage.ts'
import { ago, meta, snapshotOf } from '../../snapshot.ts'
import { condition, deployment, pod, podWith, replicaSet } from '../../workloads.ts'

const inspect = (one: object, pods: object[] = []) =>
  analyzer.inspect(snapshotOf({ Deployment: [one], ReplicaSet: [replicaSet()], Pod: pods }))

const progressing = (status: string, reason: string, lastUpdateTime = ago(1, 'h')) =>
  condition('Progressing', status, { reason, lastUpdateTime, message: 'ReplicaSet "api-2" has timed out progressing.' })

test('a rollout past its deadline is told, and is critical when nothing serves', () => {
  const stuck = (availableReplicas: number) =>
    deployment({ status: { availableReplicas, conditions: [progressing('False', 'ProgressDeadlineExceeded')] } })

  const [finding, ...others] = inspect(stuck(2))

  assert.equal(finding?.reason, 'ProgressDeadlineExceeded')
  assert.equal(finding.severity, 'warning')
  assert.match(finding.text, /timed out progressing/)
  assert.match(finding.next, /k8s_rollout_undo name=api/)
  assert.equal(inspect(stuck(0))[0]?.severity, 'critical')
  assert.deepEqual(others, [])
})

test('replicas that are missing for longer than the deadline are told', () => {
  const short = (more: object = {}) =>
    deployment({
      status: {
        availableReplicas: 1,
        conditions: [progressing('True', 'NewReplicaSetAvailable'), condition('Available', 'True')],
      },
      ...more,
    })

  const [finding] = inspect(short())

  assert.equal(finding?.reason, 'ReplicasUnavailable')
  assert.equal(finding.text, 'Deployment shop/api has 1 of 2 replicas available.')
  assert.deepEqual(inspect(short({ spec: { progressDeadlineSeconds: 7200 } })), [])
})

test('a rollout that gets on is left alone, however long ago it began', () => {
  const rolling = deployment({
    status: { availableReplicas: 1, conditions: [progressing('True', 'ReplicaSetUpdated', ago(2))] },
  })

  assert.deepEqual(inspect(rolling), [])
})

test('a pod of a settled Deployment that has only just become unready is given time', () => {
  const one = deployment({
    status: { availableReplicas: 1, conditions: [progressing('True', 'NewReplicaSetAvailable')] },
  })
  const unready = (lastTransitionTime: string) =>
    podWith(
      { state: { running: {} } },
      { status: { conditions: [condition('Ready', 'False', { lastTransitionTime })] } },
    )

  assert.deepEqual(inspect(one, [unready(ago(1)), pod({ name: 'api-1-b' })]), [])
  assert.equal(inspect(one, [unready(ago(11)), pod({ name: 'api-1-b' })])[0]?.since, ago(11))
})

test('a status about an older spec says nothing', () => {
  const unseen = deployment({ metadata: { generation: 2 }, status: { availableReplicas: 0 } })

  assert.deepEqual(inspect(unseen), [])
})

test('pods that may not be made are told with the reason of the refusal', () => {
  const denied = deployment({
    status: {
      availableReplicas: 1,
      conditions: [
        condition('ReplicaFailure', 'True', {
          reason: 'FailedCreate',
          message: 'pods "api-1-x" is forbidden: exceeded quota: small',
        }),
        progressing('False', 'ProgressDeadlineExceeded'),
      ],
    },
  })

  const findings = inspect(denied)

  assert.equal(findings[0]?.reason, 'FailedCreate')
  assert.match(findings[0]!.text, /Deployment shop\/api cannot make its pods: .*exceeded quota: small\./)
})

test('a refusal of the last minute may pass', () => {
  const denied = deployment({
    status: {
      conditions: [condition('ReplicaFailure', 'True', { reason: 'FailedCreate', lastTransitionTime: ago(30, 's') })],
    },
  })

  assert.deepEqual(inspect(denied), [])
})

test('what is scaled to zero, paused, or well gives nothing', () => {
  const none = deployment({
    spec: { replicas: 0 },
    status: { replicas: 0, availableReplicas: 0, conditions: [progressing('False', 'X')] },
  })
  const paused = deployment({ spec: { paused: true }, status: { availableReplicas: 0 } })

  assert.deepEqual(inspect(none), [])
  assert.deepEqual(inspect(paused), [])
  assert.deepEqual(inspect(deployment()), [])
  assert.deepEqual(inspect({ metadata: meta('api') }), [])
})

test('absent replicas count as one', () => {
  const [finding] = inspect(deployment({ spec: { replicas: undefined }, status: { availableReplicas: 0 } }))

  assert.match(finding!.text, /0 of 1 replicas/)
  assert.equal(finding?.severity, 'critical')
})

test('damaged Deployments never make it throw', () => {
  bearsDamage(analyzer, {
    Deployment: [
      deployment({
        status: {
          availableReplicas: 0,
          conditions: [progressing('False', 'ProgressDeadlineExceeded'), condition('ReplicaFailure', 'True')],
        },
      }),
    ],
    ReplicaSet: [replicaSet()],
    Pod: [podWith({})],
  })
})
