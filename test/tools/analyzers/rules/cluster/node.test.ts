import assert from 'node:assert/strict'
import { test } from 'node:test'
import { node } from '../../../../../src/tools/analyzers/rules/cluster/node.ts'
import { bearsDamage, type Objects } from '../../damage.ts'
import { ago, snapshotOf } from '../../snapshot.ts'
import { condition, deployment, pod, replicaSet } from '../../workloads.ts'

const inspect = (objects: Objects) => node.inspect(snapshotOf({ Node: [], Pod: [], ...objects }))

interface NodeOptions {
  labels?: object
  spec?: object
  conditions?: object[]
  version?: string
}

const machine = (
  name: string,
  { labels = {}, spec = {}, conditions = [condition('Ready', 'True')], version }: NodeOptions = {},
) => ({
  metadata: { name, labels, creationTimestamp: ago(30, 'd') },
  spec,
  status: { conditions, ...(version && { nodeInfo: { kubeletVersion: version } }) },
})

const unknown = (time = ago(3)) => ({
  conditions: [
    condition('Ready', 'Unknown', {
      reason: 'NodeStatusUnknown',
      message: 'Kubelet stopped posting node status.',
      lastTransitionTime: time,
    }),
    condition('MemoryPressure', 'Unknown'),
  ],
})

const healthy = ['a', 'b', 'c'].map((name) => machine(name))

test('a node that is not ready is one finding with its reason and the pods that go with it', () => {
  const lost = pod({ status: { conditions: [condition('Ready', 'False')] } })

  const findings = inspect({ Node: [...healthy, machine('worker-1', unknown())], Pod: [lost] })

  assert.equal(findings.length, 1)
  assert.equal(findings[0]?.severity, 'warning')
  assert.equal(findings[0].text, 'Node worker-1 has Ready=Unknown (NodeStatusUnknown), with 1 pod on it.')
  assert.equal(findings[0].since, ago(3))
})

test('a node has two minutes to come back, and a new one to come up', () => {
  const starting = { ...machine('new', { conditions: [] }), metadata: { name: 'new', creationTimestamp: ago(1) } }

  assert.deepEqual(inspect({ Node: [...healthy, machine('worker-1', unknown(ago(1))), starting] }), [])
})

test('a node without any condition is not ready either', () => {
  assert.match(inspect({ Node: [...healthy, machine('d', { conditions: [] })] })[0]?.text ?? '', /no Ready condition/)
})

test('losing the control plane or more than a third of the nodes is critical', () => {
  const severities = (nodes: object[]) => inspect({ Node: nodes }).map(({ severity }) => severity)
  const controlPlane = machine('cp', { ...unknown(), labels: { 'node-role.kubernetes.io/control-plane': '' } })

  assert.deepEqual(severities([...healthy, controlPlane]), ['critical'])
  assert.deepEqual(severities([machine('a'), machine('b'), machine('x', unknown())]), ['warning'])
  assert.deepEqual(severities([machine('a'), machine('x', unknown()), machine('y', unknown())]), [
    'critical',
    'critical',
  ])
})

test('lost pods, their homeless replacements and their workload are consequences', () => {
  const lost = pod({ status: { conditions: [condition('Ready', 'False')] } })
  const homeless = pod({
    name: 'api-1-b',
    metadata: { creationTimestamp: ago(1) },
    spec: { nodeName: undefined },
    status: { phase: 'Pending', conditions: [] },
  })
  const objects = {
    Node: [...healthy, machine('worker-1', unknown())],
    ReplicaSet: [replicaSet()],
    Deployment: [deployment()],
  }
  const elsewhere = pod({
    name: 'api-1-c',
    spec: { nodeName: 'a' },
    status: { conditions: [condition('Ready', 'False')] },
  })
  const names = (pods: object[]) =>
    inspect({ ...objects, Pod: pods })[0]?.affects?.map(({ kind, name }) => `${kind}/${name}`)

  assert.deepEqual(names([lost, homeless]), ['Pod/api-1-a', 'Pod/api-1-b', 'Deployment/api'])
  assert.deepEqual(names([lost, elsewhere]), ['Pod/api-1-a'])
})

test('pressure is reported after a minute, with the pods that were driven away', () => {
  const conditions = (time: string) => [
    condition('Ready', 'True'),
    condition('DiskPressure', 'True', { reason: 'KubeletHasDiskPressure', lastTransitionTime: time }),
  ]
  const evicted = pod({
    status: { phase: 'Failed', reason: 'Evicted', message: 'The node was low on ephemeral-storage.' },
  })

  const [finding] = inspect({ Node: [machine('worker-1', { conditions: conditions(ago(1)) })], Pod: [evicted] })

  assert.equal(finding?.reason, 'DiskPressure')
  assert.match(finding.text, /DiskPressure=True \(KubeletHasDiskPressure\); 1 pod on it was evicted/)
  assert.deepEqual(
    finding.affects?.map(({ name }) => name),
    ['api-1-a'],
  )
  assert.deepEqual(inspect({ Node: [machine('worker-1', { conditions: conditions(ago(30, 's')) })] }), [])
})

test('conditions of unknown types are not judged', () => {
  const conditions = [
    condition('Ready', 'True'),
    condition('EtcdIsVoter', 'True'),
    condition('KernelDeadlock', 'False'),
    condition('ReadonlyFilesystem', 'True'),
  ]

  assert.deepEqual(inspect({ Node: [machine('a', { conditions })] }), [])
})

test('a node that stays cordoned for a day is a hint', () => {
  const cordoned = (time: string) =>
    machine('a', {
      spec: {
        unschedulable: true,
        taints: [{ key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule', timeAdded: time }],
      },
    })

  const [finding] = inspect({ Node: [cordoned(ago(24, 'h'))] })

  assert.equal(finding?.reason, 'Cordoned')
  assert.equal(finding.severity, 'info')
  assert.deepEqual(inspect({ Node: [cordoned(ago(23, 'h'))] }), [])
})

test('a NoExecute taint counts only while it drives pods away', () => {
  const reserved = machine('worker-1', { spec: { taints: [{ key: 'dedicated', effect: 'NoExecute' }] } })
  const leaving = pod({
    status: { conditions: [condition('DisruptionTarget', 'True', { reason: 'DeletionByTaintManager' })] },
  })

  assert.deepEqual(inspect({ Node: [reserved], Pod: [pod()] }), [])
  assert.equal(inspect({ Node: [reserved], Pod: [leaving] })[0]?.reason, 'TaintEvicts')
})

test('a kubelet more than three minor versions behind others is outside what is supported', () => {
  const versions = (old: string) =>
    inspect({ Node: [machine('a', { version: 'v1.36.3' }), machine('b', { version: old })] })

  const [finding] = versions('v1.32.9+k3s1')

  assert.equal(finding?.reason, 'KubeletTooOld')
  assert.match(finding.text, /Node b runs kubelet v1\.32\.9\+k3s1/)
  assert.deepEqual(versions('v1.33.0'), [])
  assert.deepEqual(versions('fake'), [])
})

test('damaged nodes never make it throw', () => {
  bearsDamage(node, {
    Node: [
      machine('a', { version: 'v1.36.3' }),
      machine('worker-1', unknown()),
      machine('b', {
        spec: { unschedulable: true, taints: [{ key: 'x', effect: 'NoExecute' }] },
        conditions: [condition('Ready', 'True'), condition('PIDPressure', 'True')],
      }),
    ],
    Pod: [
      pod({ status: { conditions: [condition('Ready', 'False')] } }),
      pod({ name: 'b', spec: { nodeName: 'b' }, status: { reason: 'Evicted' } }),
    ],
  })
})
