import type { CiResult } from '../../tools/gitea/ci/result.ts'
import type { CiThread, Place, SignalDeps } from './deps.ts'

/** What was red for so long begins anew in the room: nobody reads on in a thread that old. */
const staleMs = 7 * 24 * 60 * 60_000
/** A list is over when the flood is. */
const listedMs = 10 * 60_000
const rememberedResults = 50
/** So much may be told at length about one thing in so much time; what comes on top of it is listed. */
const mostAtLength = 5
const atLengthMs = 10 * 60_000

export const lineKey = (repository: number, line: string): string => `ci:${repository}:${line}`

/** Whether the story of a line goes on in its thread. */
export function isCurrent({ state, at, until = 0, collected }: CiThread, now: number): boolean {
  if (state === 'watched') return now < until
  return state === 'red' && now - at < (collected ? listedMs : staleMs)
}

/** A repository that became private, or has another room now, is told of there; what a thread made itself is told in it. */
export const isInPlace = ({ root, collected, room }: CiThread, place: Place | undefined): boolean =>
  (root === undefined && !collected) || place?.room === room

/** Something newer passed, or failed, before we heard of this. */
export const isOld = ({ subject, order }: CiResult, known: CiThread | undefined): boolean =>
  order < Math.max(known?.green[subject] ?? 0, known?.red[subject]?.order ?? 0)

/** A push and its pull request run the same workflow on the same commit: they fail once. */
export function isSameFailure({ subject, commit, run }: CiResult, known: CiThread | undefined): boolean {
  const failure = known?.red[subject]
  return run !== undefined && failure !== undefined && failure.commit === commit && failure.order !== run
}

export const newLine = (thread: CiThread['thread'], { room }: Place): CiThread => ({
  thread,
  room,
  state: 'red',
  at: 0,
  red: {},
  green: {},
  told: [],
})

export async function keepLine(line: CiThread, result: CiResult, { lines, now }: SignalDeps): Promise<void> {
  // Statuses of one commit may fail and pass and fail again: of them the newest word counts, of runs every attempt.
  const isReplaced = (key: string) =>
    result.run === undefined && key.startsWith(`status:${result.repository.id}:${result.commit}:`)
  const told = [...line.told.filter((key) => !isReplaced(key)), result.key].slice(-rememberedResults)
  await lines.set(lineKey(result.repository.id, result.line.name), { ...line, told, at: now() })
}

/** Notes that something is told, and says whether that is more than people want to read at length. */
export function isTooMuch(told: { recent?: number[] }, now: number): boolean {
  const recent = (told.recent ?? []).filter((at) => now - at < atLengthMs)
  told.recent = [...recent, now].slice(-mostAtLength - 1)
  return recent.length >= mostAtLength
}
