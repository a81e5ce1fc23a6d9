import { fence } from '../agent/guard/fence.ts'
import { redact } from '../agent/guard/redact.ts'
import { openCalls } from '../agent/session.ts'
import type { Inbox } from '../inbox.ts'
import type { PushSignal, Signal } from '../signal.ts'
import { escapeMarkdown } from '../tools/markdown.ts'
import { begin, type Conversation, say, shortId } from './conversation.ts'
import type { BotJob, JobOf } from './jobs.ts'
import type { ChatPlatform, RoomId, ThreadId } from './platform.ts'
import { type Language, texts } from './texts.ts'

/** What a push means, worked out by rules: see tools/gitea/push.ts. */
export interface PushFacts {
  markdown: string
  /** Whether everything it looked at has come to an end; until then it is worth looking again. */
  settled: boolean
}

export interface SignalDeps {
  room: RoomId | undefined
  chat: ChatPlatform | undefined
  threads: {
    get(key: string): Promise<SignalThread | undefined>
    set(key: string, value: SignalThread): Promise<unknown>
  }
  inbox: Pick<Inbox<BotJob>, 'put'>
  wants(signal: Signal): string | undefined
  title(signal: PushSignal): string
  facts(signal: PushSignal): Promise<PushFacts>
  continueMs: number
  checkAgainMs: number[]
  hasModel: boolean
  now(): number
}

export interface SignalThread {
  thread: ThreadId
  at: number
  /** The signal that opened it. */
  by: string
}

/** So many threads may signals open in so much time; what comes on top of that shares one, and no model looks at it. */
const burst = { threads: 10, ms: 10 * 60_000 }

/**
 * Finds the thread for a signal: that of the last push to the branch if it is recent, else a new one in the ops room. `opened`:
 * when the last threads were opened, kept by the caller.
 */
export async function routeSignal(
  job: JobOf<'signal'>,
  deps: SignalDeps,
  { opened, language }: { opened: number[]; language: Language },
): Promise<void> {
  const signal = job.data
  const { room, chat } = deps
  if (!room || !chat || deps.wants(signal)) return
  const key = `push:${signal.repository.id}:${signal.branch}`
  const known = await deps.threads.get(key)
  const recent = known && deps.now() - known.at < deps.continueMs ? known : undefined
  if (!recent && isBurst(opened, deps.now())) {
    const thread = await openCollection(chat, room, language, deps.now())
    await deps.inbox.put({ id: `${job.id}:push`, thread, kind: 'push', data: { signal, as: 'collected' } })
    return
  }
  if (!recent) opened.push(deps.now())
  const thread = recent?.thread ?? (await openThread(job, chat, room, deps))
  const by = recent?.by ?? job.id
  await deps.threads.set(key, { thread, at: deps.now(), by })
  const as = by === job.id ? 'opened' : 'continued'
  await deps.inbox.put({ id: `${job.id}:push`, thread, kind: 'push', data: { signal, as } })
}

function isBurst(opened: number[], now: number): boolean {
  while (opened[0] !== undefined && now - opened[0] >= burst.ms) opened.shift()
  return opened.length >= burst.threads
}

/** Its id is that of the period, so that lanes that open it at the same time get the same one. */
async function openCollection(chat: ChatPlatform, room: RoomId, language: Language, now: number): Promise<ThreadId> {
  const id = shortId('s', `${room} ${Math.floor(now / burst.ms)}`)
  const { thread } = await chat.open(room, { id, markdown: texts[language].manyPushes })
  return thread
}

async function openThread(job: JobOf<'signal'>, chat: ChatPlatform, room: RoomId, deps: SignalDeps): Promise<ThreadId> {
  const { thread } = await chat.open(room, { id: shortId('s', job.id), markdown: deps.title(job.data) })
  return thread
}

/** Says what was pushed and what can be found out by rules; then the model looks further, if there is one. */
export async function takePush(conversation: Conversation, job: JobOf<'push'>, deps: SignalDeps): Promise<void> {
  const { signal, as } = job.data
  const facts = await look(signal, deps)
  say(conversation, as === 'opened' ? facts.markdown : `${deps.title(signal)}\n\n${facts.markdown}`, { quiet: true })
  if (!facts.settled) await checkLater(conversation, signal, 0, deps)
  // While a call waits for a decision the model cannot be told; people see the facts.
  if (!deps.hasModel || as === 'collected' || openCalls(conversation.session).length > 0) return

  const request = conversation.session.request ?? begin(conversation, 'signal', 'question', deps.now())
  if (!request.askers.includes('signal')) request.askers.push('signal')
  conversation.session.messages.push({ role: 'user', content: question(signal, facts) })
}

/** What cannot be looked at now is said, and looked at again. */
const look = (signal: PushSignal, deps: SignalDeps): Promise<PushFacts> =>
  deps.facts(signal).catch((error: unknown) => ({
    markdown: `⚠️ ${escapeMarkdown(error instanceof Error ? error.message : String(error))}`,
    settled: false,
  }))

/** Looks again at what had not come to an end: the CI of the push and the workloads it concerns. */
export async function checkPush(conversation: Conversation, job: JobOf<'push-check'>, deps: SignalDeps): Promise<void> {
  const { signal, attempt } = job.data
  const facts = await look(signal, deps)
  const last = attempt + 1 >= deps.checkAgainMs.length
  if (facts.settled || last) say(conversation, facts.markdown, { quiet: true })
  else await checkLater(conversation, signal, attempt + 1, deps)
}

async function checkLater(
  conversation: Conversation,
  signal: PushSignal,
  attempt: number,
  deps: SignalDeps,
): Promise<void> {
  const wait = deps.checkAgainMs[attempt]
  if (wait === undefined) return
  await deps.inbox.put({
    id: `push-check:${signal.id}:${attempt}`,
    thread: conversation.thread,
    kind: 'push-check',
    data: { signal, attempt },
    due: deps.now() + wait,
  })
}

const question = (signal: PushSignal, facts: PushFacts): string =>
  [
    'Commits were pushed. Say in a few lines whether this change is well: its CI, and the workloads it concerns. Look before you judge.',
    fence(
      redact(
        JSON.stringify(
          { repository: signal.repository.fullName, branch: signal.branch, commits: signal.commits.slice(-10) },
          null,
          1,
        ),
      ),
      'push',
    ),
    fence(redact(facts.markdown), 'found by rules'),
  ].join('\n\n')
