import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ChatEvent, type MessageId, PostRefused, type RoomId, type ThreadId } from '../../../src/bot/platform.ts'
import { createPositions, openRoom } from './room.ts'

const ops = 'web|ops' as RoomId
const nowhere = 'web|ops|999' as MessageId

test('the first message of a thread is addressed to the bot; a reply only when it mentions it', async (t) => {
  const { visitor, events } = await openRoom(t)
  const alice = await visitor('alice')

  const thread = await alice.say('What is wrong with api?')
  await alice.say('just talking', thread)
  await alice.say('@kube-agent: look again', thread)
  await alice.say('mail kube-agent@corp.example, or ask @kube-agent-2', thread)

  const messages = events.filter((event) => event.kind === 'message')
  assert.deepEqual(
    messages.map(({ text, addressed }) => [text, addressed]),
    [
      ['What is wrong with api?', true],
      ['just talking', false],
      ['look again', true],
      ['mail kube-agent@corp.example, or ask @kube-agent-2', false],
    ],
  )
  assert.deepEqual(new Set(messages.map((message) => message.thread)), new Set([thread]))
  assert.deepEqual([messages[0]?.room, messages[0]?.from, messages[0]?.name], [ops, '@alice:web', 'alice'])
})

test('what was said but not taken by the bot is delivered after a restart, with the same id', async (t) => {
  const positions = createPositions()
  const lost: ChatEvent[] = []
  const before = await openRoom(t, {
    positions,
    receive: async (event) => {
      lost.push(event)
      throw new Error('the disk is full')
    },
  })
  const alice = await before.visitor('alice')
  await assert.rejects(alice.say('hello?'), /500/)

  const after = await openRoom(t, { positions })
  const third = await openRoom(t, { positions })

  assert.deepEqual(after.events, lost)
  assert.deepEqual(third.events, [], 'and only once')
})

test('a progress edit never rejects; a final one says when the message is gone', async (t) => {
  const { web, visitor } = await openRoom(t)
  const { thread, message } = await web.open(ops, { id: 'root', markdown: 'working' })

  await web.edit(message, 'half', 'progress')
  await web.edit(message, 'done', 'final')
  await web.edit(nowhere, 'half', 'progress')

  assert.match((await (await visitor('alice')).thread(thread))[0]?.html ?? '', /done/)
  await assert.rejects(web.edit(nowhere, 'done', 'final'), PostRefused)
})

test('marks that were set while the bot was away are read back after a restart', async (t) => {
  const positions = createPositions()
  const before = await openRoom(t, { positions })
  const { message } = await before.web.open(ops, { id: 'root', markdown: 'prompt' })
  await before.web.offer(message)
  await (await before.visitor('bob')).mark(message, 'deny')

  const after = await openRoom(t, { positions })

  assert.deepEqual(
    (await after.web.votes(message)).map(({ from, mark }) => [from, mark]),
    [['@bob:web', 'deny']],
  )
})

test('people see whether the bot has seen them and whether it is at work', async (t) => {
  const { web, visitor } = await openRoom(t)
  const alice = await visitor('alice')
  const thread = (await alice.say('hello')) as ThreadId

  await web.acknowledge(thread, thread as string as MessageId)
  await web.working(thread, true)

  assert.equal((await alice.thread(thread))[0]?.seen, true)
  assert.equal((await alice.threads())[0]?.atWork, true)
})

test('a thread waits as long as its prompt says how to answer it, not because some text in it does', async (t) => {
  const { web, visitor } = await openRoom(t)
  const alice = await visitor('alice')
  const title = '**Approval needed** `abc123`: restart deployment shop/api'
  const { thread, message } = await web.open(ops, {
    id: 'root',
    markdown: `${title}\n\n✅ approves; \`!approve abc123\`.`,
  })
  await web.offer(message)
  const waiting = (await alice.threads())[0]?.waits

  await web.edit(
    message,
    `${title}\n\n✅ Approved by bob.\n\n\`\`\`\nlog: write !approve abc123\n\`\`\`\n\n- one pod`,
    'final',
  )

  assert.equal(waiting, true)
  assert.equal((await alice.threads())[0]?.waits, false)
  assert.equal((await alice.thread(thread))[0]?.prompt, 'closed')
})
