import assert from 'node:assert/strict'
import { test } from 'node:test'
import { namespace } from '../../../../../src/tools/analyzers/rules/cluster/namespace.ts'
import { bearsDamage, type Objects } from '../../damage.ts'
import { ago, meta, snapshotOf } from '../../snapshot.ts'
import { condition } from '../../workloads.ts'

const inspect = (objects: Objects) => namespace.inspect(snapshotOf({ Namespace: [], ConfigMap: [], ...objects }))

const leaving = (deletionTimestamp: string, conditions: object[] = [], metadata: object = {}) => ({
  metadata: { name: 'legacy', deletionTimestamp, ...metadata },
  status: { phase: 'Terminating', conditions },
})
const remaining = condition('NamespaceFinalizersRemaining', 'True', {
  message: 'Some content in the namespace has finalizers remaining: acme.io/deregister in 1 resource instances',
})

const registration = {
  metadata: meta('registration', {
    namespace: 'legacy',
    finalizers: ['acme.io/deregister'],
    deletionTimestamp: ago(20),
  }),
}

test('a namespace that cannot go names who holds on to it', () => {
  const elsewhere = { metadata: { ...registration.metadata, namespace: 'shop' } }

  const [finding] = inspect({ Namespace: [leaving(ago(20), [remaining])], ConfigMap: [registration, elsewhere] })

  assert.equal(finding?.severity, 'warning')
  assert.match(
    finding.text,
    /Namespace legacy is Terminating and cannot finish: .* acme\.io\/deregister in 1 resource instances\.$/,
  )
  assert.equal(finding.since, ago(20))
  assert.deepEqual(finding.affects, [{ kind: 'ConfigMap', namespace: 'legacy', name: 'registration' }])
  assert.ok(finding.evidence.some(({ object, value }) => object.kind === 'ConfigMap' && value === 'acme.io/deregister'))
  assert.equal(finding.next, 'k8s_get kind=ConfigMap name=registration namespace=legacy')
})

test('what cannot be asked at all comes before what is left', () => {
  const conditions = [
    condition('NamespaceContentRemaining', 'True', { message: 'pods. has 3 resource instances' }),
    condition('NamespaceDeletionDiscoveryFailure', 'True', { message: 'metrics.k8s.io/v1beta1: stale' }),
    condition('NamespaceDeletionContentFailure', 'False', { message: 'All content successfully deleted' }),
  ]

  const [finding] = inspect({ Namespace: [leaving(ago(20), conditions)] })

  assert.match(finding?.text ?? '', /cannot finish: metrics\.k8s\.io\/v1beta1: stale\.$/)
  assert.ok(!finding?.evidence.some(({ value }) => value.includes('successfully')))
})

test('within a quarter of an hour it is a hint, and only if the namespace says what it waits for', () => {
  const severities = (one: object) => inspect({ Namespace: [one] }).map(({ severity }) => severity)

  assert.deepEqual(severities(leaving(ago(14), [remaining])), ['info'])
  assert.deepEqual(severities(leaving(ago(1), [remaining])), [])
  assert.deepEqual(severities(leaving(ago(14))), [])
  assert.deepEqual(severities(leaving(ago(15))), ['warning'])
})

test('a namespace of its own finalizers names them', () => {
  const held = leaving(ago(20), [], { finalizers: ['controller.cattle.io/namespace-auth'] })

  assert.match(
    inspect({ Namespace: [held] })[0]?.text ?? '',
    /it has the finalizers controller\.cattle\.io\/namespace-auth/,
  )
})

test('a namespace in use is well', () => {
  assert.deepEqual(inspect({ Namespace: [{ metadata: { name: 'shop' }, status: { phase: 'Active' } }] }), [])
})

test('damaged namespaces never make it throw', () => {
  bearsDamage(namespace, {
    Namespace: [leaving(ago(20), [remaining], { finalizers: ['x'] })],
    ConfigMap: [registration],
  })
})
