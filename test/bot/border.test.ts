import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { ModelError } from '../../src/agent/model.ts'
import { createConversation, say, tellOnce } from '../../src/bot/conversation.ts'
import type { BotJob } from '../../src/bot/jobs/index.ts'
import type { Chat, MessageId, OwnPost, ThreadId } from '../../src/bot/platform.ts'
import { texts } from '../../src/bot/texts.ts'
import { restart, restartPreview } from '../agent/fixtures.ts'
import { createChat, room } from '../helpers/chat.ts'
import { calls, says, scriptedModel } from '../helpers/model.ts'
import { alice, bob, build, type House } from './house.ts'

const token = `ghp_${'A1b2C3d4E5f6'.repeat(3)}`
const bait = `**x** @room [a](http://evil.example) <img src=x> ${token}`

const thread = 'fake|ops|1' as ThreadId

test('a plain string in a post, an edit, a job or a sentence of the bot does not compile', async () => {
  const log: string = bait
  const chat: Chat = createChat([alice])
  const conversation = createConversation(thread, room, 'en')

  // @ts-expect-error a string has to go through fromOutside
  say(conversation, log)
  // @ts-expect-error a string has to go through fromOutside
  tellOnce(conversation, 'key', log)
  // @ts-expect-error a string has to go through fromOutside
  conversation.outbox.push({ kind: 'edit', message: 'm' as MessageId, markdown: log })
  // @ts-expect-error a string has to go through fromOutside
  conversation.listed = [log]
  // @ts-expect-error a string has to go through fromOutside
  const sentence = texts.en.cannotLook(log)
  // @ts-expect-error a string has to go through fromOutside
  const post: OwnPost = { id: 'post-1', markdown: log }
  // @ts-expect-error a string has to go through fromOutside
  const remark: BotJob = { id: 'job-1', thread, kind: 'remark', data: { markdown: log } }
  // @ts-expect-error a string has to go through fromOutside
  const root = chat.open(room, { id: 'post-2', markdown: log })
  // @ts-expect-error a string has to go through fromOutside
  const answer = chat.post((await root).thread, { id: 'post-3', markdown: log })
  // @ts-expect-error a string has to go through fromOutside
  await chat.edit(await answer, log, 'final')

  assert.ok(sentence && post && remark)
})

/** Everything that the room was ever shown. */
const seen = ({ chat }: House): string => chat.shown.flatMap(({ markdown, edits }) => [markdown, ...edits]).join('\n\n')

/** Nothing of `bait` formats, calls, links, opens HTML or is a credential. */
function assertHarmless(text: string): void {
  assert.match(text, /«\w+ removed»/)
  assert.doesNotMatch(text, /A1b2C3|(?<!\\)\*\*x|@room|(?<!\\)\[a|http:\/\/evil|(?<!\\)<img/)
}

const sayings: [who: string, saysIt: (t: TestContext) => Promise<House>][] = [
  [
    'a cluster that cannot be looked at, without a model',
    async (t) => {
      const house = await build(t, { model: 'none', deps: { overview: () => Promise.reject(new Error(bait)) } })
      await house.chat.say(alice, 'what is wrong?')
      return house
    },
  ],
  [
    'a cluster that cannot be analyzed',
    async (t) => {
      const house = await build(t, { deps: { analysis: () => Promise.reject(new Error(bait)) } })
      await house.chat.say(alice, '!analyze')
      return house
    },
  ],
  [
    'a model server that refuses the request',
    async (t) => {
      const house = await build(t, { model: scriptedModel(new ModelError('refused', bait)) })
      await house.chat.say(alice, 'hello?')
      return house
    },
  ],
  [
    'the reason for which a job is set aside',
    async (t) => {
      const house = await build(t, { model: scriptedModel(says('Yes.')) })
      const about = await house.chat.say(alice, 'are you there?')
      await house.sees(/Yes/)
      await house.bot.setAside({ id: 'job-1', thread: about, kind: 'resume', data: {} }, bait)
      return house
    },
  ],
  [
    'a tool that says what a change affects, and a person who says why not',
    async (t) => {
      const preview = () => ({ ...restartPreview(), affects: [bait] })
      const model = scriptedModel(calls(['restart', { name: 'api' }]), says('Then not.'))
      const house = await build(t, { tools: [restart({ preview })], model })
      const about = await house.chat.say(alice, 'restart api')
      const prompt = await house.sees(/Approval needed/)
      const [, id] = /`(\w{6})`/.exec(prompt.markdown) ?? []
      await house.chat.say(bob, `!deny ${id} ${bait}`, { thread: about })
      await house.sees(/❌ Denied/)
      return house
    },
  ],
]
for (const [who, saysIt] of sayings) {
  test(`what comes from ${who} stands in the room as text, without its credential`, async (t) => {
    const house = await saysIt(t)
    await house.sees(/removed»/)
    await house.quiet()

    assertHarmless(seen(house))
  })
}

test('a credential that the model repeats does not reach the room: neither with an answer nor above a prompt', async (t) => {
  const proposal = { ...calls(['restart', { name: 'api' }]), content: `It holds **${token}** still.` }
  const model = scriptedModel(proposal, says(`Restarted. It was **${token}**.`))
  const house = await build(t, { tools: [restart()], model })
  await house.chat.say(alice, 'restart api')
  const prompt = await house.sees(/Approval needed/)
  await house.chat.mark(bob, prompt.id, 'approve')
  await house.sees(/Restarted/)
  await house.quiet()

  assert.doesNotMatch(seen(house), /A1b2C3/)
  assert.match(seen(house), /It holds \*\*«token removed»\*\* still/)
  assert.match(seen(house), /It was \*\*«token removed»\*\*/)
})
