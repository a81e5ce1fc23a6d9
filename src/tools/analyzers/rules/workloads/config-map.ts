import type { Analyzer, Finding } from '../../analyzer.ts'
import type { ObjectOf } from '../../kinds/index.ts'
import type { PodSpec } from '../../kinds/pod-spec.ts'
import { refOf, type Snapshot } from '../../snapshot.ts'
import { day, hasLasted } from '../age.ts'
import { merged } from '../merge.ts'
import { about, fullName, isSystemNamespace } from '../phrases.ts'
import { templateKinds, templatesAreKnown, templatesOf } from '../templates.ts'

/** ConfigMaps that nothing needs, that hold nothing, or that will soon hold too much. Hints, not faults. */
export const configMap: Analyzer = {
  name: 'ConfigMap',
  finds: 'config maps that nothing uses, that are empty or nearly too large',
  core: true,
  reads: ['ConfigMap', 'Pod', ...templateKinds],
  inspect(snapshot) {
    const used = usedNames(snapshot)
    return merged(
      snapshot
        .list('ConfigMap')
        .filter((map) => !isExcused(map))
        .flatMap((map) => [...unusedOrEmpty(map, used, snapshot), ...large(map, snapshot)]),
    )
  },
}

type ConfigMap = ObjectOf<'ConfigMap'>

/** `namespace/name` of each ConfigMap that a pod or a template refers to. */
function usedNames(snapshot: Snapshot): Set<string> {
  const users = [
    ...snapshot.list('Pod').map(({ metadata, spec }) => ({ namespace: metadata.namespace ?? '', spec })),
    ...templatesOf(snapshot),
  ]
  return new Set(users.flatMap(({ namespace, spec }) => namesIn(spec).map((name) => `${namespace}/${name}`)))
}

function namesIn(spec: PodSpec | undefined): string[] {
  const containers = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])]
  return [
    ...containers.flatMap(({ env = [], envFrom = [] }) => [
      ...env.map(({ valueFrom }) => valueFrom?.configMapKeyRef?.name),
      ...envFrom.map(({ configMapRef }) => configMapRef?.name),
    ]),
    ...(spec?.volumes ?? []).flatMap(({ configMap: source, projected }) => [
      source?.name,
      ...(projected?.sources ?? []).map((part) => part.configMap?.name),
    ]),
  ].filter((name) => name !== undefined)
}

/** Those that the cluster, an operator or a loader at run time keeps or reads. */
function isExcused({
  metadata: { name, namespace, labels = {}, annotations = {}, ownerReferences, deletionTimestamp },
}: ConfigMap): boolean {
  return (
    deletionTimestamp !== undefined ||
    isSystemNamespace(namespace) ||
    madeByTheCluster.has(name) ||
    (ownerReferences ?? []).length > 0 ||
    dynamicLabels.some((label) => Object.hasOwn(labels, label)) ||
    labels['k8sgpt.ai/dynamically-loaded'] === 'true' ||
    annotations['k8sgpt.ai/skip-usage-check'] === 'true' ||
    annotations['control-plane.alpha.kubernetes.io/leader'] !== undefined
  )
}

const madeByTheCluster = new Set(['kube-root-ca.crt', 'openshift-service-ca.crt', 'istio-ca-root-cert'])
const dynamicLabels = ['grafana_dashboard', 'grafana_datasource', 'prometheus_rule', 'fluentd_config']

function unusedOrEmpty(map: ConfigMap, used: Set<string>, snapshot: Snapshot): Finding[] {
  const { namespace, creationTimestamp } = map.metadata
  if (!hasLasted(creationTimestamp, day, snapshot)) return []
  const areUsersKnown = snapshot.isKnown('Pod', namespace) && templatesAreKnown(snapshot, namespace)
  if (areUsersKnown && !used.has(`${namespace ?? ''}/${map.metadata.name}`)) return [unused(map, snapshot)]
  return map.keys.length === 0 ? [empty(map, snapshot)] : []
}

const unused = ({ metadata, keys }: ConfigMap, snapshot: Snapshot): Finding => ({
  ...about('ConfigMap', metadata, snapshot),
  reason: 'UnusedConfigMap',
  severity: 'info',
  confidence: 'medium',
  text: `ConfigMap ${fullName(metadata)} is not referred to by any pod or pod template of its namespace.`,
  evidence: [
    {
      object: refOf('ConfigMap', metadata),
      path: 'data',
      value: keys.length === 0 ? 'empty' : `the keys ${keys.slice(0, 5).join(', ')}`,
    },
  ],
  next: `k8s_get_configmap namespace=${metadata.namespace} name=${metadata.name}, to see whether something reads it through the API.`,
})

const empty = ({ metadata }: ConfigMap, snapshot: Snapshot): Finding => ({
  ...about('ConfigMap', metadata, snapshot),
  reason: 'EmptyConfigMap',
  severity: 'info',
  confidence: 'high',
  text: `ConfigMap ${fullName(metadata)} has neither data nor binaryData.`,
  evidence: [{ object: refOf('ConfigMap', metadata), path: 'data', value: 'empty' }],
  next: `k8s_get_configmap namespace=${metadata.namespace} name=${metadata.name}`,
  field: 'data',
})

// The API server refuses more than 1 MiB.
const almostTooLarge = 900 * 1024

function large({ metadata, bytes }: ConfigMap, snapshot: Snapshot): Finding[] {
  if (bytes < almostTooLarge) return []
  return [
    {
      ...about('ConfigMap', metadata, snapshot),
      reason: 'LargeConfigMap',
      severity: 'info',
      confidence: 'high',
      text: `ConfigMap ${fullName(metadata)} holds ${Math.round(bytes / 1024)} KiB of the 1024 KiB that are possible.`,
      evidence: [{ object: refOf('ConfigMap', metadata), path: 'data', value: `${bytes} bytes` }],
      next: `k8s_get_configmap namespace=${metadata.namespace} name=${metadata.name}`,
      field: 'data',
    },
  ]
}
