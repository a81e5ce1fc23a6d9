import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findingId } from '../../../../../src/tools/analyzers/analyzer.ts'
import { deployment as deploymentAnalyzer } from '../../../../../src/tools/analyzers/rules/workloads/deployment.ts'
import { replicaSet as analyzer } from '../../../../../src/tools/analyzers/rules/workloads/replica-set.ts'
import { bearsDamage } from '../../damage.ts'
import { ago, snapshotOf } from '../../snapshot.ts'
import { condition, deployment, replicaSet } from '../../workloads.ts'

const refusal = (more: object = {}) =>
  condition('ReplicaFailure', 'True', { reason: 'FailedCreate', message: 'pods "api-1-x" is forbidden: no', ...more })

const snapshot = (one: object) =>
  snapshotOf({ ReplicaSet: [one], Deployment: [deployment({ status: { conditions: [refusal()] } })] })

test('a refusal is told under the Deployment, also when some pods exist', () => {
  const [finding] = analyzer.inspect(snapshot(replicaSet({ status: { replicas: 1, conditions: [refusal()] } })))

  assert.equal(finding?.reason, 'FailedCreate')
  assert.deepEqual(finding.owner, { kind: 'Deployment', namespace: 'shop', name: 'api' })
  assert.match(finding.text, /ReplicaSet shop\/api-1 cannot make its pods: pods "api-1-x" is forbidden: no\./)
})

test('the ReplicaSet and its Deployment tell the same fault', () => {
  const both = snapshot(replicaSet({ status: { conditions: [refusal()] } }))

  assert.equal(findingId(analyzer.inspect(both)[0]!), findingId(deploymentAnalyzer.inspect(both)[0]!))
})

test('old ReplicaSets, refusals of the last minute, and good ones give nothing', () => {
  const quiet = [
    replicaSet({ spec: { replicas: 0 }, status: { conditions: [refusal()] } }),
    replicaSet({ status: { conditions: [refusal({ lastTransitionTime: ago(30, 's') })] } }),
    replicaSet({ status: { conditions: [condition('ReplicaFailure', 'False')] } }),
    replicaSet(),
  ]

  for (const one of quiet) assert.deepEqual(analyzer.inspect(snapshot(one)), [])
})

test('damaged ReplicaSets never make it throw', () => {
  bearsDamage(analyzer, {
    ReplicaSet: [replicaSet({ status: { conditions: [refusal()] } })],
    Deployment: [deployment()],
  })
})
