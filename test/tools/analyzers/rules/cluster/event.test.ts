import assert from 'node:assert/strict'
import { test } from 'node:test'
import { event as analyzer } from '../../../../../src/tools/analyzers/rules/cluster/event.ts'
import { bearsDamage, type Objects } from '../../damage.ts'
import { ago, snapshotOf } from '../../snapshot.ts'
import { event, pod, replicaSet } from '../../workloads.ts'

const inspect = (objects: Objects) => analyzer.inspect(snapshotOf({ Event: [], Pod: [], ReplicaSet: [], ...objects }))

const storm = (more: object = {}) =>
  event('Pod', 'api-1-a', 'Unhealthy', 'Readiness probe failed', { count: 120, firstTimestamp: ago(60), ...more })

test('the same warning very often is one finding of its workload', () => {
  const events = [
    storm({ count: 60 }),
    storm({ count: 60, involvedObject: { kind: 'Pod', namespace: 'shop', name: 'api-1-b' } }),
  ]
  const pods = [pod(), pod({ name: 'api-1-b' })]

  const [finding, ...more] = inspect({ Event: events, Pod: pods, ReplicaSet: [replicaSet()] })

  assert.equal(finding?.severity, 'info')
  assert.equal(finding.text, 'The warning Unhealthy was recorded 120 times about 2 objects of Deployment shop/api.')
  assert.equal(finding.since, ago(60))
  assert.deepEqual(more, [])
})

test('counts of the newer event form are read too', () => {
  const modern = {
    count: undefined,
    series: { count: 150, lastObservedTime: ago(1) },
    eventTime: ago(50),
    firstTimestamp: undefined,
  }

  assert.equal(inspect({ Event: [storm(modern)] }).length, 1)
})

test('seldom, over, normal or long-drawn-out is no storm', () => {
  const calm = [
    storm({ count: 99 }),
    storm({ lastTimestamp: ago(31) }),
    storm({ type: 'Normal' }),
    storm({ firstTimestamp: ago(3, 'h') }),
  ]

  for (const one of calm) assert.deepEqual(inspect({ Event: [one] }), [])
})

test('different warnings do not add up', () => {
  assert.deepEqual(inspect({ Event: [storm({ count: 60 }), storm({ count: 60, reason: 'BackOff' })] }), [])
})

test('events about nothing never make it throw', () => {
  bearsDamage(analyzer, { Event: [storm(), storm({ involvedObject: undefined })], Pod: [pod()] })
})
