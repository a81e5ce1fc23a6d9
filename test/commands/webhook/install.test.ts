import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Agent } from 'undici'
import { createSandboxGitea } from '../../../sandbox/gitea/index.ts'
import { installWebhook, removeWebhook } from '../../../src/commands/webhook/install.ts'
import { createGitea } from '../../../src/tools/gitea/client.ts'
import { createArrivals } from '../../../src/webhooks/gitea/arrivals.ts'
import { answer, tap } from '../../tools/tap.ts'
import { createReceiver, portOf } from '../../webhooks/receiver.ts'
import { run } from '../program.ts'

const master = 'the-master-secret-of-this-test'

/** A sandbox Gitea and a receiver that knows these secrets; `install` as the command does it. */
async function setup(t: TestContext, { secrets = [master] } = {}) {
  const sandbox = createSandboxGitea()
  t.after(() => sandbox.close())
  const { url, faults } = await tap(t, await sandbox.listen())
  const arrivals = createArrivals(secrets)
  const { app, outcomes } = await createReceiver({
    giteaSecrets: secrets,
    arrived: arrivals.note,
  })
  await app.register(arrivals.route)
  await app.listen({ host: '127.0.0.1', port: 0 })
  t.after(() => app.close())
  const dispatcher = new Agent()
  t.after(() => dispatcher.destroy())
  const said: string[] = []
  const deps = {
    gitea: createGitea({ url, token: sandbox.token, dispatcher, pauseMs: 1 }),
    target: 'acme/shop',
    master,
    publicUrl: `http://127.0.0.1:${portOf(app)}/`,
    dispatcher,
    signal: t.signal,
    say: (line: string) => void said.push(line),
    patienceMs: 300,
  }
  const api = async (method: string, path: string, body?: object) => {
    const headers = { authorization: `token ${sandbox.token}`, 'content-type': 'application/json' }
    const given = await fetch(`${url}/api/v1/repos/acme/shop${path}`, {
      method,
      headers,
      ...(body && { body: JSON.stringify(body) }),
    })
    return (await given.json()) as { id: number; config: { url: string } }[]
  }
  return { deps, said, faults, outcomes, api, hooks: () => api('GET', '/hooks') }
}

test('a webhook is made and its test delivery arrives; run again, nothing is changed; removed, it is gone', async (t) => {
  const { deps, said, hooks } = await setup(t)

  assert.equal(await installWebhook(deps), true)
  const [hook] = await hooks()
  assert.equal(hook?.config.url, `${deps.publicUrl}webhooks/gitea`)
  assert.match(said.join('\n'), /Made the webhook of acme\/shop .*\nGitea sends: push, .*\nThe test delivery arrived/)

  assert.equal(await installWebhook(deps), true)
  assert.match(said.join('\n'), /has the webhook already .* Nothing was changed/)
  assert.deepEqual(await hooks(), [hook])

  await removeWebhook(deps)
  assert.deepEqual(await hooks(), [])
})

test('a webhook of ours that has another secret is replaced by one that works', async (t) => {
  const { deps, said, api, hooks, outcomes } = await setup(t)
  const events = [
    'push',
    'workflow_run',
    'workflow_job',
    'status',
    'pull_request',
    'issue_comment',
    'create',
    'delete',
    'release',
    'repository',
  ]
  const config = { url: `${deps.publicUrl}webhooks/gitea`, content_type: 'json', secret: 'another' }
  await api('POST', '/hooks', { type: 'gitea', active: true, events, config })
  const [wrong] = await hooks()

  assert.equal(await installWebhook(deps), true)

  assert.ok(outcomes.includes('unauthorized'))
  assert.match(said.join('\n'), /^Replaced the webhook of acme\/shop/)
  assert.notEqual((await hooks())[0]?.id, wrong?.id)
  assert.equal((await hooks()).length, 1)
})

test('a test delivery that is lost is explained, and a bot with other secrets is told apart from that', async (t) => {
  const lost = await setup(t)
  lost.faults.push(answer(/POST .*\/tests$/, 204, ''))
  const foreign = await setup(t, { secrets: ['quite another'] })

  assert.equal(await installWebhook(lost.deps), false)
  assert.equal(await installWebhook(foreign.deps), false)

  assert.match(lost.said.join('\n'), /did not arrive[\s\S]*ALLOWED_HOST_LIST = 127\.0\.0\.1/)
  assert.match(foreign.said.join('\n'), /does not know this secret \(404\).*same KUBE_AGENT_GITEA_WEBHOOK_SECRET/)
})

test('what the server drops without a word is named', async (t) => {
  const { deps, said, faults } = await setup(t)
  const events = ['push', 'create', 'delete', 'issue_comment', 'pull_request', 'release', 'repository']
  const config = { url: `${deps.publicUrl}webhooks/gitea` }
  faults.push(answer(/POST .*\/hooks$/, 201, { id: 1, active: true, events, config }))

  assert.equal(await installWebhook(deps), false)

  assert.match(said.join('\n'), /did not take: workflow_run, workflow_job, status\./)
})

test('without what it needs the command says all of it, in one go', async (t) => {
  const { code, stderr } = await run(t, ['webhook', 'install', 'acme/shop'])

  assert.equal(code, 2)
  for (const name of ['GITEA_URL', 'GITEA_TOKEN', 'GITEA_WEBHOOK_SECRET', 'PUBLIC_URL'])
    assert.match(stderr, new RegExp(`KUBE_AGENT_${name}`))
})
