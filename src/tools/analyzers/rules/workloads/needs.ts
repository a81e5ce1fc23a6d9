import type { KindName } from '../../kinds/index.ts'
import type { PodSpec } from '../../kinds/pod-spec.ts'

/** The kinds that a pod can ask for by name. */
export const neededKinds = [
  'Secret',
  'ConfigMap',
  'ServiceAccount',
  'PersistentVolumeClaim',
  'PriorityClass',
  'RuntimeClass',
] as const satisfies KindName[]

/** Something that must be there before a pod can run. */
export interface Need {
  kind: (typeof neededKinds)[number]
  name: string
  /** The key of a ConfigMap; a Secret's keys are not read. */
  key?: string | undefined
  /** Path below the pod's spec. */
  path: string
  /** Images may be public all the same. */
  isPullSecret?: true
}

interface Source {
  name?: string | undefined
  key?: string | undefined
  optional?: boolean | undefined
}

/** What a pod of this spec cannot do without. */
export function needsOf(spec: PodSpec): Need[] {
  const { serviceAccountName, priorityClassName, runtimeClassName, imagePullSecrets = [] } = spec
  return [
    // Every namespace has one of this name, a moment after it was made.
    ...named('ServiceAccount', serviceAccountName === 'default' ? undefined : serviceAccountName, 'serviceAccountName'),
    ...named('PriorityClass', priorityClassName, 'priorityClassName'),
    ...named('RuntimeClass', runtimeClassName, 'runtimeClassName'),
    ...imagePullSecrets.flatMap(({ name }) =>
      named('Secret', name, 'imagePullSecrets').map((need) => ({ ...need, isPullSecret: true as const })),
    ),
    ...environmentNeeds(spec),
    ...volumeNeeds(spec),
  ]
}

const named = (kind: Need['kind'], name: string | undefined, path: string): Need[] =>
  name ? [{ kind, name, path }] : []

function environmentNeeds(spec: PodSpec): Need[] {
  const lists = [
    ...(spec.initContainers ?? []).map((container) => ({ list: 'initContainers', container })),
    ...(spec.containers ?? []).map((container) => ({ list: 'containers', container })),
  ]
  return lists.flatMap(({ list, container: { name, env = [], envFrom = [] } }) => [
    ...env.flatMap((variable) => {
      const path = `${list}[${name}].env[${variable.name ?? ''}]`
      const { secretKeyRef, configMapKeyRef } = variable.valueFrom ?? {}
      return [...required('Secret', secretKeyRef, path), ...required('ConfigMap', configMapKeyRef, path)]
    }),
    ...envFrom.flatMap(({ secretRef, configMapRef }) => {
      const path = `${list}[${name}].envFrom`
      return [...required('Secret', secretRef, path), ...required('ConfigMap', configMapRef, path)]
    }),
  ])
}

function volumeNeeds({ volumes = [] }: PodSpec): Need[] {
  return volumes.flatMap(({ name: volume, secret, configMap, persistentVolumeClaim, projected }) => {
    const path = `volumes[${volume ?? ''}]`
    return [
      ...required('Secret', secret && { ...secret, name: secret.secretName }, path),
      ...items(configMap, path),
      ...named('PersistentVolumeClaim', persistentVolumeClaim?.claimName, path),
      ...(projected?.sources ?? []).flatMap((source) => [
        ...required('Secret', source.secret, path),
        ...items(source.configMap, path),
      ]),
    ]
  })
}

/** A volume of chosen keys needs each of them; one of all keys only the object. */
function items(
  source: (Source & { items?: { key?: string | undefined }[] | undefined }) | undefined,
  path: string,
): Need[] {
  if (!source?.items?.length) return required('ConfigMap', source, path)
  return source.items.flatMap(({ key }) => required('ConfigMap', { ...source, key }, path))
}

// Every namespace gets this one from the cluster itself.
const given = 'kube-root-ca.crt'

function required(kind: 'Secret' | 'ConfigMap', source: Source | undefined, path: string): Need[] {
  if (!source?.name || source.optional || source.name === given) return []
  return [{ kind, name: source.name, key: source.key, path }]
}
