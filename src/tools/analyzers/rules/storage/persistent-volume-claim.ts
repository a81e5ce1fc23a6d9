import { amountOf } from '../../../kubernetes/quantity.ts'
import type { Analyzer, Evidence, Finding } from '../../analyzer.ts'
import type { ObjectOf } from '../../kinds/index.ts'
import { refOf, type Snapshot } from '../../snapshot.ts'
import { affectedBy } from '../affected.ts'
import { conditionOf, hasLasted, isNew, minute } from '../age.ts'
import { merged } from '../merge.ts'
import { fullName } from '../phrases.ts'
import { placeOf, type Subject, sinceOf, subjectOf } from '../subject.ts'
import { classNameOf, defaultClassesOf } from './storage.ts'

type Claim = ObjectOf<'PersistentVolumeClaim'>
type Class = ObjectOf<'StorageClass'>
type Pod = ObjectOf<'Pod'>

/** A claim with the pods that mount it. */
interface Case extends Subject {
  claim: Claim
  users: Pod[]
  snapshot: Snapshot
}

const bindingGrace = 5 * minute
const resizeGrace = 10 * minute

export const persistentVolumeClaim: Analyzer = {
  name: 'PersistentVolumeClaim',
  finds: 'claims that stay pending, with the reason; lost ones; resizes that failed',
  core: true,
  reads: ['PersistentVolumeClaim', 'PersistentVolume', 'StorageClass', 'Pod', 'Event'],
  inspect(snapshot) {
    const usersOf = claimUsers(snapshot)
    const cases = snapshot.list('PersistentVolumeClaim').map((claim) => ({
      ...subjectOf('PersistentVolumeClaim', claim.metadata, snapshot),
      claim,
      users: usersOf(claim),
      snapshot,
    }))
    return merged(cases.flatMap((one) => [...lost(one), ...pending(one), ...resizing(one)]))
  },
}

/** Tells the pods that mount a claim, by name or as an ephemeral volume of theirs. */
export function claimUsers(snapshot: Snapshot): (claim: Claim) => Pod[] {
  const users = new Map<string, Pod[]>()
  for (const pod of snapshot.list('Pod'))
    for (const { persistentVolumeClaim: source } of pod.spec?.volumes ?? []) {
      if (!source?.claimName) continue
      const key = fullName({ namespace: pod.metadata.namespace, name: source.claimName })
      users.set(key, [...(users.get(key) ?? []), pod])
    }
  return ({ metadata }) => {
    const maker = metadata.ownerReferences?.find(({ kind, controller }) => kind === 'Pod' && controller)
    const pod = maker && snapshot.find('Pod', metadata.namespace, maker.name)
    return [...(users.get(fullName(metadata)) ?? []), ...(pod ? [pod] : [])]
  }
}

function lost(one: Case): Finding[] {
  const { claim, users, snapshot } = one
  if (claim.status?.phase !== 'Lost') return []
  const volume = claim.spec?.volumeName ?? 'not named'
  const found = snapshot.find('PersistentVolume', undefined, volume)
  const isGone = !found && snapshot.isKnown('PersistentVolume')
  return [
    {
      ...one.who,
      reason: 'ClaimLost',
      severity: 'critical',
      confidence: 'high',
      text: `${one.title} is Lost: its volume ${volume} ${isGone ? 'does not exist' : 'is not bound to it'}.`,
      evidence: [
        one.shows('status.phase', 'Lost'),
        one.shows('spec.volumeName', volume),
        ...eventsOf(one, ['ClaimLost']),
      ],
      next: found ? `k8s_get kind=PersistentVolume name=${volume}` : one.get,
      affects: affectedBy(users.filter(isWaiting), snapshot),
      field: 'status.phase',
    },
  ]
}

function pending(one: Case): Finding[] {
  const { claim, snapshot } = one
  if (claim.status?.phase !== 'Pending' || claim.metadata.deletionTimestamp || isNew(claim.metadata, snapshot))
    return []
  const volume = claim.spec?.volumeName
  if (volume) return unbound(one, `its volume ${volume} is not bound to it`)
  const name = classNameOf(claim)
  if (name === undefined) return withoutClass(one)
  if (name === '') return unbound(one, 'it wants no StorageClass, and no volume is bound to it')
  const storageClass = snapshot.find('StorageClass', undefined, name)
  if (!storageClass) return withUnknownClass(one, name)
  if (storageClass.volumeBindingMode === 'WaitForFirstConsumer') return awaited(one, storageClass)
  return unbound(one, `StorageClass ${name} has given it no volume`, storageClass)
}

function withoutClass(one: Case): Finding[] {
  const { snapshot } = one
  // A default is filled in later too: with one, this claim only has to wait.
  if (!snapshot.isKnown('StorageClass') || defaultClassesOf(snapshot).length > 0)
    return unbound(one, 'it names no StorageClass, and no volume is bound to it')
  return [
    {
      ...stuck(one),
      reason: 'NoDefaultStorageClass',
      text: `${one.title} is Pending: it names no StorageClass, and no StorageClass is the default.`,
      evidence: [
        one.shows('status.phase', 'Pending'),
        one.shows('spec.storageClassName', 'not set'),
        ...eventsOf(one, bindingFailures),
      ],
      next: 'k8s_list kind=StorageClass',
      field: 'spec.storageClassName',
    },
  ]
}

function withUnknownClass(one: Case, name: string): Finding[] {
  const { snapshot } = one
  // Volumes that people make by hand carry a class name that need not exist as an object.
  const isByHand = snapshot.list('PersistentVolume').some((volume) => classNameOf(volume) === name)
  if (isByHand || !snapshot.isKnown('StorageClass'))
    return unbound(one, `no volume of the class ${name} is bound to it`)
  return [
    {
      ...stuck(one),
      reason: 'StorageClassNotFound',
      text: `${one.title} is Pending: its StorageClass ${name} does not exist.`,
      evidence: [
        one.shows('status.phase', 'Pending'),
        one.shows('spec.storageClassName', name),
        ...eventsOf(one, bindingFailures),
      ],
      next: 'k8s_list kind=StorageClass',
      field: 'spec.storageClassName',
    },
  ]
}

const bindingFailures = ['ProvisioningFailed', 'FailedBinding']

/** A claim that should have been bound by now, whatever the reason. */
function unbound(one: Case, why: string, storageClass?: Class): Finding[] {
  const { claim, snapshot } = one
  if (!hasLasted(claim.metadata.creationTimestamp, bindingGrace, snapshot)) return []
  const failures = eventsOf(one, bindingFailures)
  return [
    {
      ...stuck(one),
      reason: reasonOf(failures),
      text: `${one.title} is Pending: ${why}.`,
      evidence: [
        one.shows('status.phase', 'Pending'),
        ...failures,
        ...(storageClass ? [provisionerOf(storageClass)] : []),
      ],
      next: one.get,
    },
  ]
}

/** Bound only when a pod wants it: a claim without such a pod is as it should be. */
function awaited(one: Case, storageClass: Class): Finding[] {
  const { claim, users, snapshot } = one
  const pod = users.find(
    (user) => isWaiting(user) && hasLasted(user.metadata.creationTimestamp, bindingGrace, snapshot),
  )
  if (!pod) return []
  const failures = eventsOf(one, bindingFailures)
  const evidence = [
    one.shows('status.phase', 'Pending'),
    ...failures,
    ...schedulingOf(pod),
    provisionerOf(storageClass),
  ]
  if (failures.length === 0 && !hasItsNode(claim) && waitsForOtherThings(pod)) return [unscheduled(one, pod, evidence)]
  return [
    {
      ...stuck(one),
      ...sinceOf(pod.metadata.creationTimestamp),
      reason: reasonOf(failures),
      text: `${one.title} is Pending: StorageClass ${storageClass.metadata.name} has given it no volume for pod ${pod.metadata.name}.`,
      evidence,
      next: one.get,
    },
  ]
}

// Set by the scheduler when it has found a node: from then on the provisioner has to act.
const hasItsNode = ({ metadata }: Claim): boolean =>
  metadata.annotations?.['volume.kubernetes.io/selected-node'] !== undefined

function waitsForOtherThings(pod: Pod): boolean {
  const scheduled = conditionOf(pod.status?.conditions, 'PodScheduled')
  return scheduled?.status === 'False' && !/volume|persistentvolumeclaim|storage/i.test(scheduled.message ?? '')
}

/** The claim is well and its pod is not: the pod's own finding says why. */
function unscheduled(one: Case, pod: Pod, evidence: Evidence[]): Finding {
  return {
    ...one.who,
    ...sinceOf(pod.metadata.creationTimestamp),
    reason: 'WaitingForConsumer',
    severity: 'info',
    confidence: 'medium',
    text: `${one.title} is Pending until its pod ${pod.metadata.name} can be scheduled.`,
    evidence,
    next: `k8s_get_pod ${placeOf(pod.metadata)}`,
  }
}

function schedulingOf(pod: Pod): Evidence[] {
  const message = conditionOf(pod.status?.conditions, 'PodScheduled')?.message
  return message
    ? [{ object: refOf('Pod', pod.metadata), path: 'status.conditions[PodScheduled].message', value: message }]
    : []
}

function resizing(one: Case): Finding[] {
  const { claim, users, snapshot } = one
  const wanted = claim.spec?.resources?.requests?.storage
  const given = claim.status?.capacity?.storage
  const isTooSmall = (amountOf(wanted) ?? 0) > (amountOf(given) ?? Number.POSITIVE_INFINITY)
  if (claim.status?.phase !== 'Bound' || claim.metadata.deletionTimestamp || !isTooSmall) return []
  const conditions = (claim.status.conditions ?? []).filter(
    ({ type, status }) => resizeConditions.has(type) && status === 'True',
  )
  const since = conditions.flatMap(({ lastTransitionTime = [] }) => lastTransitionTime).sort()[0]
  if (!hasLasted(since ?? claim.metadata.creationTimestamp, resizeGrace, snapshot)) return []
  const state = claim.status.allocatedResourceStatuses?.storage
  const failed = conditions.some(({ type }) => type.endsWith('Error')) || /(Failed|Infeasible)$/.test(state ?? '')
  // Then nothing waits for the space: the file system grows when the next pod mounts it.
  const isIdle = !failed && users.length === 0 && snapshot.isKnown('Pod', claim.metadata.namespace)
  return [
    {
      ...one.who,
      ...sinceOf(since),
      reason: failed ? 'ResizeFailed' : 'ResizePending',
      severity: isIdle ? 'info' : 'warning',
      confidence: since === undefined && state === undefined ? 'medium' : 'high',
      text: `${one.title} asks for ${wanted} and has ${given}${isIdle ? ', and no pod mounts it' : ''}.`,
      evidence: [
        one.shows('status.capacity.storage', `${given} of ${wanted}`),
        ...(state ? [one.shows('status.allocatedResourceStatuses[storage]', state)] : []),
        ...conditions.map(({ type, message }) => one.shows(`status.conditions[${type}]`, message ?? 'True')),
        ...eventsOf(one, ['VolumeResizeFailed', 'FileSystemResizeFailed', 'ExternalExpanding']),
      ],
      next: one.get,
      field: 'spec.resources.requests',
    },
  ]
}

const resizeConditions = new Set(['Resizing', 'FileSystemResizePending', 'ControllerResizeError', 'NodeResizeError'])

function stuck({ who, claim, users, snapshot }: Case) {
  return {
    ...who,
    ...sinceOf(claim.metadata.creationTimestamp),
    severity: 'warning' as const,
    confidence: 'high' as const,
    affects: affectedBy(users.filter(isWaiting), snapshot),
  }
}

const isWaiting = ({ status }: Pod): boolean => status?.phase === 'Pending'

const reasonOf = (failures: Evidence[]): string =>
  failures.some(({ path }) => path === 'event/ProvisioningFailed') ? 'ProvisioningFailed' : 'ClaimPending'

const provisionerOf = ({ metadata, provisioner }: Class): Evidence => ({
  object: refOf('StorageClass', metadata),
  path: 'provisioner',
  value: provisioner ?? 'not set',
})

/** The newest event of each of these reasons. */
function eventsOf({ claim, snapshot, shows }: Case, reasons: string[]): Evidence[] {
  const events = snapshot.eventsOf('PersistentVolumeClaim', claim.metadata)
  return reasons.flatMap((reason) => {
    const event = events.find((one) => one.reason === reason)
    return event ? [shows(`event/${reason}`, event.message ?? '')] : []
  })
}
