import assert from 'node:assert/strict'
import { cpSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import pino from 'pino'
import { type Approval, openApproval, type Stage } from '../../src/agent/approval.ts'
import type { Conversation } from '../../src/bot/conversation.ts'
import type { BotJob } from '../../src/bot/jobs/index.ts'
import type { RoomId, ThreadId } from '../../src/bot/platform.ts'
import type { Kept } from '../../src/service/build.ts'
import { openSqlite } from '../../src/storage/sqlite/index.ts'
import { ownText } from '../../src/text/outside.ts'
import { restart, restartCall, restartPreview } from '../agent/fixtures.ts'
import type { FakeChat, Shown } from '../helpers/chat.ts'
import { calls, says, scriptedModel } from '../helpers/model.ts'
import { alice, bob, build, type House, temporaryFolder, until } from './house.ts'

const minutes = 60_000

/** What the audit has about approvals, a line each: its kind, who, and the state it ended in. */
const linesOf = (house: House): string[] =>
  house.audit.flatMap((event) => {
    const {
      kind,
      by = [],
      state,
      why,
    } = event as { kind: string; by?: string | string[]; state?: string; why?: { kind: string } }
    if (kind === 'asked') return []
    return [[kind, state, ...[by].flat(), why && `(${why.kind})`].filter(Boolean).join(' ')]
  })

/** A house in which a restart was asked for, and what its approvals became as the counter hears it. */
async function asking(t: TestContext, options: Parameters<typeof build>[1] & { run?: () => Promise<string> } = {}) {
  const counted: Stage[] = []
  const folder = temporaryFolder(t)
  const house = await build(t, {
    folder,
    tools: [restart({ ...(options.run && { run: options.run }) })],
    model: scriptedModel(calls(['restart', { name: 'api' }]), says('Reported.')),
    ...options,
    deps: { onTransition: ({ to }) => counted.push(to) },
  })
  const thread = await house.chat.say(alice, 'restart api')
  return { house, thread, folder, counted }
}

interface Scene {
  house: House
  thread: ThreadId
  prompt: Shown
}

const approve = ({ house, prompt }: Scene) => house.chat.mark(bob, prompt.id, 'approve')
const failing = async () => {
  throw new Error('No permission.')
}

/** How an approval that was asked for ends, the lines that the audit then has behind `proposed`, and what the counter counts behind `open`. */
const ends: {
  what: string
  run?: () => Promise<string>
  act(scene: Scene): Promise<unknown>
  lines: string[]
  counted: Stage[]
}[] = [
  {
    what: 'runs and succeeds',
    act: approve,
    lines: ['decision @bob:corp', 'approved @bob:corp', 'started @bob:corp', 'ended ended'],
    counted: ['approved', 'started', 'ended'],
  },
  {
    what: 'runs and fails',
    run: failing,
    act: approve,
    lines: ['decision @bob:corp', 'approved @bob:corp', 'started @bob:corp', 'ended failed'],
    counted: ['approved', 'started', 'failed'],
  },
  {
    what: 'is denied',
    act: ({ house, prompt }) => house.chat.mark(bob, prompt.id, 'deny'),
    lines: ['decision @bob:corp', 'ended denied @bob:corp'],
    counted: ['denied'],
  },
  {
    what: 'expires',
    async act({ house, thread }) {
      house.clock.now += 31 * minutes
      await house.chat.say(alice, '!status', { thread })
    },
    lines: ['ended expired'],
    counted: ['expired'],
  },
  {
    what: 'is taken back by a message',
    act: ({ house, thread }) => house.chat.say(alice, 'the logs first', { thread }),
    lines: ['ended withdrawn (message)'],
    counted: ['withdrawn'],
  },
  {
    what: 'is stopped',
    act: ({ house, thread }) => house.chat.say(alice, '!stop', { thread }),
    lines: ['ended withdrawn (stop)'],
    counted: ['withdrawn'],
  },
  {
    what: 'loses its prompt',
    act: ({ house, prompt }) => house.chat.remove(prompt.id),
    lines: ['ended withdrawn (prompt-gone)'],
    counted: ['withdrawn'],
  },
  {
    what: 'loses its room',
    act: ({ house }) => house.chat.leave(),
    lines: ['ended withdrawn (left-room)'],
    counted: ['withdrawn'],
  },
]
for (const { what, run, act, lines, counted } of ends) {
  test(`an approval that ${what} has exactly its lines, and each stage is counted once`, async (t) => {
    const { house, thread, counted: heard } = await asking(t, { ...(run && { run }) })
    const prompt = await house.sees(/Approval needed/)
    await house.quiet()

    await act({ house, thread, prompt })
    await until(() => (heard.length > counted.length ? heard : undefined), `${counted} behind ${heard}`)
    await house.quiet()
    // Whatever else is saved in this thread says nothing more about it.
    await house.chat.say(alice, '!status', { thread })
    await house.quiet()

    assert.deepEqual(linesOf(house), ['proposed', ...lines])
    assert.deepEqual(heard, ['open', ...counted])
  })
}

test('a prompt that the chat does not take has exactly its lines', async (t) => {
  const house = await build(t, {
    tools: [restart()],
    model: scriptedModel(calls(['restart', { name: 'api' }]), says('I cannot ask you here.')),
  })
  house.chat.refuse(/Approval needed/)
  await house.chat.say(alice, 'restart api')
  await house.sees(/I cannot ask you here/)
  await house.quiet()

  assert.deepEqual(linesOf(house), ['proposed', 'ended withdrawn (prompt-unseen)'])
})

test('what the allow-list lets through has its lines without a decision', async (t) => {
  const { house } = await asking(t, {
    policy: { mode: 'auto', auto: [{ tool: 'restart', namespace: 'shop', name: 'api' }] },
  })
  await house.sees(/Reported/)
  await house.quiet()

  assert.deepEqual(linesOf(house), ['proposed', 'approved policy', 'started policy', 'ended ended'])
})

test('a change that ran when the process ended is lost, and the next process says so and nothing twice', async (t) => {
  const left = temporaryFolder(t)
  let room: FakeChat | undefined
  const { house, folder } = await asking(t, {
    run: async () => {
      copyOf(folder, left)
      room = house.chat.copy()
      return 'restarted'
    },
  })
  const prompt = await house.sees(/Approval needed/)
  await house.chat.mark(bob, prompt.id, 'approve')
  await house.sees(/Reported/)

  const after = await build(t, {
    folder: left,
    ...(room && { chat: room }),
    tools: [restart()],
    model: scriptedModel(says('Looked.')),
  })
  await after.sees(/Looked/)
  await after.quiet()

  assert.deepEqual(linesOf(after), ['ended lost'])
})

/** What a process that ended now would leave on disk, without the lock: that goes with the process. */
const copyOf = (folder: string, copy: string): void =>
  cpSync(folder, copy, { recursive: true, filter: (path) => !path.includes('lock') })

test('the same job again gives no second line', async (t) => {
  const { house, thread } = await asking(t)
  const prompt = await house.sees(/Approval needed/)
  const id = await house.chat.mark(bob, prompt.id, 'deny')
  await house.sees(/Reported/)
  await house.quiet()
  const lines = linesOf(house)
  const approval = /`(\w{6})`/.exec(prompt.markdown)?.[1] as Approval['id']

  const job: BotJob = {
    id: `mark:${id}`,
    thread,
    kind: 'mark',
    data: { approval, vote: { id, by: bob, mark: 'deny' }, withdrawn: false },
  }
  await house.bot.handle(job, new AbortController().signal)

  assert.deepEqual(linesOf(house), lines)
})

/** A thread on disk, with these approvals as an earlier version wrote them. */
async function threadOnDisk(
  t: TestContext,
  approvals: Partial<Approval>[],
  applied: string[] = [],
): Promise<{ folder: string; thread: ThreadId; ids: string[] }> {
  const folder = temporaryFolder(t)
  const store = await openSqlite<Kept>(folder, { log: pino({ enabled: false }) })
  const thread = 'fake|ops|old' as ThreadId
  const written = approvals.map((changes, index) => {
    const { told: _unknown, ...approval } = openApproval(
      restartCall(`call-${index + 1}`),
      restart(),
      { name: 'api' },
      restartPreview(),
      {
        thread,
        effect: 'change',
        target: { kind: 'Deployment', namespace: 'shop', name: 'api' },
        askers: [alice],
        needed: 1,
        createdAt: 1_000_000,
        expiresAt: 1_000_000 + 30 * minutes,
      },
    )
    return { ...approval, ...changes }
  })
  const old = {
    thread,
    room: 'fake|ops' as RoomId,
    session: { messages: [], approvals: written, steps: 0, calls: written.length },
    outbox: [],
    applied,
    posts: 0,
    language: 'en',
    names: {},
    prompts: {},
    told: [],
    recovery: {},
  } as unknown as Conversation
  await store.sessions.set(thread, old, undefined)
  await store.close()
  return { folder, thread, ids: written.map(({ id }) => id) }
}

test('a thread of an earlier version brings no old lines, and what happens in it now is told', async (t) => {
  const ran = { by: [bob], startedAt: 1_000_000 }
  const { folder, thread } = await threadOnDisk(t, [
    { state: { kind: 'ended', ...ran, ok: true, result: ownText('') } },
    { state: { kind: 'denied', by: bob } },
    { state: { kind: 'open' } },
  ])
  const house = await build(t, { folder, model: 'none' })

  await house.chat.say(alice, '!status', { thread })
  await house.quiet()
  assert.deepEqual(linesOf(house), [])

  const open = /`(\w{6})`/.exec((await house.sees(/restart deployment/)).markdown)?.[1]
  await house.chat.say(bob, `!deny ${open}`, { thread })
  await house.quiet()
  assert.deepEqual(linesOf(house), ['decision @bob:corp', 'ended denied @bob:corp'])
})

test('a reason that an earlier version kept as a sentence is still shown', async (t) => {
  const state = { kind: 'withdrawn', reason: 'Withdrawn: the *prompt* was deleted.' } as unknown as Approval['state']
  const { folder, thread, ids } = await threadOnDisk(t, [{ state }])
  const house = await build(t, { folder, model: 'none' })

  await house.chat.say(bob, `!approve ${ids[0]}`, { thread })

  await house.sees(/Too late for .* 🚫 Withdrawn: the \\\*prompt\\\* was deleted\. Nothing was done\./)
})

test('what was saved and not told when the process ended is told when its job comes again', async (t) => {
  const { folder, thread } = await threadOnDisk(t, [{ state: { kind: 'expired' }, told: 'open' }], ['expire:once'])
  const house = await build(t, { folder, model: 'none' })
  const job: BotJob = { id: 'expire:once', thread, kind: 'expire', data: { approval: 'aaaaaa' as Approval['id'] } }

  for (let times = 0; times < 2; times++) await house.bot.handle(job, new AbortController().signal)

  assert.deepEqual(linesOf(house), ['ended expired'])
})
