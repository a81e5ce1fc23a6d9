import type { RunSignal, StatusSignal } from '../../signal.ts'
import type { CiResult } from '../../tools/gitea/ci/result.ts'
import { shortId } from '../conversation.ts'
import type { Language } from '../texts.ts'
import { failedTitle, passedText } from './ci-texts.ts'
import { collectionOf, type Flood, isFailingFlood, isFlood, list } from './collection.ts'
import type { CiThread, Place, SignalDeps } from './deps.ts'

/** Failures that come so close together are told in one go: one thread for a commit, one list for a flood. */
const settleMs = 2_000
/** A commit may get many statuses, one after the other. */
const statusesMs = 10_000
/** A forge that is away is asked again for about two hours; what is missed then is found by looking for it. */
const mostAttempts = 30
/** The first answers may be older than the event that we were told of. */
const mostRunning = 5
/** What was red for so long begins anew in the room: nobody reads on in a thread that old. */
const staleMs = 7 * 24 * 60 * 60_000
const rememberedResults = 50

interface Setting {
  flood: Flood
  language: Language
}

export const lineKey = (repository: number, line: string): string => `ci:${repository}:${line}`

/**
 * What follows from a hint that CI said something: the forge is asked, and a failure or the end of one is told in the thread of its branch
 * or pull request. However many hints there are for one result, it is told once.
 */
export async function routeCi(
  hint: RunSignal | StatusSignal,
  attempt: number,
  deps: SignalDeps,
  setting: Setting,
): Promise<void> {
  const { ci } = deps
  if (!ci) return
  let results: CiResult[]
  try {
    results = await ci.results(hint)
  } catch (error) {
    if (!ci.isAway(error) || attempt >= mostAttempts) throw error
    return lookAgain(hint, attempt, Math.min(5_000 * 2 ** attempt, 300_000), deps)
  }
  for (const result of results.filter((one) => ci.wants(one))) await take(result, hint, attempt, deps, setting)
}

async function take(
  result: CiResult,
  hint: RunSignal | StatusSignal,
  attempt: number,
  deps: SignalDeps,
  setting: Setting,
): Promise<void> {
  const key = lineKey(result.repository.id, result.line.name)
  const known = await deps.lines.get(key)
  // An attempt of a run has one end; statuses fail and pass and fail again.
  const of = hint.kind === 'run' ? result.key : hint.id
  if (known?.told.includes(result.key)) return
  if (hint.kind === 'status' && attempt === 0) return lookAgain(hint, attempt, statusesMs, deps)
  if (result.state === 'running' && hint.kind === 'run' && attempt < mostRunning)
    return lookAgain(hint, attempt, 3_000 * 2 ** attempt, deps)
  if (result.state === 'passed') return pass(result, known, of, deps)
  if (result.state !== 'failed' || isOld(result, known)) return
  if (known && isCurrent(known, deps.now())) return fail(result, known, of, deps)

  const place = deps.placeFor(result.repository)
  if (!place) return
  const isMany = isFailingFlood(setting.flood, key, deps.now())
  if (attempt === 0) return lookAgain(hint, attempt, settleMs, deps)
  // Of what failed while we were away the rest of the story may be known already.
  if (await deps.ci?.isOvertaken(result)) return
  await open(result, place, isMany, of, deps, setting)
}

const lookAgain = async (
  signal: RunSignal | StatusSignal,
  attempt: number,
  waitMs: number,
  { inbox, now }: SignalDeps,
): Promise<void> => {
  await inbox.put({
    id: `look-again:${signal.id}:${attempt + 1}`,
    thread: laneOf(signal),
    kind: 'look-again',
    data: { signal, attempt: attempt + 1 },
    due: now() + waitMs,
  })
}

const laneOf = ({ source, repository }: RunSignal | StatusSignal): string => `signal:${source}:${repository.id}`

const isCurrent = ({ state, at }: CiThread, now: number): boolean => state !== 'green' && now - at < staleMs

/** Something newer passed, or failed, before we heard of this. */
const isOld = ({ subject, order }: CiResult, known: CiThread | undefined): boolean =>
  order < Math.max(known?.green[subject] ?? 0, known?.red[subject]?.order ?? 0)

async function open(
  result: CiResult,
  place: Place,
  isMany: boolean,
  of: string,
  deps: SignalDeps,
  { flood, language }: Setting,
): Promise<void> {
  const { room, chat } = place
  const { repository } = result
  const now = deps.now()
  const collected = isMany || isFlood(flood, repository.id, now)
  if (collected) {
    const thread = await collectionOf(place, deps, language)
    return fail(result, { ...empty(thread, place), collected }, of, deps)
  }
  const markdown = failedTitle(result, language, now)
  const { thread } = await chat.open(room, { id: shortId('s', of), markdown })
  flood.opened.push({ at: now, repository: repository.id })
  await fail(result, { ...empty(thread, place), root: markdown }, of, deps)
}

const empty = (thread: CiThread['thread'], { room }: Place): CiThread => ({
  thread,
  room,
  state: 'red',
  at: 0,
  red: {},
  green: {},
  told: [],
})

/** Put first, kept afterwards: what is not kept yet is put again under the same id. */
async function fail(result: CiResult, line: CiThread, of: string, deps: SignalDeps): Promise<void> {
  const { thread, room, root } = line
  const id = `ci:${of}`
  const isFirst = line.told.length === 0 && root !== undefined
  if (line.collected) await list(deps, { id, thread, room, line: failedTitle(result, 'en', deps.now()) })
  else
    await deps.inbox.put({
      id,
      thread,
      kind: 'ci',
      data: { room, result, as: isFirst ? 'opened' : 'again' },
    })
  line.red[result.subject] = { order: result.order, key: result.key }
  await keep({ ...line, state: 'red' }, result, deps)
}

/** Of what nobody heard that it failed, nobody has to hear that it passed. */
async function pass(result: CiResult, line: CiThread | undefined, of: string, deps: SignalDeps): Promise<void> {
  if (!line) return
  const { subject, order } = result
  const failure = line.red[subject]
  if (failure && failure.order > order) return
  // A push and its pull request run the same workflow on the same commit.
  const saying = `passed:${subject}:${result.commit}`
  const isNews = failure !== undefined || (line.state === 'watched' && !line.told.includes(saying))
  delete line.red[subject]
  line.green[subject] = Math.max(order, line.green[subject] ?? 0)
  const red = Object.keys(line.red)
  const { thread, room, root } = line
  const id = `ci:${of}`
  if (isNews && line.collected) await list(deps, { id, thread, room, line: passedText(result, red, 'en') })
  else if (isNews)
    await deps.inbox.put({
      id,
      thread,
      kind: 'ci',
      data: { room, result, as: 'passed', ...(failure && { red }), ...(root && { root }) },
    })
  const state = line.state === 'red' && red.length === 0 ? 'green' : line.state
  await keep({ ...line, state, told: [...line.told, saying] }, result, deps)
}

async function keep(line: CiThread, result: CiResult, deps: SignalDeps): Promise<void> {
  // Statuses of one commit may fail and pass and fail again: of them the newest word counts, of runs every attempt.
  const isReplaced = (key: string) =>
    result.run === undefined && key.startsWith(`status:${result.repository.id}:${result.commit}:`)
  const told = [...line.told.filter((key) => !isReplaced(key)), result.key].slice(-rememberedResults)
  await deps.lines.set(lineKey(result.repository.id, result.line.name), { ...line, told, at: deps.now() })
}
