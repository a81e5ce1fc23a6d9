import assert from 'node:assert/strict'
import { test } from 'node:test'
import { apiService } from '../../../../../src/tools/analyzers/rules/cluster/api-service.ts'
import { bearsDamage, type Objects } from '../../damage.ts'
import { ago, meta, snapshotOf } from '../../snapshot.ts'

const inspect = (objects: Objects) =>
  apiService.inspect(snapshotOf({ APIService: [], HorizontalPodAutoscaler: [], Namespace: [], ...objects }))

const metrics = (status: string, since = ago(10)) => ({
  metadata: meta('v1beta1.metrics.k8s.io', { namespace: undefined }),
  spec: { group: 'metrics.k8s.io', version: 'v1beta1', service: { namespace: 'kube-system', name: 'metrics-server' } },
  status: {
    conditions: [
      { type: 'Available', status, reason: 'MissingEndpoints', message: 'no endpoints', lastTransitionTime: since },
    ],
  },
})

const scaler = (reason: string) => ({
  metadata: meta('api'),
  status: { conditions: [{ type: 'ScalingActive', status: 'False', reason }] },
})

test('an API that does not answer is reported with the reason of the API server', () => {
  const [finding] = inspect({ APIService: [metrics('False')] })

  assert.deepEqual([finding?.reason, finding?.severity], ['APIServiceUnavailable', 'warning'])
  assert.match(finding!.evidence[0]!.value, /MissingEndpoints no endpoints/)
})

test('it is critical for those who need it, and explains their trouble', () => {
  const objects = { APIService: [metrics('False')], HorizontalPodAutoscaler: [scaler('FailedGetResourceMetric')] }

  const [finding] = inspect(objects)

  assert.equal(finding?.severity, 'critical')
  assert.deepEqual(finding.affects, [{ kind: 'HorizontalPodAutoscaler', namespace: 'shop', name: 'api' }])
})

test('autoscalers with other troubles are not explained by it', () => {
  const objects = { APIService: [metrics('False')], HorizontalPodAutoscaler: [scaler('ScalingDisabled')] }

  assert.equal(inspect(objects)[0]?.affects, undefined)
})

test('a namespace that cannot be deleted for lack of the API is affected', () => {
  const condition = {
    type: 'NamespaceDeletionDiscoveryFailure',
    status: 'True',
    message: 'unable to retrieve the complete list of server APIs: metrics.k8s.io/v1beta1: stale',
  }
  const legacy = {
    metadata: meta('legacy', { namespace: undefined, deletionTimestamp: ago(20) }),
    status: { conditions: [condition] },
  }
  const held = {
    ...legacy,
    status: { conditions: [condition, { type: 'NamespaceFinalizersRemaining', status: 'True' }] },
  }

  assert.deepEqual(inspect({ APIService: [metrics('False')], Namespace: [legacy] })[0]?.affects, [
    { kind: 'Namespace', name: 'legacy' },
  ])
  assert.equal(inspect({ APIService: [metrics('False')], Namespace: [held] })[0]?.affects, undefined)
})

test('available, local and just now restarted APIs are fine', () => {
  const local = { ...metrics('False'), spec: { group: 'apps', version: 'v1' } }

  assert.deepEqual(inspect({ APIService: [metrics('True')] }), [])
  assert.deepEqual(inspect({ APIService: [local] }), [])
  assert.deepEqual(inspect({ APIService: [metrics('False', ago(1))] }), [])
})

test('it answers whatever is missing or of another shape', () => {
  bearsDamage(apiService, {
    APIService: [metrics('False')],
    HorizontalPodAutoscaler: [scaler('FailedGetResourceMetric')],
    Namespace: [{ metadata: meta('legacy', { deletionTimestamp: ago(20) }) }],
  })
})
