import type { Analyzer, Evidence, Finding, ObjectRef } from '../../analyzer.ts'
import type { ObjectOf } from '../../kinds/index.ts'
import { refOf, type Snapshot } from '../../snapshot.ts'
import { conditionOf } from '../age.ts'
import { fullName } from '../phrases.ts'
import { because } from './trouble.ts'

type Job = ObjectOf<'Job'>

/** A suspended Job is somebody's wish, so it is not told. */
export const job: Analyzer = {
  name: 'Job',
  finds: 'failed jobs, with the exit code of the last pod',
  core: true,
  reads: ['Job', 'CronJob', 'Pod', 'Event'],
  inspect: (snapshot) =>
    snapshot
      .list('Job')
      .filter(({ metadata }) => !metadata.deletionTimestamp)
      .flatMap((one) => (isFailed(one) ? failed(one, snapshot) : retrying(one, snapshot))),
}

export const isFailed = ({ status }: Job): boolean => conditionOf(status?.conditions, 'Failed')?.status === 'True'

export const isComplete = ({ status }: Job): boolean =>
  ['Complete', 'SuccessCriteriaMet'].some((type) => conditionOf(status?.conditions, type)?.status === 'True')

/** When a Job came to its end, well or not. */
export const endOf = ({ status }: Job): string | undefined =>
  (conditionOf(status?.conditions, 'Failed') ?? conditionOf(status?.conditions, 'Complete'))?.lastTransitionTime

function failed(one: Job, snapshot: Snapshot): Finding[] {
  const { metadata, status } = one
  if (isOvertaken(one, snapshot)) return []
  const failure = conditionOf(status?.conditions, 'Failed')
  const pods = failedPods(one, snapshot)
  const event = snapshot.eventsOf('Job', metadata).find(({ type }) => type === 'Warning')
  const exit = lastExit(one, snapshot)
  return [
    {
      ...base(one, snapshot),
      reason: failure?.reason ?? 'JobFailed',
      severity: 'warning',
      text: `Job ${fullName(metadata)} has failed with reason ${failure?.reason ?? 'unknown'}${because(failure?.message ?? event?.message)}${exit ? `; its last pod ended with exit code ${exit.value}` : ''}.`,
      ...sinceOf(failure?.lastTransitionTime),
      evidence: [
        at(one, 'status.conditions[Failed].reason', failure?.reason ?? 'not set'),
        at(one, 'status.failed', status?.failed ?? 0),
        ...(exit ? [exit] : []),
        ...(event ? [at(one, `event/${event.reason}`, event.message ?? '')] : []),
      ],
      next: nextOf(one, pods.at(-1)),
      ...(pods.length > 0 && { affects: pods.map(({ metadata: pod }) => refOf('Pod', pod)) }),
      field: 'status.conditions',
    },
  ]
}

/** Another run of the same CronJob has done the work since. */
function isOvertaken(one: Job, snapshot: Snapshot): boolean {
  const owner = snapshot.ownerOf('Job', one.metadata)
  if (owner.kind !== 'CronJob') return false
  return runsOf(owner, snapshot).some((run) => isComplete(run) && startOf(run) > startOf(one))
}

/** The Jobs that a CronJob has made and that are still there, the oldest first. */
export const runsOf = (cronJob: ObjectRef, snapshot: Snapshot): Job[] =>
  snapshot
    .list('Job')
    .filter(({ metadata }) => {
      const owner = metadata.ownerReferences?.find(({ controller }) => controller)
      return owner?.kind === 'CronJob' && owner.name === cronJob.name && metadata.namespace === cronJob.namespace
    })
    .sort((a, b) => startOf(a) - startOf(b))

const startOf = ({ metadata, status }: Job): number =>
  Date.parse(status?.startTime ?? metadata.creationTimestamp ?? '') || 0

function retrying(one: Job, snapshot: Snapshot): Finding[] {
  const { metadata, spec, status } = one
  if (isComplete(one) || spec?.suspend || !status?.failed) return []
  const pods = failedPods(one, snapshot)
  const exit = lastExit(one, snapshot)
  return [
    {
      ...base(one, snapshot),
      reason: 'FailuresSoFar',
      severity: 'info',
      text: `Job ${fullName(metadata)} is not finished, and ${status.failed} of its pods ${status.failed === 1 ? 'has' : 'have'} failed${exit ? `, the last with exit code ${exit.value}` : ''}.`,
      ...sinceOf(status.startTime),
      evidence: [
        at(one, 'status.failed', status.failed),
        at(one, 'status.active', status.active ?? 0),
        at(one, 'spec.backoffLimit', spec?.backoffLimit ?? 6),
        ...(exit ? [exit] : []),
      ],
      next: nextOf(one, pods.at(-1)),
      field: 'status.failed',
    },
  ]
}

const failedPods = ({ metadata }: Job, snapshot: Snapshot): ObjectOf<'Pod'>[] =>
  snapshot
    .podsOf(refOf('Job', metadata))
    .filter(({ status }) => status?.phase === 'Failed')
    .sort((a, b) => madeAt(a) - madeAt(b))

const madeAt = ({ metadata }: ObjectOf<'Pod'>): number => Date.parse(metadata.creationTimestamp ?? '') || 0

/** How the newest failed pod ended, where it can be seen. */
export function lastExit(one: Job, snapshot: Snapshot): Evidence | undefined {
  const pod = failedPods(one, snapshot).at(-1)
  const list = [...(pod?.status?.initContainerStatuses ?? []), ...(pod?.status?.containerStatuses ?? [])]
  const container = list.find(({ state }) => state?.terminated?.exitCode)
  if (!pod || !container) return undefined
  return {
    object: refOf('Pod', pod.metadata),
    path: `status.containerStatuses[${container.name}].state.terminated.exitCode`,
    value: String(container.state?.terminated?.exitCode),
  }
}

const nextOf = ({ metadata }: Job, pod: ObjectOf<'Pod'> | undefined): string =>
  pod
    ? `k8s_get_pod_logs name=${pod.metadata.name} namespace=${metadata.namespace}`
    : `k8s_get kind=Job name=${metadata.name} namespace=${metadata.namespace}`

const sinceOf = (since: string | undefined): { since?: string } => (since === undefined ? {} : { since })

const base = ({ metadata }: Job, snapshot: Snapshot): Pick<Finding, 'object' | 'owner' | 'confidence'> => ({
  object: refOf('Job', metadata),
  owner: snapshot.ownerOf('Job', metadata),
  confidence: 'high',
})

const at = ({ metadata }: Job, path: string, value: string | number): Evidence => ({
  object: refOf('Job', metadata),
  path,
  value: String(value),
})
