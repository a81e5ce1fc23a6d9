import assert from 'node:assert/strict'
import { test } from 'node:test'
import { scaledObject as analyzer } from '../../../../../src/tools/analyzers/rules/workloads/scaled-object.ts'
import { bearsDamage } from '../../damage.ts'
import { meta, snapshotOf } from '../../snapshot.ts'
import { deployment, event } from '../../workloads.ts'

type Objects = Parameters<typeof snapshotOf>[0]

const scaledObject = (more: { spec?: object; status?: object } = {}) => ({
  metadata: meta('queue'),
  spec: { scaleTargetRef: { name: 'api' }, triggers: [{ type: 'rabbitmq' }], ...more.spec },
  status: { conditions: [{ type: 'Ready', status: 'True' }], ...more.status },
})

const inspect = (one: object, more: Objects = {}) =>
  analyzer.inspect(
    snapshotOf({
      ScaledObject: [one],
      Deployment: [deployment()],
      ReplicaSet: [],
      StatefulSet: [],
      Pod: [],
      Event: [],
      ...more,
    }),
  )

test('a target without a kind is a Deployment, and is told when it does not exist', () => {
  const [finding] = inspect(scaledObject({ spec: { scaleTargetRef: { name: 'apis' } } }))

  assert.equal(finding?.reason, 'MissingScaleTarget')
  assert.match(finding.text, /Deployment apis does not exist, but there is a Deployment api\./)
})

test('a cpu trigger needs requests, a queue does not', () => {
  assert.equal(inspect(scaledObject({ spec: { triggers: [{ type: 'cpu' }] } }))[0]?.reason, 'MissingResourceRequest')
  assert.deepEqual(inspect(scaledObject({ spec: { triggers: [{ type: 'cpu', metricType: 'AverageValue' }] } })), [])
  assert.deepEqual(inspect(scaledObject()), [])
})

test('one that is not ready is told with the words of KEDA', () => {
  const unready = scaledObject({
    status: {
      conditions: [
        { type: 'Ready', status: 'False', reason: 'ScaledObjectCheckFailed', message: 'Failed to build scalers' },
      ],
    },
  })

  assert.equal(inspect(unready)[0]?.reason, 'ScaledObjectCheckFailed')
  assert.match(inspect(unready)[0]!.text, /Failed to build scalers/)
})

test('an event counts only while nothing better is known', () => {
  const warning = event('ScaledObject', 'queue', 'KEDAScalerFailed', 'connection refused')

  assert.equal(inspect(scaledObject({ status: { conditions: [] } }), { Event: [warning] })[0]?.confidence, 'medium')
  assert.deepEqual(inspect(scaledObject(), { Event: [warning] }), [])
})

test('damaged objects never make it throw', () => {
  bearsDamage(analyzer, {
    ScaledObject: [
      scaledObject({
        spec: { triggers: [{ type: 'cpu' }] },
        status: { conditions: [{ type: 'Ready', status: 'False' }] },
      }),
    ],
    Deployment: [deployment()],
    ReplicaSet: [],
    StatefulSet: [],
    Pod: [],
    Event: [event('ScaledObject', 'queue', 'KEDAScalerFailed', 'no')],
  })
})
