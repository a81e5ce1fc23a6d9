import assert from 'node:assert/strict'
import { test } from 'node:test'
import { storage } from '../../../../../src/tools/analyzers/rules/storage/storage.ts'
import { bearsDamage, type Objects } from '../../damage.ts'
import { ago, snapshotOf } from '../../snapshot.ts'

const inspect = (objects: Objects) =>
  storage.inspect(snapshotOf({ PersistentVolume: [], StorageClass: [], ...objects }))

const volume = (status: object, policy = 'Retain') => ({
  metadata: { name: 'pv-1', creationTimestamp: ago(90, 'd') },
  spec: { persistentVolumeReclaimPolicy: policy, claimRef: { namespace: 'shop', name: 'data' } },
  status,
})

const storageClass = (name: string, mark?: string, provisioner = 'csi.example.com') => ({
  metadata: { name, ...(mark && { annotations: { [mark]: 'true' } }) },
  provisioner,
})

test('a failed volume is reported with what its controller says and whose it was', () => {
  const failed = volume({ phase: 'Failed', message: 'no deletable volume plugin matched' }, 'Delete')

  const [finding] = inspect({ PersistentVolume: [failed] })

  assert.equal(finding?.severity, 'warning')
  assert.equal(finding.text, 'PersistentVolume pv-1 is Failed: no deletable volume plugin matched.')
  assert.ok(finding.evidence.some(({ path, value }) => path === 'spec.claimRef' && value === 'shop/data'))
  assert.deepEqual(finding.owner, { kind: 'PersistentVolume', name: 'pv-1' })
})

test('a released volume is a hint after a day', () => {
  const released = (time: string) => volume({ phase: 'Released', lastPhaseTransitionTime: time })

  const [finding] = inspect({ PersistentVolume: [released(ago(24, 'h'))] })

  assert.equal(finding?.severity, 'info')
  assert.match(finding.text, /Released with the reclaim policy Retain/)
  assert.deepEqual(inspect({ PersistentVolume: [released(ago(23, 'h'))] }), [])
})

test('volumes in use or to be had are well', () => {
  assert.deepEqual(inspect({ PersistentVolume: [volume({ phase: 'Bound' }), volume({ phase: 'Available' })] }), [])
})

test('several default classes are one finding with all names', () => {
  const classes = [
    storageClass('fast', 'storageclass.kubernetes.io/is-default-class'),
    storageClass('old', 'storageclass.beta.kubernetes.io/is-default-class'),
    storageClass('plain'),
  ]

  const findings = inspect({ StorageClass: classes })

  assert.equal(findings.length, 1)
  assert.equal(findings[0]?.text, '2 StorageClasses are the default: fast, old.')
  assert.equal(findings[0].severity, 'info')
})

test('one default class, or none, or one without a provisioner is well', () => {
  const local = storageClass('local', undefined, 'kubernetes.io/no-provisioner')

  assert.deepEqual(
    inspect({ StorageClass: [storageClass('a', 'storageclass.kubernetes.io/is-default-class'), local] }),
    [],
  )
  assert.deepEqual(inspect({ StorageClass: [local] }), [])
})

test('damaged volumes and classes never make it throw', () => {
  bearsDamage(storage, {
    PersistentVolume: [volume({ phase: 'Failed', reason: 'x' }), volume({ phase: 'Released' })],
    StorageClass: [
      storageClass('a', 'storageclass.kubernetes.io/is-default-class'),
      storageClass('b', 'storageclass.kubernetes.io/is-default-class'),
    ],
  })
})
