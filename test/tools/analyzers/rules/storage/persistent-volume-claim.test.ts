import assert from 'node:assert/strict'
import { test } from 'node:test'
import { persistentVolumeClaim } from '../../../../../src/tools/analyzers/rules/storage/persistent-volume-claim.ts'
import { bearsDamage, type Objects } from '../../damage.ts'
import { ago, meta, snapshotOf } from '../../snapshot.ts'
import { condition, event, pod } from '../../workloads.ts'

const nothing: Objects = { PersistentVolumeClaim: [], PersistentVolume: [], StorageClass: [], Pod: [], Event: [] }

const inspect = (objects: Objects, unread: Parameters<typeof snapshotOf>[1] = []) =>
  persistentVolumeClaim.inspect(snapshotOf({ ...nothing, ...objects }, unread))

const claim = (more: { metadata?: object; spec?: object; status?: object } = {}) => ({
  metadata: meta('data', more.metadata),
  spec: { resources: { requests: { storage: '10Gi' } }, ...more.spec },
  status: { phase: 'Pending', ...more.status },
})

const storageClass = (name: string, volumeBindingMode: string, annotations: object = {}) => ({
  metadata: { name, annotations },
  provisioner: 'csi.example.com',
  volumeBindingMode,
})
const fast = storageClass('fast', 'Immediate')
const lazy = storageClass('lazy', 'WaitForFirstConsumer')
const standard = storageClass('standard', 'Immediate', { 'storageclass.kubernetes.io/is-default-class': 'true' })

const waitingPod = (name: string, more: { metadata?: object; status?: object } = {}) =>
  pod({
    name,
    metadata: { creationTimestamp: ago(20), ...more.metadata },
    spec: { nodeName: undefined, volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }] },
    status: { phase: 'Pending', conditions: [], containerStatuses: [], ...more.status },
  })

const unscheduled = (message: string) => ({
  conditions: [condition('PodScheduled', 'False', { reason: 'Unschedulable', message })],
})

test('a claim without a class waits for ever where no class is the default', () => {
  const events = [event('PersistentVolumeClaim', 'data', 'FailedBinding', 'no persistent volumes available')]

  const [finding] = inspect({ PersistentVolumeClaim: [claim()], StorageClass: [fast], Event: events })

  assert.equal(finding?.reason, 'NoDefaultStorageClass')
  assert.equal(finding.severity, 'warning')
  assert.equal(finding.since, ago(1, 'h'))
  assert.equal(
    finding.text,
    'PersistentVolumeClaim shop/data is Pending: it names no StorageClass, and no StorageClass is the default.',
  )
  assert.deepEqual(
    finding.evidence.map(({ path, value }) => `${path}: ${value}`),
    ['status.phase: Pending', 'spec.storageClassName: not set', 'event/FailedBinding: no persistent volumes available'],
  )
})

test('the class that a claim names does not exist', () => {
  const [finding] = inspect({
    PersistentVolumeClaim: [claim({ spec: { storageClassName: 'fsat' } })],
    StorageClass: [fast],
  })

  assert.equal(finding?.reason, 'StorageClassNotFound')
  assert.match(finding.text, /its StorageClass fsat does not exist/)
  assert.equal(finding.field, 'spec.storageClassName')
})

test('the annotation from before the field names a class too', () => {
  const metadata = { annotations: { 'volume.beta.kubernetes.io/storage-class': 'old' } }

  assert.match(inspect({ PersistentVolumeClaim: [claim({ metadata })] })[0]?.text ?? '', /StorageClass old/)
})

test('no class is called missing when classes could not be read', () => {
  const forbidden = { kind: 'StorageClass', gap: 'forbidden', message: '' } as const
  const typo = claim({ metadata: { name: 'typo' }, spec: { storageClassName: 'fsat' } })
  const objects = { PersistentVolumeClaim: [claim(), typo] }

  const reasons = inspect(objects, [forbidden]).map(({ reason }) => reason)

  assert.deepEqual(reasons, ['ClaimPending', 'ClaimPending'])
})

test('a class name that only hand-made volumes carry is not called missing', () => {
  const volume = { metadata: { name: 'pv-1' }, spec: { storageClassName: 'manual' }, status: { phase: 'Bound' } }

  const [finding] = inspect({
    PersistentVolumeClaim: [claim({ spec: { storageClassName: 'manual' } })],
    PersistentVolume: [volume],
  })

  assert.equal(finding?.reason, 'ClaimPending')
  assert.match(finding.text, /no volume of the class manual/)
})

test('a claim that should be bound at once is reported with what the provisioner said, or without a word of it', () => {
  const failure = event('PersistentVolumeClaim', 'data', 'ProvisioningFailed', 'quota of the storage is used up')
  const objects = { PersistentVolumeClaim: [claim({ spec: { storageClassName: 'fast' } })], StorageClass: [fast] }

  const [told] = inspect({ ...objects, Event: [failure] })
  const [silent] = inspect(objects)

  assert.equal(told?.reason, 'ProvisioningFailed')
  assert.ok(told.evidence.some(({ value }) => value === 'quota of the storage is used up'))
  assert.equal(silent?.reason, 'ClaimPending')
  assert.ok(silent.evidence.some(({ path, value }) => path === 'provisioner' && value === 'csi.example.com'))
})

test('a provisioner has five minutes', () => {
  const at = (creationTimestamp: string) =>
    inspect({
      PersistentVolumeClaim: [claim({ metadata: { creationTimestamp }, spec: { storageClassName: 'fast' } })],
      StorageClass: [fast],
    }).length

  assert.equal(at(ago(4)), 0)
  assert.equal(at(ago(5)), 1)
})

test('a claim without a class waits for the default to be filled in', () => {
  const young = claim({ metadata: { creationTimestamp: ago(3) } })

  assert.deepEqual(inspect({ PersistentVolumeClaim: [young], StorageClass: [standard] }), [])
})

test('a claim of the last minute is left alone, whatever its class', () => {
  const metadata = { creationTimestamp: ago(30, 's') }

  assert.deepEqual(inspect({ PersistentVolumeClaim: [claim({ metadata })] }), [])
})

test('a claim that waits for its first consumer is well as long as no pod wants it', () => {
  const objects = { PersistentVolumeClaim: [claim({ spec: { storageClassName: 'lazy' } })], StorageClass: [lazy] }
  const young = waitingPod('api-1-a', { metadata: { creationTimestamp: ago(2) } })

  assert.deepEqual(inspect(objects), [])
  assert.deepEqual(inspect({ ...objects, Pod: [young] }), [])
})

test('a claim that waits for its first consumer is reported when that pod waits for it', () => {
  const [finding] = inspect({
    PersistentVolumeClaim: [claim({ spec: { storageClassName: 'lazy' } })],
    StorageClass: [lazy],
    Pod: [waitingPod('api-1-a', { status: unscheduled('pod has unbound immediate PersistentVolumeClaims') })],
  })

  assert.equal(finding?.severity, 'warning')
  assert.match(finding.text, /StorageClass lazy has given it no volume for pod api-1-a/)
  assert.ok(finding.evidence.some(({ object, value }) => object.kind === 'Pod' && value.includes('unbound')))
})

test('a claim whose pod cannot be scheduled for another reason is only a hint, and hides nothing of the pod', () => {
  const [finding] = inspect({
    PersistentVolumeClaim: [claim({ spec: { storageClassName: 'lazy' } })],
    StorageClass: [lazy],
    Pod: [waitingPod('api-1-a', { status: unscheduled('0/3 nodes are available: 3 Insufficient cpu.') })],
  })

  assert.equal(finding?.severity, 'info')
  assert.equal(finding.reason, 'WaitingForConsumer')
  assert.equal(finding.affects, undefined)
})

test('once the scheduler has chosen a node the provisioner is to blame', () => {
  const metadata = { annotations: { 'volume.kubernetes.io/selected-node': 'worker-1' } }

  const [finding] = inspect({
    PersistentVolumeClaim: [claim({ metadata, spec: { storageClassName: 'lazy' } })],
    StorageClass: [lazy],
    Pod: [waitingPod('api-1-a', { status: unscheduled('0/3 nodes are available: 3 Insufficient cpu.') })],
  })

  assert.equal(finding?.severity, 'warning')
})

test('the claim of an ephemeral volume belongs to its pod', () => {
  const metadata = { name: 'api-1-a-scratch', ownerReferences: [{ kind: 'Pod', name: 'api-1-a', controller: true }] }

  const [finding] = inspect({
    PersistentVolumeClaim: [claim({ metadata, spec: { storageClassName: 'lazy' } })],
    StorageClass: [lazy],
    Pod: [pod({ name: 'api-1-a', owner: 'StatefulSet', status: { phase: 'Pending', conditions: [] } })],
  })

  assert.deepEqual(finding?.owner, { kind: 'StatefulSet', namespace: 'shop', name: 'api' })
})

test('the waiting pods and their workload are consequences, but for a workload with another trouble', () => {
  const claims = { PersistentVolumeClaim: [claim()] }
  const crashing = pod({ name: 'api-1-b', status: { conditions: [condition('Ready', 'False')] } })

  const [alone] = inspect({ ...claims, Pod: [waitingPod('api-1-a')] })
  const [both] = inspect({ ...claims, Pod: [waitingPod('api-1-a'), crashing] })

  assert.deepEqual(alone?.affects, [
    { kind: 'Pod', namespace: 'shop', name: 'api-1-a' },
    { kind: 'ReplicaSet', namespace: 'shop', name: 'api-1' },
  ])
  assert.deepEqual(both?.affects, [{ kind: 'Pod', namespace: 'shop', name: 'api-1-a' }])
})

test('a pod of the same claim name in another namespace does not count', () => {
  const elsewhere = waitingPod('api-1-a', { metadata: { namespace: 'bank' } })

  assert.deepEqual(
    inspect({
      PersistentVolumeClaim: [claim({ spec: { storageClassName: 'lazy' } })],
      StorageClass: [lazy],
      Pod: [elsewhere],
    }),
    [],
  )
})

test('a lost claim is critical and says what became of its volume', () => {
  const lost = claim({ spec: { volumeName: 'pv-1' }, status: { phase: 'Lost' } })
  const volume = { metadata: { name: 'pv-1' }, status: { phase: 'Available' } }

  const [gone] = inspect({ PersistentVolumeClaim: [lost] })
  const [there] = inspect({ PersistentVolumeClaim: [lost], PersistentVolume: [volume] })

  assert.equal(gone?.severity, 'critical')
  assert.match(gone.text, /is Lost: its volume pv-1 does not exist/)
  assert.match(there?.text ?? '', /pv-1 is not bound to it/)
  assert.equal(there?.next, 'k8s_get kind=PersistentVolume name=pv-1')
})

test('a claim that is bound, or on its way out, is well', () => {
  const bound = claim({ status: { phase: 'Bound', capacity: { storage: '10Gi' } } })
  const leaving = claim({ metadata: { deletionTimestamp: ago(1), finalizers: ['kubernetes.io/pvc-protection'] } })
  const tiny = claim({
    spec: { resources: { requests: { storage: '1Mi' } } },
    status: { phase: 'Bound', capacity: { storage: '1Gi' } },
  })

  assert.deepEqual(inspect({ PersistentVolumeClaim: [bound, leaving, tiny] }), [])
})

const growing = (status: object) =>
  claim({
    spec: { resources: { requests: { storage: '20Gi' } } },
    status: { phase: 'Bound', capacity: { storage: '10Gi' }, ...status },
  })

test('a volume that cannot grow is reported with both sizes and what failed', () => {
  const failed = growing({
    allocatedResourceStatuses: { storage: 'ControllerResizeInfeasible' },
    conditions: [condition('ControllerResizeError', 'True', { message: 'no space in the pool' })],
  })

  const [finding] = inspect({ PersistentVolumeClaim: [failed] })

  assert.equal(finding?.reason, 'ResizeFailed')
  assert.equal(finding.severity, 'warning')
  assert.match(finding.text, /asks for 20Gi and has 10Gi\./)
  assert.ok(finding.evidence.some(({ value }) => value === 'no space in the pool'))
})

test('growing takes ten minutes, and a file system that no pod mounts waits for nobody', () => {
  const since = (time: string) =>
    growing({ conditions: [condition('FileSystemResizePending', 'True', { lastTransitionTime: time })] })
  const mounted = { Pod: [waitingPod('api-1-a')] }

  assert.deepEqual(inspect({ PersistentVolumeClaim: [since(ago(9))], ...mounted }), [])
  assert.equal(inspect({ PersistentVolumeClaim: [since(ago(10))], ...mounted })[0]?.severity, 'warning')
  assert.equal(inspect({ PersistentVolumeClaim: [since(ago(10))] })[0]?.severity, 'info')
})

test('damaged claims never make it throw', () => {
  const volumes = [{ metadata: { name: 'pv-1' }, spec: { storageClassName: 'x' }, status: { phase: 'Bound' } }]
  bearsDamage(persistentVolumeClaim, {
    PersistentVolumeClaim: [
      claim(),
      claim({ spec: { storageClassName: 'lazy' } }),
      claim({ spec: { volumeName: 'pv-1' }, status: { phase: 'Lost' } }),
      growing({ conditions: [condition('Resizing', 'True')] }),
    ],
    StorageClass: [lazy, fast],
    PersistentVolume: volumes,
    Pod: [waitingPod('api-1-a', { status: unscheduled('no volume') })],
    Event: [event('PersistentVolumeClaim', 'data', 'ProvisioningFailed', 'no')],
  })
})
