import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSnapshot } from '../../../src/tools/analyzers/snapshot.ts'
import { fitting, meta, now, snapshotOf } from './snapshot.ts'

test('what was never asked for in a namespace is not known there', () => {
  const snapshot = createSnapshot({ objects: { Pod: [], Node: [] }, unread: [], now, namespaces: ['shop'] })

  assert.deepEqual(
    [snapshot.isKnown('Pod', 'shop'), snapshot.isKnown('Pod', 'web'), snapshot.isKnown('Pod')],
    [true, false, false],
  )
  assert.deepEqual([snapshot.isKnown('Node'), snapshot.isKnown('Node', 'web')], [true, true])
  assert.equal(snapshot.isKnown('Secret', 'shop'), false)
})

test('the whole cluster was asked for: every namespace is known', () => {
  const snapshot = createSnapshot({ objects: { Pod: [] }, unread: [], now, namespaces: ['*'] })

  assert.deepEqual([snapshot.isKnown('Pod', 'web'), snapshot.isKnown('Pod')], [true, true])
})

test('a Node that owns a static pod is in no namespace', () => {
  const pod = { metadata: meta('etcd-0', { ownerReferences: [{ kind: 'Node', name: 'master-0', controller: true }] }) }
  const snapshot = snapshotOf({ Pod: [pod], Node: [{ metadata: { name: 'master-0' } }] })

  assert.deepEqual(snapshot.ownerOf('Pod', snapshot.list('Pod')[0]!.metadata), { kind: 'Node', name: 'master-0' })
  assert.equal(snapshot.podsOf({ kind: 'Node', name: 'master-0' }).length, 1)
})

test('kubectl’s copy of an object is not kept, other annotations are', () => {
  const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': '{…}', 'acme.io/team': 'blue' }

  const { metadata } = fitting('Pod', { metadata: { name: 'api-1', annotations } })

  assert.deepEqual(metadata.annotations, { 'acme.io/team': 'blue' })
})
