import { readinessGraceMs } from '../../../kubernetes/probes.ts'
import type { Evidence, Severity } from '../../analyzer.ts'
import type { ObjectOf } from '../../kinds/index.ts'
import type { Container } from '../../kinds/pod-spec.ts'
import type { ContainerStatus, Terminated } from '../../kinds/workloads.ts'
import { refOf, type Snapshot } from '../../snapshot.ts'
import { conditionOf, hasLasted, hour, minute } from '../age.ts'
import { hasGivenUp } from './availability.ts'
import { because, type Trouble } from './trouble.ts'

/** One container of a pod, as wanted and as it is. */
interface Case {
  pod: ObjectOf<'Pod'>
  list: 'containerStatuses' | 'initContainerStatuses' | 'ephemeralContainerStatuses'
  spec: Container | undefined
  status: ContainerStatus
  /** The severity of a fault that takes the container out of service. */
  severity: Severity
  snapshot: Snapshot
}

const pullGrace = 2 * minute
const loopTime = 10 * minute
const settledTime = 2 * minute
const restartTime = hour
const fewRestarts = 2
const manyRestarts = 5

/** What is wrong with the containers of a pod, each container's worst only. */
export function containerTroubles(pod: ObjectOf<'Pod'>, severity: Severity, snapshot: Snapshot): Trouble[] {
  return casesOf(pod, severity, snapshot).flatMap((one) =>
    one.list === 'ephemeralContainerStatuses'
      ? ephemeral(one)
      : (first(waiting, crashing, failed, killed, restarting, notReady)(one) ?? []),
  )
}

const first =
  (...rules: ((one: Case) => Trouble | undefined)[]) =>
  (one: Case): Trouble | undefined => {
    for (const rule of rules) {
      const trouble = rule(one)
      if (trouble) return trouble
    }
    return undefined
  }

function casesOf(pod: ObjectOf<'Pod'>, severity: Severity, snapshot: Snapshot): Case[] {
  const specs = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])]
  return (['initContainerStatuses', 'containerStatuses', 'ephemeralContainerStatuses'] as const).flatMap((list) =>
    (pod.status?.[list] ?? []).map((status) => ({
      pod,
      list,
      status,
      spec: specs.find(({ name }) => name === status.name),
      severity,
      snapshot,
    })),
  )
}

const harmless = ['ContainerCreating', 'PodInitializing', 'CrashLoopBackOff']

function waiting(one: Case): Trouble | undefined {
  const { status, spec, pod, snapshot } = one
  const reason = status.state?.waiting?.reason
  if (!reason || harmless.includes(reason)) return undefined
  if (!definite.has(reason) && !hasLasted(startOf(one), pullGrace, snapshot)) return undefined
  const event = newestEvent(one, ({ type }) => type === 'Warning')
  const message = status.state?.waiting?.message || event?.message
  return {
    ...base(one),
    reason: reason === 'ErrImagePull' ? 'ImagePullBackOff' : reason,
    // A workload that is only starting has no users yet; one whose rollout was given up has.
    severity: hasGivenUp(snapshot.ownerOf('Pod', pod.metadata), snapshot) ? one.severity : 'warning',
    text: (pods) => `Container ${status.name} of ${pods} waits with ${reason}${because(message)}.`,
    since: unreadySince(one),
    evidence: [
      at(one, 'state.waiting.reason', reason),
      at(one, 'state.waiting.message', status.state?.waiting?.message),
      ...(spec?.image ? [onPod(one, `spec.containers[${status.name}].image`, spec.image)] : []),
      ...(isAboutImage(reason) ? secretsOf(one) : []),
      ...(event ? [onPod(one, `event/${event.reason}`, event.message)] : []),
    ].filter(hasValue),
    next: `k8s_get_pod name=${pod.metadata.name} namespace=${pod.metadata.namespace}`,
    field: isAboutImage(reason) ? 'spec.containers.image' : 'spec.containers',
  }
}

// The kubelet has tried and will not get further by itself; others (ErrImagePull among them) may pass.
const definite = new Set([
  'ImagePullBackOff',
  'ErrImageNeverPull',
  'InvalidImageName',
  'CreateContainerConfigError',
  'CreateContainerError',
  'PreCreateHookError',
  'PreStartHookError',
  'PostStartHookError',
  'RunContainerError',
])

const isAboutImage = (reason: string): boolean => reason.includes('Image')

const secretsOf = (one: Case): Evidence[] =>
  (one.pod.spec?.imagePullSecrets ?? []).flatMap(({ name }) =>
    name ? [onPod(one, 'spec.imagePullSecrets', name)] : [],
  )

function crashing(one: Case): Trouble | undefined {
  const last = lastEnd(one)
  if (!isLooping(one, last)) return undefined
  if (last?.reason === 'OOMKilled') return outOfMemory(one, last)
  return {
    ...base(one),
    reason: 'CrashLoopBackOff',
    text: (pods) => `Container ${one.status.name} of ${pods} is restarted again and again${ending(last)}.`,
    since: unreadySince(one),
    evidence: [...crashEvidence(one, last), ...newestWarning(one, 'BackOff')],
    next: previousLogs(one),
    field: 'spec.containers',
  }
}

/** Between two crashes a container runs for a moment, so its waiting reason alone does not tell. */
function isLooping({ status, pod, snapshot }: Case, last: Terminated | undefined): boolean {
  if (status.state?.waiting?.reason === 'CrashLoopBackOff') return true
  const restarts = status.restartCount ?? 0
  if (!last || pod.status?.phase === 'Failed' || isSettled(status, snapshot)) return false
  if (restarts >= fewRestarts && !hasLasted(pod.status?.startTime, loopTime, snapshot)) return true
  return restarts >= manyRestarts && !hasLasted(last.finishedAt, loopTime, snapshot) && runTime(last) < loopTime
}

const isSettled = ({ ready, state }: ContainerStatus, snapshot: Snapshot): boolean =>
  ready === true && state?.running !== undefined && hasLasted(state.running.startedAt, settledTime, snapshot)

/** Unknown times make a run short: crash loops are the usual case. */
function runTime({ startedAt, finishedAt }: Terminated): number {
  const time = Date.parse(finishedAt ?? '') - Date.parse(startedAt ?? '')
  return Number.isNaN(time) ? 0 : time
}

const lastEnd = ({ status }: Case): Terminated | undefined => status.lastState?.terminated ?? status.state?.terminated

function ending(last: Terminated | undefined): string {
  if (!last) return ''
  const signal = last.signal ? `, signal ${last.signal}` : ''
  return `: it last ended with ${last.reason ?? 'an unknown reason'}, exit code ${last.exitCode ?? 'unknown'}${signal}`
}

/** A container that is not started again, or an init container that holds the pod up. */
function failed(one: Case): Trouble | undefined {
  const { status, pod } = one
  const end = status.state?.terminated
  if (!end?.exitCode || (pod.status?.phase !== 'Failed' && isRestarted(one))) return undefined
  if (end.reason === 'OOMKilled') return outOfMemory(one, end)
  return {
    ...base(one),
    reason: end.reason ?? 'Error',
    severity: 'warning',
    text: (pods) =>
      `Container ${status.name} of ${pods} has ended with ${end.reason ?? 'an unknown reason'}, exit code ${end.exitCode}.`,
    since: end.finishedAt,
    evidence: [
      at(one, 'state.terminated.reason', end.reason),
      at(one, 'state.terminated.exitCode', String(end.exitCode)),
      at(one, 'state.terminated.message', end.message),
    ].filter(hasValue),
    next: logs(one),
    field: 'spec.containers',
  }
}

const isRestarted = ({ pod, spec }: Case): boolean =>
  spec?.restartPolicy === 'Always' || (pod.spec?.restartPolicy ?? 'Always') !== 'Never'

/** It runs again, but has been killed for its memory not long ago. */
function killed(one: Case): Trouble | undefined {
  const last = one.status.lastState?.terminated
  if (last?.reason !== 'OOMKilled' || hasLasted(last.finishedAt, restartTime, one.snapshot)) return undefined
  return { ...outOfMemory(one, last), severity: 'warning' }
}

function outOfMemory(one: Case, last: Terminated): Trouble {
  const limit = one.spec?.resources?.limits?.memory
  return {
    ...base(one),
    reason: 'OOMKilled',
    text: (pods) =>
      `Container ${one.status.name} of ${pods} was OOMKilled with ${limit ? `a memory limit of ${limit}` : 'no memory limit of its own'}.`,
    since: one.status.ready ? last.finishedAt : unreadySince(one),
    evidence: [
      ...crashEvidence(one, last),
      onPod(one, `spec.containers[${one.status.name}].resources.limits.memory`, limit ?? 'not set'),
    ],
    next: previousLogs(one),
    field: 'spec.containers.resources.limits',
  }
}

function restarting(one: Case): Trouble | undefined {
  const last = one.status.lastState?.terminated
  const restarts = one.status.restartCount ?? 0
  if (!last || restarts < manyRestarts || hasLasted(last.finishedAt, restartTime, one.snapshot)) return undefined
  return {
    ...base(one),
    reason: 'FrequentRestarts',
    severity: 'warning',
    text: (pods) => `Container ${one.status.name} of ${pods} runs but has been restarted many times${ending(last)}.`,
    since: last.finishedAt,
    evidence: crashEvidence(one, last),
    next: previousLogs(one),
    field: 'spec.containers',
  }
}

function notReady(one: Case): Trouble | undefined {
  const { status, spec, pod, snapshot } = one
  const { running } = status.state ?? {}
  if (!running || status.ready !== false || !serves(one)) return undefined
  const since = later(running.startedAt, conditionOf(pod.status?.conditions, 'Ready')?.lastTransitionTime)
  if (!hasLasted(since, readinessGraceMs(spec ?? {}, { started: status.started !== false }), snapshot)) return undefined
  const event = newestEvent(one, ({ reason }) => reason === 'Unhealthy')
  const probe = status.started === false && spec?.startupProbe ? 'startupProbe' : 'readinessProbe'
  const hasProbe = event !== undefined || spec?.[probe] !== undefined
  const rollout = stalledRollout(one)
  return {
    ...base(one),
    reason: hasProbe ? 'Unhealthy' : 'NotReady',
    text: (pods) =>
      `Container ${status.name} of ${pods} runs but is not ready${because(event?.message)}${rollout.length > 0 ? '; the rollout waits for it and has run into its deadline' : ''}.`,
    since,
    evidence: [
      at(one, 'ready', 'false'),
      ...(event ? [onPod(one, `event/${event.reason}`, event.message)] : []),
      ...rollout,
    ].filter(hasValue),
    next: rollout[0]
      ? `${logs(one)}; k8s_rollout_undo name=${rollout[0].object.name} namespace=${pod.metadata.namespace} goes back to the revision before`
      : logs(one),
    field: `spec.containers.${probe}`,
  }
}

/** Init containers that only prepare are never ready while they run. */
const serves = ({ list, spec }: Case): boolean =>
  list === 'containerStatuses' || (list === 'initContainerStatuses' && spec?.restartPolicy === 'Always')

/** A rollout that waits for this pod tells more than that the pod is not ready. */
function stalledRollout({ pod, snapshot }: Case): Evidence[] {
  const owner = snapshot.ownerOf('Pod', pod.metadata)
  if (owner.kind !== 'Deployment') return []
  const conditions = snapshot.find('Deployment', owner.namespace, owner.name)?.status?.conditions
  const progressing = conditionOf(conditions, 'Progressing')
  if (progressing?.status !== 'False') return []
  return [{ object: owner, path: 'status.conditions[Progressing].reason', value: progressing.reason ?? 'False' }]
}

/** People debug with these; nobody depends on them. */
function ephemeral(one: Case): Trouble[] {
  const { waiting: waits, terminated } = one.status.state ?? {}
  const problem = waits?.reason && !harmless.includes(waits.reason) ? waits.reason : undefined
  if (!problem && !terminated?.exitCode) return []
  return [
    {
      ...base(one),
      reason: 'EphemeralContainerFailed',
      severity: 'info',
      text: (pods) =>
        problem
          ? `Ephemeral container ${one.status.name} of ${pods} waits with ${problem}${because(waits?.message)}.`
          : `Ephemeral container ${one.status.name} of ${pods} has ended with exit code ${terminated?.exitCode}.`,
      since: terminated?.finishedAt,
      evidence: [
        at(one, 'state.waiting.reason', problem),
        at(
          one,
          'state.terminated.exitCode',
          terminated?.exitCode === undefined ? undefined : String(terminated.exitCode),
        ),
      ].filter(hasValue),
      next: logs(one),
    },
  ]
}

function crashEvidence(one: Case, last: Terminated | undefined): Evidence[] {
  const path = one.status.lastState?.terminated ? 'lastState.terminated' : 'state.terminated'
  return [
    at(one, 'state.waiting.reason', one.status.state?.waiting?.reason),
    at(one, `${path}.reason`, last?.reason),
    at(one, `${path}.exitCode`, last?.exitCode === undefined ? undefined : String(last.exitCode)),
    at(one, `${path}.message`, last?.message),
    at(one, 'restartCount', String(one.status.restartCount ?? 0)),
  ].filter(hasValue)
}

const newestWarning = (one: Case, wanted: string): Evidence[] => {
  const event = newestEvent(one, ({ reason }) => reason === wanted)
  return event ? [onPod(one, `event/${wanted}`, event.message)] : []
}

/** Events of a pod name the container in their field path; those that name none are about the whole pod. */
function newestEvent(
  { pod, status, snapshot }: Case,
  isWanted: (event: ObjectOf<'Event'>) => boolean,
): ObjectOf<'Event'> | undefined {
  return snapshot.eventsOf('Pod', pod.metadata).find((event) => {
    const path = event.involvedObject?.fieldPath
    return isWanted(event) && (!path || path.endsWith(`{${status.name}}`))
  })
}

const startOf = ({ pod }: Case): string | undefined => pod.status?.startTime ?? pod.metadata.creationTimestamp

const unreadySince = (one: Case): string | undefined => {
  const ready = conditionOf(one.pod.status?.conditions, 'Ready')
  return (ready?.status === 'False' ? ready.lastTransitionTime : undefined) ?? startOf(one)
}

function later(a: string | undefined, b: string | undefined): string | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return Date.parse(a) > Date.parse(b) ? a : b
}

const base = ({ pod, status, severity }: Case): Pick<Trouble, 'pod' | 'container' | 'severity' | 'confidence'> => ({
  pod,
  container: status.name,
  severity,
  confidence: 'high',
})

const onPod = ({ pod }: Case, path: string, value: string | undefined): Evidence => ({
  object: refOf('Pod', pod.metadata),
  path,
  value: value ?? '',
})

const at = (one: Case, path: string, value: string | undefined): Evidence =>
  onPod(one, `status.${one.list}[${one.status.name}].${path}`, value)

const hasValue = ({ value }: Evidence): boolean => value !== ''

const logs = ({ pod, status }: Case): string =>
  `k8s_get_pod_logs name=${pod.metadata.name} namespace=${pod.metadata.namespace} container=${status.name}`

const previousLogs = (one: Case): string => `${logs(one)} previous=true`
