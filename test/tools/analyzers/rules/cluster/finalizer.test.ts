import assert from 'node:assert/strict'
import { test } from 'node:test'
import { finalizer } from '../../../../../src/tools/analyzers/rules/cluster/finalizer.ts'
import { bearsDamage, type Objects } from '../../damage.ts'
import { ago, meta, snapshotOf } from '../../snapshot.ts'
import { pod } from '../../workloads.ts'

const inspect = (objects: Objects) => finalizer.inspect(snapshotOf(objects))

const leaving = (name: string, finalizers: string[], deletionTimestamp = ago(20)) => ({
  metadata: meta(name, { finalizers, deletionTimestamp }),
})

test('an object whose finalizer nobody takes off is reported, of whatever kind', () => {
  const [finding, ...more] = inspect({ Service: [leaving('lb', ['acme.io/balancer'])] })

  assert.equal(finding?.severity, 'warning')
  assert.equal(finding.text, 'Service shop/lb cannot be deleted: nobody takes off acme.io/balancer.')
  assert.equal(finding.since, ago(20))
  assert.deepEqual(more, [])
  assert.equal(inspect({ ClusterExtension: [leaving('x', ['a.io/b'])] }).length, 1)
})

test('objects of one kind that wait for the same are one finding', () => {
  const maps = ['a', 'b', 'c', 'd'].map((name) => leaving(name, ['acme.io/x']))

  const findings = inspect({ ConfigMap: [...maps, leaving('other', ['acme.io/y'])] })

  assert.deepEqual(
    findings.map(({ text }) => text),
    [
      'ConfigMap shop/a and 3 more of this kind cannot be deleted: nobody takes off acme.io/x.',
      'ConfigMap shop/other cannot be deleted: nobody takes off acme.io/y.',
    ],
  )
  assert.deepEqual(
    findings[0]?.affects?.map(({ name }) => name),
    ['b', 'c', 'd'],
  )
})

test('objects of one owner are one finding, whatever they wait for', () => {
  const ownerReferences = [{ kind: 'StatefulSet', name: 'db', controller: true }]
  const owned = (name: string, key: string) => ({
    metadata: meta(name, { finalizers: [key], deletionTimestamp: ago(20), ownerReferences }),
  })

  const findings = inspect({ ConfigMap: [owned('a', 'acme.io/x'), owned('b', 'acme.io/y')] })

  assert.equal(findings.length, 1)
  assert.match(findings[0]?.text ?? '', /ConfigMap shop\/a cannot be deleted.*the same holds for ConfigMap shop\/b/)
})

test('a claim that cannot go names the pods that mount it', () => {
  const user = pod({ spec: { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'data' } }] } })

  const [finding] = inspect({
    PersistentVolumeClaim: [leaving('data', ['kubernetes.io/pvc-protection'])],
    Pod: [user],
  })

  assert.match(finding?.text ?? '', /nobody takes off kubernetes\.io\/pvc-protection while api-1-a mount it/)
  assert.equal(finding?.next, 'k8s_get_pod name=api-1-a namespace=shop')
})

test('finalizers have a quarter of an hour, and live objects may have them for ever', () => {
  const alive = { metadata: meta('alive', { finalizers: ['acme.io/x'] }) }

  assert.deepEqual(inspect({ ConfigMap: [leaving('young', ['acme.io/x'], ago(14)), alive, leaving('bare', [])] }), [])
})

test('pods and namespaces are left to their own analyzers', () => {
  assert.deepEqual(inspect({ Pod: [leaving('p', ['acme.io/x'])], Namespace: [leaving('n', ['acme.io/x'])] }), [])
})

test('damaged objects never make it throw', () => {
  bearsDamage(finalizer, {
    ConfigMap: [leaving('a', ['acme.io/x']), leaving('b', ['acme.io/x'])],
    PersistentVolumeClaim: [leaving('data', ['kubernetes.io/pvc-protection'])],
    Pod: [pod({ spec: { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'data' } }] } })],
  })
})
