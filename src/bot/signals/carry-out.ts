import type { Logger } from 'pino'
import type {
  BranchSignal,
  CommentSignal,
  ForgeSignal,
  PullSignal,
  PushSignal,
  ReleaseSignal,
  Repository,
  RunSignal,
  StatusSignal,
} from '../../signal.ts'
import type { Language } from '../../text/language.ts'
import { type Markdown, ownMarkdown } from '../../text/markdown.ts'
import type { CiResult } from '../../tools/gitea/ci/result.ts'
import { shortId } from '../conversation.ts'
import type { BotJob, JobOf } from '../jobs/index.ts'
import type { RoomId, ThreadId } from '../platform.ts'
import { texts } from '../texts.ts'
import { failedTitle, passedText } from './ci-texts.ts'
import type { CiThread, Place, SignalDeps, SignalThread } from './deps.ts'
import { type Flood, floodMs, noteOpened } from './flood.ts'
import { lineKey, newLine, pushKey, withFailure } from './line.ts'
import { lookAgain } from './look-again.ts'
import { remarkOn } from './remarks.ts'
import type { Begin, Continue, Nothing, Ruling } from './tell.ts'

/** What it takes to carry out what `tell` rules. */
export interface Carrier extends SignalDeps {
  flood: Flood
  language: Language
  log: Logger
}

/** Whatever is told is put first and its story kept afterwards: what is not kept yet is put again, under the same id. */
export async function carryOutPush(
  ruling: Ruling<SignalThread>,
  { push, attempt }: { push: PushSignal; attempt: number },
  deps: Carrier,
): Promise<void> {
  if (ruling.kind === 'nothing') return logNothing(ruling.why, push, deps)
  if (ruling.kind === 'later') return lookAgain(push, attempt, ruling.waitMs, deps)
  const id = `told:${push.id}`
  const title = deps.title(push)
  const line = ownMarkdown(title.split('\n')[0] ?? '')
  if (ruling.kind === 'list') {
    const thread = await collectionOf(ruling.place, deps)
    await deps.inbox.put(listed({ id, thread, room: ruling.place.room, line }))
    return
  }
  const { as, room, story } = ruling.kind === 'open' ? await beginPush(ruling.place, push, title, deps) : ruling
  const { thread, by } = story
  const data: JobOf<'push'>['data'] = { room, signal: push, as: by === push.id ? 'opened' : 'continued' }
  await deps.inbox.put(as === 'line' ? listed({ id, thread, room, line }) : { id, thread, kind: 'push', data })
  await deps.threads.set(pushKey(push.repository, push.branch, room), story)
}

async function beginPush(
  place: Place,
  push: PushSignal,
  markdown: Markdown,
  deps: Carrier,
): Promise<Continue<SignalThread>> {
  const thread = await open(place, { of: push.id, markdown, repository: push.repository }, deps)
  const now = deps.now()
  const story = { thread, at: now, by: push.id, last: push, recent: [now] }
  return { kind: 'continue', as: 'post', room: place.room, story }
}

/** A result of CI, the hint that had us ask for it, and how often that was looked at before. */
export interface Heard {
  result: CiResult
  hint: RunSignal | StatusSignal
  attempt: number
}

export async function carryOutResult(ruling: Ruling<CiThread>, heard: Heard, deps: Carrier): Promise<void> {
  const { result, hint, attempt } = heard
  const key = lineKey(result.repository.id, result.line.name)
  if (ruling.kind === 'later') return lookAgain(hint, attempt, ruling.waitMs, deps)
  if (ruling.kind === 'nothing') {
    logNothing(ruling.why, hint, deps)
    return keepLine(key, ruling, deps)
  }
  const told = 'place' in ruling ? await beginLine(ruling, heard, deps) : ruling
  const { language, inbox } = deps
  await inbox.put(ciJob(told, heard, { isFirst: ruling.kind === 'open', language, now: deps.now() }))
  await keepLine(key, told, deps)
}

/** A failure begins its story in a thread of its own, whose first post is remembered, or in the list of a flood. */
async function beginLine({ kind, place }: Begin, heard: Heard, deps: Carrier): Promise<Continue<CiThread>> {
  const { result } = heard
  const { room } = place
  const now = deps.now()
  if (kind === 'list') {
    const line = newLine(await collectionOf(place, deps), room)
    return { kind: 'continue', as: 'line', room, story: withFailure({ ...line, collected: true }, result, now) }
  }
  const root = failedTitle(result, deps.language, now)
  const thread = await open(place, { of: nameOf(heard), markdown: root, repository: result.repository }, deps)
  return { kind: 'continue', as: 'post', room, story: withFailure({ ...newLine(thread, room), root }, result, now) }
}

function ciJob(
  { as, room, red, story }: Continue<CiThread>,
  heard: Heard,
  { isFirst, language, now }: { isFirst: boolean; language: Language; now: number },
): BotJob {
  const { result } = heard
  const { thread, root } = story
  const id = `ci:${nameOf(heard)}`
  const isPass = result.state === 'passed'
  if (as === 'line') {
    const line = isPass ? passedText(result, red, language) : failedTitle(result, language, now)
    return listed({ id, thread, room, line })
  }
  const data: JobOf<'ci'>['data'] = isPass
    ? { room, result, as: 'passed', ...(red && { red }), ...(root && { root }) }
    : { room, result, as: isFirst ? 'opened' : 'again' }
  return { id, thread, kind: 'ci', data }
}

/** Names what is told, so that it is told once. An attempt of a run has one end, but statuses fail and pass and fail again. */
const nameOf = ({ result, hint }: Heard): string => (hint.kind === 'run' ? result.key : hint.id)

/** Has the thread of a push look at it as soon as its CI has ended, and not only when its time comes. */
export async function checkPush({ repository, line, commit, key }: CiResult, deps: SignalDeps): Promise<void> {
  const place = deps.placeFor(repository)
  if (line.branch === undefined || !place || place === 'later') return
  const told = await deps.threads.get(pushKey(repository, line.branch, place.room))
  if (told?.last?.after !== commit) return
  const id = `push-check:${told.last.id}:${key}`
  await deps.inbox.put({ id, thread: told.thread, kind: 'push-check', data: { signal: told.last, attempt: 0 } })
}

/** Says in a sentence what people did. The caller keeps the story. */
export async function carryOutRemark(
  ruling: Continue<{ thread: ThreadId }> | Nothing<unknown>,
  signal: PullSignal | CommentSignal | BranchSignal | ReleaseSignal,
  deps: Carrier,
): Promise<void> {
  if (ruling.kind === 'nothing') return logNothing(ruling.why, signal, deps)
  const { as, room, story } = ruling
  const { thread } = story
  const id = `remark:${signal.id}`
  const markdown = remarkOn(signal, deps.language)
  await deps.inbox.put(
    as === 'line' ? listed({ id, thread, room, line: markdown }) : { id, thread, kind: 'remark', data: { markdown } },
  )
}

/** Keeps the story of a line as it was ruled, or forgets one that is over. */
export async function keepLine(
  key: string,
  { story, isOver }: { story?: CiThread; isOver?: true },
  { lines }: Pick<Carrier, 'lines'>,
): Promise<void> {
  if (isOver) await lines.delete(key)
  else if (story) await lines.set(key, story)
}

async function open(
  { room, chat }: Place,
  { of, markdown, repository }: { of: string; markdown: Markdown; repository: Repository },
  { flood, now }: Carrier,
): Promise<ThreadId> {
  // Noted before the chat has answered: other repositories are ruled on meanwhile.
  noteOpened(flood, { at: now(), room, repository: repository.id })
  const { thread } = await chat.open(room, { id: shortId('s', of), markdown })
  return thread
}

/** The room's list that is being written, or a new one. */
async function collectionOf({ room, chat }: Place, { threads, language, ...deps }: Carrier): Promise<ThreadId> {
  const key = `collection:${room}`
  const now = deps.now()
  const known = await threads.get(key)
  const isCurrent = known && now - known.at < floodMs
  // Lanes that open it at the same time get the same one: its id follows from when the last list ended.
  const by = isCurrent ? known.by : shortId('s', `${room} ${known?.at ?? 0} ${Math.floor(now / floodMs)}`)
  const thread = isCurrent
    ? known.thread
    : (await chat.open(room, { id: by, markdown: texts[language].collection })).thread
  await threads.set(key, { thread, at: now, by })
  return thread
}

/** The job that tells it as a line, together with others that come at about the same time. */
const listed = ({
  id,
  thread,
  room,
  line,
}: {
  id: string
  thread: ThreadId
  room: RoomId
  line: Markdown
}): BotJob => ({
  id,
  thread,
  kind: 'listed',
  data: { room, line },
})

const logNothing = (why: string, { kind, repository }: ForgeSignal, { log }: Carrier): void =>
  log.debug({ component: 'signals', resource: repository.fullName, kind, why }, 'nothing is told')
