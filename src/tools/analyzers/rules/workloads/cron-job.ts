import type { Analyzer, Evidence, Finding } from '../../analyzer.ts'
import type { ObjectOf } from '../../kinds/index.ts'
import { refOf, type Snapshot } from '../../snapshot.ts'
import { conditionOf, day, hasLasted, hour, minute } from '../age.ts'
import { counted, fullName } from '../phrases.ts'
import { endOf, isComplete, isFailed, lastExit, runsOf } from './job.ts'
import { nextDue } from './schedule.ts'
import { because } from './trouble.ts'

type CronJob = ObjectOf<'CronJob'>

const forgottenAfter = 7 * day
// Shorter waits are how people keep runs from overlapping.
const blockedAfter = hour

export const cronJob: Analyzer = {
  name: 'CronJob',
  finds: 'failed last runs, missed runs, schedules that never come, forgotten suspensions',
  core: true,
  reads: ['CronJob', 'Job', 'Pod', 'Event'],
  inspect: (snapshot) =>
    snapshot
      .list('CronJob')
      .filter(({ metadata }) => !metadata.deletionTimestamp)
      .flatMap((one) => [
        ...failing(one, snapshot),
        ...(one.spec?.suspend ? forgotten(one, snapshot) : [...unusable(one, snapshot), ...blocked(one, snapshot)]),
      ]),
}

/** The newest runs that have come to an end failed. */
function failing(one: CronJob, snapshot: Snapshot): Finding[] {
  const finished = runsOf(refOf('CronJob', one.metadata), snapshot).filter((run) => isFailed(run) || isComplete(run))
  const failed = finished.slice(finished.findLastIndex((run) => !isFailed(run)) + 1)
  const last = failed.at(-1)
  if (!last) return []
  const failure = conditionOf(last.status?.conditions, 'Failed')
  const exit = lastExit(last, snapshot)
  const since = endOf(failed[0]!)
  return [
    {
      ...base(one),
      reason: 'LastRunFailed',
      severity: failed.length > 1 ? 'warning' : 'info',
      text:
        failed.length > 1
          ? `The last ${counted(failed.length, 'run')} of CronJob ${fullName(one.metadata)} have failed, the newest as Job ${last.metadata.name}${because(failure?.message)}.`
          : `The last run of CronJob ${fullName(one.metadata)}, Job ${last.metadata.name}, has failed${because(failure?.message)}.`,
      ...(since !== undefined && { since }),
      evidence: [
        ...failed.slice(-3).map(({ metadata, status }) => ({
          object: refOf('Job', metadata),
          path: 'status.conditions[Failed].reason',
          value: conditionOf(status?.conditions, 'Failed')?.reason ?? 'not set',
        })),
        ...(exit ? [exit] : []),
        ...timesOf(one),
      ],
      next: exit
        ? `k8s_get_pod_logs name=${exit.object.name} namespace=${one.metadata.namespace}`
        : `k8s_get kind=Job name=${last.metadata.name} namespace=${one.metadata.namespace}`,
      affects: failed.map(({ metadata }) => refOf('Job', metadata)),
      field: 'status.lastSuccessfulTime',
    },
  ]
}

// A suspension that says why is meant, and so is one of a CronJob that has never run.
const saysWhy = /suspend|pause|disable/i

function forgotten(one: CronJob, snapshot: Snapshot): Finding[] {
  const { metadata, status } = one
  const last = status?.lastScheduleTime
  const isExplained = Object.keys({ ...metadata.annotations, ...metadata.labels }).some((key) => saysWhy.test(key))
  if (isExplained || last === undefined || !hasLasted(last, forgottenAfter, snapshot)) return []
  return [
    {
      ...base(one),
      reason: 'Suspended',
      severity: 'info',
      confidence: 'medium',
      text: `CronJob ${fullName(metadata)} is suspended; it was last started at ${last}, and no annotation says why.`,
      since: last,
      evidence: [at(one, 'spec.suspend', 'true'), ...timesOf(one)],
      next: `k8s_get kind=CronJob name=${metadata.name} namespace=${metadata.namespace}; set spec.suspend to false with k8s_apply, or annotate the reason`,
      field: 'spec.suspend',
    },
  ]
}

// Each of them ends what the controller can do for this CronJob, and it says so at every look.
const complaints = [
  'InvalidSchedule',
  'UnparseableSchedule',
  'UnknownTimeZone',
  'TooManyMissedTimes',
  'FailedNeedsStart',
]

/** What the controller itself says about a schedule that it cannot follow. */
function unusable(one: CronJob, snapshot: Snapshot): Finding[] {
  const { metadata, spec } = one
  const event = snapshot.eventsOf('CronJob', metadata).find(({ reason }) => complaints.includes(reason ?? ''))
  if (event?.reason) {
    return [
      {
        ...neverRun(one),
        reason: event.reason,
        text: `CronJob ${fullName(metadata)} with schedule "${spec?.schedule ?? ''}" is not started${because(event.message)}.`,
        evidence: [...scheduleOf(one), at(one, `event/${event.reason}`, event.message ?? ''), ...timesOf(one)],
      },
    ]
  }
  return unscheduled(one, snapshot)
}

// The controller looks every few seconds; behind a restart of its own it catches up.
const latenessAllowed = 5 * minute

/** By its own schedule: a day that never comes, or two runs that were due and did not come. */
function unscheduled(one: CronJob, snapshot: Snapshot): Finding[] {
  const { metadata, spec, status } = one
  const schedule = spec?.schedule ?? ''
  const last = status?.lastScheduleTime ?? metadata.creationTimestamp
  const since = Date.parse(last ?? '')
  if (Number.isNaN(since)) return []
  const due = nextDue(schedule, spec?.timeZone, since)
  if (due === 'never') return [neverFires(one, schedule)]
  const second = due === undefined ? undefined : nextDue(schedule, spec?.timeZone, due)
  const late = (spec?.startingDeadlineSeconds ?? 0) * 1_000 + latenessAllowed
  if (typeof second !== 'number' || second + late > snapshot.now || isBusy(one)) return []
  const missed = [due, second].map((time) => new Date(time as number).toISOString().replace('.000Z', 'Z'))
  const isFirst = status?.lastScheduleTime === undefined
  return [
    {
      ...neverRun(one),
      reason: isFirst ? 'NeverScheduled' : 'MissedRuns',
      confidence: 'medium',
      text: `CronJob ${fullName(metadata)} with schedule "${schedule}" was due at ${missed.join(' and ')}, and ${isFirst ? `has not been started since it was made at ${last}` : `was last started at ${last}`}.`,
      evidence: [...scheduleOf(one), ...timesOf(one)],
    },
  ]
}

const neverFires = (one: CronJob, schedule: string): Finding => ({
  ...neverRun(one),
  reason: 'NeverFires',
  confidence: 'high',
  text: `CronJob ${fullName(one.metadata)} is never started: its schedule "${schedule}" names a day that does not exist.`,
  evidence: [...scheduleOf(one), ...timesOf(one)],
})

/** What waits for a run before it is told as that. */
const isBusy = ({ spec, status }: CronJob): boolean =>
  spec?.concurrencyPolicy === 'Forbid' && (status?.active?.length ?? 0) > 0

/** With Forbid the next run waits for the one before, which may never end. */
function blocked(one: CronJob, snapshot: Snapshot): Finding[] {
  const { metadata, spec, status } = one
  const active = status?.active?.flatMap(({ name }) => name ?? []) ?? []
  const event = snapshot.eventsOf('CronJob', metadata).find(({ reason }) => reason === 'JobAlreadyActive')
  if (spec?.concurrencyPolicy !== 'Forbid' || active.length === 0 || !event) return []
  if (!hasLasted(startOf(active[0]!, one, snapshot), blockedAfter, snapshot)) return []
  return [
    {
      ...base(one),
      reason: 'JobAlreadyActive',
      severity: 'warning',
      text: `CronJob ${fullName(metadata)} skips runs: with concurrencyPolicy Forbid it waits for Job ${active[0]}, which still runs.`,
      ...(status?.lastScheduleTime !== undefined && { since: status.lastScheduleTime }),
      evidence: [
        ...scheduleOf(one),
        at(one, 'spec.concurrencyPolicy', 'Forbid'),
        at(one, 'status.active', active.join(', ')),
        at(one, 'event/JobAlreadyActive', event.message ?? ''),
      ],
      next: `k8s_get kind=Job name=${active[0]} namespace=${metadata.namespace}`,
      field: 'spec.concurrencyPolicy',
    },
  ]
}

const startOf = (job: string, { metadata, status }: CronJob, snapshot: Snapshot): string | undefined =>
  snapshot.find('Job', metadata.namespace, job)?.status?.startTime ?? status?.lastScheduleTime

function neverRun(
  one: CronJob,
): Pick<Finding, 'object' | 'owner' | 'confidence' | 'severity' | 'since' | 'next' | 'field'> {
  const { metadata, status } = one
  const since = status?.lastScheduleTime ?? metadata.creationTimestamp
  return {
    ...base(one),
    severity: 'warning',
    ...(since !== undefined && { since }),
    next: `k8s_get kind=CronJob name=${metadata.name} namespace=${metadata.namespace}; correct spec.schedule with k8s_apply`,
    field: 'spec.schedule',
  }
}

const scheduleOf = (one: CronJob): Evidence[] => [
  at(one, 'spec.schedule', one.spec?.schedule ?? ''),
  ...(one.spec?.timeZone ? [at(one, 'spec.timeZone', one.spec.timeZone)] : []),
]

const timesOf = (one: CronJob): Evidence[] => [
  at(one, 'status.lastScheduleTime', one.status?.lastScheduleTime ?? 'not set'),
  at(one, 'status.lastSuccessfulTime', one.status?.lastSuccessfulTime ?? 'not set'),
]

function base({ metadata }: CronJob): Pick<Finding, 'object' | 'owner' | 'confidence'> {
  const object = refOf('CronJob', metadata)
  return { object, owner: object, confidence: 'high' }
}

const at = ({ metadata }: CronJob, path: string, value: string): Evidence => ({
  object: refOf('CronJob', metadata),
  path,
  value,
})
