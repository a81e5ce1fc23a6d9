import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { wantsPush } from '../../src/webhooks/branches.ts'
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
  const signal = jobs[0]?.data
  assert.equal(signal?.repository.fullName, 'acme/shop')
  assert.equal(signal?.branch, 'main')
  assert.deepEqual(
    signal?.commits.map((commit) => commit.title),
    ['docs: first'],
  )
})

test('the commits of a push are told oldest first, and how many there were', async (t) => {
  const { app, jobs } = await setup(t)

  await deliver(app, recorded('push-many'), { 'X-Gitea-Signature': sign(recorded('push-many').body) })

  const signal = jobs[0]?.data
  assert.equal(signal?.total, 7)
  assert.equal(signal?.commits.at(-1)?.id, signal?.after)
})

for (const name of ['push-tag', 'push-deleted', 'push-test', 'status-failure-actions']) {
  test(`${name} is taken and opens nothing`, async (t) => {
    const { app, jobs } = await setup(t)
    const delivery = recorded(name)

    const answer = await deliver(app, delivery, { 'X-Gitea-Signature': sign(delivery.body) })

    assert.equal(answer.statusCode, 202)
    assert.deepEqual(jobs, [])
  })
}

test('which branches open threads is a matter of patterns', () => {
  const push = (branch: string) => ({
    branch,
    repository: { id: 1, fullName: 'a/b', url: '', private: false, defaultBranch: 'main' },
  })

  assert.equal(wantsPush(push('main'), ['default']), true)
  assert.equal(wantsPush(push('feature/x'), ['default']), false)
  assert.equal(wantsPush(push('release/1.2'), ['default', 'release/*']), true)
})
