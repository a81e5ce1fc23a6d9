import { fence } from '../agent/guard/fence.ts'
import { redact } from '../agent/guard/redact.ts'
import type { Inbox } from '../inbox.ts'
import type { PushSignal, Signal } from '../signal.ts'
import { begin, type Conversation, say } from './conversation.ts'
import type { BotJob, JobOf } from './jobs.ts'
import type { ChatPlatform, RoomId, ThreadId } from './platform.ts'

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
}

/** Finds the thread for a signal: that of the last push to the branch if it is recent, else a new one in the ops room. */
export async function routeSignal(job: JobOf<'signal'>, deps: SignalDeps): Promise<void> {
  const signal = job.data
  if (!deps.room || !deps.chat || deps.wants(signal)) return
  const key = `push:${signal.repository.id}:${signal.branch}`
  const known = await deps.threads.get(key)
  const recent = known !== undefined && deps.now() - known.at < deps.continueMs
  const thread = recent ? known.thread : await openThread(job, deps.chat, deps.room, deps)
  await deps.threads.set(key, { thread, at: deps.now() })
  await deps.inbox.put({ id: `${job.id}:push`, thread, kind: 'push', data: { signal, opened: !recent } })
}

async function openThread(job: JobOf<'signal'>, chat: ChatPlatform, room: RoomId, deps: SignalDeps): Promise<ThreadId> {
  const id = `s-${Buffer.from(job.id).toString('base64url').slice(-40)}`
  const { thread } = await chat.open(room, { id, markdown: deps.title(job.data) })
  return thread
}

/** Says what was pushed and what can be found out by rules; then the model looks further, if there is one. */
export async function takePush(conversation: Conversation, job: JobOf<'push'>, deps: SignalDeps): Promise<void> {
  const { signal, opened } = job.data
  const facts = await deps.facts(signal)
  say(conversation, opened ? facts.markdown : `${deps.title(signal)}\n\n${facts.markdown}`, { quiet: true })
  if (!facts.settled) await checkLater(conversation, signal, 0, deps)
  if (!deps.hasModel || conversation.session.request) return

  conversation.session.messages.push({ role: 'user', content: question(signal, facts) })
  begin(conversation, 'signal', 'question', deps.now())
}

/** Looks again at what had not come to an end: the CI of the push and the workloads it concerns. */
export async function checkPush(conversation: Conversation, job: JobOf<'push-check'>, deps: SignalDeps): Promise<void> {
  const { signal, attempt } = job.data
  const facts = await deps.facts(signal)
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
