import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { UserId } from '../../../src/agent/approval.ts'
import type { Step } from '../../../src/agent/session.ts'
import type { ChatEvent, ChatPlatform, Listener, MessageId, Post, RoomId, ThreadId } from '../../../src/bot/platform.ts'
import { createTerminal, personOf } from '../../../src/bot/terminal/index.ts'
import type { Acts, Ui } from '../../../src/bot/terminal/ui.ts'
import { until } from '../house.ts'

const thread = 'terminal|abc123' as ThreadId
const alice = personOf('alice')

interface Desk {
  terminal: ChatPlatform
  hears: Listener
  acts: Acts
  /** What the person saw, in order. */
  seen: string[]
  events: ChatEvent[]
  /** What the terminal remembers, for another life of it. */
  kept: Map<string, unknown>
  heard(count: number): Promise<void>
  sees(what: string): Promise<void>
}

/** A terminal whose screen is a list; `asks` says whether somebody is there to be asked. */
async function open(
  t: TestContext,
  options: { kept?: Map<string, unknown>; asks?: boolean; receive?: () => Promise<void> } = {},
): Promise<Desk> {
  const { asks = true, kept = new Map() } = options
  const seen: string[] = []
  const events: ChatEvent[] = []
  let acts: Acts | undefined
  const ui: Ui = {
    begin: (next) => (acts = next),
    show: (kind, markdown) => seen.push(`${kind}: ${markdown}`),
    working: (atWork) => seen.push(atWork ? 'working' : 'resting'),
    step: (step, result) => seen.push(`step: ${step.state} ${result ?? ''}`),
    ask: (question) => asks && seen.push(`asked: ${question}`) > 0,
    unask: () => seen.push('unasked'),
    ready: () => seen.push('ready'),
    failed: () => seen.push('failed'),
    close: () => seen.push('closed'),
  }
  const { chat: terminal, hears } = createTerminal({
    conversation: 'abc123',
    person: 'alice',
    ui,
    opened: Promise.resolve(),
    onEnd: () => seen.push('end'),
    positions: {
      get: async (key) => structuredClone(kept.get(key)),
      set: async (key, value) => void kept.set(key, structuredClone(value)),
    },
  })
  await terminal.start(async (event) => {
    events.push(event)
    await options.receive?.()
  })
  t.after(() => terminal.close())
  const wait = (look: () => boolean, what: string) => until(() => (look() ? true : undefined), what)
  return {
    terminal,
    hears,
    acts: acts ?? assert.fail('the screen was not begun'),
    seen,
    events,
    kept,
    heard: async (count) => void (await wait(() => events.length >= count, `${count} events`)),
    sees: async (what) => void (await wait(() => seen.includes(what), `${what} in ${seen.join(', ')}`)),
  }
}

const stepOf = (state: Step['state']): Step => ({
  number: 1,
  call: 'call-1',
  tool: 'k8s_list_pods',
  summary: 'list pods',
  state,
})
const post = (id: string, more: Partial<Post> = {}): Post => ({ id, markdown: `text of ${id}`, ...more })
const prompt = (id: string): Post => post(id, { question: `question ${id}` })

test('what a person says is a message to the agent in the one thread of the conversation', async (t) => {
  const { acts, events, heard } = await open(t)

  acts.say('what is wrong?')
  await heard(1)

  const { kind, text, from, addressed, thread: where } = events[0] as Extract<ChatEvent, { kind: 'message' }>
  assert.deepEqual([kind, text, from, addressed, where], ['message', 'what is wrong?', alice, true, thread])
})

test('it is the person again only when everything that was said is handled and nothing is at work', async (t) => {
  const { terminal, hears, acts, seen, heard } = await open(t)
  seen.length = 0
  acts.say('what is wrong?')
  await heard(1)

  await terminal.working(thread, true)
  hears.handled(thread, 'message', 'failed')
  assert.ok(!seen.includes('ready'), 'it is tried again')
  hears.handled(thread, 'message', 'done')
  assert.ok(!seen.includes('ready'), 'it is at work')
  await terminal.working(thread, false)

  assert.deepEqual(seen, ['working', 'resting', 'ready'])
})

test('the work in another thread is not shown and ends no turn here', async (t) => {
  const { hears, acts, seen, heard } = await open(t)
  const other = 'web|ops|1' as ThreadId
  seen.length = 0
  acts.say('what is wrong?')
  await heard(1)

  hears.worked(other, { kind: 'step', step: stepOf('running') })
  hears.concluded(other, 'stopped')
  hears.handled(other, 'message', 'done')
  assert.deepEqual(seen, [])

  hears.worked(thread, { kind: 'step', step: stepOf('running') })
  hears.handled(thread, 'message', 'done')
  assert.deepEqual(seen, ['step: running ', 'ready'])
})

test('timers that fire meanwhile do not end the turn', async (t) => {
  const { hears, acts, seen, heard } = await open(t)
  seen.length = 0
  acts.say('what is wrong?')
  await heard(1)

  hears.handled(thread, 'recover', 'done')

  assert.deepEqual(seen, [])
})

test('an answer and a remark are shown, progress is not: the screen shows the work itself', async (t) => {
  const { terminal, seen } = await open(t)
  seen.length = 0

  const progress = await terminal.post(thread, post('a', { quiet: true, progress: true }))
  await terminal.edit(progress, 'further', 'progress')
  await terminal.edit(progress, 'done', 'final')
  await terminal.post(thread, post('b', { quiet: true }))
  await terminal.post(thread, post('c'))

  assert.deepEqual(seen, ['remark: text of b', 'answer: text of c'])
})

test('a prompt is asked once its marks are offered, and the answer is a mark under it', async (t) => {
  const { terminal, acts, seen, events, heard } = await open(t)
  const message = await terminal.post(thread, prompt('p'))
  assert.ok(!seen.some((one) => one.startsWith('asked')), 'nobody could take a mark yet')

  await terminal.offer(message)
  await terminal.working(thread, false)
  acts.decide('approve')
  await heard(1)

  assert.equal(seen.filter((one) => one === 'asked: question p').length, 1)
  const { kind, message: under, from, mark, withdrawn } = events[0] as Extract<ChatEvent, { kind: 'mark' }>
  assert.deepEqual([kind, under, from, mark, withdrawn], ['mark', message, alice, 'approve', false])
  assert.deepEqual(
    (await terminal.votes(message)).map((vote) => [vote.from, vote.mark]),
    [[alice, 'approve']],
  )
})

test('two prompts are asked one after another, and each answer belongs to its own', async (t) => {
  const { terminal, acts, events, heard, sees } = await open(t)
  const first = await terminal.post(thread, prompt('p1'))
  const second = await terminal.post(thread, prompt('p2'))
  await terminal.offer(first)
  await terminal.offer(second)

  await sees('asked: question p1')
  acts.decide('deny')
  await sees('asked: question p2')
  acts.decide('approve')
  await heard(2)

  const marks = events as Extract<ChatEvent, { kind: 'mark' }>[]
  assert.deepEqual(
    marks.map(({ message, mark }) => [message, mark]),
    [
      [first, 'deny'],
      [second, 'approve'],
    ],
  )
})

test('a prompt that is over is no longer asked, and cannot be decided any more', async (t) => {
  const { terminal, acts, seen, events, sees } = await open(t)
  const message = await terminal.post(thread, prompt('p'))
  await terminal.offer(message)

  await terminal.edit(message, 'expired', 'final')
  assert.ok(seen.includes('unasked'))
  seen.length = 0
  acts.decide('approve')
  await sees('ready')

  assert.deepEqual(events, [])
})

test('cancelling tells the agent to stop, and does not stand in the conversation', async (t) => {
  const { acts, events, heard, kept } = await open(t)
  acts.say('go')
  acts.cancel()
  await heard(2)

  assert.equal((events[1] as Extract<ChatEvent, { kind: 'message' }>).text, '!stop')
  const next = await open(t, { kept })
  assert.deepEqual(next.seen, ['said: go', 'ready'])
})

test('a resumed conversation shows what was said last and asks what is still to be decided', async (t) => {
  const { terminal, acts, kept, heard } = await open(t)
  acts.say('first')
  await heard(1)
  await terminal.post(thread, post('a'))
  acts.say('second')
  await heard(2)
  await terminal.post(thread, post('b'))
  await terminal.post(thread, prompt('p'))

  const next = await open(t, { kept })

  assert.deepEqual(next.seen, ['said: second', 'answer: text of b', 'asked: question p'])
})

test('a decision that was made before the process ended is still there, and is not asked again', async (t) => {
  const { terminal, acts, kept, heard } = await open(t)
  const message = await terminal.post(thread, prompt('p'))
  await terminal.offer(message)
  acts.decide('deny')
  await heard(1)

  const next = await open(t, { kept })

  assert.deepEqual(next.seen, ['ready'])
  assert.deepEqual(
    (await next.terminal.votes(message)).map(({ mark }) => mark),
    ['deny'],
  )
})

test('where nobody can be asked, nothing waits for an answer', async (t) => {
  const { terminal, seen } = await open(t, { asks: false })
  seen.length = 0
  const message = await terminal.post(thread, prompt('p'))

  await terminal.offer(message)

  assert.deepEqual(seen, ['ready'])
})

test('a message that cannot be kept is said to be so, and the person may go on', async (t) => {
  const { acts, seen, sees } = await open(t, {
    receive: async () => {
      throw new Error('the disk is full')
    },
  })
  seen.length = 0

  acts.say('x')
  await sees('ready')

  assert.deepEqual(seen, ['remark: the disk is full', 'ready'])
})

test('nobody but the person at the terminal is there', async (t) => {
  const { terminal } = await open(t)
  const room = 'terminal|here' as RoomId

  assert.equal(await terminal.isMember(room, alice), true)
  assert.equal(await terminal.isMember(room, '@bob:terminal' as UserId), false)
  assert.equal(await terminal.user('@alice:terminal'), alice)
  await assert.rejects(terminal.user('@bob:corp'), /@bob:corp is nobody at this terminal; you are @alice:terminal/)
  await assert.rejects(terminal.edit('terminal|abc123|99' as MessageId, 'x', 'final'), { name: 'PostRefused' })
})
