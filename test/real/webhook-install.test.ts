import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type BotProcess, startBot } from './lib/bot-process.ts'
import { type Server, startGitea } from './lib/servers.ts'

const launcher = fileURLToPath(new URL('../../bin/kube-agent.js', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'kube-agent-webhook-'))
const secret = 'synthetic-master-secret-of-this-test'
const stack = new AsyncDisposableStack()

let open: Server
let closed: Server
let bot: BotProcess

before(async () => {
  stack.defer(() => rmSync(folder, { recursive: true, force: true }))
  open = stack.use(await startGitea())
  closed = stack.use(await startGitea({ GITEA_ALLOWED_HOSTS: 'external', GITEA_RUNNERS: '0' }))
  for (const server of [open, closed]) {
    await api(server, 'POST', '/orgs', { username: 'acme' })
    for (const name of ['shop', 'other'])
      await api(server, 'POST', '/orgs/acme/repos', { name, auto_init: true, default_branch: 'main' })
  }
  bot = await startBot({
    KUBE_AGENT_CHAT: 'web',
    KUBE_AGENT_ROOM: 'ops',
    KUBE_AGENT_LLM_URL: 'none',
    KUBE_AGENT_GITEA_WEBHOOK_SECRET: secret,
    KUBE_AGENT_DATA_DIR: join(folder, 'data'),
    HOME: folder,
    KUBECONFIG: '',
  })
  stack.defer(async () => void (await bot.kill('SIGKILL')))
  await bot.ready()
})

after(() => stack.disposeAsync())

async function api<Answer>(server: Server, method: string, path: string, body?: object): Promise<Answer> {
  const answer = await fetch(`${server.env.GITEA_URL}/api/v1${path}`, {
    method,
    headers: { authorization: `token ${server.env.GITEA_ADMIN_TOKEN}`, 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`)
  return (text ? JSON.parse(text) : undefined) as Answer
}

/** Runs the command as an administrator does, unless another token is given. */
async function install(
  args: string[],
  { server = open, token, url = bot.url }: { server?: Server; token?: string; url?: string } = {},
) {
  const child = spawn(process.execPath, [launcher, 'webhook', 'install', ...args], {
    cwd: folder,
    env: {
      PATH: process.env.PATH,
      HOME: folder,
      KUBE_AGENT_GITEA_URL: server.env.GITEA_URL,
      KUBE_AGENT_GITEA_TOKEN: token ?? server.env.GITEA_ADMIN_TOKEN,
      KUBE_AGENT_GITEA_WEBHOOK_SECRET: secret,
      KUBE_AGENT_PUBLIC_URL: url,
    },
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (part) => (text += part))
  const [code] = await once(child, 'close')
  return { code, text }
}

interface Hook {
  id: number
  active: boolean
  events: string[]
  config: { url: string }
}
const hooksOf = (place: string, server = open) => api<Hook[]>(server, 'GET', `/${place}/hooks`)

const metric = async (outcome: string): Promise<number> => {
  const text = await (await fetch(`${bot.url}/metrics`)).text()
  return Number(new RegExp(`webhooks_total\\{outcome="${outcome}"\\} (\\d+)`).exec(text)?.[1] ?? 0)
}

test('the webhook of a repository is made with all events, and its test delivery arrives; a second run changes nothing', async () => {
  const first = await install(['Acme/Shop'])

  assert.deepEqual([first.code, first.text.match(/test delivery arrived/g)?.length], [0, 1], first.text)
  assert.match(first.text, /Made the webhook of acme\/shop \(number \d+\)/)
  assert.match(
    first.text,
    /Gitea sends: push, workflow_run, workflow_job, status, pull_request, issue_comment, create, /,
  )
  assert.doesNotMatch(first.text, /did not take/)
  const [hook, ...others] = await hooksOf('repos/acme/shop')
  assert.deepEqual([hook?.active, hook?.config.url, others], [true, `${bot.url}/webhooks/gitea`, []])
  for (const event of ['push', 'workflow_run', 'status', 'release']) assert.ok(hook?.events.includes(event), event)

  const second = await install(['acme/shop'])

  assert.equal(second.code, 0, second.text)
  assert.match(second.text, /has the webhook already .* Nothing was changed\.\nThe test delivery arrived/)
  assert.deepEqual(
    (await hooksOf('repos/acme/shop')).map(({ id }) => id),
    [hook?.id],
  )
})

test('the webhook of an organisation is tried through one of its repositories, which keeps nothing of it', async () => {
  const before = await hooksOf('repos/acme/other')

  const { code, text } = await install(['acme'])

  assert.equal(code, 0, text)
  assert.match(text, /Made the webhook of acme .*\n.*\nThe test delivery arrived/)
  assert.equal((await hooksOf('orgs/acme')).length, 1)
  assert.deepEqual(await hooksOf('repos/acme/other'), before)
  assert.match((await install(['acme'])).text, /Nothing was changed/)
})

test('a push is taken by the secret of the repository and by that of the organisation, and is one job', async () => {
  const [accepted, duplicates] = [await metric('accepted'), await metric('duplicate')]

  await api(open, 'POST', '/repos/acme/shop/contents/a.txt', { content: 'YQ==', message: 'feat: a' })

  while ((await metric('duplicate')) === duplicates) await new Promise((resolve) => setTimeout(resolve, 20))
  assert.equal(await metric('accepted'), accepted + 1)
  assert.equal(await metric('unauthorized'), 0)
})

test('a webhook with another secret is replaced', async () => {
  const [old] = await hooksOf('repos/acme/other')
  assert.equal(old, undefined)
  const wrong = await api<Hook>(open, 'POST', '/repos/acme/other/hooks', {
    type: 'gitea',
    active: true,
    events: [
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
    ],
    config: { url: `${bot.url}/webhooks/gitea`, content_type: 'json', secret: 'another' },
  })

  const { code, text } = await install(['acme/other'])

  assert.equal(code, 0, text)
  assert.match(text, /^Replaced the webhook of acme\/other/)
  assert.ok((await hooksOf('repos/acme/other')).every(({ id }) => id !== wrong.id))
})

test('--remove takes it away, and says so when there is none', async () => {
  const removed = await install(['acme/other', '--remove'])
  const again = await install(['acme/other', '--remove'])

  assert.deepEqual([removed.code, again.code], [0, 0])
  assert.match(removed.text, /was removed from acme\/other/)
  assert.match(again.text, /No webhook sends to .* from acme\/other/)
  assert.deepEqual(await hooksOf('repos/acme/other'), [])
})

test('whoever may not administer webhooks gets what to enter by hand', async () => {
  await api(open, 'POST', '/admin/users', {
    username: 'writer',
    password: 'synthetic-password-1',
    email: 'writer@example.test',
    must_change_password: false,
  })
  await api(open, 'PUT', '/repos/acme/other/collaborators/writer', { permission: 'write' })
  const made = await fetch(`${open.env.GITEA_URL}/api/v1/users/writer/tokens`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from('writer:synthetic-password-1').toString('base64')}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify({ name: 'bot', scopes: ['write:repository', 'read:user', 'read:organization'] }),
  })
  const { sha1: token } = (await made.json()) as { sha1: string }

  const repository = await install(['acme/other'], { token })
  const organisation = await install(['acme'], { token })

  for (const { code, text } of [repository, organisation]) {
    assert.equal(code, 1, text)
    assert.match(text, /This token may not administer the webhooks of acme/)
    assert.match(text, /Target URL +http.*\/webhooks\/gitea/)
    assert.match(text, /Secret +[0-9a-f]{64}\n/)
  }
  assert.match(repository.text, /an administrator of the repository.*\/acme\/other\/settings\/hooks\/gitea\/new/)
  assert.match(organisation.text, /an owner of the organisation.*\/org\/acme\/settings\/hooks\/gitea\/new/)
})

test('a Gitea that may not call this address is explained, with the line for its configuration', async () => {
  const { code, text } = await install(['acme/shop'], { server: closed })

  assert.equal(code, 1)
  assert.match(text, /did not arrive within 15 seconds/)
  assert.match(text, /\[webhook\]\n +ALLOWED_HOST_LIST = 127\.0\.0\.1\n/)
  assert.match(text, /Recent Deliveries" at http\S+\/acme\/shop\/settings\/hooks\/\d+;/)
})

test('a bot that does not run is named, not Gitea', async () => {
  const first = await install(['acme/other'], { url: 'http://127.0.0.1:9' })
  const hooks = await hooksOf('repos/acme/other')

  const { code, text } = await install(['acme/other'], { url: 'http://127.0.0.1:9' })

  assert.deepEqual([first.code, code], [1, 1])
  assert.equal((await hooksOf('repos/acme/other'))[0]?.id, hooks[0]?.id, 'what could not be tried is left alone')
  assert.match(text, /The bot does not answer at http:\/\/127\.0\.0\.1:9 \(ECONNREFUSED\)/)
})
