import type { Analyzer, Finding, ObjectRef } from '../../analyzer.ts'
import type { ObjectOf } from '../../kinds/index.ts'
import type { Binding, Role } from '../../kinds/policy.ts'
import { refOf, type Snapshot } from '../../snapshot.ts'
import { merged } from '../merge.ts'
import { about, counted, distinct, fullName, isSystemNamespace, listed } from '../phrases.ts'
import { levelOf, violationsOf } from './pod-security.ts'

/** What is allowed to do more than it needs. Hygiene, so it runs only when somebody asks for it. */
export const security: Analyzer = {
  name: 'Security',
  finds: 'privileged containers, breaches of the Pod Security level, use of the default service account, roles with *',
  core: false,
  reads: [
    'Pod',
    'ReplicaSet',
    'Deployment',
    'Job',
    'Namespace',
    'Role',
    'ClusterRole',
    'RoleBinding',
    'ClusterRoleBinding',
  ],
  inspect(snapshot) {
    const pods = snapshot.list('Pod').filter(({ metadata, status }) => {
      return !metadata.deletionTimestamp && status?.phase !== 'Succeeded' && status?.phase !== 'Failed'
    })
    const samples = oneOfEachWorkload(pods, snapshot)
    return merged([
      ...defaultAccounts(pods, snapshot),
      ...privileged(samples, snapshot),
      ...belowItsLevel(samples, snapshot),
      ...wildcards('RoleBinding', snapshot),
      ...wildcards('ClusterRoleBinding', snapshot),
    ])
  },
}

type Pod = ObjectOf<'Pod'>

/** What a workload allows its pods is the same for all of them. */
const oneOfEachWorkload = (pods: Pod[], snapshot: Snapshot): Pod[] =>
  [...Map.groupBy(pods, ({ metadata }) => keyOf(snapshot.ownerOf('Pod', metadata))).values()].flatMap(
    ([first = []]) => first,
  )

const keyOf = (ref: ObjectRef): string => `${ref.kind} ${fullName(ref)}`

/** Pods that act as the account every pod of the namespace has. */
function defaultAccounts(pods: Pod[], snapshot: Snapshot): Finding[] {
  const users = pods.filter(
    ({ metadata, spec }) =>
      !isSystemNamespace(metadata.namespace) &&
      spec !== undefined &&
      (spec.serviceAccountName ?? 'default') === 'default' &&
      spec.automountServiceAccountToken !== false,
  )
  return [...Map.groupBy(users, ({ metadata }) => metadata.namespace ?? '')].map(([namespace, group]) => {
    const object = { kind: 'ServiceAccount', namespace, name: 'default' }
    const bindings = bindingsOf(object, snapshot)
    const owners = distinct(group.map(({ metadata }) => titleOf(snapshot.ownerOf('Pod', metadata))))
    return {
      object,
      owner: object,
      reason: 'DefaultServiceAccount',
      severity: bindings.length > 0 ? 'warning' : 'info',
      confidence: 'high',
      text: `${counted(group.length, 'pod')} of ${listed(owners)} in ${namespace} ${group.length > 1 ? 'use' : 'uses'} the ServiceAccount default${bindings.length > 0 ? `, which has rights from ${listed(bindings)}` : ''}.`,
      evidence: group.slice(0, 3).map(({ metadata }) => ({
        object: refOf('Pod', metadata),
        path: 'spec.serviceAccountName',
        value: 'default',
      })),
      next: `k8s_list kind=RoleBinding namespace=${namespace}`,
      field: 'spec.serviceAccountName',
    }
  })
}

const titleOf = ({ kind, name }: ObjectRef): string => `${kind} ${name}`

function bindingsOf(account: ObjectRef, snapshot: Snapshot): string[] {
  const named = (kind: 'RoleBinding' | 'ClusterRoleBinding') =>
    snapshot
      .list(kind)
      .filter(({ metadata, subjects = [] }) =>
        subjects.some(
          (subject) =>
            subject.kind === 'ServiceAccount' &&
            subject.name === account.name &&
            (subject.namespace ?? metadata.namespace) === account.namespace,
        ),
      )
      .map(({ metadata }) => `${kind} ${fullName(metadata)}`)
  return [...named('RoleBinding'), ...named('ClusterRoleBinding')]
}

function privileged(pods: Pod[], snapshot: Snapshot): Finding[] {
  return pods.flatMap(({ metadata, spec }) => {
    const containers = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])]
      .filter(({ securityContext }) => securityContext?.privileged)
      .map(({ name }) => name)
    if (containers.length === 0) return []
    const { object, owner } = about('Pod', metadata, snapshot)
    return [
      {
        object,
        owner,
        reason: 'PrivilegedContainer',
        severity: isSystemNamespace(metadata.namespace) ? ('info' as const) : ('warning' as const),
        confidence: 'high' as const,
        text: `${owner.kind} ${fullName(owner)} runs ${listed(containers)} privileged.`,
        evidence: containers.map((name) => ({
          object,
          path: `spec.containers[${name}].securityContext.privileged`,
          value: 'true',
        })),
        next: `k8s_get_pod namespace=${metadata.namespace} name=${metadata.name}`,
        field: 'spec.containers.securityContext.privileged',
      },
    ]
  })
}

/** Pods that their namespace's Pod Security level would not let in today. */
function belowItsLevel(pods: Pod[], snapshot: Snapshot): Finding[] {
  const levels = new Map(snapshot.list('Namespace').map(({ metadata }) => [metadata.name, levelOf(metadata.labels)]))
  return pods.flatMap(({ metadata, spec }) => {
    const level = levels.get(metadata.namespace ?? '')
    const violations = level && spec ? violationsOf(spec, level.name) : []
    if (!level || violations.length === 0) return []
    const { object, owner } = about('Pod', metadata, snapshot)
    return [
      {
        object,
        owner,
        reason: 'PodSecurityViolation',
        severity: 'info' as const,
        confidence: 'high' as const,
        text: `${owner.kind} ${fullName(owner)} does not meet the Pod Security level ${level.name} of its namespace: ${listed(violations.map(({ why }) => why))}.`,
        evidence: [
          { object: { kind: 'Namespace', name: metadata.namespace ?? '' }, path: level.label, value: level.name },
          ...violations.slice(0, 3).map(({ path, value }) => ({ object, path, value })),
        ],
        next: `k8s_get_pod namespace=${metadata.namespace} name=${metadata.name}`,
        field: 'spec.securityContext',
      },
    ]
  })
}

/** Bindings that give everything of a kind or every verb to somebody who is not the cluster itself. */
function wildcards(kind: 'RoleBinding' | 'ClusterRoleBinding', snapshot: Snapshot): Finding[] {
  return snapshot.list(kind).flatMap((binding) => {
    const { metadata, roleRef, subjects = [] } = binding
    const strangers = subjects.filter((subject) => !isOfTheCluster(subject, binding))
    const role = roleOf(binding, snapshot)
    const rule = role?.rules?.find(isWild)
    if (!roleRef || !rule || strangers.length === 0) return []
    const { verbs = [], resources = [], apiGroups = [] } = rule
    return [
      {
        ...about(kind, metadata, snapshot),
        reason: 'WildcardRole',
        severity: 'warning' as const,
        confidence: 'high' as const,
        text: `${kind} ${fullName(metadata)} gives ${listed(strangers.map((subject) => `${subject.kind} ${fullName(subject)}`))} the ${roleRef.kind} ${roleRef.name}, which has * in its rules.`,
        evidence: [
          { object: refOf(kind, metadata), path: 'roleRef', value: `${roleRef.kind}/${roleRef.name}` },
          {
            object: refOf(roleRef.kind, { name: roleRef.name, namespace: role?.metadata.namespace }),
            path: 'rules',
            value: `verbs ${verbs.join(',')} on ${resources.join(',')} of ${apiGroups.map((group) => group || 'core').join(',')}`,
          },
        ],
        next: `k8s_get kind=${roleRef.kind} name=${roleRef.name}`,
        field: 'rules',
      },
    ]
  })
}

function roleOf({ metadata, roleRef }: Binding, snapshot: Snapshot): Role | undefined {
  if (roleRef?.kind === 'Role') return snapshot.find('Role', metadata.namespace, roleRef.name)
  return roleRef?.kind === 'ClusterRole' ? snapshot.find('ClusterRole', undefined, roleRef.name) : undefined
}

const isWild = ({ verbs = [], resources = [] }: NonNullable<Role['rules']>[number]): boolean =>
  resources.length > 0 && (verbs.includes('*') || resources.includes('*'))

const isOfTheCluster = (
  { kind, name, namespace }: NonNullable<Binding['subjects']>[number],
  { metadata }: Binding,
): boolean =>
  name.startsWith('system:') || (kind === 'ServiceAccount' && isSystemNamespace(namespace ?? metadata.namespace))
