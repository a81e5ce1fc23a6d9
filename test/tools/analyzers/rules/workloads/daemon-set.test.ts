import assert from 'node:assert/strict'
import { test } from 'node:test'
import { daemonSet as analyzer } from '../../../../../src/tools/analyzers/rules/workloads/daemon-set.ts'
import { bearsDamage } from '../../damage.ts'
import { ago, meta, snapshotOf } from '../../snapshot.ts'
import { condition, event, pod, podWith, template } from '../../workloads.ts'

type Objects = Parameters<typeof snapshotOf>[0]

const daemonSet = (more: { status?: object; nodeSelector?: object } = {}) => ({
  metadata: meta('api'),
  spec: { template: template({ nodeSelector: more.nodeSelector }) },
  status: {
    observedGeneration: 1,
    desiredNumberScheduled: 2,
    numberReady: 2,
    updatedNumberScheduled: 2,
    ...more.status,
  },
})

const node = (name: string, more: { ready?: string; labels?: object; creationTimestamp?: string } = {}) => ({
  metadata: {
    name,
    labels: { 'kubernetes.io/os': 'linux', ...more.labels },
    creationTimestamp: more.creationTimestamp ?? ago(9, 'd'),
  },
  status: { conditions: [condition('Ready', more.ready ?? 'True')] },
})

const nodes = [node('worker-1'), node('worker-2')]
const unready = (nodeName = 'worker-1', since = ago(20)) =>
  podWith(
    { state: { running: {} } },
    {
      owner: 'DaemonSet',
      spec: { nodeName },
      status: { conditions: [condition('Ready', 'False', { lastTransitionTime: since })] },
    },
  )

const inspect = (one: object, more: Objects = {}) =>
  analyzer.inspect(snapshotOf({ DaemonSet: [one], Node: nodes, Pod: [unready()], Event: [], ...more }))

const short = { numberReady: 1 }

test('pods that are not ready are told with their nodes', () => {
  const [finding] = inspect(daemonSet({ status: short }))

  assert.equal(finding?.reason, 'ReplicasUnavailable')
  assert.equal(finding.severity, 'warning')
  assert.equal(finding.text, 'DaemonSet shop/api has 1 of 2 pods ready.')
  assert.ok(finding.evidence.some(({ value }) => value === 'worker-1'))
})

test('no pod ready at all is critical', () => {
  assert.equal(inspect(daemonSet({ status: { numberReady: 0 } }))[0]?.severity, 'critical')
})

test('a pod that just became unready is given two minutes, one of a rollout ten', () => {
  const rolling = { ...short, updatedNumberScheduled: 1 }

  assert.deepEqual(inspect(daemonSet({ status: short }), { Pod: [unready('worker-1', ago(1))] }), [])
  assert.deepEqual(inspect(daemonSet({ status: rolling }), { Pod: [unready('worker-1', ago(9))] }), [])
  assert.equal(inspect(daemonSet({ status: rolling }), { Pod: [unready('worker-1', ago(11))] }).length, 1)
})

test('pods on nodes that are not ready or have just joined are the nodes’ matter', () => {
  const dead = [node('worker-1', { ready: 'Unknown' }), node('worker-2')]
  const joined = [node('worker-1', { creationTimestamp: ago(2) }), node('worker-2')]

  assert.deepEqual(inspect(daemonSet({ status: short }), { Node: dead }), [])
  assert.deepEqual(inspect(daemonSet({ status: short }), { Node: joined }), [])
})

test('what keeps pods from being made is in the sentence', () => {
  const refused = event('DaemonSet', 'api', 'FailedCreate', 'exceeded quota: small')

  assert.match(inspect(daemonSet({ status: short }), { Event: [refused] })[0]!.text, /exceeded quota: small/)
})

const none = { desiredNumberScheduled: 0, numberReady: 0, updatedNumberScheduled: 0 }

test('a misspelt node label is a warning that shows what nodes have', () => {
  const [finding] = inspect(daemonSet({ status: none, nodeSelector: { 'kubernetes.io/os': 'Linux' } }), { Pod: [] })

  assert.equal(finding?.reason, 'NoMatchingNode')
  assert.equal(finding.severity, 'warning')
  assert.match(finding.text, /kubernetes\.io\/os=Linux .* there are nodes with kubernetes\.io\/os=linux/)
})

test('a DaemonSet for another platform wants no pod on purpose', () => {
  assert.deepEqual(
    inspect(daemonSet({ status: none, nodeSelector: { 'kubernetes.io/os': 'windows' } }), { Pod: [] }),
    [],
  )
  assert.deepEqual(
    inspect(daemonSet({ status: none, nodeSelector: { 'kubernetes.io/arch': 'arm64' } }), {
      Pod: [],
      Node: [node('worker-1', { labels: { 'kubernetes.io/arch': 'amd64' } })],
    }),
    [],
  )
})

test('a node label that no node has is only a hint: such nodes may come', () => {
  assert.equal(inspect(daemonSet({ status: none, nodeSelector: { gpu: 'yes' } }), { Pod: [] })[0]?.severity, 'info')
})

test('nodes that could not be read lack no label', () => {
  const snapshot = snapshotOf({
    DaemonSet: [daemonSet({ status: none, nodeSelector: { gpu: 'yes' } })],
    Pod: [],
    Event: [],
  })

  assert.deepEqual(analyzer.inspect(snapshot), [])
})

test('a DaemonSet that is well, or not yet seen by its controller, gives nothing', () => {
  assert.deepEqual(inspect(daemonSet(), { Pod: [pod({ owner: 'DaemonSet' })] }), [])
  assert.deepEqual(inspect(daemonSet({ status: { ...short, observedGeneration: 0 } })), [])
  assert.deepEqual(inspect({ metadata: meta('api') }), [])
})

test('damaged DaemonSets never make it throw', () => {
  bearsDamage(analyzer, {
    DaemonSet: [
      daemonSet({ status: short }),
      daemonSet({ status: none, nodeSelector: { 'kubernetes.io/os': 'Linux' } }),
    ],
    Node: nodes,
    Pod: [unready()],
    Event: [event('DaemonSet', 'api', 'FailedCreate', 'no')],
  })
})
