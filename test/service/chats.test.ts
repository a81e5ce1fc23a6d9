import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { createSandboxCluster } from '../../sandbox/kubernetes/index.ts'
import { openOps } from '../bot/mattermost/account.ts'
import { folder, type Running, start, webEnv } from '../commands/program.ts'
import { until } from '../contracts/life.ts'
import { createHomeserver, type FakeEvent } from '../helpers/homeserver.ts'
import { startModelServer } from '../helpers/model-server.ts'
import { oncall } from '../real/lib/oncall-model.ts'

const alice = '@alice:hs.test'
const bob = '@bob:hs.test'
const away = { status: 502, body: '<html>502 Bad Gateway</html>' }

/** One process in a Matrix room and a Mattermost channel, each with its own alice, and its own bob who may approve. */
async function house(t: TestContext) {
  const homeserver = await createHomeserver(t)
  const room = homeserver.room(alice, [bob, homeserver.bot.user])
  const mattermost = await openOps(t)
  const cluster = createSandboxCluster({ pace: 50 })
  await cluster.listen()
  t.after(() => cluster.close())
  const model = await startModelServer(oncall)
  t.after(() => model[Symbol.asyncDispose]())
  const kubeconfig = join(folder(t), 'kubeconfig')
  writeFileSync(kubeconfig, cluster.kubeconfig())
  const env = webEnv(t, {
    KUBE_AGENT_CHAT: 'mattermost,matrix',
    KUBE_AGENT_MATRIX_URL: homeserver.url,
    KUBE_AGENT_MATRIX_TOKEN: homeserver.bot.token,
    KUBE_AGENT_MATTERMOST_URL: mattermost.server.url,
    KUBE_AGENT_MATTERMOST_TOKEN: mattermost.server.token,
    KUBE_AGENT_APPROVERS: `${bob},@bob`,
    KUBE_AGENT_LLM_URL: model.url,
    KUBE_AGENT_LLM_MODEL: 'test-model',
    KUBE_AGENT_NAMESPACE: 'shop',
    KUBECONFIG: kubeconfig,
  })
  const { server, ops } = mattermost
  return {
    homeserver,
    room,
    ...mattermost,
    start: () => start(t, ['serve'], env),
    /** The bot's post in the Matrix room that matches, with its last edit. */
    inMatrix: (what: RegExp) =>
      until(
        () => textsOf(homeserver.events(room), homeserver.bot.user).find(({ text }) => what.test(text)),
        () => `${what} in Matrix`,
      ),
    inMattermost: (what: RegExp) =>
      until(
        () => server.sent(ops).find(({ message }) => what.test(message)),
        () => `${what} in Mattermost`,
      ),
  }
}

function textsOf(events: FakeEvent[], bot: string): { id: string; thread: string; text: string }[] {
  return events
    .filter(({ type, sender }) => type === 'm.room.message' && sender === bot)
    .map(({ event_id, content }) => {
      const { rel_type, event_id: target = '' } = (content['m.relates_to'] ?? {}) as {
        rel_type?: string
        event_id?: string
      }
      const shown = (content['m.new_content'] ?? content) as { body?: string }
      return { id: event_id, thread: rel_type === 'm.thread' ? target : '', text: shown.body ?? '' }
    })
}

/** What `/readyz` says about the chats, once it says this. */
async function readiness({ listening }: Running, what: (parts: Record<string, string>) => boolean): Promise<number> {
  const url = await listening
  let said = ''
  return until(
    async () => {
      const answer = await fetch(`${url}/readyz`)
      said = await answer.text()
      return what((JSON.parse(said) as { parts: Record<string, string> }).parts) && answer.status
    },
    () => `readiness; it is ${said}`,
  )
}

const bothReady = (parts: Record<string, string>): boolean => parts.matrix === 'ready' && parts.mattermost === 'ready'

test('two chats in one process: each answers its own people in their thread, and has its own approvers', async (t) => {
  const { homeserver, room, server, ops, ...people } = await house(t)
  const bot = people.start()
  await readiness(bot, bothReady)

  const asked = homeserver.say(alice, room, `${homeserver.bot.user} restart web`)
  const prompt = await people.inMatrix(/Approval needed/)
  homeserver.react(alice, room, prompt.id, '✅')
  await people.inMatrix(/not an approver/)
  homeserver.react(bob, room, prompt.id, '✅')
  const answer = await people.inMatrix(/Report: restarted/)
  assert.equal(answer.thread, asked)
  assert.deepEqual(server.sent(ops), [], 'nothing of it is told in the other chat')

  const root = server.say(people.alice, ops, '@opsbot restart checkout')
  const second = await people.inMattermost(/Approval needed/)
  server.react(people.alice, second.id, 'white_check_mark')
  await people.inMattermost(/not an approver/)
  server.react(people.bob, second.id, 'white_check_mark')
  assert.equal((await people.inMattermost(/Report: restarted/)).root_id, root)

  bot.child.kill('SIGTERM')
  const { stdout, code } = await bot.ended
  assert.equal(code, 0)
  assert.match(stdout, new RegExp(`matrix\\|${room.replace('!', '\\!')}\\|\\${asked}`))
  assert.match(stdout, new RegExp(`mattermost\\|${ops}\\|${root}`))
})

test('a chat that is away at the start keeps the other from nothing, and /readyz names it; it joins in when it is back', async (t) => {
  const { homeserver, room, server, ops, ...people } = await house(t)
  server.interfere(() => away)
  const bot = people.start()

  const status = await readiness(bot, ({ matrix, mattermost = '' }) => matrix === 'ready' && /^down: /.test(mattermost))
  homeserver.say(alice, room, `${homeserver.bot.user} restart web`)
  const prompt = await people.inMatrix(/Approval needed/)
  homeserver.react(bob, room, prompt.id, '✅')
  await people.inMatrix(/Report: restarted/)
  assert.equal(status, 200)

  server.interfere(() => undefined)
  await readiness(bot, bothReady)
  server.say(people.alice, ops, '@opsbot restart checkout')
  const second = await people.inMattermost(/Approval needed/)
  server.react(people.bob, second.id, 'white_check_mark')
  await people.inMattermost(/Report: restarted/)
})

test('a token that was revoked before the start ends that chat, not the other, though nobody can say whom it knew', async (t) => {
  const { homeserver, room, server, ...people } = await house(t)
  server.revoke()
  const bot = people.start()

  const status = await readiness(
    bot,
    ({ matrix, mattermost = '' }) => matrix === 'ready' && /^revoked: .*token/.test(mattermost),
  )
  homeserver.say(alice, room, `${homeserver.bot.user} hello there`)

  await people.inMatrix(/You said: hello there/)
  assert.equal(status, 200)
})

test('a token that is revoked in one chat ends that chat, not the other', async (t) => {
  const { homeserver, server, ops, ...people } = await house(t)
  const bot = people.start()
  await readiness(bot, bothReady)

  homeserver.revoke()
  const status = await readiness(bot, ({ matrix = '' }) => /^revoked: .*token/.test(matrix))
  server.say(people.alice, ops, '@opsbot hello there')

  await people.inMattermost(/You said: hello there/)
  assert.equal(status, 200)
})
