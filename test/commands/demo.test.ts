import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { type Demo, startDemo } from '../../src/commands/demo.ts'
import { ConfigError } from '../../src/config/index.ts'
import { comeIn, type Visitor } from '../bot/web/room.ts'
import { type ModelServer, says, startModelServer } from '../helpers/model-server.ts'

const start = (env: NodeJS.ProcessEnv = {}, port = 0) => startDemo({ port, version: '0', env, pace: 0 })

/** Asks in a new thread and waits for the prompt. */
async function ask(visitor: Visitor, question: string) {
  const thread = await visitor.say(question)
  const prompt = await visitor.sees(thread, (message) => message.prompt === 'open', 'a prompt')
  return { thread, prompt }
}

const sees = (visitor: Visitor, thread: string, what: RegExp) =>
  visitor.sees(thread, ({ html }) => what.test(html), String(what))

/** The thread that has this title, once it is there. */
async function threadAbout(visitor: Visitor, title: RegExp): Promise<string> {
  for (;;) {
    const found = (await visitor.threads()).find((thread) => title.test(thread.title))
    if (found) return found.id
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

const notice = async (visitor: Visitor) =>
  ((await (await visitor.get('/web/state')).json()) as { notice: string }).notice

describe('the demo with the scripted model', { timeout: 120_000 }, () => {
  let demo: Demo
  let operator: Visitor
  before(async () => {
    demo = await start()
    operator = await comeIn(demo.url, 'operator')
  })
  after(() => demo.close())

  test('the page says what is a sandbox and that no model is configured', async () => {
    assert.match(await notice(operator), /sandboxes on this machine\. No model is configured: a scripted stand-in/)
  })

  test('a push has opened a thread, and it says why the change is not well', async () => {
    const thread = await threadAbout(operator, /alice pushed 1 commit to acme\/shop main/)

    const answer = await sees(operator, thread, /This change is not well/)

    assert.match(answer.html, /Failing after/)
    assert.match(answer.html, /checkout<\/strong> cannot start/)
    assert.match(answer.html, /checkout:2\.8\.0/)
    assert.match(answer.html, /restart would not help/)
  })

  test('a failed CI run has opened a thread: cause, fix, approval, pull request, and its run passes', async () => {
    const thread = await threadAbout(
      operator,
      /CI failed in acme\/shop main: ci\.yml #\d+, job images, step check images/,
    )
    const prompt = await operator.sees(thread, (message) => message.prompt === 'open', 'a prompt')
    await sees(operator, thread, /checkout:2\.8\.O: manifest unknown/)

    await operator.mark(prompt.id, 'approve')

    await sees(operator, thread, /Pull request #1 proposes the correction/)
    await sees(operator, thread, /CI passed in .*kube-agent\/use-checkout/)
    assert.match(prompt.html, /checkout:2\.8\.0/)
  })

  test('merged, the branch is green again and its thread says so', async () => {
    const thread = await threadAbout(operator, /CI failed in acme\/shop main/)
    await operator.say('!gitea_merge_pull owner=acme repo=shop number=1', thread)
    const prompt = await operator.sees(thread, (message) => message.prompt === 'open', 'a prompt')

    await operator.mark(prompt.id, 'approve')

    await sees(operator, thread, /CI passed in .*main.*Nothing fails there any more/)
    await threadAbout(operator, /Green again\. CI failed in acme\/shop main/)
  })

  test('api is found broken, restarted after an approval, and recovers', async () => {
    const { thread, prompt } = await ask(operator, 'What is wrong with api?')
    const messages = await operator.thread(thread)
    const finding = messages.findIndex(({ html }) => /api<\/strong> is down/.test(html))

    await operator.mark(prompt.id, 'approve')
    const decided = await operator.sees(thread, (message) => message.prompt === 'closed', 'the end of the prompt')
    const recovery = await sees(operator, thread, /2 of 2 pods available/)

    assert.ok(
      finding > 0 && finding < messages.findIndex(({ id }) => id === prompt.id),
      'the reason stands above the prompt',
    )
    assert.match(messages[finding]?.html ?? '', /\[4\]/)
    assert.match(prompt.html, /restartedAt/)
    assert.match(decided.html, /Approved by [^.]*operator/)
    assert.match(recovery.html, /✅/)
  })

  test('worker is proposed to be scaled as it was; denied, nothing happens', async () => {
    const { thread, prompt } = await ask(operator, 'worker 왜 안 돼?')

    await operator.mark(prompt.id, 'deny')
    const answer = await sees(operator, thread, /아무것도 하지 않았습니다/)
    const again = await operator.say('What is wrong with worker?')
    const finding = await sees(operator, again, /does not run/)

    assert.match(prompt.html, /scale deployment shop\/worker to 2/)
    assert.match(answer.html, /@operator:web 님이 거부했습니다/)
    assert.match(finding.html, /0 wanted/)
  })

  test('a visitor with another name may ask, but not approve, and is told so', async () => {
    const guest = await comeIn(demo.url, 'guest')
    const { thread, prompt } = await ask(guest, 'What is wrong with worker?')

    await guest.mark(prompt.id, 'approve')
    const refusal = await sees(guest, thread, /is not an approver/)
    const still = (await guest.thread(thread)).find(({ id }) => id === prompt.id)

    assert.match(refusal.html, /guest/)
    assert.equal(still?.prompt, 'open')
  })

  test('commands work in a thread', async () => {
    const thread = await operator.say('!status')

    const status = await sees(operator, thread, /namespaces/)

    assert.match(status.html, /ready/)
  })

  test('what was posted is counted', async () => {
    const metrics = await (await fetch(`${demo.url}/metrics`)).text()

    assert.match(metrics, /^kube_agent_posts_total\{platform="web",outcome="sent"\} [1-9]/m)
  })
})

test('without a model, rules and commands answer, and the page says so', { timeout: 60_000 }, async (t) => {
  const demo = await start({ KUBE_AGENT_LLM_URL: 'none' })
  t.after(() => demo.close())
  const operator = await comeIn(demo.url, 'operator')

  const thread = await operator.say('What is wrong with api?')
  const answer = await sees(operator, thread, /No model is configured/)

  assert.match(await notice(operator), /No model is configured: rules and commands only\./)
  assert.match(answer.html, /shop\/api: 0 of 2/)
})

test('a given model answers and is named on the page', { timeout: 60_000 }, async (t) => {
  const server: ModelServer = await startModelServer(() => says('I am another model.'))
  t.after(() => server.close())
  const demo = await start({ KUBE_AGENT_LLM_URL: server.url, KUBE_AGENT_LLM_MODEL: 'test-model' })
  t.after(() => demo.close())
  const operator = await comeIn(demo.url, 'operator')

  const thread = await operator.say('Who are you?')
  await sees(operator, thread, /I am another model/)

  assert.match(await notice(operator), new RegExp(`Model: test-model at ${new URL(server.url).host}\\.`))
})

test('when the wanted port is in use another one is taken', { timeout: 60_000 }, async (t) => {
  const other = createServer()
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  t.after(() => other.close())
  const { port } = other.address() as AddressInfo

  const demo = await start({ KUBE_AGENT_LLM_URL: 'none' }, port)
  t.after(() => demo.close())

  assert.notEqual(new URL(demo.url).port, String(port))
  assert.equal((await fetch(`${demo.url}/web/`)).status, 200)
})

test('a model address that is none is refused in words, and nothing is left behind', { timeout: 60_000 }, async () => {
  const before = handles()

  await assert.rejects(
    start({ KUBE_AGENT_LLM_URL: 'not an address' }),
    (error) => error instanceof ConfigError && /llm\.url/.test(error.message),
  )

  assert.deepEqual(handles(), before)
})

const handles = () => process.getActiveResourcesInfo().filter((name) => name === 'TCPServerWrap')
