import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { PushSignal } from '../../src/signal.ts'
import { createReceiver, deliver, plain, recorded, sign } from './receiver.ts'

async function setup(t: TestContext) {
  const receiver = await createReceiver()
  await receiver.app.listen({ host: '127.0.0.1', port: 0 })
  t.after(() => receiver.app.close())
  return receiver
}

test('a recorded push becomes one job with what was pushed', async (t) => {
  const { app, jobs } = await setup(t)

  const answer = await deliver(app, plain)

  assert.deepEqual([answer.statusCode, answer.body], [202, ''])
  assert.equal(jobs.length, 1)
  const signal = jobs[0]?.data as PushSignal
  assert.equal(signal.repository.fullName, 'acme/shop')
  assert.equal(signal.branch, 'main')
  assert.deepEqual(
    signal.commits.map((commit) => commit.title),
    ['docs: first'],
  )
})

test('the commits of a push are told oldest first, and how many there were', async (t) => {
  const { app, jobs } = await setup(t)

  await deliver(app, recorded('push-many'), { 'X-Gitea-Signature': sign(recorded('push-many').body) })

  const signal = jobs[0]?.data as PushSignal
  assert.equal(signal.total, 7)
  assert.equal(signal.commits.at(-1)?.id, signal.after)
})

const said: [name: string, expected: object | undefined][] = [
  ['push-tag', undefined],
  ['push-deleted', undefined],
  ['push-test', { kind: 'test' }],
  ['workflow_run-requested', undefined],
  ['workflow_run-in_progress', undefined],
  ['workflow_run-completed-failure', { kind: 'run', run: 2, conclusion: 'failure' }],
  ['workflow_run-completed-failure-pull_request', { kind: 'run', run: 14, conclusion: 'failure' }],
  ['workflow_run-completed-cancelled', { kind: 'run', conclusion: 'cancelled' }],
  ['workflow_job-queued', undefined],
  ['workflow_job-completed-skipped', undefined],
  ['workflow_job-completed-failure', { kind: 'run', run: 2, conclusion: 'failure' }],
  ['status-failure-actions', { kind: 'status', state: 'failure', bySystem: true, context: 'CI / test (push)' }],
  ['status-failure-external', { kind: 'status', state: 'failure', bySystem: false, context: 'ci/external' }],
  ['pull_request-opened', { kind: 'pull', action: 'opened' }],
  ['pull_request-opened-fork', { kind: 'pull', action: 'opened', branch: undefined }],
  ['pull_request-closed-merged', { kind: 'pull', action: 'merged', number: 2 }],
  ['pull_request.pull_request_sync-synchronized', undefined],
  ['issue_comment-created', { kind: 'comment', number: 1, text: 'me too' }],
  ['create-branch', { kind: 'branch', action: 'created' }],
  ['create-tag', undefined],
  ['delete-branch', { kind: 'branch', action: 'deleted', branch: 'api/br' }],
  ['release-published', { kind: 'release', tag: 'v1.0.0', branch: 'main' }],
  ['repository-deleted', { kind: 'repository', action: 'deleted' }],
]
for (const [name, expected] of said) {
  test(`a recorded ${name} says ${expected ? JSON.stringify(expected) : 'nothing of interest'}`, async (t) => {
    const { app, jobs } = await setup(t)
    const delivery = recorded(name)

    const answer = await deliver(app, delivery, { 'X-Gitea-Signature': sign(delivery.body) })

    assert.equal(answer.statusCode, 202)
    const signal = jobs[0]?.data as object | undefined
    assert.deepEqual(
      expected && Object.fromEntries(Object.keys(expected).map((key) => [key, signal?.[key as never]])),
      signal && expected,
    )
    assert.equal(signal === undefined, expected === undefined)
  })
}
