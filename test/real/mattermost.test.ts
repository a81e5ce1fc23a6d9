import assert from 'node:assert/strict'
import { after, before, type TestContext, test } from 'node:test'
import pino from 'pino'
import { createMattermost } from '../../src/bot/mattermost/index.ts'
import type { RoomId } from '../../src/bot/platform.ts'
import { createPositions } from '../bot/mattermost/account.ts'
import { type BotProcess, startBot } from './lib/bot-process.ts'
import { type MattermostHouse, openMattermostHouse } from './lib/mattermost-house.ts'
import { moments } from './lib/moments.ts'

let house: MattermostHouse
let bot: BotProcess
let channel: string

before(async () => {
  house = await openMattermostHouse()
  bot = await house.start()
  channel = await house.channel()
})

after(() => house[Symbol.asyncDispose]())

const approve = 'white_check_mark'
const idOf = (text: string): string => /`([a-z0-9]{6})`/.exec(text)?.[1] ?? ''

/** Asks for a restart and waits for its prompt. */
async function propose(names: string) {
  const thread = await house.alice.say(channel, `@opsbot restart ${names}`)
  const prompt = await house.alice.sees(thread, /Approval needed/)
  return { thread, prompt }
}

/** How often the bot repeated each of these words in a thread. */
async function answered(thread: string): Promise<string[]> {
  const posts = (await house.alice.shown(thread)).filter(({ user_id }) => user_id === house.botId)
  return posts.flatMap(({ message }) =>
    /You said/.test(message) ? [...message.matchAll(/message \d+/g)].map(([text]) => text) : [],
  )
}

const numbered = (count: number): string[] => Array.from({ length: count }, (_, index) => `message ${index}`)

test('a mention is answered in a thread and calls the asker; the follow-up there needs no mention', async () => {
  const { alice } = house

  const thread = await alice.say(channel, 'hello there, @OpsBot!')
  const answer = await alice.sees(thread, /You said: hello there/)
  assert.match(answer.message, /^@alice/)

  await alice.say(channel, 'and again', { thread })
  await alice.sees(thread, /You said: and again/)
})

test('a restart is shown literally, refused to others, run once for a decider, and its recovery is reported', async () => {
  const { alice, bob } = house
  const before = await house.revision('web')
  const { thread, prompt } = await propose('web')
  assert.match(prompt.message, /^@bob:/)
  assert.match(prompt.message, /PATCH \/apis\/apps\/v1\/namespaces\/shop\/deployments\/web/)
  assert.match(prompt.message, /!approve [a-z0-9]{6}/)
  assert.match(prompt.message, /Who may decide: @\u200Bbob\./, 'people are shown by name')

  await alice.react(prompt.id, approve)
  await alice.sees(thread, /not an approver/)
  assert.equal(await house.revision('web'), before)

  await bob.react(prompt.id, approve)
  const answer = await alice.sees(thread, /Report: restarted/)
  assert.match(answer.message, /^@alice:/)
  await alice.sees(thread, /✅ Approved by @\u200Bbob, done/)
  await alice.sees(thread, /After .restart deployment shop\/web/)
  assert.equal(await house.revision('web'), before + 1)
})

test('a denial by text gives its reason to the model, and nothing runs', async () => {
  const { alice, bob } = house
  const before = await house.revision('web')
  const { thread, prompt } = await propose('web')

  await bob.say(channel, `!deny ${idOf(prompt.message)} not during the sale`, { thread })

  await alice.sees(thread, /Report: denied.*not during the sale/)
  await alice.sees(thread, /❌ Denied by .*@\u200Bbob.*: not during the sale/)
  assert.equal(await house.revision('web'), before)
})

test('a new message while a prompt waits withdraws it; the mark that follows runs nothing', async () => {
  const { alice, bob } = house
  const before = await house.revision('web')
  const { thread, prompt } = await propose('web')

  await alice.say(channel, 'wait, logs first', { thread })
  await alice.sees(thread, /You said: .*wait, logs first/)
  await bob.react(prompt.id, approve)

  await alice.sees(thread, /Too late/)
  await alice.sees(thread, /🚫 Withdrawn/)
  assert.equal(await house.revision('web'), before)
})

test('forty messages and marks that were set, taken back and set again while the bot is down are handled once', async () => {
  const { alice, bob } = house
  const before = await house.revision('web')
  const kept = await propose('web')
  const takenBack = await propose('checkout')
  const checkout = await house.revision('checkout')
  await bot.kill('SIGTERM')

  await bob.react(kept.prompt.id, approve)
  await bob.unreact(kept.prompt.id, approve)
  await bob.react(kept.prompt.id, approve)
  await bob.react(takenBack.prompt.id, approve)
  await bob.unreact(takenBack.prompt.id, approve)
  const thread = await alice.say(channel, '@opsbot message 0')
  for (const text of numbered(40).slice(1)) await alice.say(channel, text, { thread })
  bot = await house.start()

  await alice.sees(kept.thread, /Report: restarted/)
  await alice.sees(thread, /You said.*message 39/s)
  assert.deepEqual(await answered(thread), numbered(40))
  assert.equal(await house.revision('web'), before + 1)
  assert.equal(await house.revision('checkout'), checkout)
})

test('five hundred posts, two questions and three marks missed while the wire is cut are handled once', async () => {
  const { alice, bob, wire } = house
  const [web, checkout] = [await house.revision('web'), await house.revision('checkout')]
  const first = await propose('web')
  const second = await propose('checkout')
  wire.cut()

  const question = await alice.say(channel, '@opsbot message 0')
  for (let index = 0; index < 500; index++) await alice.say(channel, `chatter ${index}`)
  const last = await alice.say(channel, '@opsbot message 1')
  await bob.react(first.prompt.id, approve)
  await alice.react(second.prompt.id, approve)
  await bob.react(second.prompt.id, 'x')
  wire.mend()

  await alice.sees(first.thread, /Report: restarted/)
  await alice.sees(second.thread, /Report: denied/)
  await alice.sees(question, /You said: message 0/)
  await alice.sees(last, /You said: message 1/)
  assert.deepEqual([await answered(question), await answered(last)], [['message 0'], ['message 1']])
  assert.deepEqual([await house.revision('web'), await house.revision('checkout')], [web + 1, checkout])
})

test('a break of moments loses nothing either', async () => {
  const { alice, wire } = house
  const thread = await alice.say(channel, '@opsbot message 0')
  await alice.sees(thread, /You said: message 0/)

  wire.cut()
  for (const text of numbered(5).slice(1)) await alice.say(channel, text, { thread })
  wire.mend()

  await alice.sees(thread, /You said.*message 4/s)
  assert.deepEqual(await answered(thread), numbered(5))
})

test('a connection that is dead without a word is noticed, and what was said meanwhile is answered', async () => {
  const { alice, wire } = house
  await bot.ready()

  wire.hold()
  const thread = await alice.say(channel, '@opsbot message 0')

  await alice.sees(thread, /You said: message 0/, 90_000)
  assert.deepEqual(await answered(thread), ['message 0'])
})

test('the server restarts: what waits is still decided, and what is said after that answered', async () => {
  const { alice, bob } = house
  const before = await house.revision('web')
  const { thread, prompt } = await propose('web')

  await house.restartServer()
  await bob.react(prompt.id, approve)
  const question = await alice.say(channel, '@opsbot message 0')

  await alice.sees(thread, /Report: restarted/, 60_000)
  await alice.sees(question, /You said: message 0/, 60_000)
  assert.equal(await house.revision('web'), before + 1)
})

// A post that stands on the server before we have noted it is a moment of Mattermost's own: the progress, the prompt and the answer.
const noted = [1, 2, 3].map((count) => ({ at: `post:before-note#${count}`, restarts: 1, report: /Report: restarted/ }))
for (const { at, restarts, report } of [...moments, ...noted]) {
  test(`killed at ${at}: after the restart each post stands once and the change ${restarts ? 'ran once' : 'did not run'}`, async () => {
    const { alice, bob } = house
    await bot.kill('SIGTERM')
    const before = await house.revision('web')
    const thread = await alice.say(channel, '@opsbot restart web')
    const dying = await house.start({}, { killAt: at })
    const next = dying.exited.then(() => house.start())

    const prompt = await alice.sees(thread, /Approval needed/)
    await bob.react(prompt.id, approve)
    assert.equal(await dying.exited, 'SIGKILL')
    bot = await next
    await alice.sees(thread, report)
    await alice.sees(thread, /Approved by .*(, done| started at)/)
    await alice.sees(thread, /After .restart deployment shop\/web/)

    const messages = (await alice.shown(thread)).filter((post) => post.user_id === house.botId)
    const count = (what: RegExp) => messages.filter(({ message }) => what.test(message)).length
    assert.deepEqual([count(/Approval needed/), count(/Report: /), count(/steps, \d+ s/)], [1, 1, 1])
    assert.equal(await house.revision('web'), before + restarts)
  })
}

test('a post that is sent again after the server restarted stands once', async (t) => {
  const { alice } = house
  const positions = createPositions()
  const before = await inProcess(t, positions)
  const root = before.thread.split('|')[2] ?? ''
  await before.chat.post(before.thread, { id: 'once', markdown: 'only once' })
  await before.chat.close()
  // As after a crash between the sending and the note of it.
  for (const [key, value] of positions.entries)
    if (/"post"/.test(value) && /:sent:/.test(key)) positions.entries.set(key, '{}')
  await house.restartServer()

  const after = await inProcess(t, positions)
  await after.chat.post(before.thread, { id: 'once', markdown: 'only once' })

  assert.equal((await alice.shown(root)).filter(({ message }) => message === 'only once').length, 1)
})

test('where posts cannot be edited any more, the outcome is posted anew', async () => {
  const { alice, bob, admin } = house
  const { thread, prompt } = await propose('web')
  await admin.call('PUT', '/config/patch', { ServiceSettings: { PostEditTimeLimit: 0 } })

  await bob.react(prompt.id, approve)

  const outcome = await alice.sees(thread, /✅ Approved by .*, done/)
  assert.notEqual(outcome.id, prompt.id)
  await admin.call('PUT', '/config/patch', { ServiceSettings: { PostEditTimeLimit: -1 } })
})

test('alone with somebody the bot needs no mention', async () => {
  const { alice } = house
  const { id } = await alice.call<{ id: string }>('POST', '/channels/direct', [alice.id, house.botId])

  const thread = await alice.say(id, 'hello in private')

  await alice.sees(thread, /You said: hello in private/)
})

test('what waits in a channel that the bot was removed from is withdrawn, not run', async () => {
  const { alice, bob } = house
  const before = await house.revision('web')
  const place = await house.channel()
  const thread = await alice.say(place, '@opsbot restart web')
  const prompt = await alice.sees(thread, /Approval needed/)

  await alice.call('DELETE', `/channels/${place}/members/${house.botId}`)
  await bob.react(prompt.id, approve)
  await alice.call('POST', `/channels/${place}/members`, { user_id: house.botId })
  const again = await alice.say(place, '@opsbot message 0')

  await alice.sees(again, /You said: message 0/)
  assert.equal(await house.revision('web'), before)
})

test('what waits in a team that the bot was removed from is withdrawn, not run', async () => {
  const { admin, alice, bob, botId } = house
  const before = await house.revision('web')
  const made = { name: 'other', display_name: 'Other', type: 'O' }
  const { id: team } = await admin.call<{ id: string }>('POST', '/teams', made)
  for (const user_id of [alice.id, bob.id, botId])
    await admin.call('POST', `/teams/${team}/members`, { team_id: team, user_id })
  const room = { team_id: team, name: 'room', display_name: 'Room', type: 'P' }
  const { id: place } = await alice.call<{ id: string }>('POST', '/channels', room)
  const enter = async () => {
    for (const user_id of [bob.id, botId]) await alice.call('POST', `/channels/${place}/members`, { user_id })
  }
  await enter()
  const thread = await alice.say(place, '@opsbot restart web')
  const prompt = await alice.sees(thread, /Approval needed/)

  await admin.call('DELETE', `/teams/${team}/members/${botId}`)
  await bob.react(prompt.id, approve)
  await admin.call('POST', `/teams/${team}/members`, { team_id: team, user_id: botId })
  await enter()
  const again = await alice.say(place, '@opsbot message 0')

  await alice.sees(again, /You said: message 0/)
  await alice.sees(thread, /Withdrawn/)
  assert.equal(await house.revision('web'), before)
})

test('two chats in one process: each answers its own people', async () => {
  const { alice } = house
  await bot.kill('SIGTERM')
  bot = await house.start({ KUBE_AGENT_CHAT: 'mattermost,web', KUBE_AGENT_APPROVERS: '@bob,@carol:web' })

  const thread = await alice.say(channel, '@opsbot message 0')
  await alice.sees(thread, /You said: message 0/)

  const page = await fetch(`${bot.url}/web/`)
  assert.equal(page.status, 200)
})

test('an approver whom nobody knows is named at the start, with what to do', async () => {
  const other = await startBot({
    ...house.botEnv,
    KUBE_AGENT_APPROVERS: '@nobody',
    KUBE_AGENT_DATA_DIR: `${house.botEnv.KUBE_AGENT_DATA_DIR}-other`,
  })

  assert.equal(await other.exited, 2)
  assert.match(JSON.stringify(other.logs), /KUBE_AGENT_APPROVERS: There is no Mattermost user @nobody/)
})

test('a token that is revoked while the bot runs ends it with a sentence, though its socket stays open', async () => {
  const { admin, botId } = house
  const { token } = await admin.call<{ token: string }>('POST', `/users/${botId}/tokens`, { description: 'other' })
  await bot.kill('SIGTERM')
  const other = await house.start({ KUBE_AGENT_MATTERMOST_TOKEN: token })

  await admin.call('POST', '/users/tokens/revoke', { token_id: await tokenId() })

  assert.equal(await other.exited, 1)
  assert.match(JSON.stringify(other.logs), /does not accept the token/)
  assert.doesNotMatch(JSON.stringify([bot.logs, other.logs]), new RegExp(token))
})

test('a bot account that is deactivated while the bot runs ends it in the same way', async () => {
  const { admin, botId } = house
  const other = await house.start()

  await admin.call('POST', `/bots/${botId}/disable`)

  assert.equal(await other.exited, 1)
  assert.match(JSON.stringify(other.logs), /Is the bot account active/)
})

/** The adapter alone, in a channel and a thread of its own. */
async function inProcess(t: TestContext, positions = createPositions()) {
  const place = await house.channel()
  const chat = createMattermost({
    url: house.wire.url,
    token: house.botEnv.KUBE_AGENT_MATTERMOST_TOKEN ?? '',
    isNamed: () => false,
    positions,
    log: pino({ level: 'silent' }),
  })
  t.after(() => chat.close())
  await chat.start(async () => {})
  const { thread } = await chat.open(`mattermost|${place}` as RoomId, { id: `root-${place}`, markdown: 'a thread' })
  return { chat, thread, place }
}

/** Tokens are listed without themselves. */
async function tokenId(): Promise<string> {
  const tokens = await house.admin.call<{ id: string; description: string }[]>(
    'GET',
    `/users/${house.botId}/tokens?per_page=200`,
  )
  return tokens.find(({ description }) => description === 'other')?.id ?? ''
}
