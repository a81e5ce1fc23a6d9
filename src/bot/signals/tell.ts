import type { BranchSignal, CommentSignal, PullSignal, PushSignal, RunSignal, StatusSignal } from '../../signal.ts'
import type { CiResult } from '../../tools/gitea/ci/result.ts'
import type { RoomId } from '../platform.ts'
import type { CiThread, Place, SignalThread } from './deps.ts'
import { type Flood, isFailingFlood, isFlood } from './flood.ts'
import {
  isCurrent,
  isInPlace,
  isOld,
  isSameFailure,
  isSamePass,
  isTooMuch,
  lineKey,
  withFailure,
  withPass,
  withRecent,
} from './line.ts'
import { nextWaitMs } from './look-again.ts'

/** What becomes of something that happened. A story is what is known of a branch and the thread where that is told. */
export type Ruling<Story> = Later | Begin | Continue<Story> | Nothing<Story>

/** It is looked at again after so many milliseconds. `place`: there it would begin a story by now. */
export type Later = { kind: 'later'; waitMs: number } | { kind: 'later'; waitMs: number; place: Place }

/** It begins a story: `open` in a thread of its own, `list` in a flood, as a line of the list that the room has for it. */
export type Begin = { kind: 'open'; place: Place } | { kind: 'list'; place: Place }

/**
 * It is told in the thread of its story, at length or as a line among others. The story is afterwards as it stands here, unless it is
 * over. `red`: what still fails in it, once what had failed has passed.
 */
export interface Continue<Story> {
  kind: 'continue'
  as: 'post' | 'line'
  room: RoomId
  story: Story
  isOver?: true
  red?: string[]
}

/** Nobody is told. A story that stands here is like this afterwards, or over. */
export type Nothing<Story> = { kind: 'nothing'; why: string; story?: Story; isOver?: true }

interface Moment {
  now: number
  /** How often it was looked at before. */
  attempt: number
  flood: Flood
}

/** Where the repository is told of: nowhere when no room is meant for it, `later` when that is not found yet. */
type Where = Place | 'later' | undefined

/** Failures that come so close together are told in one go: one thread for a commit, one list for a flood. */
const settleMs = 2_000
/** The first answers may be older than the event that we were told of. */
const mostRunning = 5

/** Rules what is told of something that happened, and where. Asks nobody and changes nothing: `carry-out.ts` does. */
export const tell = { result: tellResult, push: tellPush, pull: tellPull, branch: tellBranch, release: tellRelease }

/** A result of CI is told where the story of its line goes on; a failure may begin one. However often we hear of it, it is told once. */
function tellResult(
  result: CiResult,
  { line, place, isWanted }: { line: CiThread | undefined; place: Where; isWanted: boolean },
  moment: Moment & { hint: (RunSignal | StatusSignal)['kind'] },
): Ruling<CiThread> {
  const { now, attempt, hint } = moment
  const goesOn = line !== undefined && isCurrent(line, now)
  if (!goesOn && !isWanted) return nothing('branch not wanted')
  if (line?.told.includes(result.key)) return nothing('told before')
  if (result.state === 'running' && hint === 'run' && attempt < mostRunning)
    return { kind: 'later', waitMs: 3_000 * 2 ** attempt }
  if (result.state === 'passed') return tellPass(result, line, now)
  if (result.state !== 'failed') return nothing('neither passed nor failed')
  if (isOld(result, line)) return nothing('something newer is known')
  if (goesOn && isSameFailure(result, line)) return nothing('the same failure was told')
  if (goesOn && isInPlace(line, place)) {
    const as = line.collected || isTooMuch(line, now) ? 'line' : 'post'
    return { kind: 'continue', as, room: line.room, story: withFailure(line, result, now) }
  }
  if (place === 'later') return { kind: 'later', waitMs: nextWaitMs(attempt) }
  if (!place) return nothing('no room is meant for the repository')
  // Once it has settled, it may have been called off, or something newer may have passed.
  if (attempt === 0) return { kind: 'later', waitMs: settleMs, place }
  return { kind: isOneOfMany(result, place, moment) ? 'list' : 'open', place }
}

const isOneOfMany = ({ repository, line }: CiResult, { room }: Place, { flood, now }: Moment): boolean =>
  isFailingFlood(flood, room, lineKey(repository.id, line.name), now) ||
  isFlood(flood, { room, repository: repository.id }, now)

/** A pass is only told where its failure was told, or where somebody waits for it. */
function tellPass(result: CiResult, line: CiThread | undefined, now: number): Ruling<CiThread> {
  if (!line) return nothing('nobody heard of a failure')
  const failure = line.red[result.subject]
  if (failure && failure.order > result.order) return nothing('something newer failed')
  const story = withPass(line, result, now)
  const isAwaited = line.state === 'watched' && isCurrent(line, now) && !isSamePass(result, line)
  if (!failure && !isAwaited) return { ...nothing('it had not failed'), story }
  const red = failure && Object.keys(story.red)
  return { kind: 'continue', as: line.collected ? 'line' : 'post', room: line.room, story, ...(red && { red }) }
}

/** A push is told in the thread of the last one to its branch while that is recent, else in a thread of its own. */
function tellPush(
  push: PushSignal,
  { unwanted, place, last }: { unwanted: string | undefined; place: Where; last: SignalThread | undefined },
  { now, attempt, flood, continueMs }: Moment & { continueMs: number },
): Ruling<SignalThread> {
  if (unwanted !== undefined) return nothing(unwanted)
  if (place === 'later') return { kind: 'later', waitMs: nextWaitMs(attempt) }
  if (!place) return nothing('no room is meant for the repository')
  const { room } = place
  if (last && now - last.at < continueMs) {
    const story = { ...last, at: now, last: push, recent: withRecent(last, now) }
    return { kind: 'continue', as: isTooMuch(last, now) ? 'line' : 'post', room, story }
  }
  return { kind: isFlood(flood, { room, repository: push.repository.id }, now) ? 'list' : 'open', place }
}

/** What people do with a pull request is told in the thread of its branch, while the story there goes on. */
function tellPull(
  signal: PullSignal | CommentSignal,
  { line, ownLogin }: { line: CiThread | undefined; ownLogin: string | undefined },
  now: number,
): Continue<CiThread> | Nothing<CiThread> {
  if (signal.login === ownLogin) return nothing('the bot did it itself')
  if (signal.kind === 'pull' && signal.action === 'opened') return nothing('it was opened')
  if (!line || !isCurrent(line, now)) return nothing('no story of the branch goes on')
  const story = { ...line, recent: withRecent(line, now) }
  // No run of a fork's pull request can pass once that is closed.
  const isOver = signal.kind === 'pull' && signal.action !== 'reopened' && signal.branch === undefined
  const as = isTooMuch(line, now) ? 'line' : 'post'
  return { kind: 'continue', as, room: line.room, story, ...(isOver && { isOver }) }
}

/** A branch that is deleted ends its story: no run can pass there any more. */
function tellBranch({ action }: BranchSignal, line: CiThread | undefined): Continue<CiThread> | Nothing<CiThread> {
  if (action !== 'deleted') return nothing('it was created')
  if (!line) return nothing('no story of the branch is known')
  if (line.state !== 'red') return { ...nothing('nothing fails there'), story: line, isOver: true }
  return { kind: 'continue', as: 'post', room: line.room, story: line, isOver: true }
}

/** A release is told in the thread of the last push to its branch, while that is recent. */
function tellRelease(
  { place, last }: { place: Where; last: SignalThread | undefined },
  { now, continueMs }: { now: number; continueMs: number },
): Continue<SignalThread> | Nothing<SignalThread> {
  if (!place || place === 'later') return nothing('no room is meant for the repository')
  if (!last || now - last.at >= continueMs) return nothing('no recent push to the branch was told')
  return { kind: 'continue', as: 'post', room: place.room, story: last }
}

const nothing = (why: string): { kind: 'nothing'; why: string } => ({ kind: 'nothing', why })
