import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { BotProcess } from './lib/bot-process.ts'
import { Person, until } from './lib/matrix-person.ts'
import { type MattermostHouse, openMattermostHouse } from './lib/mattermost-house.ts'
import { startMatrix } from './lib/servers.ts'

/** A process on a real Synapse and a real Mattermost. */
const stack = new AsyncDisposableStack()
let house: MattermostHouse
let matrix: Record<'alice' | 'bob' | 'bot' | 'other', Person> & { room: string }
let otherToken: string
let env: Record<string, string>
let bot: BotProcess

before(async () => {
  house = stack.use(await openMattermostHouse())
  const server = stack.use(await startMatrix())
  const person = (who: string) =>
    new Person(server.env.HOMESERVER_URL ?? '', server.env[`${who}_USER`] ?? '', server.env[`${who}_TOKEN`] ?? '')
  const people = { alice: person('ALICE'), bob: person('BOB'), bot: person('BOT'), other: person('ADMIN') }
  otherToken = server.env.ADMIN_TOKEN ?? ''
  const room = await people.alice.createRoom({ invite: [people.bob.id, people.bot.id] })
  await people.bob.join(room)
  await people.bot.join(room)
  matrix = { ...people, room }
  env = {
    KUBE_AGENT_CHAT: 'mattermost,matrix',
    KUBE_AGENT_MATRIX_URL: server.env.HOMESERVER_URL ?? '',
    KUBE_AGENT_MATRIX_TOKEN: server.env.BOT_TOKEN ?? '',
    KUBE_AGENT_APPROVERS: `@bob,${people.bob.id}`,
  }
  bot = await house.start(env)
})

after(() => stack.disposeAsync())

/** What `/readyz` says of the chats, once it says this of Mattermost. */
async function readiness(what: RegExp): Promise<{ status: number; parts: Record<string, string> }> {
  let parts: Record<string, string> = {}
  return until(
    async () => {
      const answer = await fetch(`${bot.url}/readyz`).catch(() => undefined)
      if (!answer) return undefined
      parts = ((await answer.json()) as { parts: Record<string, string> }).parts
      return what.test(parts.mattermost ?? '') && parts.matrix === 'ready' && { status: answer.status, parts }
    },
    () => JSON.stringify(parts),
  )
}

async function decideInMatrix(): Promise<void> {
  const { alice, bob, bot: account, room } = matrix
  const thread = await alice.say(room, 'restart web', { mention: account.id })
  const prompt = await alice.sees(room, thread, /Approval needed/)
  await bob.react(room, prompt.id, '✅')
  await alice.sees(room, thread, /Report: restarted/)
}

async function decideInMattermost(): Promise<void> {
  const { alice, bob, ops } = house
  const thread = await alice.say(ops, '@opsbot restart checkout')
  const prompt = await alice.sees(thread, /Approval needed/)
  await alice.react(prompt.id, 'white_check_mark')
  await alice.sees(thread, /not an approver/)
  await bob.react(prompt.id, 'white_check_mark')
  await alice.sees(thread, /Report: restarted/)
}

test('each chat has a thread of its own, its own people and its own approvers', async () => {
  await readiness(/^ready$/)
  const before = [await house.revision('web'), await house.revision('checkout')]

  await Promise.all([decideInMatrix(), decideInMattermost()])

  const [web = 0, checkout = 0] = before
  assert.deepEqual([await house.revision('web'), await house.revision('checkout')], [web + 1, checkout + 1])
})

test('while Mattermost is out of reach, at the start and later, Matrix decides; then Mattermost goes on', async () => {
  await bot.kill('SIGTERM')
  house.wire.cut()
  bot = await house.start(env)
  const { status, parts } = await readiness(/^down: .*does not answer/)
  await decideInMatrix()
  assert.equal(status, 200, JSON.stringify(parts))

  house.wire.mend()
  await readiness(/^ready$/)
  await decideInMattermost()

  house.wire.cut()
  await readiness(/^down: /)
  await decideInMatrix()
  house.wire.mend()
  await readiness(/^ready$/)
  await decideInMattermost()
})

test('two bots of our kind in a thread answer people, and not each other', async () => {
  const { alice, bot: first, other, room } = matrix
  await alice.call('POST', `/_matrix/client/v3/rooms/${encodeURIComponent(room)}/invite`, { user_id: other.id })
  await other.join(room)
  await house.start({
    ...env,
    KUBE_AGENT_CHAT: 'matrix',
    KUBE_AGENT_MATRIX_TOKEN: otherToken,
    KUBE_AGENT_APPROVERS: matrix.bob.id,
    KUBE_AGENT_DATA_DIR: `${house.botEnv.KUBE_AGENT_DATA_DIR}-other`,
  })
  const answers = async () => (await alice.shown(room, thread)).filter(({ text }) => /You said: /.test(text))
  const bothAnswered = (text: string) =>
    until(
      async () => {
        const to = (await answers()).filter((answer) => answer.text.includes(`You said: ${text}`))
        return [first, other].every(({ id }) => to.some(({ sender }) => sender === id))
      },
      async () => JSON.stringify(await answers(), undefined, 1),
    )

  const thread = await alice.say(room, `${first.id} ${other.id} message 0`)
  await bothAnswered('')
  for (const text of ['message 1', 'message 2']) {
    await alice.say(room, text, { thread })
    await bothAnswered(text)
  }

  assert.equal((await answers()).length, 6, JSON.stringify(await answers(), undefined, 1))
})
