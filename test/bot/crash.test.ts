import assert from 'node:assert/strict'
import { channel } from 'node:diagnostics_channel'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { AssistantMessage, Message } from '../../src/agent/session.ts'
import type { Tool } from '../../src/tools/tool.ts'
import { restart } from '../agent/fixtures.ts'
import type { FakeChat } from '../helpers/chat.ts'
import { calls, playedModel, says } from '../helpers/model.ts'
import { alice, bob, build, type House, temporaryFolder, until } from './house.ts'

/** What a process that ended at this moment leaves: its folder, the room, and what happened in the world. */
interface Moment {
  point: string
  folder: string
  chat: FakeChat
  ran: string[]
  /** What stood in the audit. */
  lines: string[]
}

/** What the audit says of approvals: each stage, whatever it ended in. */
const linesOf = ({ audit }: House): string[] =>
  audit.map((event) => (event as { kind: string }).kind).filter((kind) => kind !== 'asked' && kind !== 'decision')

/** Looks, asks for a restart, and reports what came of it: the same whenever it is asked. */
function oncall(messages: Message[]): AssistantMessage {
  const last = messages.at(-1)
  const results = messages.filter((message) => message.role === 'tool')
  if (last?.role !== 'tool') return calls(['restart', { name: 'api' }])
  return says(`Report: ${/unknown/.test(String(results.at(-1)?.content)) ? 'unknown' : 'restarted'}.`)
}

/** Runs a whole flow and takes a picture of the disk and of the room at every moment that has a name. */
async function pictures(t: TestContext, flow: (house: House) => Promise<void>, tools: (ran: string[]) => Tool[]) {
  const moments: Moment[] = []
  const ran: string[] = []
  const folder = temporaryFolder(t)
  const album = temporaryFolder(t)
  const house = await build(t, { folder, tools: tools(ran), model: playedModel(oncall) })
  const take = (message: unknown) => {
    const { point } = message as { point: string }
    const copy = join(album, String(moments.length))
    // The lock belongs to the process that has ended.
    cpSync(folder, copy, { recursive: true, filter: (path) => !path.includes('lock') })
    moments.push({ point, folder: copy, chat: house.chat.copy(), ran: [...ran], lines: linesOf(house) })
  }
  const checkpoints = channel('kube-agent:checkpoint')
  checkpoints.subscribe(take)
  try {
    await flow(house)
    await house.quiet()
  } finally {
    checkpoints.unsubscribe(take)
  }
  await house.leave()
  return moments
}

test('wherever the process ends, the change runs at most once, nothing is lost, and the room reads sensibly', {
  timeout: 300_000,
}, async (t) => {
  const moments = await pictures(
    t,
    async (house) => {
      await house.chat.say(alice, 'restart api')
      const prompt = await house.sees(/Approval needed/)
      await house.chat.mark(bob, prompt.id, 'approve')
      await house.sees(/Report/)
    },
    (ran) => [restart({ ran })],
  )
  assert.ok(moments.length > 20, `${moments.length} moments`)

  for (const { point, folder, chat, ran, lines } of moments) {
    const wasAsked = chat.shown.length > 0 || point !== 'inbox:before-put'
    const after = await build(t, { folder, chat, tools: [restart({ ran })], model: playedModel(oncall) })
    // What the room had not delivered yet it delivers now, as a server does: the message, and the marks.
    if (!wasAsked || !chat.shown.some((post) => /Approval needed/.test(post.markdown)))
      await chat.say(alice, 'restart api', { id: 'fake|ops|m1' })
    await after.bot.readBack('fake')
    const prompt = await after.sees(/Approval needed/)
    const isOpen = () => !/Approved by/.test(prompt.markdown)
    if ((await chat.votes(prompt.id)).length === 0 && isOpen()) await chat.mark(bob, prompt.id, 'approve')
    await after.sees(/Report/)
    await after.quiet()
    const told = [...lines, ...linesOf(after)]
    await after.leave()

    const at = `ended at ${point}; shown:\n${chat.shown.map((post) => post.markdown).join('\n---\n')}`
    const count = (what: RegExp) => chat.shown.filter((post) => what.test(post.markdown)).length
    assert.ok(ran.length <= 1, at)
    assert.ok(ran.length === 1 || count(/Report: unknown/) === 1, at)
    assert.equal(count(/Approval needed/), 1, at)
    assert.equal(count(/Report/), 1, at)
    assert.equal(count(/Approved by .*(done at|started at)/), 1, at)
    assert.equal(count(/Working|Waiting|Thinking/), 0, at)
    // Each line at least once and in this order; one that was told around the end of the process stands twice, next to itself.
    assert.deepEqual(
      told.filter((kind, index) => kind !== told[index - 1]),
      ['proposed', 'approved', 'started', 'ended'],
      `${at}\n${told.join()}`,
    )
  }
})

test('a mark between the prompt and our memory of it is counted', async (t) => {
  const ran: string[] = []
  const house = await build(t, { tools: [restart({ ran })], model: playedModel(oncall) })
  house.chat.onShown = async (post) => {
    if (/Approval needed/.test(post.markdown)) await house.chat.mark(bob, post.id, 'approve')
  }

  await house.chat.say(alice, 'restart api')

  await house.sees(/Report: restarted/)
  assert.deepEqual(ran, ['api'])
})

test('a vote that was taken back while the bot was away does not count, one of two in a quorum too', async (t) => {
  const ran: string[] = []
  const folder = temporaryFolder(t)
  const carol = '@carol:corp' as typeof bob
  const options = { folder, tools: [restart({ ran })], policy: { approvers: [bob, carol] } }
  const quorum = (house: House) =>
    until(
      () => house.chat.shown.find((post) => /Approval needed/.test(post.markdown) && /1 of 2/.test(post.markdown)),
      '1 of 2',
    )
  const before = await build(t, {
    ...options,
    tools: [{ ...restart({ ran }), effect: 'destroy' }],
    policy: { approvers: [bob, carol], destroyQuorum: 2 },
    model: playedModel(oncall),
  })
  before.chat.members.add(carol)
  await before.chat.say(alice, 'restart api')
  const prompt = await before.sees(/Approval needed/)
  await before.chat.mark(bob, prompt.id, 'approve')
  await quorum(before)
  await before.quiet()
  await before.leave()

  before.chat.unmarkSilently(bob, prompt.id, 'approve')
  const after = await build(t, {
    ...options,
    chat: before.chat,
    tools: [{ ...restart({ ran }), effect: 'destroy' }],
    policy: { approvers: [bob, carol], destroyQuorum: 2 },
    model: playedModel(oncall),
  })
  await after.bot.readBack('fake')
  await after.quiet()
  await after.chat.mark(carol, prompt.id, 'approve')
  await quorum(after)
  await after.quiet()
  assert.deepEqual(ran, [])

  await after.chat.mark(bob, prompt.id, 'approve')
  await after.sees(/Report: restarted/)
  assert.deepEqual(ran, ['api'])
})
