import type { Repository } from '../../signal.ts'
import type { CiResult } from '../../tools/gitea/ci/result.ts'
import type { RoomId, ThreadId } from '../platform.ts'
import type { CiThread, Place } from './deps.ts'

/** A line that was red for so long begins anew in the room: nobody reads on in a thread that old. */
const staleMs = 7 * 24 * 60 * 60_000
/** A list is over when the flood is. */
const listedMs = 10 * 60_000
const rememberedResults = 50
/** So much may be told at length about one thing in so much time; what comes after it is listed. */
const mostAtLength = 5
const atLengthMs = 10 * 60_000

export const lineKey = (repository: number, line: string): string => `ci:${repository}:${line}`

/** The last thread about pushes to a branch, in a room: a repository that became private has another one. */
export const pushKey = ({ id }: Repository, branch: string, room: RoomId): string => `push:${id}:${branch}:${room}`

/** Whether the story of a line goes on in its thread. */
export function isCurrent({ state, at, until = 0, collected }: CiThread, now: number): boolean {
  if (state === 'watched') return now < until
  return state === 'red' && now - at < (collected ? listedMs : staleMs)
}

/**
 * Whether the thread is still the place to tell it: a repository that became private, or has another room now, is told of there. A thread
 * hears of its own push in any case.
 */
export const isInPlace = ({ root, collected, room }: CiThread, place: Place | 'later' | undefined): boolean =>
  (root === undefined && !collected) || (place !== 'later' && place?.room === room)

/** Something newer passed, or failed, before we heard of this. */
export const isOld = ({ subject, order }: CiResult, known: CiThread | undefined): boolean =>
  order < Math.max(known?.green[subject] ?? 0, known?.red[subject]?.order ?? 0)

/** A push and its pull request run the same workflow on the same commit: they fail once. */
export function isSameFailure({ subject, commit, run }: CiResult, known: CiThread): boolean {
  const failure = known.red[subject]
  return run !== undefined && failure !== undefined && failure.commit === commit && failure.order !== run
}

/** A push and its pull request run the same workflow on the same commit: they pass once. */
export const isSamePass = (result: CiResult, { told }: CiThread): boolean => told.includes(passOf(result))

export const newLine = (thread: ThreadId, room: RoomId): CiThread => ({
  thread,
  room,
  state: 'red',
  at: 0,
  red: {},
  green: {},
  told: [],
})

/** What is known of the line once this failure is told. */
export function withFailure(line: CiThread, result: CiResult, now: number): CiThread {
  const { subject, order, key, commit } = result
  const red = { ...line.red, [subject]: { order, key, commit } }
  return { ...line, state: 'red', red, recent: withRecent(line, now), told: withTold(line, result), at: now }
}

/** What is known of the line once this has passed. */
export function withPass(line: CiThread, result: CiResult, now: number): CiThread {
  const { subject, order } = result
  const { [subject]: _, ...red } = line.red
  const green = { ...line.green, [subject]: Math.max(order, line.green[subject] ?? 0) }
  const state = line.state === 'red' && Object.keys(red).length === 0 ? 'green' : line.state
  const told = withTold({ told: [...line.told, passOf(result)] }, result)
  return { ...line, state, red, green, told, at: now }
}

const passOf = ({ subject, commit }: CiResult): string => `passed:${subject}:${commit}`

function withTold({ told }: Pick<CiThread, 'told'>, { run, repository, commit, key }: CiResult): string[] {
  // Statuses of one commit may fail and pass and fail again, so the newest replaces the others. Of a run every attempt counts.
  const isReplaced = (one: string) => run === undefined && one.startsWith(`status:${repository.id}:${commit}:`)
  return [...told.filter((one) => !isReplaced(one)), key].slice(-rememberedResults)
}

interface Told {
  /** When something was told at length lately. */
  recent?: number[]
}

/** Whether more would be told at length than people want to read. */
export const isTooMuch = (told: Told, now: number): boolean => lately(told, now).length >= mostAtLength

/** When something was told lately, this time included. */
export const withRecent = (told: Told, now: number): number[] => [...lately(told, now), now].slice(-mostAtLength - 1)

const lately = ({ recent = [] }: Told, now: number): number[] => recent.filter((at) => now - at < atLengthMs)
