import assert from 'node:assert/strict'
import { test } from 'node:test'
import { autoscaler as analyzer } from '../../../../../src/tools/analyzers/rules/workloads/autoscaler.ts'
import { bearsDamage } from '../../damage.ts'
import { ago, meta, snapshotOf } from '../../snapshot.ts'
import { condition, deployment, pod, replicaSet, template } from '../../workloads.ts'

type Objects = Parameters<typeof snapshotOf>[0]

const cpu = { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 70 } } }

const autoscaler = (more: { spec?: object; status?: object } = {}) => ({
  metadata: meta('api'),
  spec: {
    minReplicas: 2,
    maxReplicas: 8,
    scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'api' },
    metrics: [cpu],
    ...more.spec,
  },
  status: { currentReplicas: 2, desiredReplicas: 2, ...more.status },
})

const requesting = deployment({
  spec: { template: template({ containers: [{ name: 'app', resources: { requests: { cpu: '50m' } } }] }) },
})

const inspect = (one: object, more: Objects = {}) =>
  analyzer.inspect(
    snapshotOf({
      HorizontalPodAutoscaler: [one],
      Deployment: [requesting],
      ReplicaSet: [],
      StatefulSet: [],
      Pod: [],
      ...more,
    }),
  )

const withCondition = (type: string, status: string, more: object) =>
  autoscaler({ status: { conditions: [condition(type, status, more)] } })

test('a target that does not exist is told alone, with the name that was meant', () => {
  const lost = autoscaler({
    spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'api-gateway' } },
    status: { conditions: [condition('AbleToScale', 'False', { reason: 'FailedGetScale' })] },
  })

  const [finding, ...others] = inspect(lost)

  assert.equal(finding?.reason, 'MissingScaleTarget')
  assert.match(finding.text, /Deployment api-gateway does not exist, but there is a Deployment api\./)
  assert.deepEqual(others, [])
})

test('any kind may be scaled, so a kind that cannot be looked up is not missing', () => {
  const rollout = { scaleTargetRef: { apiVersion: 'argoproj.io/v1alpha1', kind: 'Rollout', name: 'api' } }
  const foreign = { scaleTargetRef: { apiVersion: 'acme.io/v1', kind: 'Deployment', name: 'other' } }

  assert.deepEqual(inspect(autoscaler({ spec: rollout })), [])
  assert.deepEqual(inspect(autoscaler({ spec: foreign })), [])
})

test('a target that could not be read is not missing', () => {
  const snapshot = snapshotOf({ HorizontalPodAutoscaler: [autoscaler()], Pod: [] }, [
    { kind: 'Deployment', gap: 'forbidden', message: 'no' },
  ])

  assert.deepEqual(analyzer.inspect(snapshot), [])
})

test('one container without the request is enough to break the count', () => {
  const half = deployment({
    spec: {
      template: template({ containers: [{ name: 'app', resources: { requests: { cpu: '1' } } }, { name: 'shipper' }] }),
    },
  })

  const [finding] = inspect(autoscaler(), { Deployment: [half] })

  assert.equal(finding?.reason, 'MissingResourceRequest')
  assert.match(finding.text, /1 container of Deployment api requests none: shipper \(cpu\)\.$/)
})

test('a limit alone is a request too, and so is what a LimitRange gave the pods', () => {
  const limited = deployment({
    spec: { template: template({ containers: [{ name: 'app', resources: { limits: { cpu: '1' } } }] }) },
  })
  const given = pod({ spec: { containers: [{ name: 'app', resources: { requests: { cpu: '100m' } } }] } })

  assert.deepEqual(inspect(autoscaler(), { Deployment: [limited] }), [])
  assert.deepEqual(inspect(autoscaler(), { Deployment: [deployment()], ReplicaSet: [replicaSet()], Pod: [given] }), [])
})

test('an average value needs no request, and a container metric only that of its container', () => {
  const average = { type: 'Resource', resource: { name: 'cpu', target: { type: 'AverageValue' } } }
  const one = {
    type: 'ContainerResource',
    containerResource: { name: 'cpu', container: 'app', target: { type: 'Utilization' } },
  }
  const half = deployment({
    spec: {
      template: template({ containers: [{ name: 'app', resources: { requests: { cpu: '1' } } }, { name: 'shipper' }] }),
    },
  })

  assert.deepEqual(inspect(autoscaler({ spec: { metrics: [average] } }), { Deployment: [deployment()] }), [])
  assert.deepEqual(inspect(autoscaler({ spec: { metrics: [one] } }), { Deployment: [half] }), [])
})

test('an autoscaler that cannot count is told after five minutes', () => {
  const blind = (since: string) =>
    withCondition('ScalingActive', 'False', {
      reason: 'FailedGetResourceMetric',
      message: 'no metrics',
      lastTransitionTime: since,
    })

  assert.equal(inspect(blind(ago(6)))[0]?.reason, 'FailedGetResourceMetric')
  assert.match(inspect(blind(ago(6)))[0]!.text, /no metrics/)
  assert.deepEqual(inspect(blind(ago(4))), [])
})

test('a target that is scaled to zero is not an inactive autoscaler', () => {
  assert.deepEqual(inspect(withCondition('ScalingActive', 'False', { reason: 'ScalingDisabled' })), [])
})

test('an autoscaler at its maximum is a hint after a quarter of an hour', () => {
  const limited = (since: string) =>
    withCondition('ScalingLimited', 'True', { reason: 'TooManyReplicas', lastTransitionTime: since })

  assert.equal(inspect(limited(ago(16)))[0]?.severity, 'info')
  assert.deepEqual(inspect(limited(ago(14))), [])
})

test('resting at the minimum is what an autoscaler is for', () => {
  assert.deepEqual(inspect(withCondition('ScalingLimited', 'True', { reason: 'TooFewReplicas' })), [])
})

test('an autoscaler without spec or status gives nothing', () => {
  assert.deepEqual(inspect({ metadata: meta('api') }), [])
})

test('damaged autoscalers never make it throw', () => {
  bearsDamage(analyzer, {
    HorizontalPodAutoscaler: [
      withCondition('ScalingActive', 'False', { reason: 'X' }),
      autoscaler({ spec: { scaleTargetRef: { kind: 'Deployment', name: 'gone' } } }),
    ],
    Deployment: [deployment()],
    ReplicaSet: [replicaSet()],
    StatefulSet: [],
    Pod: [pod()],
  })
})
