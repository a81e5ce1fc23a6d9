import assert from 'node:assert/strict'
import { test } from 'node:test'
import { roleBinding } from '../../../../../src/tools/analyzers/rules/policy/role-binding.ts'
import { bearsDamage, type Objects } from '../../damage.ts'
import { ago, meta, snapshotOf } from '../../snapshot.ts'

const nothing: Objects = { RoleBinding: [], ClusterRoleBinding: [], Role: [], ClusterRole: [] }
const inspect = (objects: Objects, unread: Parameters<typeof snapshotOf>[1] = []) =>
  roleBinding.inspect(snapshotOf({ ...nothing, ...objects }, unread))

const binding = (kind: string, name: string, more: object = {}) => ({
  metadata: meta('deploy-bot', more),
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind, name },
  subjects: [{ kind: 'ServiceAccount', name: 'deploy-bot', namespace: 'shop' }],
})

test('a binding to a role that does not exist is reported with the roles that do', () => {
  const [finding] = inspect({ RoleBinding: [binding('Role', 'deployer')], Role: [{ metadata: meta('deployer-role') }] })

  assert.deepEqual([finding?.reason, finding?.severity], ['MissingRole', 'warning'])
  assert.match(finding!.text, /ServiceAccount shop\/deploy-bot.*Role shop\/deployer/)
  assert.ok(finding!.evidence.some(({ value }) => value === 'deployer-role'))
})

test('a role of the same name in another namespace is not the one', () => {
  const elsewhere = { metadata: meta('deployer', { namespace: 'blog' }) }

  assert.equal(inspect({ RoleBinding: [binding('Role', 'deployer')], Role: [elsewhere] }).length, 1)
})

test('bindings to roles and cluster roles that exist are fine', () => {
  const admin = { metadata: meta('admin', { namespace: undefined }) }

  const findings = inspect({
    RoleBinding: [binding('Role', 'deployer'), binding('ClusterRole', 'admin', { name: 'admins' })],
    ClusterRoleBinding: [binding('ClusterRole', 'admin', { namespace: undefined })],
    Role: [{ metadata: meta('deployer') }],
    ClusterRole: [admin],
  })

  assert.deepEqual(findings, [])
})

test('a cluster-wide binding to a cluster role that does not exist is reported', () => {
  const [finding] = inspect({ ClusterRoleBinding: [binding('ClusterRole', 'gone', { namespace: undefined })] })

  assert.deepEqual(finding?.object, { kind: 'ClusterRoleBinding', name: 'deploy-bot' })
})

test('a binding may come a moment before its role, and unread roles are not missing', () => {
  const fresh = binding('Role', 'deployer', { creationTimestamp: ago(30, 's') })
  const gap = { kind: 'Role', namespace: 'shop', gap: 'forbidden', message: 'no' } as const

  assert.deepEqual(inspect({ RoleBinding: [fresh] }), [])
  assert.deepEqual(inspect({ RoleBinding: [binding('Role', 'deployer')] }, [gap]), [])
})

test('it answers whatever is missing or of another shape', () => {
  bearsDamage(roleBinding, {
    ...nothing,
    RoleBinding: [binding('Role', 'deployer')],
    ClusterRoleBinding: [binding('ClusterRole', 'gone')],
    Role: [{ metadata: meta('other') }],
  })
})
