import assert from 'node:assert/strict'
import { test } from 'node:test'
import { job as analyzer } from '../../../../../src/tools/analyzers/rules/workloads/job.ts'
import { bearsDamage } from '../../damage.ts'
import { ago, meta, snapshotOf } from '../../snapshot.ts'
import { condition, event, podWith } from '../../workloads.ts'

type Objects = Parameters<typeof snapshotOf>[0]

const job = (more: { metadata?: object; spec?: object; status?: object } = {}) => ({
  metadata: meta('api', more.metadata),
  spec: { backoffLimit: 1, ...more.spec },
  status: { startTime: ago(30), ...more.status },
})

const failure = condition('Failed', 'True', {
  reason: 'BackoffLimitExceeded',
  message: 'Job has reached the specified backoff limit',
})

const failedPod = (name: string, exitCode: number, creationTimestamp: string) =>
  podWith(
    { state: { terminated: { reason: 'Error', exitCode } } },
    { name, owner: 'Job', metadata: { creationTimestamp }, status: { phase: 'Failed' } },
  )

const inspect = (jobs: object[], more: Objects = {}) =>
  analyzer.inspect(snapshotOf({ Job: jobs, CronJob: [], Pod: [], Event: [], ...more }))

test('a failed Job is told with its reason and the exit code of its last pod', () => {
  const pods = [failedPod('api-y', 3, ago(10)), failedPod('api-x', 1, ago(20))]

  const [finding] = inspect([job({ status: { failed: 2, conditions: [failure] } })], { Pod: pods })

  assert.equal(finding?.reason, 'BackoffLimitExceeded')
  assert.equal(finding.severity, 'warning')
  assert.match(finding.text, /reached the specified backoff limit; its last pod ended with exit code 3\.$/)
  assert.equal(finding.next, 'k8s_get_pod_logs name=api-y namespace=shop')
  assert.deepEqual(
    finding.affects?.map(({ name }) => name),
    ['api-x', 'api-y'],
  )
})

test('a failed Job whose pods are gone is told all the same, with what its event says', () => {
  const silent = condition('Failed', 'True', { reason: 'DeadlineExceeded' })
  const late = event('Job', 'api', 'DeadlineExceeded', 'Job was active longer than specified deadline')

  assert.match(
    inspect([job({ status: { conditions: [silent] } })], { Event: [late] })[0]!.text,
    /longer than specified/,
  )
})

test('failures of a Job that is still trying are a hint', () => {
  const [finding] = inspect([job({ status: { failed: 1, active: 1 } })], { Pod: [failedPod('api-x', 1, ago(9))] })

  assert.equal(finding?.severity, 'info')
  assert.match(finding.text, /1 of its pods has failed, the last with exit code 1\./)
})

test('failures before success, suspended Jobs and running ones give nothing', () => {
  const quiet = [
    job({ status: { failed: 2, conditions: [condition('Complete', 'True')] } }),
    job({ status: { failed: 2, conditions: [condition('SuccessCriteriaMet', 'True')] } }),
    job({ spec: { suspend: true }, status: { failed: 1 } }),
    job({ status: { active: 1 } }),
    { metadata: meta('bare') },
  ]

  for (const one of quiet) assert.deepEqual(inspect([one]), [])
})

test('a failed run of a CronJob is told under it, and forgotten when a later run has done the work', () => {
  const ownerReferences = [{ kind: 'CronJob', name: 'nightly', controller: true }]
  const run = (name: string, startTime: string, conditions: object[]) => ({
    metadata: meta(name, { ownerReferences }),
    status: { startTime, conditions },
  })
  const failed = run('nightly-1', ago(2, 'd'), [failure])

  assert.equal(inspect([failed])[0]?.owner.kind, 'CronJob')
  assert.deepEqual(inspect([failed, run('nightly-2', ago(1, 'd'), [condition('Complete', 'True')])]), [])
  assert.equal(inspect([failed, run('nightly-0', ago(3, 'd'), [condition('Complete', 'True')])]).length, 1)
})

test('damaged Jobs never make it throw', () => {
  bearsDamage(analyzer, {
    Job: [
      job({ status: { failed: 2, conditions: [failure] } }),
      job({ metadata: { name: 'b' }, status: { failed: 1 } }),
    ],
    CronJob: [],
    Pod: [failedPod('api-x', 1, ago(9))],
    Event: [event('Job', 'api', 'BackoffLimitExceeded', 'no')],
  })
})
