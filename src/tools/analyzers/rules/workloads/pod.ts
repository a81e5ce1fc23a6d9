import type { Analyzer, Evidence, Severity } from '../../analyzer.ts'
import type { ObjectOf } from '../../kinds/index.ts'
import { refOf, type Snapshot } from '../../snapshot.ts'
import { conditionOf, hasLasted, isNew, minute } from '../age.ts'
import { listed } from '../phrases.ts'
import { availabilityKinds, availabilityOf, hasGivenUp, isDown, isServed } from './availability.ts'
import { containerTroubles } from './containers.ts'
import { because, findingsOf, quoted, type Trouble } from './trouble.ts'

type Pod = ObjectOf<'Pod'>

const schedulingGrace = 2 * minute
const gateGrace = 10 * minute
const mountGrace = 2 * minute
const creationGrace = 10 * minute
const deletionGrace = 5 * minute
const lostGrace = 2 * minute

export const pod: Analyzer = {
  name: 'Pod',
  finds:
    'crash loops, OOM kills, images that cannot be pulled, pods that no node takes, that do not start, get ready, or end',
  core: true,
  reads: ['Pod', 'Event', 'Job', 'CronJob', ...availabilityKinds],
  inspect: (snapshot) =>
    findingsOf(
      snapshot.list('Pod').flatMap((one) => troublesOf(one, snapshot)),
      snapshot,
    ),
}

function troublesOf(one: Pod, snapshot: Snapshot): Trouble[] {
  const phase = one.status?.phase
  if (one.metadata.deletionTimestamp) return terminating(one, snapshot)
  if (phase === 'Succeeded' || isNew(one.metadata, snapshot)) return []
  if (phase === 'Failed') return failed(one, snapshot)
  if (phase === 'Unknown' || one.status?.reason === 'NodeLost') return lost(one, snapshot)
  return [
    ...unschedulable(one, snapshot),
    ...gated(one, snapshot),
    ...notStarted(one, snapshot),
    ...containerTroubles(one, severityOf(one, snapshot), snapshot),
    ...readinessGates(one, snapshot),
  ]
}

/** A pod alone says little about users; the workload that has no other pod left does. */
function severityOf({ metadata }: Pod, snapshot: Snapshot): Severity {
  return isDown(availabilityOf(snapshot.ownerOf('Pod', metadata), snapshot)) ? 'critical' : 'warning'
}

function terminating(one: Pod, snapshot: Snapshot): Trouble[] {
  const { metadata, spec } = one
  if (!hasLasted(metadata.deletionTimestamp, deletionGrace, snapshot)) return []
  const holders = metadata.finalizers?.length ? ` while finalizers ${listed(metadata.finalizers)} are set` : ''
  return [
    {
      ...base(one),
      reason: 'StuckTerminating',
      text: (pods) => `The deletion of ${pods} has not come to its end${holders}.`,
      since: metadata.deletionTimestamp,
      evidence: [
        at(one, 'metadata.deletionTimestamp', metadata.deletionTimestamp),
        ...(metadata.finalizers?.length ? [at(one, 'metadata.finalizers', metadata.finalizers.join(', '))] : []),
        ...(spec?.nodeName ? [at(one, 'spec.nodeName', spec.nodeName)] : []),
      ],
      next: spec?.nodeName ? `k8s_get kind=Node name=${spec.nodeName}` : lookAt(one),
      field: 'metadata.finalizers',
    },
  ]
}

function failed(one: Pod, snapshot: Snapshot): Trouble[] {
  const { metadata, status } = one
  const owner = snapshot.ownerOf('Pod', metadata)
  const isReplaced = isServed(availabilityOf(owner, snapshot))
  if (status?.reason === 'Evicted') return [evicted(one, isReplaced)]
  // The object of a failed pod stays behind after others have taken over its work.
  if (isReplaced || isLeftToItsJob(one, snapshot)) return []
  const troubles = containerTroubles(one, 'warning', snapshot)
  if (troubles.length > 0 || !status?.reason) return troubles
  return [
    {
      ...base(one),
      reason: status.reason,
      text: (pods) => `The phase of ${pods} is Failed with reason ${status.reason}${because(status.message)}.`,
      since: conditionOf(status.conditions, 'Ready')?.lastTransitionTime,
      evidence: [at(one, 'status.reason', status.reason), at(one, 'status.message', status.message)].filter(hasValue),
      next: lookAt(one),
      field: 'status.reason',
    },
  ]
}

function evicted(one: Pod, isReplaced: boolean): Trouble {
  const { spec, status } = one
  return {
    ...base(one),
    reason: 'Evicted',
    severity: isReplaced ? 'info' : 'warning',
    text: (pods) => `The kubelet has evicted ${pods}${because(status?.message)}.`,
    since: conditionOf(status?.conditions, 'Ready')?.lastTransitionTime ?? status?.startTime,
    evidence: [
      at(one, 'status.reason', 'Evicted'),
      at(one, 'status.message', status?.message),
      at(one, 'spec.nodeName', spec?.nodeName),
    ].filter(hasValue),
    next: spec?.nodeName ? `k8s_get kind=Node name=${spec.nodeName}` : lookAt(one),
    field: 'status.reason',
  }
}

/** A Job tries again, and counts; only when it has given up do its pods tell why. */
function isLeftToItsJob({ metadata }: Pod, snapshot: Snapshot): boolean {
  const reference = metadata.ownerReferences?.find(({ controller, kind }) => controller && kind === 'Job')
  if (!reference || !snapshot.isKnown('Job', metadata.namespace)) return false
  const job = snapshot.find('Job', metadata.namespace, reference.name)
  return conditionOf(job?.status?.conditions, 'Failed')?.status !== 'True'
}

function lost(one: Pod, snapshot: Snapshot): Trouble[] {
  const since = conditionOf(one.status?.conditions, 'Ready')?.lastTransitionTime
  const node = one.spec?.nodeName
  if (!hasLasted(since, lostGrace, snapshot)) return []
  return [
    {
      ...base(one),
      reason: 'NodeLost',
      text: (pods) => `Nothing is known of ${pods}${node ? ` since node ${node} is lost` : ''}.`,
      since,
      evidence: [at(one, 'status.phase', one.status?.phase), at(one, 'spec.nodeName', node)].filter(hasValue),
      next: node ? `k8s_get kind=Node name=${node}` : lookAt(one),
    },
  ]
}

function unschedulable(one: Pod, snapshot: Snapshot): Trouble[] {
  const { spec, status } = one
  const scheduled = conditionOf(status?.conditions, 'PodScheduled')
  if (scheduled?.status !== 'False' || scheduled.reason !== 'Unschedulable') return []
  if (!hasLasted(scheduled.lastTransitionTime, schedulingGrace, snapshot)) return []
  const requests = (spec?.containers ?? []).flatMap(({ name, resources }) =>
    resources?.requests ? [at(one, `spec.containers[${name}].resources.requests`, pairs(resources.requests))] : [],
  )
  return [
    {
      ...base(one),
      reason: 'Unschedulable',
      // A workload that is only starting has no users yet; one whose rollout was given up has.
      severity: hasGivenUp(snapshot.ownerOf('Pod', one.metadata), snapshot) ? severityOf(one, snapshot) : 'warning',
      text: (pods) => `No node can take ${pods}${because(scheduled.message)}.`,
      since: scheduled.lastTransitionTime,
      evidence: [
        at(one, 'status.conditions[PodScheduled].message', scheduled.message),
        ...requests.slice(0, 2),
        ...(spec?.nodeSelector ? [at(one, 'spec.nodeSelector', pairs(spec.nodeSelector))] : []),
      ].filter(hasValue),
      next: lookAt(one),
      field: 'status.conditions',
    },
  ]
}

function gated(one: Pod, snapshot: Snapshot): Trouble[] {
  const scheduled = conditionOf(one.status?.conditions, 'PodScheduled')
  if (scheduled?.status !== 'False' || scheduled.reason !== 'SchedulingGated') return []
  const since = scheduled.lastTransitionTime ?? one.metadata.creationTimestamp
  if (!hasLasted(since, gateGrace, snapshot)) return []
  const gates = (one.spec?.schedulingGates ?? []).flatMap(({ name }) => name ?? [])
  return [
    {
      ...base(one),
      reason: 'SchedulingGated',
      severity: 'info',
      text: (pods) =>
        `Scheduling gates hold ${pods} back${gates.length > 0 ? `: ${listed(gates)}` : because(scheduled.message)}.`,
      since,
      evidence: [
        at(one, 'spec.schedulingGates', gates.join(', ')),
        at(one, 'status.conditions[PodScheduled].message', scheduled.message),
      ].filter(hasValue),
      next: lookAt(one),
      field: 'spec.schedulingGates',
    },
  ]
}

const startFailures = ['FailedMount', 'FailedAttachVolume', 'FailedMapVolume', 'FailedCreatePodSandBox']

/** On a node, but nothing of it has begun. Pulling large images takes its time, so without an event the grace is long. */
function notStarted(one: Pod, snapshot: Snapshot): Trouble[] {
  const { metadata, spec, status } = one
  if (!spec?.nodeName || hasBegun(one)) return []
  const since = status?.startTime ?? metadata.creationTimestamp
  const event = snapshot.eventsOf('Pod', metadata).find(({ reason }) => startFailures.includes(reason ?? ''))
  if (!hasLasted(since, event ? mountGrace : creationGrace, snapshot)) return []
  return [
    {
      ...base(one),
      reason: event?.reason ?? 'ContainerCreating',
      confidence: event ? 'high' : 'medium',
      text: (pods) => `No container of ${pods} has been created on node ${spec.nodeName}${because(event?.message)}.`,
      since,
      evidence: [
        at(one, 'status.phase', status?.phase),
        at(one, `event/${event?.reason}`, event?.message),
        at(one, 'spec.nodeName', spec.nodeName),
      ].filter(hasValue),
      next: event ? lookAt(one) : `k8s_get_events namespace=${metadata.namespace} match=${metadata.name}`,
    },
  ]
}

const ordinary = ['ContainerCreating', 'PodInitializing']

/** Containers that wait for a reason of their own have come further than the volumes and the network of the pod. */
function hasBegun({ status }: Pod): boolean {
  return [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])].some(
    ({ state, lastState }) =>
      state?.running !== undefined ||
      state?.terminated !== undefined ||
      lastState?.terminated !== undefined ||
      (state?.waiting?.reason !== undefined && !ordinary.includes(state.waiting.reason)),
  )
}

/** Containers are ready, but somebody else has not given the word. */
function readinessGates(one: Pod, snapshot: Snapshot): Trouble[] {
  const { spec, status } = one
  const ready = conditionOf(status?.conditions, 'Ready')
  if (ready?.status !== 'False' || conditionOf(status?.conditions, 'ContainersReady')?.status !== 'True') return []
  if (!hasLasted(ready.lastTransitionTime, lostGrace, snapshot)) return []
  const missing = (spec?.readinessGates ?? [])
    .flatMap(({ conditionType }) => conditionType ?? [])
    .filter((type) => conditionOf(status?.conditions, type)?.status !== 'True')
  if (missing.length === 0) return []
  return [
    {
      ...base(one),
      reason: 'ReadinessGatesNotReady',
      severity: severityOf(one, snapshot),
      text: (pods) => `The containers of ${pods} are ready, but readiness gate ${listed(missing)} is not True.`,
      since: ready.lastTransitionTime,
      evidence: [
        at(one, 'status.conditions[Ready].message', quoted(ready.message) || 'False'),
        ...missing.map((type) =>
          at(one, `status.conditions[${type}].status`, conditionOf(status?.conditions, type)?.status ?? 'not set'),
        ),
      ],
      next: lookAt(one),
      field: 'spec.readinessGates',
    },
  ]
}

const base = (one: Pod): Pick<Trouble, 'pod' | 'severity' | 'confidence'> => ({
  pod: one,
  severity: 'warning',
  confidence: 'high',
})

const at = ({ metadata }: Pod, path: string, value: string | undefined): Evidence => ({
  object: refOf('Pod', metadata),
  path,
  value: value ?? '',
})

const hasValue = ({ value }: Evidence): boolean => value !== ''

const lookAt = ({ metadata }: Pod): string => `k8s_get_pod name=${metadata.name} namespace=${metadata.namespace}`

const pairs = (record: Record<string, string>): string =>
  Object.entries(record)
    .map(([key, value]) => `${key}=${value}`)
    .join(', ')
