import assert from 'node:assert/strict'
import { test } from 'node:test'
import { security } from '../../../../../src/tools/analyzers/rules/policy/security.ts'
import { bearsDamage, type Objects } from '../../damage.ts'
import { meta, snapshotOf } from '../../snapshot.ts'

const nothing: Objects = {
  Pod: [],
  ReplicaSet: [],
  Deployment: [],
  Job: [],
  Namespace: [],
  Role: [],
  ClusterRole: [],
  RoleBinding: [],
  ClusterRoleBinding: [],
}
const inspect = (objects: Objects) => security.inspect(snapshotOf({ ...nothing, ...objects }))
const facts = (objects: Objects) => inspect(objects).map(({ reason, severity }) => [reason, severity])

const pod = (spec: object, more: object = {}) => ({
  metadata: meta('api-0', more),
  spec: { serviceAccountName: 'api', containers: [{ name: 'api' }], ...spec },
  status: { phase: 'Running' },
})

const binding = (subject: object, roleRef: object = { kind: 'ClusterRole', name: 'all' }, more: object = {}) => ({
  metadata: meta('binding', more),
  roleRef,
  subjects: [subject],
})
const everything = { metadata: { name: 'all' }, rules: [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }] }
const alice = { kind: 'User', name: 'alice' }

test('pods with the default account are one hint for their namespace', () => {
  const pods = [pod({ serviceAccountName: 'default' }), pod({ serviceAccountName: undefined }, { name: 'web-0' })]

  const findings = inspect({ Pod: pods })

  assert.deepEqual(
    findings.map(({ reason, severity, object }) => [reason, severity, object.namespace]),
    [['DefaultServiceAccount', 'info', 'shop']],
  )
  assert.match(findings[0]!.text, /2 pods/)
})

test('a default account with rights of its own is a warning', () => {
  const account = { kind: 'ServiceAccount', name: 'default', namespace: 'shop' }
  const viewer = { kind: 'ClusterRole', name: 'view' }

  assert.deepEqual(facts({ Pod: [pod({ serviceAccountName: 'default' })], RoleBinding: [binding(account, viewer)] }), [
    ['DefaultServiceAccount', 'warning'],
  ])
})

test('the default account without its token, in system namespaces or of finished pods is fine', () => {
  const serviceAccountName = 'default'
  const done = { ...pod({ serviceAccountName }), status: { phase: 'Succeeded' } }

  assert.deepEqual(facts({ Pod: [pod({ serviceAccountName, automountServiceAccountToken: false })] }), [])
  assert.deepEqual(facts({ Pod: [pod({ serviceAccountName }, { namespace: 'kube-system' })] }), [])
  assert.deepEqual(facts({ Pod: [done] }), [])
})

test('all privileged containers of a pod are one finding, init containers included', () => {
  const securityContext = { privileged: true }
  const spec = {
    initContainers: [{ name: 'setup', securityContext }],
    containers: [{ name: 'api' }, { name: 'agent', securityContext }],
  }

  const findings = inspect({ Pod: [pod(spec)] })

  assert.deepEqual(
    findings.map(({ reason, severity }) => [reason, severity]),
    [['PrivilegedContainer', 'warning']],
  )
  assert.match(findings[0]!.text, /setup and agent/)
  assert.deepEqual(facts({ Pod: [pod(spec, { namespace: 'kube-system' })] }), [['PrivilegedContainer', 'info']])
})

test('pods of one workload are one finding', () => {
  const ownerReferences = [{ kind: 'DaemonSet', name: 'agent', controller: true }]
  const spec = { containers: [{ name: 'agent', securityContext: { privileged: true } }] }
  const pods = ['agent-1', 'agent-2'].map((name) => pod(spec, { name, ownerReferences }))

  const findings = inspect({ Pod: pods })

  assert.deepEqual(
    findings.map(({ owner }) => owner.name),
    ['agent'],
  )
})

test('a binding to everything is a warning for people, not for the cluster itself', () => {
  const ask = (subject: object) => facts({ ClusterRoleBinding: [binding(subject)], ClusterRole: [everything] })

  assert.deepEqual(ask(alice), [['WildcardRole', 'warning']])
  assert.deepEqual(ask({ kind: 'Group', name: 'system:masters' }), [])
  assert.deepEqual(ask({ kind: 'ServiceAccount', name: 'gc', namespace: 'kube-system' }), [])
})

test('a role with several wildcard rules is one finding for each binding', () => {
  const role = {
    metadata: meta('all'),
    rules: [
      { resources: ['pods'], verbs: ['*'] },
      { resources: ['*'], verbs: ['get'] },
    ],
  }
  const objects = { Role: [role], RoleBinding: [binding(alice, { kind: 'Role', name: 'all' })] }

  assert.deepEqual(facts(objects), [['WildcardRole', 'warning']])
})

test('wildcards for addresses that are no resources, and named verbs, are fine', () => {
  const role = {
    metadata: { name: 'all' },
    rules: [
      { nonResourceURLs: ['*'], verbs: ['*'] },
      { resources: ['pods'], verbs: ['get'] },
    ],
  }

  assert.deepEqual(facts({ ClusterRoleBinding: [binding(alice)], ClusterRole: [role] }), [])
})

test('a pod below the level of its namespace is a hint with the fields', () => {
  const labels = { 'pod-security.kubernetes.io/warn': 'baseline' }
  const Namespace = [{ metadata: meta('shop', { namespace: undefined, labels }) }]
  const spec = { hostNetwork: true, volumes: [{ name: 'logs', hostPath: { path: '/var/log' } }] }

  const findings = inspect({ Pod: [pod(spec)], Namespace })

  assert.deepEqual(
    findings.map(({ reason, severity }) => [reason, severity]),
    [['PodSecurityViolation', 'info']],
  )
  assert.deepEqual(
    findings[0]!.evidence.map(({ path }) => path),
    ['metadata.labels[pod-security.kubernetes.io/warn]', 'spec.hostNetwork', 'spec.volumes[logs].hostPath'],
  )
  assert.deepEqual(facts({ Pod: [pod({})], Namespace }), [])
})

test('the restricted level asks each container, with the pod as its default', () => {
  const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' }
  const Namespace = [{ metadata: meta('shop', { namespace: undefined, labels }) }]
  const own = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } }
  const good = {
    securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [{ name: 'api', securityContext: own }],
  }

  assert.deepEqual(facts({ Pod: [pod(good)], Namespace }), [])
  assert.deepEqual(facts({ Pod: [pod({ ...good, securityContext: undefined })], Namespace }), [
    ['PodSecurityViolation', 'info'],
  ])
})

test('it answers whatever is missing or of another shape', () => {
  const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' }
  const risky = {
    hostPID: true,
    containers: [{ name: 'a', securityContext: { privileged: true, capabilities: { add: ['X'] } } }],
  }
  bearsDamage(security, {
    ...nothing,
    Pod: [pod(risky), pod({ serviceAccountName: 'default' }, { name: 'b' })],
    Namespace: [{ metadata: meta('shop', { labels }) }],
    ClusterRole: [everything],
    ClusterRoleBinding: [binding(alice), binding({ kind: 'ServiceAccount', name: 'default', namespace: 'shop' })],
  })
})
