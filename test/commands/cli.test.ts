import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { after, says, stalls, startModelServer } from '../helpers/model-server.ts'
import { type Ended, folder, run, start, webEnv } from './program.ts'

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))

/** One readable error: a few lines that match, and no stack. */
function assertRefused({ code, stdout, stderr }: Ended, expected: RegExp): void {
  assert.match(stderr, expected)
  assert.doesNotMatch(stdout + stderr, /^\s+at /m)
  assert.ok(stderr.split('\n').length < 6, stderr)
  assert.equal(code, 2)
}

const isReady = async (url: string): Promise<boolean> => (await fetch(`${url}/readyz`)).ok

async function readyAt(url: string): Promise<void> {
  while (!(await isReady(url))) await new Promise((resolve) => setTimeout(resolve, 10))
}

test('--version and --help answer on standard output and end well', async (t) => {
  const [told, helped] = await Promise.all([run(t, ['--version']), run(t, ['--help'])])

  assert.deepEqual([told.code, told.stdout], [0, `${version}\n`])
  assert.equal(helped.code, 0)
  for (const word of ['serve', 'config', 'demo', '--llm-url', '-n, --namespace', 'docs/configuration.md', 'Exit codes'])
    assert.ok(helped.stdout.includes(word), word)
})

const wrong: [what: string, args: string[], env: Record<string, string>, expected: RegExp][] = [
  ['an unknown command', ['srve'], {}, /there is no command srve; did you mean serve\?/],
  ['an unknown flag', ['--bogus'], {}, /unknown option '--bogus'/],
  ['a port for the demo that is none', ['demo', '--port', 'http'], {}, /--port.*0 to 65535/],
  ['no chat', ['serve'], {}, /No chat is configured\. Set KUBE_AGENT_CHAT/],
  ['a terminal to be served', ['serve'], { KUBE_AGENT_CHAT: 'terminal' }, /kube-agent chat` is a conversation there/],
  ['a wrong value', ['config', '--http-port', 'eighty'], {}, /http\.port \(flag --http-port\): given "eighty"/],
  ['a missing file', ['config', '--config', '/nowhere.yaml'], {}, /\/nowhere\.yaml: ENOENT/],
  [
    'a CA file that is not there',
    ['serve'],
    { KUBE_AGENT_CA_FILE: '/nowhere.pem' },
    /KUBE_AGENT_CA_FILE \/nowhere\.pem: ENOENT/,
  ],
  [
    'an approver that nobody is',
    ['serve'],
    { KUBE_AGENT_APPROVERS: '@alice:corp' },
    /KUBE_AGENT_APPROVERS: @alice:corp is nobody/,
  ],
  ['a user that nobody is', ['serve'], { KUBE_AGENT_USERS: 'alice' }, /KUBE_AGENT_USERS: alice is nobody/],
  [
    'a kubeconfig that is not there',
    ['serve'],
    { KUBECONFIG: '/nowhere/config' },
    /kubeconfig \/nowhere\/config cannot be read/,
  ],
  ['a context that is not there', ['serve'], { KUBE_AGENT_CONTEXT: 'prod' }, /There is no context prod/],
  ['a data directory that cannot be', ['serve'], { KUBE_AGENT_DATA_DIR: '/dev/null/data' }, /KUBE_AGENT_DATA_DIR/],
]
for (const [what, args, env, expected] of wrong) {
  test(`${what} is one readable error and exit code 2`, async (t) => {
    const needsChat = !['no chat', 'a terminal to be served'].includes(what)

    const ended = await run(t, args, { ...(needsChat && webEnv(t)), KUBE_AGENT_LOG_LEVEL: 'silent', ...env })

    assertRefused(ended, expected)
  })
}

test('a port that another program has is one readable error and exit code 2', async (t) => {
  const other = createServer().listen(0, '127.0.0.1')
  t.after(() => other.close())
  await once(other, 'listening')
  const { port } = other.address() as AddressInfo

  const ended = await run(
    t,
    ['serve'],
    webEnv(t, { KUBE_AGENT_HTTP_PORT: String(port), KUBE_AGENT_LOG_LEVEL: 'silent' }),
  )

  assertRefused(ended, new RegExp(`127\\.0\\.0\\.1:${port}: another program has this port\\. Set KUBE_AGENT_HTTP_HOST`))
})

test('config prints what holds and where it comes from, masks secrets and does not need a chat', async (t) => {
  const file = join(folder(t), 'config.yaml')
  writeFileSync(file, 'room: ops\nmode: observe\n')
  const env = { KUBE_AGENT_CONFIG: file, KUBE_AGENT_GITEA_TOKEN: 'very-secret', KUBE_AGENT_MODE: 'auto' }

  const { code, stdout, stderr } = await run(t, ['config', '-n', 'shop'], env)

  assert.equal(code, 0)
  assert.match(stdout, /^room\s+ops\s+file .*config\.yaml$/m)
  assert.match(stdout, /^mode\s+auto\s+variable KUBE_AGENT_MODE$/m)
  assert.match(stdout, /^kubernetes\.namespace\s+shop\s+flag --namespace$/m)
  assert.match(stdout, /^gitea\.token\s+\*{8}\s+variable KUBE_AGENT_GITEA_TOKEN$/m)
  assert.match(stderr, /warning: KUBE_AGENT_APPROVERS is empty/)
  assert.doesNotMatch(stdout + stderr, /very-secret/)
})

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`serve gets ready, says so, and ends well on ${signal} without a word on standard error`, async (t) => {
    const { child, ended, listening } = start(t, ['serve'], webEnv(t))
    const url = await listening
    await readyAt(url)

    assert.equal((await fetch(`${url}/healthz`)).status, 200)
    assert.equal((await fetch(`${url}/web/`)).status, 200)
    assert.match(await (await fetch(`${url}/metrics`)).text(), /kube_agent_chat_ready\{platform="web"\} 1/)
    child.kill(signal)

    assert.deepEqual(await ended.then(({ code, stderr }) => [code, stderr]), [0, ''])
  })
}

test('the program runs without its launcher too', async (t) => {
  const { code, stdout } = await start(t, ['--version'], {}, main).ended

  assert.deepEqual([code, stdout], [0, `${version}\n`])
})

test('a second process on the same data is refused with the first one named, and works when that one was killed', async (t) => {
  const env = webEnv(t)
  const first = start(t, ['serve'], env)
  await first.listening

  assertRefused(
    await run(t, ['serve'], { ...env, KUBE_AGENT_LOG_LEVEL: 'silent' }),
    new RegExp(`process ${first.child.pid}`),
  )

  first.child.kill('SIGKILL')
  await first.ended
  const next = start(t, ['serve'], env)
  await readyAt(await next.listening)
})

test('what a visitor asked is still there after SIGKILL', async (t) => {
  const env = webEnv(t)
  const first = start(t, ['serve'], env)
  const url = await first.listening
  await readyAt(url)
  await say(url, 'still here?')
  first.child.kill('SIGKILL')
  await first.ended

  const next = start(t, ['serve'], env)
  const again = await next.listening
  await readyAt(again)

  assert.match(await state(again), /still here\?/)
})

test('on SIGTERM a running step ends and its answer is posted, nothing new begins, and what waits is answered by the next start', async (t) => {
  const gate = Promise.withResolvers<void>()
  await using model = await startModelServer((_asked, index) =>
    index === 0 ? after(gate.promise, says('the first answer')) : says('the second answer'),
  )
  const env = webEnv(t, { KUBE_AGENT_LLM_URL: model.url, KUBE_AGENT_LLM_MODEL: 'test-model' })
  const first = start(t, ['serve'], env)
  const url = await first.listening
  await readyAt(url)
  await say(url, 'one')
  while (model.asked.length === 0) await new Promise((resolve) => setTimeout(resolve, 10))

  first.child.kill('SIGTERM')
  while (await isReady(url)) await new Promise((resolve) => setTimeout(resolve, 10))
  await say(url, 'two')
  gate.resolve()
  assert.equal((await first.ended).code, 0)
  assert.equal(model.asked.length, 1)

  const next = await start(t, ['serve'], env).listening
  await readyAt(next)
  while (!(await messages(next, 2)).includes('the second answer'))
    await new Promise((resolve) => setTimeout(resolve, 10))
  assert.match(await messages(next, 1), /the first answer/)
})

test('a second signal ends it at once', async (t) => {
  await using model = await startModelServer(() => stalls)
  const env = webEnv(t, { KUBE_AGENT_LLM_URL: model.url, KUBE_AGENT_LLM_MODEL: 'test-model' })
  const { child, ended, listening } = start(t, ['serve'], env)
  const url = await listening
  await readyAt(url)
  await say(url, 'one')
  while (model.asked.length === 0) await new Promise((resolve) => setTimeout(resolve, 10))

  child.kill('SIGTERM')
  while (await isReady(url)) await new Promise((resolve) => setTimeout(resolve, 10))
  child.kill('SIGTERM')

  assert.equal((await ended).code, 1)
})

async function login(url: string): Promise<string> {
  const answer = await fetch(`${url}/web/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'alice' }),
  })
  return answer.headers.get('set-cookie')?.split(';')[0] ?? assert.fail('no cookie')
}

async function say(url: string, text: string): Promise<void> {
  const answer = await fetch(`${url}/web/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', cookie: await login(url) },
    body: JSON.stringify({ room: 'ops', text }),
  })
  assert.equal(answer.status, 200)
}

const messages = async (url: string, thread: number): Promise<string> =>
  (
    await fetch(`${url}/web/thread?id=${encodeURIComponent(`web|ops|${thread}`)}`, {
      headers: { cookie: await login(url) },
    })
  ).text()

const state = async (url: string): Promise<string> =>
  (await fetch(`${url}/web/state`, { headers: { cookie: await login(url) } })).text()
