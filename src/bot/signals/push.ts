import { openCalls } from '../../agent/session.ts'
import type { PushSignal } from '../../signal.ts'
import { fence } from '../../text/fence.ts'
import { escapeMarkdown } from '../../text/markdown.ts'
import { redact } from '../../text/secrets/index.ts'
import { sentenceOf } from '../../text/sentence.ts'
import type { CiResult } from '../../tools/gitea/ci/result.ts'
import { begin, type Conversation, say, shortId, tellOnce } from '../conversation.ts'
import type { JobOf } from '../jobs/index.ts'
import type { RoomId } from '../platform.ts'
import type { Setting } from './ci.ts'
import { collectionOf, isFlood, list } from './collection.ts'
import type { Place, PushFacts, SignalDeps, SignalThread } from './deps.ts'
import { isTooMuch } from './line.ts'
import { lookAgain, nextWaitMs } from './look-again.ts'

/** Finds the thread for a push: that of the last push to the branch if it is recent, else a new one in the repository's room. */
export async function routePush(
  push: PushSignal,
  attempt: number,
  deps: SignalDeps,
  { flood, language }: Setting,
): Promise<void> {
  if (deps.unwanted(push)) return
  const place = deps.placeFor(push.repository)
  if (place === 'later') return lookAgain(push, attempt, nextWaitMs(attempt), deps)
  if (!place) return
  const { room } = place
  const id = `told:${push.id}`
  const now = deps.now()
  const repository = push.repository.id
  const known = await deps.threads.get(pushKey(push.repository, push.branch, room))
  const recent = known && now - known.at < deps.continueMs ? known : undefined
  const line = deps.title(push).split('\n')[0] ?? ''
  if (!recent && isFlood(flood, { room, repository }, now))
    return list(deps, { id, thread: await collectionOf(place, deps, language), room, line })

  const last = recent ?? (await openThread(push, place, deps))
  if (!recent) flood.opened.push({ at: now, room, repository })
  const isMany = isTooMuch(last, now)
  await deps.threads.set(pushKey(push.repository, push.branch, room), {
    ...last,
    at: now,
    last: push,
  })
  const as = last.by === push.id ? 'opened' : 'continued'
  if (isMany) await list(deps, { id, thread: last.thread, room, line })
  else await deps.inbox.put({ id, thread: last.thread, kind: 'push', data: { room, signal: push, as } })
}

/** The last thread about a branch, in a room: a repository that became private has another one. */
export const pushKey = ({ id }: PushSignal['repository'], branch: string, room: RoomId): string =>
  `push:${id}:${branch}:${room}`

async function openThread(push: PushSignal, { room, chat }: Place, deps: SignalDeps): Promise<SignalThread> {
  const { thread } = await chat.open(room, { id: shortId('s', push.id), markdown: deps.title(push) })
  return { thread, at: 0, by: push.id }
}

/** Says what was pushed and what can be found out by rules; then the model looks further, if there is one. */
export async function takePush(conversation: Conversation, job: JobOf<'push'>, deps: SignalDeps): Promise<void> {
  const { signal, as } = job.data
  const facts = await look(signal, deps)
  say(conversation, as === 'opened' ? facts.markdown : `${deps.title(signal)}\n\n${facts.markdown}`, { quiet: true })
  if (facts.settled) conversation.told.push(settledKey(signal))
  else await checkLater(conversation, signal, 0, deps)
  // While a call waits for a decision the model cannot be told; people see the facts.
  if (!deps.hasModel || openCalls(conversation.session).length > 0) return

  const request = conversation.session.request ?? begin(conversation, 'signal', 'question', deps.now())
  if (!request.askers.includes('signal')) request.askers.push('signal')
  conversation.session.messages.push({ role: 'user', content: question(signal, facts) })
}

/** What cannot be looked at now is said, and looked at again. */
const look = (signal: PushSignal, deps: SignalDeps): Promise<PushFacts> =>
  deps.facts(signal).catch((error: unknown) => ({
    markdown: `⚠️ ${escapeMarkdown(sentenceOf(error))}`,
    settled: false,
  }))

const settledKey = ({ id }: PushSignal): string => `settled:${id}`

/** Looks again at what had not come to an end: the CI of the push and the workloads it concerns. */
export async function checkPush(conversation: Conversation, job: JobOf<'push-check'>, deps: SignalDeps): Promise<void> {
  const { signal, attempt } = job.data
  const key = settledKey(signal)
  if (conversation.told.includes(key)) return
  const facts = await look(signal, deps)
  const last = attempt + 1 >= deps.checkAgainMs.length
  if (facts.settled || last) tellOnce(conversation, key, facts.markdown)
  else await checkLater(conversation, signal, attempt + 1, deps)
}

/** CI has come to an end: what a push is about is looked at now, and not only when its time comes. */
export async function checkAfterCi({ repository, line, commit, key }: CiResult, deps: SignalDeps): Promise<void> {
  const place = deps.placeFor(repository)
  if (line.branch === undefined || !place || place === 'later') return
  const told = await deps.threads.get(pushKey(repository, line.branch, place.room))
  if (told?.last?.after !== commit) return
  const id = `push-check:${told.last.id}:${key}`
  await deps.inbox.put({ id, thread: told.thread, kind: 'push-check', data: { signal: told.last, attempt: 0 } })
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
