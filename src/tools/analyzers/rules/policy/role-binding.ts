import type { Analyzer, Finding } from '../../analyzer.ts'
import type { Binding } from '../../kinds/policy.ts'
import { refOf, type Snapshot } from '../../snapshot.ts'
import { isNew } from '../age.ts'
import { fullName, listed } from '../phrases.ts'

/** Bindings that give nothing, because the role they name does not exist. */
export const roleBinding: Analyzer = {
  name: 'RoleBinding',
  finds: 'bindings to roles that do not exist',
  core: true,
  reads: ['RoleBinding', 'ClusterRoleBinding', 'Role', 'ClusterRole'],
  inspect: (snapshot) => [
    ...snapshot.list('RoleBinding').flatMap((binding) => missingRole('RoleBinding', binding, snapshot)),
    ...snapshot.list('ClusterRoleBinding').flatMap((binding) => missingRole('ClusterRoleBinding', binding, snapshot)),
  ],
}

function missingRole(
  kind: 'RoleBinding' | 'ClusterRoleBinding',
  { metadata, roleRef, subjects = [] }: Binding,
  snapshot: Snapshot,
): Finding[] {
  if (!roleRef || isNew(metadata, snapshot)) return []
  if (roleRef.kind !== 'Role' && roleRef.kind !== 'ClusterRole') return []
  const namespace = roleRef.kind === 'Role' ? metadata.namespace : undefined
  if (snapshot.find(roleRef.kind, namespace, roleRef.name) || !snapshot.isKnown(roleRef.kind, namespace)) return []
  const object = refOf(kind, metadata)
  const role = fullName({ namespace, name: roleRef.name })
  const losers = subjects.map((subject) => `${subject.kind} ${fullName(subject)}`)
  return [
    {
      object,
      owner: snapshot.ownerOf(kind, metadata),
      reason: 'MissingRole',
      severity: 'warning',
      confidence: 'high',
      text: `${kind} ${fullName(metadata)} gives no rights${losers.length > 0 ? ` to ${listed(losers)}` : ''}: its roleRef names ${roleRef.kind} ${role}, which does not exist.`,
      ...(metadata.creationTimestamp !== undefined && { since: metadata.creationTimestamp }),
      evidence: [
        { object, path: 'roleRef', value: `${roleRef.kind}/${roleRef.name}` },
        ...losers.slice(0, 1).map((loser) => ({ object, path: 'subjects[0]', value: loser })),
        ...existingRoles(roleRef.kind, namespace, snapshot),
      ],
      next: `k8s_list kind=${roleRef.kind}${namespace === undefined ? '' : ` namespace=${namespace}`}, then create the role or the binding anew: a roleRef cannot be changed.`,
      field: 'roleRef',
    },
  ]
}

/** What there is instead; of cluster roles there are too many to tell anything. */
function existingRoles(kind: 'Role' | 'ClusterRole', namespace: string | undefined, snapshot: Snapshot) {
  if (kind !== 'Role') return []
  const names = snapshot
    .list('Role')
    .filter(({ metadata }) => metadata.namespace === namespace)
    .map(({ metadata }) => metadata.name)
  if (names.length === 0) return []
  return [{ object: { kind: 'Namespace', name: namespace ?? '' }, path: 'Role', value: listed(names, 10) }]
}
