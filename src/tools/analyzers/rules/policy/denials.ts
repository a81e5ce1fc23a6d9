import type { Evidence, ObjectRef } from '../../analyzer.ts'
import { type KindName, kinds, type ObjectOf } from '../../kinds/index.ts'
import { refOf, type Snapshot, timeOf } from '../../snapshot.ts'
import { isWell } from '../affected.ts'
import { conditionOf, minute } from '../age.ts'
import { distinct, fullName } from '../phrases.ts'

/** A controller that admission does not let make a pod or a claim. */
export interface Denial {
  /** The ReplicaSet, Job, … itself. */
  controller: ObjectRef
  /** The workload at the top. */
  owner: ObjectRef
  message: string
  since: string | undefined
  evidence: Evidence
}

/** What has to be in the snapshot for `denialsOf`. */
export const denialKinds = [
  'ReplicaSet',
  'StatefulSet',
  'DaemonSet',
  'Job',
  'Deployment',
  'Pod',
  'Event',
] satisfies KindName[]

// Controllers wait up to 16 minutes before they try again.
const freshness = 30 * minute

/** Every refusal that holds now: from conditions where controllers keep one, else from events that are fresh. */
export const denialsOf = (snapshot: Snapshot): Denial[] => [...fromConditions(snapshot), ...fromEvents(snapshot)]

function fromConditions(snapshot: Snapshot): Denial[] {
  return snapshot.list('ReplicaSet').flatMap(({ metadata, spec, status }) => {
    const failure = conditionOf(status?.conditions, 'ReplicaFailure')
    if (spec?.replicas === 0 || failure?.status !== 'True' || !failure.message) return []
    const controller = refOf('ReplicaSet', metadata)
    return [
      {
        controller,
        owner: snapshot.ownerOf('ReplicaSet', metadata),
        message: failure.message,
        since: failure.lastTransitionTime,
        evidence: { object: controller, path: 'status.conditions[ReplicaFailure].message', value: failure.message },
      },
    ]
  })
}

/** The newest one of each controller, since its first. */
function fromEvents(snapshot: Snapshot): Denial[] {
  const refusals = snapshot
    .list('Event')
    .filter((event) => event.reason === 'FailedCreate' && snapshot.now - timeOf(event) <= freshness)
    .toSorted((a, b) => timeOf(a) - timeOf(b))
    .flatMap((event) => fromEvent(event, snapshot))
  const byController = Map.groupBy(refusals, ({ controller }) => `${controller.kind} ${fullName(controller)}`)
  return [...byController.values()].map((group) => ({ ...group.at(-1)!, since: beginningOf(group) }))
}

function fromEvent(
  { involvedObject, message, firstTimestamp, eventTime }: ObjectOf<'Event'>,
  snapshot: Snapshot,
): Denial[] {
  const { kind, namespace, name } = involvedObject ?? {}
  if (!kind || !name || !message) return []
  const meta = isKind(kind) ? snapshot.find(kind, namespace, name)?.metadata : undefined
  // A ReplicaSet's condition tells better whether it still holds; what is gone wants no more pods.
  if (isKind(kind) && snapshot.isKnown(kind, namespace) && (kind === 'ReplicaSet' || !meta)) return []
  const controller = refOf(kind, { name, namespace })
  return [
    {
      controller,
      owner: meta ? snapshot.ownerOf(kind, meta) : controller,
      message,
      since: firstTimestamp ?? eventTime,
      evidence: { object: controller, path: 'event/FailedCreate', value: message },
    },
  ]
}

const isKind = (kind: string): kind is KindName => Object.hasOwn(kinds, kind)

/** Who suffers from refusals alone. A workload with pods that are not well has another trouble, which must not be hidden. */
export function refusedBy(denials: Denial[], snapshot: Snapshot): ObjectRef[] {
  const alone = denials.map(({ owner }) => owner).filter((owner) => snapshot.podsOf(owner).every(isWell))
  const refs = [...denials.map(({ controller }) => controller), ...alone]
  return [...new Map(refs.map((ref) => [`${ref.kind} ${fullName(ref)}`, ref])).values()]
}

export const beginningOf = (denials: Denial[]): string | undefined =>
  denials.flatMap(({ since = [] }) => since).sort()[0]

/** `Deployment worker`, each once. */
export const refusedNames = (denials: Denial[]): string[] =>
  distinct(denials.map(({ owner }) => `${owner.kind} ${owner.name}`)).sort()
