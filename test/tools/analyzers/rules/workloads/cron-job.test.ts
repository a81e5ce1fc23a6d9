import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cronJob as analyzer } from '../../../../../src/tools/analyzers/rules/workloads/cron-job.ts'
import { bearsDamage } from '../../damage.ts'
import { ago, meta, snapshotOf } from '../../snapshot.ts'
import { condition, event } from '../../workloads.ts'

type Objects = Parameters<typeof snapshotOf>[0]

const cronJob = (more: { metadata?: object; spec?: object; status?: object } = {}) => ({
  metadata: meta('nightly', { creationTimestamp: ago(60, 'd'), ...more.metadata }),
  spec: { schedule: '0 1 * * *', suspend: false, ...more.spec },
  status: { lastScheduleTime: ago(11, 'h'), ...more.status },
})

const run = (name: string, startTime: string, type: 'Failed' | 'Complete') => ({
  metadata: meta(name, { ownerReferences: [{ kind: 'CronJob', name: 'nightly', controller: true }] }),
  status: { startTime, conditions: [condition(type, 'True', { reason: 'BackoffLimitExceeded' })] },
})

const inspect = (one: object, more: Objects = {}) =>
  analyzer.inspect(snapshotOf({ CronJob: [one], Job: [], Pod: [], Event: [], ...more }))

test('one failed run is a hint, two in a row are a warning', () => {
  const good = run('nightly-1', ago(3, 'd'), 'Complete')
  const bad = [run('nightly-2', ago(2, 'd'), 'Failed'), run('nightly-3', ago(1, 'd'), 'Failed')]

  assert.equal(inspect(cronJob(), { Job: [good, bad[0]!] })[0]?.severity, 'info')
  assert.equal(inspect(cronJob(), { Job: [good, ...bad] })[0]?.severity, 'warning')
  assert.match(inspect(cronJob(), { Job: [good, ...bad] })[0]!.text, /The last 2 runs .* Job nightly-3/)
})

test('the failed Jobs are the CronJob’s, so they are not told a second time', () => {
  const [finding] = inspect(cronJob(), { Job: [run('nightly-2', ago(2, 'd'), 'Failed')] })

  assert.deepEqual(finding?.affects, [{ kind: 'Job', namespace: 'shop', name: 'nightly-2' }])
})

test('a failure before the last success is over', () => {
  const runs = [run('nightly-1', ago(2, 'd'), 'Failed'), run('nightly-2', ago(1, 'd'), 'Complete')]

  assert.deepEqual(inspect(cronJob(), { Job: runs }), [])
})

test('a suspended CronJob that used to run is a hint', () => {
  const [finding] = inspect(cronJob({ spec: { suspend: true }, status: { lastScheduleTime: ago(41, 'd') } }))

  assert.equal(finding?.reason, 'Suspended')
  assert.equal(finding.severity, 'info')
  assert.equal(finding.since, ago(41, 'd'))
})

test('a suspension with a reason, of late, or of what never ran is meant so', () => {
  const explained = cronJob({
    metadata: { annotations: { 'acme.io/suspended': 'replaced, OPS-3920' } },
    spec: { suspend: true },
    status: { lastScheduleTime: ago(41, 'd') },
  })

  assert.deepEqual(inspect(explained), [])
  assert.deepEqual(inspect(cronJob({ spec: { suspend: true }, status: { lastScheduleTime: ago(2, 'd') } })), [])
  assert.deepEqual(inspect(cronJob({ spec: { suspend: true }, status: { lastScheduleTime: undefined } })), [])
})

test('a schedule that the controller cannot follow is told in its words', () => {
  const never = cronJob({ spec: { schedule: '0 3 31 2 *' }, status: { lastScheduleTime: undefined } })
  const complaint = event('CronJob', 'nightly', 'InvalidSchedule', 'invalid schedule: 0 3 31 2 *')

  const [finding] = inspect(never, { Event: [complaint] })

  assert.equal(finding?.reason, 'InvalidSchedule')
  assert.equal(finding.severity, 'warning')
  assert.match(finding.text, /schedule "0 3 31 2 \*" is not started: invalid schedule/)
})

test('a schedule whose day does not exist is told at once', () => {
  const never = (schedule: string) =>
    inspect(
      cronJob({ metadata: { creationTimestamp: ago(2) }, spec: { schedule }, status: { lastScheduleTime: undefined } }),
    )

  assert.equal(never('0 3 31 2 *')[0]?.reason, 'NeverFires')
  assert.match(never('0 3 31 4,6 *')[0]!.text, /"0 3 31 4,6 \*" names a day that does not exist/)
  for (const schedule of ['0 0 29 2 *', '0 3 31 2 1', '@yearly', '5/15 * * * *', '0 0 ? * 7', '@every 1h'])
    assert.deepEqual(never(schedule), [], schedule)
})

test('two runs that were due and did not come are told, one is not', () => {
  // The snapshot is of 12:00; this is due at 1:00 each day.
  const last = (hours: number, spec: object = {}) =>
    inspect(cronJob({ spec, status: { lastScheduleTime: ago(hours, 'h') } }))

  assert.deepEqual(last(34), [])
  assert.equal(last(36)[0]?.reason, 'MissedRuns')
  assert.match(
    last(36)[0]!.text,
    /was due at 2026-11-19T01:00:00Z and 2026-11-20T01:00:00Z, and was last started at 2026-11-19T00:00:00Z\.$/,
  )
  assert.deepEqual(last(36, { startingDeadlineSeconds: 12 * 3600 }), [])
  assert.deepEqual(last(36, { suspend: true }), [])
})

test('what has never run is told when it was due twice since it was made', () => {
  const never = (schedule: string, age: number) =>
    inspect(
      cronJob({
        metadata: { creationTimestamp: ago(age, 'd') },
        spec: { schedule },
        status: { lastScheduleTime: undefined },
      }),
    )

  assert.equal(never('0 1 * * *', 3)[0]?.reason, 'NeverScheduled')
  assert.deepEqual(never('0 1 * * *', 1), [])
  assert.deepEqual(never('0 1 1 1 *', 360), [])
})

test('a schedule is read in its time zone', () => {
  // 12:00 UTC is 21:00 in Seoul: by that clock 20:00 has come twice since, by UTC once.
  const seen = (spec: object) =>
    inspect(cronJob({ spec: { schedule: '0 20 * * *', ...spec }, status: { lastScheduleTime: ago(26, 'h') } }))

  assert.deepEqual(seen({}), [])
  assert.equal(seen({ timeZone: 'Asia/Seoul' })[0]?.reason, 'MissedRuns')
  assert.equal(seen({ schedule: 'TZ=Asia/Seoul 0 20 * * *' })[0]?.reason, 'MissedRuns')
  assert.deepEqual(seen({ timeZone: 'Mars/Base' }), [])
})

test('with Forbid a run that does not end keeps the others from starting', () => {
  const busy = (startTime: string, concurrencyPolicy = 'Forbid') =>
    inspect(cronJob({ spec: { concurrencyPolicy }, status: { active: [{ name: 'nightly-1' }] } }), {
      Job: [{ metadata: meta('nightly-1'), status: { startTime, active: 1 } }],
      Event: [
        event('CronJob', 'nightly', 'JobAlreadyActive', 'Not starting job because prior execution is running', {
          type: 'Normal',
        }),
      ],
    })

  assert.equal(busy(ago(5, 'h'))[0]?.reason, 'JobAlreadyActive')
  assert.match(busy(ago(5, 'h'))[0]!.text, /Job nightly-1/)
  assert.deepEqual(busy(ago(5)), [])
  assert.deepEqual(busy(ago(5, 'h'), 'Allow'), [])
})

test('a CronJob that runs, and one without a status, give nothing', () => {
  assert.deepEqual(inspect(cronJob()), [])
  assert.deepEqual(inspect({ metadata: meta('nightly') }), [])
})

test('damaged CronJobs never make it throw', () => {
  bearsDamage(analyzer, {
    CronJob: [
      cronJob({ spec: { suspend: true }, status: { lastScheduleTime: ago(41, 'd') } }),
      cronJob({ metadata: { name: 'b' }, status: { lastScheduleTime: undefined } }),
    ],
    Job: [run('nightly-2', ago(2, 'd'), 'Failed')],
    Pod: [],
    Event: [event('CronJob', 'nightly', 'InvalidSchedule', 'no')],
  })
})
