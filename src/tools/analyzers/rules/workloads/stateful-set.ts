import type { Analyzer, Evidence, Finding } from '../../analyzer.ts'
import type { ObjectOf } from '../../kinds/index.ts'
import { refOf, type Snapshot } from '../../snapshot.ts'
import { conditionOf, hasLasted, isNew, minute } from '../age.ts'
import { fullName, latest } from '../phrases.ts'
import { isDown, replicasOf, unreadySince } from './availability.ts'
import { because } from './trouble.ts'

type StatefulSet = ObjectOf<'StatefulSet'>
type Pod = ObjectOf<'Pod'>

const progressGrace = 10 * minute

export const statefulSet: Analyzer = {
  name: 'StatefulSet',
  finds: 'missing services and storage classes, the first pod that holds up the others',
  core: true,
  reads: ['StatefulSet', 'Service', 'StorageClass', 'Pod', 'Event'],
  inspect: (snapshot) =>
    snapshot
      .list('StatefulSet')
      .filter(({ metadata }) => !metadata.deletionTimestamp && !isNew(metadata, snapshot))
      .flatMap((one) => [
        ...missingService(one, snapshot),
        ...missingClass(one, snapshot),
        ...unavailable(one, snapshot),
      ]),
}

/** No name at all is allowed; a name that leads nowhere gives the pods no names of their own. */
function missingService(one: StatefulSet, snapshot: Snapshot): Finding[] {
  const { metadata, spec } = one
  const name = spec?.serviceName
  if (!name || isAsleep(one) || !snapshot.isKnown('Service', metadata.namespace)) return []
  if (snapshot.find('Service', metadata.namespace, name)) return []
  return [
    {
      ...base(one),
      reason: 'MissingService',
      severity: 'warning',
      text: `StatefulSet ${fullName(metadata)} names Service ${name} in serviceName, which does not exist, so its pods have no names in DNS.`,
      evidence: [at(one, 'spec.serviceName', name)],
      next: `k8s_list kind=Service namespace=${metadata.namespace}; create the headless Service ${name} with k8s_apply`,
      field: 'spec.serviceName',
    },
  ]
}

function missingClass(one: StatefulSet, snapshot: Snapshot): Finding[] {
  const { metadata, spec } = one
  if (!snapshot.isKnown('StorageClass') || isAsleep(one)) return []
  const templates = (spec?.volumeClaimTemplates ?? []).flatMap(({ metadata: claim, spec: wanted }) => {
    const name = wanted?.storageClassName
    return name && !snapshot.find('StorageClass', undefined, name) ? [{ claim: claim?.name ?? '', name }] : []
  })
  // Claims that are bound already do not ask for their class again.
  if (templates.length === 0 || isComplete(one)) return []
  const { claim, name } = templates[0]!
  return [
    {
      ...base(one),
      reason: 'MissingStorageClass',
      severity: 'warning',
      text: `StatefulSet ${fullName(metadata)} asks for StorageClass ${name} in volumeClaimTemplate ${claim}, which does not exist.`,
      evidence: templates.map((template) =>
        at(one, `spec.volumeClaimTemplates[${template.claim}].spec.storageClassName`, template.name),
      ),
      next: 'k8s_list kind=StorageClass',
      field: 'spec.volumeClaimTemplates',
    },
  ]
}

const isAsleep = (one: StatefulSet): boolean => replicasOf(one).wanted === 0

const isComplete = (one: StatefulSet): boolean => {
  const { wanted, available } = replicasOf(one)
  return isObserved(one) && available >= wanted
}

const isObserved = ({ metadata, status }: StatefulSet): boolean =>
  status !== undefined && (status.observedGeneration ?? 0) >= (metadata.generation ?? 0)

function unavailable(one: StatefulSet, snapshot: Snapshot): Finding[] {
  const { metadata, status } = one
  if (!isObserved(one) || isComplete(one)) return []
  const { wanted, available } = replicasOf(one)
  const pods = snapshot.podsOf(refOf('StatefulSet', metadata))
  const since = latest(...pods.map(changedAt)) ?? metadata.creationTimestamp
  if (!hasLasted(since, progressGrace, snapshot)) return []
  const blocking = blockingOrdinal(one, pods, snapshot)
  return [
    {
      ...base(one),
      reason: 'ReplicasUnavailable',
      severity: isDown({ wanted, available: status?.readyReplicas ?? 0 }) ? 'critical' : 'warning',
      text: `StatefulSet ${fullName(metadata)} has ${available} of ${wanted} replicas available${blocking ? `; the first that is not is ${blocking.text}` : ''}.`,
      ...(since !== undefined && { since }),
      evidence: [
        at(one, 'spec.replicas', wanted),
        at(one, 'status.readyReplicas', status?.readyReplicas ?? 0),
        at(one, 'status.availableReplicas', available),
        ...(status?.updateRevision && status.updateRevision !== status.currentRevision
          ? [at(one, 'status.updateRevision', status.updateRevision)]
          : []),
        ...(blocking?.evidence ?? []),
      ],
      next: blocking?.next ?? `k8s_list_pods namespace=${metadata.namespace} match=${metadata.name}`,
      field: 'status.availableReplicas',
    },
  ]
}

/** The rollout stands still since the last pod changed. */
const changedAt = (pod: Pod): string | undefined => latest(pod.metadata.creationTimestamp, unreadySince(pod))

/** Pods are made in order, so the first that is missing or unready holds the others up. */
function blockingOrdinal(
  one: StatefulSet,
  pods: Pod[],
  snapshot: Snapshot,
): { text: string; evidence: Evidence[]; next: string } | undefined {
  const { metadata, spec } = one
  if (!snapshot.isKnown('Pod', metadata.namespace)) return undefined
  const start = spec?.ordinals?.start ?? 0
  const byName = new Map(pods.map((pod) => [pod.metadata.name, pod]))
  for (let ordinal = start; ordinal < start + replicasOf(one).wanted; ordinal++) {
    const name = `${metadata.name}-${ordinal}`
    const pod = byName.get(name)
    if (!pod) return missingPod(one, name, snapshot)
    const ready = conditionOf(pod.status?.conditions, 'Ready')
    if (pod.status?.phase === 'Running' && ready?.status === 'True') continue
    const object = refOf('Pod', pod.metadata)
    return {
      text: `${name}, which is ${pod.status?.phase === 'Running' ? 'Running but not ready' : (pod.status?.phase ?? 'without a phase')}`,
      evidence: [
        { object, path: 'status.phase', value: pod.status?.phase ?? 'not set' },
        { object, path: 'status.conditions[Ready].status', value: ready?.status ?? 'not set' },
      ],
      next: `k8s_get_pod name=${name} namespace=${metadata.namespace}`,
    }
  }
  return undefined
}

function missingPod(one: StatefulSet, name: string, snapshot: Snapshot) {
  const { metadata } = one
  const event = snapshot.eventsOf('StatefulSet', metadata).find(({ type }) => type === 'Warning')
  return {
    text: `${name}, which does not exist${because(event?.message)}`,
    evidence: event ? [at(one, `event/${event.reason}`, event.message ?? '')] : [],
    next: `k8s_get_events namespace=${metadata.namespace} match=${metadata.name}`,
  }
}

function base({ metadata }: StatefulSet): Pick<Finding, 'object' | 'owner' | 'confidence'> {
  const object = refOf('StatefulSet', metadata)
  return { object, owner: object, confidence: 'high' }
}

const at = ({ metadata }: StatefulSet, path: string, value: string | number): Evidence => ({
  object: refOf('StatefulSet', metadata),
  path,
  value: String(value),
})
