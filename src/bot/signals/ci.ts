import type { RunSignal, StatusSignal } from '../../signal.ts'
import type { Language } from '../../text/language.ts'
import type { CiResult } from '../../tools/gitea/ci/result.ts'
import { shortId } from '../conversation.ts'
import { failedTitle, passedText } from './ci-texts.ts'
import { collectionOf, type Flood, isFailingFlood, isFlood, list } from './collection.ts'
import type { CiSource, CiThread, Place, SignalDeps } from './deps.ts'
import { isCurrent, isInPlace, isOld, isSameFailure, isTooMuch, keepLine, lineKey, newLine } from './line.ts'
import { lookAgain, nextWaitMs } from './look-again.ts'
import { checkAfterCi } from './push.ts'

/** Failures that come so close together are told in one go: one thread for a commit, one list for a flood. */
const settleMs = 2_000
/** A commit may get many statuses, one after the other. */
const statusesMs = 10_000
/** The first answers may be older than the event that we were told of. */
const mostRunning = 5

export interface Setting {
  flood: Flood
  language: Language
}

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
  if (hint.kind === 'status' && attempt === 0) return lookAgain(hint, attempt, statusesMs, deps)
  try {
    for (const result of await ci.results(hint)) await take(result, hint, attempt, { ...deps, ci }, setting)
  } catch (error) {
    if (!ci.isAway(error)) throw error
    return lookAgain(hint, attempt, nextWaitMs(attempt), deps)
  }
}

async function take(
  result: CiResult,
  hint: RunSignal | StatusSignal,
  attempt: number,
  deps: SignalDeps & { ci: CiSource },
  setting: Setting,
): Promise<void> {
  if (result.state !== 'running') await checkAfterCi(result, deps)
  const line = await deps.lines.get(lineKey(result.repository.id, result.line.name))
  const goesOn = line !== undefined && isCurrent(line, deps.now())
  if (!goesOn && !deps.ci.wants(result)) return
  if (line?.told.includes(result.key)) return
  if (result.state === 'running' && hint.kind === 'run' && attempt < mostRunning)
    return lookAgain(hint, attempt, 3_000 * 2 ** attempt, deps)

  const telling = tellingOf(result, hint, setting.language)
  if (result.state === 'passed') return pass(result, line, telling, deps)
  if (result.state !== 'failed' || isOld(result, line) || (goesOn && isSameFailure(result, line))) return
  const place = deps.placeFor(result.repository)
  if (goesOn && isInPlace(line, place === 'later' ? undefined : place)) return fail(result, line, telling, deps)
  if (place === 'later') return lookAgain(hint, attempt, nextWaitMs(attempt), deps)
  if (place) await begin(result, hint, attempt, place, deps, setting)
}

/** Opens a thread once the failure has settled, unless something newer passed: of what failed long ago the rest may be known already. */
async function begin(
  result: CiResult,
  hint: RunSignal | StatusSignal,
  attempt: number,
  place: Place,
  deps: SignalDeps & { ci: CiSource },
  { flood, language }: Setting,
): Promise<void> {
  const { room, chat } = place
  const { repository, line } = result
  const now = deps.now()
  const isMany = isFailingFlood(flood, room, lineKey(repository.id, line.name), now)
  if (attempt === 0) return lookAgain(hint, attempt, settleMs, deps)
  if (await deps.ci.isOvertaken(result)) return

  const telling = tellingOf(result, hint, language)
  if (isMany || isFlood(flood, { room, repository: repository.id }, now)) {
    const thread = await collectionOf(place, deps, language)
    return fail(result, { ...newLine(thread, place), collected: true }, telling, deps)
  }
  const markdown = failedTitle(result, language, now)
  const { thread } = await chat.open(room, { id: shortId('s', telling.id), markdown })
  flood.opened.push({ at: now, room, repository: repository.id })
  await fail(result, { ...newLine(thread, place), root: markdown }, telling, deps)
}

/** How a result is told: under an id that the same telling has again. */
interface Telling {
  id: string
  language: Language
}

/** An attempt of a run has one end; statuses fail and pass and fail again. */
const tellingOf = (result: CiResult, hint: RunSignal | StatusSignal, language: Language): Telling => ({
  id: hint.kind === 'run' ? result.key : hint.id,
  language,
})

/** Put first, kept afterwards: what is not kept yet is put again under the same id. */
async function fail(result: CiResult, line: CiThread, { id: of, language }: Telling, deps: SignalDeps): Promise<void> {
  const { thread, room, root } = line
  const id = `ci:${of}`
  const isFirst = line.told.length === 0 && root !== undefined
  if (isTooMuch(line, deps.now()) || line.collected)
    await list(deps, { id, thread, room, line: failedTitle(result, language, deps.now()) })
  else await deps.inbox.put({ id, thread, kind: 'ci', data: { room, result, as: isFirst ? 'opened' : 'again' } })
  line.red[result.subject] = { order: result.order, key: result.key, commit: result.commit }
  await keepLine({ ...line, state: 'red' }, result, deps)
}

/** Of what nobody heard that it failed, nobody has to hear that it passed. */
async function pass(
  result: CiResult,
  line: CiThread | undefined,
  { id: of, language }: Telling,
  deps: SignalDeps,
): Promise<void> {
  if (!line) return
  const { subject, order, commit } = result
  const failure = line.red[subject]
  if (failure && failure.order > order) return
  // A push and its pull request run the same workflow on the same commit.
  const saying = `passed:${subject}:${commit}`
  const isAwaited = line.state === 'watched' && isCurrent(line, deps.now()) && !line.told.includes(saying)
  const isNews = failure !== undefined || isAwaited
  delete line.red[subject]
  line.green[subject] = Math.max(order, line.green[subject] ?? 0)
  const red = Object.keys(line.red)
  const { thread, room, root } = line
  const id = `ci:${of}`
  if (isNews && line.collected) await list(deps, { id, thread, room, line: passedText(result, red, language) })
  else if (isNews)
    await deps.inbox.put({
      id,
      thread,
      kind: 'ci',
      data: { room, result, as: 'passed', ...(failure && { red }), ...(root && { root }) },
    })
  const state = line.state === 'red' && red.length === 0 ? 'green' : line.state
  await keepLine({ ...line, state, told: [...line.told, saying] }, result, deps)
}
