import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, test } from 'node:test'
import { type BotProcess, freePort } from './lib/bot-process.ts'
import { type Forge, openForge, type Repository } from './lib/forge.ts'
import { type House, openHouse } from './lib/house.ts'
import { type Shown, until } from './lib/matrix-person.ts'

let house: House
let forge: Forge
let bot: BotProcess
let room: string
let repository: Repository
let env: Record<string, string>

before(async () => {
  house = await openHouse()
  forge = await openForge()
  const secret = randomBytes(16).toString('hex')
  const port = String(await freePort())
  const first = await house.start()
  room = await house.room()
  await first.kill('SIGTERM')
  env = {
    KUBE_AGENT_ROOM: room,
    KUBE_AGENT_HTTP_PORT: port,
    KUBE_AGENT_GITEA_URL: forge.url,
    KUBE_AGENT_GITEA_TOKEN: forge.botToken,
    KUBE_AGENT_GITEA_WEBHOOK_SECRET: `an-older-one,${secret}`,
  }
  bot = await house.start(env)
  repository = await forge.repository('api', { url: `http://127.0.0.1:${port}/webhooks/gitea`, secret })
})

after(async () => {
  await forge?.[Symbol.asyncDispose]()
  await house?.[Symbol.asyncDispose]()
})

/** The threads that pushes opened: messages of the bot in the main timeline. */
const opened = async (): Promise<Shown[]> =>
  (await house.alice.shown(room)).filter((message) => message.sender === house.botId)

/** Everything that was sent to the room. */
const spoken = async (): Promise<string[]> => (await house.alice.timeline(room)).map((event) => event.event_id)

/** Resolves when Gitea has delivered everything so far: one more delivery is in its history than before. */
const delivered = (before: number): Promise<string[]> =>
  until(
    async () => {
      const deliveries = await repository.deliveries()
      return deliveries.length > before && deliveries
    },
    () => 'a delivery in the history of the hook',
  )

const handled = (): Promise<boolean> =>
  until(
    async () => /kube_agent_inbox_jobs 0/.test(await (await fetch(`${bot.url}/metrics`)).text()),
    () => 'an empty inbox',
  )

test('a push opens exactly one thread: who pushed what where, what it touches, how its workload is, then a diagnosis', async () => {
  const { alice } = house

  const commit = await repository.push({ 'deploy/api.yaml': 'replicas: 3\n' }, 'Raise the replicas of api')

  const root = await alice.sees(room, undefined, /pushed 1 commit to .*\/api/)
  assert.match(root.text, /Raise the replicas of api/)
  assert.ok(root.text.includes(commit.slice(0, 8)))
  await alice.sees(room, root.id, /It touches Kubernetes manifests: .?deploy\/api\.yaml/)
  await alice.sees(room, root.id, /shop\/api.*2 of 2 pods/)
  await alice.sees(room, root.id, /You said: Commits were pushed/)
  assert.equal((await opened()).length, 1)
})

test('a redelivery opens no thread and says nothing', async () => {
  const [newest] = await repository.deliveries()
  const before = await spoken()

  await repository.redeliver(newest ?? '')
  await until(
    async () =>
      /kube_agent_webhooks_total\{outcome="duplicate"\} 1/.test(await (await fetch(`${bot.url}/metrics`)).text()),
    () => 'the duplicate to arrive',
  )
  await handled()

  assert.deepEqual(await spoken(), before)
})

test('a second push to the same branch continues the thread; other branches, tags and test deliveries open none', async () => {
  const { alice } = house
  const [root] = await opened()
  let before = (await repository.deliveries()).length

  await repository.push({ 'README.md': 'more\n' }, 'Say more')
  await alice.sees(room, root?.id, /pushed 1 commit.*Say more/s)
  before = (await delivered(before)).length
  await repository.push({ 'README.md': 'a feature\n' }, 'Work on a feature', 'feature/x')
  before = (await delivered(before)).length
  await repository.git('tag', 'v1')
  await repository.git('push', '--quiet', 'origin', 'v1')
  before = (await delivered(before)).length
  await forge.api('POST', `/repos/${repository.fullName}/hooks/${repository.hook}/tests?ref=refs/heads/main`)
  await delivered(before)
  await handled()

  assert.equal((await opened()).length, 1)
})

test('killed between taking a push and handling it: after the restart the thread appears, once, also when the push is sent again', async () => {
  const before = (await opened()).length
  const deliveries = (await repository.deliveries()).length
  await bot.kill('SIGTERM')
  bot = await house.start(
    { ...env, KUBE_AGENT_SIGNALS_PUSH_BRANCHES: 'default,release/*' },
    { killAt: 'inbox:after-put' },
  )
  await bot.ready()

  await repository.push({ 'README.md': 'a release\n' }, 'Release one', 'release/1')
  assert.equal(await bot.exited, 'SIGKILL')
  bot = await house.start({ ...env, KUBE_AGENT_SIGNALS_PUSH_BRANCHES: 'default,release/*' })
  await house.alice.sees(room, undefined, /Release one/)
  const [newest] = await delivered(deliveries)
  await repository.redeliver(newest ?? '')
  await until(
    async () =>
      /kube_agent_webhooks_total\{outcome="duplicate"\} 1/.test(await (await fetch(`${bot.url}/metrics`)).text()),
    () => 'the duplicate to arrive',
  )
  await handled()

  assert.equal((await opened()).length, before + 1)
})

test('nothing unsigned or wrongly signed is taken', async () => {
  const before = (await opened()).length

  const answers = await Promise.all(
    ['', '0'.repeat(64)].map((signature) =>
      fetch(`${bot.url}/webhooks/gitea`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'x-gitea-event': 'push',
          'x-gitea-delivery': 'd',
          ...(signature && { 'x-gitea-signature': signature }),
        },
        body: '{"ref":"refs/heads/main"}',
      }),
    ),
  )

  assert.deepEqual(
    answers.map((answer) => answer.status),
    [400, 401],
  )
  assert.equal((await opened()).length, before)
})
