import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { clone, type Delivery, recorded, setup, shapeOf } from './gitea-visitor.ts'

const events = ['push', 'workflow_run', 'workflow_job', 'status']

const workflow = (test: string) => `name: CI
on: [push]
jobs:
  lint:
    runs-on: ubuntu-latest
    steps:
      - run: echo fine
  test:
    runs-on: ubuntu-latest
    steps:
      - name: prepare
        run: echo ready
      - name: unit tests
        run: |
          ${test}
      - name: never runs
        run: echo no
  deploy:
    needs: [lint, test]
    runs-on: ubuntu-latest
    steps:
      - run: echo out
`

/** What a push of a workflow with three jobs brings: lint passes, `test` as told, deploy needs both. */
async function pushed(t: TestContext, script: string, count: number) {
  const house = await setup(t, { events })
  const { git, commit } = await clone(t, house.url, house.gitea.token)
  const sha = await commit('.gitea/workflows/ci.yml', workflow(script), 'ci: three jobs')
  await git('push', '--quiet', 'origin', 'HEAD:main')
  const deliveries = await house.received(count)
  return { ...house, git, commit, sha, deliveries }
}

const headerOf = ({ headers }: Delivery, name: string) =>
  Object.entries(headers).find(([one]) => one.toLowerCase() === name)?.[1]

/** `workflow_job completed test failure`, sorted, since deliveries overtake each other. */
const brief = (deliveries: Delivery[]): string[] =>
  deliveries
    .map((delivery) => {
      const event = headerOf(delivery, 'x-gitea-event')
      const { action, workflow_run: run, workflow_job: job, state, context, description } = JSON.parse(delivery.body)
      if (event === 'push') return 'push'
      if (event === 'status') return `status ${state} ${context}: ${description}`
      return [event, action, job?.name, (job ?? run).status, (job ?? run).conclusion].filter(Boolean).join(' ')
    })
    .sort()

test('a failing run is told as a real Gitea tells it: also that it completed twice, since a job behind is skipped', async (t) => {
  const { deliveries } = await pushed(t, 'exit 3', 21)

  assert.deepEqual(brief(deliveries), [
    'push',
    'status failure CI / test (push): Failing after 0s',
    'status pending CI / deploy (push): Blocked by required conditions',
    'status pending CI / lint (push): Has started running',
    'status pending CI / lint (push): Waiting to run',
    'status pending CI / test (push): Has started running',
    'status pending CI / test (push): Waiting to run',
    'status skipped CI / deploy (push): Has been skipped',
    'status success CI / lint (push): Successful in 0s',
    'workflow_job completed deploy completed skipped',
    'workflow_job completed lint completed success',
    'workflow_job completed test completed failure',
    'workflow_job in_progress lint in_progress',
    'workflow_job in_progress test in_progress',
    'workflow_job queued lint queued',
    'workflow_job queued test queued',
    'workflow_job waiting deploy waiting',
    'workflow_run completed completed failure',
    'workflow_run completed completed failure',
    'workflow_run in_progress in_progress',
    'workflow_run requested queued',
  ])
})

const pairs: [string, (delivery: Delivery) => boolean][] = [
  [
    'workflow_run-completed-failure',
    (one) => /"conclusion": "failure"/.test(one.body) && /"workflow_run"/.test(one.body),
  ],
  ['workflow_run-requested', (one) => /"action": "requested"/.test(one.body)],
  ['workflow_job-completed-failure', (one) => /"action": "completed"[\s\S]*"name": "test"/.test(one.body)],
  ['workflow_job-completed-skipped', (one) => /"name": "deploy"[\s\S]*"conclusion": "skipped"/.test(one.body)],
  ['workflow_job-queued', (one) => /"action": "queued"/.test(one.body)],
  ['status-failure-actions', (one) => /"state": "failure"/.test(one.body)],
]

test('nothing in the bodies is unlike what was recorded, and what says how it ended is all there', async (t) => {
  const { deliveries } = await pushed(t, 'exit 3', 21)

  for (const [name, isIt] of pairs) {
    const ours = shapeOf(JSON.parse(deliveries.find(isIt)?.body ?? 'null'))
    const real = shapeOf(JSON.parse((await recorded(name)).body))
    const lists = (await Promise.all(['push-plain', 'push-many'].map(recorded))).flatMap(({ body }) =>
      shapeOf(JSON.parse(body)).map((field) => field.replace('head_commit.', 'commit.')),
    )
    assert.deepEqual(
      ours.filter((field) => !real.includes(field) && !lists.includes(field)),
      [],
      name,
    )
    const told = (field: string) => /^(action|workflow|state|sha|context|description|target_url|sender)/.test(field)
    const missing = real.filter((field) => told(field) && !ours.includes(field) && !field.includes('repository.'))
    assert.deepEqual(missing, [], name)
  }
})

test('of a failed run the jobs, steps and the log can be read; what never began has no log', async (t) => {
  const { api, sha } = await pushed(t, "echo 'FAIL two_plus_two: expected 4, got 5'\n          exit 3", 21)

  const { body: runs } = await api(`/repos/acme/shop/actions/runs?head_sha=${sha}`)
  const [run] = runs.workflow_runs
  assert.deepEqual([run.status, run.conclusion, run.head_branch], ['completed', 'failure', 'main'])
  const { body } = await api(`/repos/acme/shop/actions/runs/${run.id}/jobs`)
  const [, failed, skipped] = body.jobs
  assert.deepEqual(
    failed.steps.map((step: { name: string; conclusion: string }) => [step.name, step.conclusion]),
    [
      ['prepare', 'success'],
      ['unit tests', 'failure'],
      ['never runs', 'skipped'],
    ],
  )
  const log = await api(`/repos/acme/shop/actions/jobs/${failed.id}/logs`)
  assert.match(log.text, /FAIL two_plus_two.*\n\S+ ##\[error\]Process completed with exit code 3\.\n/)
  assert.match(log.text, /Job 'test' failed\n$/)
  const none = await api(`/repos/acme/shop/actions/jobs/${skipped.id}/logs`)
  assert.deepEqual([none.status, none.body.errors], [404, ['job not started']])
  const missing = await api('/repos/acme/shop/actions/jobs/999/logs')
  assert.deepEqual(missing.body.errors, ['run job with id 999: resource does not exist'])
})

test('the end of a log is given for a range, and beyond its end Gitea refuses', async (t) => {
  const { api, sha } = await pushed(t, 'exit 3', 21)
  const { body } = await api(`/repos/acme/shop/actions/runs?head_sha=${sha}`)
  const jobs = await api(`/repos/acme/shop/actions/runs/${body.workflow_runs[0].id}/jobs`)
  const path = `/repos/acme/shop/actions/jobs/${jobs.body.jobs[1].id}/logs`
  const whole = (await api(path)).text

  const tail = await api(path, { headers: { range: 'bytes=-20' } })
  const beyond = await api(path, { headers: { range: 'bytes=999999-' } })

  assert.deepEqual([tail.status, tail.text], [206, whole.slice(-20)])
  assert.deepEqual([beyond.status, beyond.text], [416, 'invalid range: failed to overlap\n'])
})

test('what failed runs again in the same run and job, and fails again', async (t) => {
  const { api, sha, received } = await pushed(t, 'exit 3', 21)
  const { body } = await api(`/repos/acme/shop/actions/runs?head_sha=${sha}`)
  const [run] = body.workflow_runs

  const again = await api(`/repos/acme/shop/actions/runs/${run.id}/rerun-failed-jobs`, { method: 'POST' })
  const deliveries = (await received(21 + 14)).slice(21)

  assert.equal(again.status, 201)
  assert.deepEqual(
    brief(deliveries).filter((line) => line.startsWith('workflow_run')),
    [
      'workflow_run completed completed failure',
      'workflow_run completed completed failure',
      'workflow_run in_progress in_progress',
      'workflow_run requested queued',
    ],
  )
  const jobs = await api(`/repos/acme/shop/actions/runs/${run.id}/jobs`)
  assert.deepEqual(
    jobs.body.jobs.map((job: { run_attempt: number; conclusion: string }) => [job.run_attempt, job.conclusion]),
    [
      [1, 'success'],
      [2, 'failure'],
      [0, 'skipped'],
    ],
  )
})

test('a push that mends the workflow makes it green, all jobs of it', async (t) => {
  const { api, git, commit, received } = await pushed(t, 'exit 3', 21)

  const sha = await commit('.gitea/workflows/ci.yml', workflow('echo ok'), 'ci: mended')
  await git('push', '--quiet', 'origin', 'HEAD:main')
  await received(22)

  const { body } = await api(`/repos/acme/shop/commits/${sha}/status`)
  assert.deepEqual([body.state, body.total_count], ['success', 3])
})

test('a workflow that is no YAML starts nothing, and nobody is told', async (t) => {
  const { api, received, url, gitea } = await setup(t, { events })
  const { git, commit } = await clone(t, url, gitea.token)
  const sha = await commit('.gitea/workflows/ci.yml', 'jobs: [', 'ci: broken')

  await git('push', '--quiet', 'origin', 'HEAD:main')
  const deliveries = await received(1)

  assert.deepEqual(brief(deliveries), ['push'])
  assert.equal((await api(`/repos/acme/shop/actions/runs?head_sha=${sha}`)).body.total_count, 0)
})

test('a status of another CI is stored as it is given, whatever its state, and told', async (t) => {
  const { api, received } = await setup(t, { events })
  const head = (await api('/repos/acme/shop/branches/main')).body.commit.id
  const status = { state: 'bogus', context: 'ci/drone', description: 'odd', target_url: 'http://drone/1' }

  const given = await api(`/repos/acme/shop/statuses/${head.slice(0, 10)}`, {
    method: 'POST',
    body: JSON.stringify(status),
  })

  assert.deepEqual([given.status, given.body.status, given.body.context], [201, 'bogus', 'ci/drone'])
  const [delivery] = await received(1)
  const { sha, state, sender } = JSON.parse(delivery!.body)
  assert.deepEqual([sha, state, sender.login], [head, 'bogus', 'kube-agent'])
})
