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
import {
  type Carrier,
  carryOutPush,
  carryOutRemark,
  carryOutResult,
  checkPush,
  type Heard,
  keepLine,
} from './carry-out.ts'
import type { CiSource, Place, SignalThread } from './deps.ts'
import { noteFailing } from './flood.ts'
import { lineKey, pushKey } from './line.ts'
import { lookAgain, nextWaitMs } from './look-again.ts'
import { tell } from './tell.ts'

/** A commit may get many statuses, one after the other. */
const statusesMs = 10_000

/**
 * Lets what happened at a forge take effect: the forge is asked, `tell` rules from what is known, `carry-out.ts` does it. Runs in the
 * lane of the repository, so that nothing else changes what is known of its branches meanwhile.
 */
export async function takeUp(signal: ForgeSignal, deps: Carrier): Promise<void> {
  // A repository that is gone cannot be asked for.
  const confirmed = signal.kind === 'repository' ? signal : await deps.confirm(signal)
  if (!confirmed) return
  await deps.onSeen(confirmed)
  switch (confirmed.kind) {
    case 'push':
    case 'run':
    case 'status':
      return takeUpHint({ signal: confirmed, attempt: 0 }, deps)
    case 'pull':
    case 'comment':
      return takeUpPull(confirmed, deps)
    case 'branch':
      return takeUpBranch(confirmed, deps)
    case 'release':
      return takeUpRelease(confirmed, deps)
    case 'repository':
    case 'test':
      return
  }
}

/** The same for a hint that was taken up `attempt` times before: its time had not come. */
export const takeUpHint = (
  { signal, attempt }: { signal: PushSignal | RunSignal | StatusSignal; attempt: number },
  deps: Carrier,
): Promise<void> => (signal.kind === 'push' ? takeUpPush(signal, attempt, deps) : takeUpCi(signal, attempt, deps))

async function takeUpPush(push: PushSignal, attempt: number, deps: Carrier): Promise<void> {
  const { repository, branch } = push
  const unwanted = deps.unwanted(push)
  const place = unwanted === undefined ? deps.placeFor(repository) : undefined
  const last = await lastPush(place, repository, branch, deps)
  const ruling = tell.push(push, { unwanted, place, last }, { ...deps, now: deps.now(), attempt })
  await carryOutPush(ruling, { push, attempt }, deps)
}

async function takeUpCi(hint: RunSignal | StatusSignal, attempt: number, deps: Carrier): Promise<void> {
  const { ci } = deps
  if (!ci) return
  if (hint.kind === 'status' && attempt === 0) return lookAgain(hint, attempt, statusesMs, deps)
  try {
    for (const result of await ci.results(hint)) await takeUpResult({ result, hint, attempt }, { ...deps, ci })
  } catch (error) {
    if (!ci.isAway(error)) throw error
    return lookAgain(hint, attempt, nextWaitMs(attempt), deps)
  }
}

async function takeUpResult(heard: Heard, deps: Carrier & { ci: CiSource }): Promise<void> {
  const { result, hint, attempt } = heard
  const { repository, line } = result
  if (result.state !== 'running') await checkPush(result, deps)
  const known = {
    line: await deps.lines.get(lineKey(repository.id, line.name)),
    place: deps.placeFor(repository),
    isWanted: deps.ci.wants(result),
  }
  const now = deps.now()
  const ruling = tell.result(result, known, { ...deps, now, attempt, hint: hint.kind })
  // So many failures that no thread knows of yet are a flood, also while they settle.
  if ('place' in ruling) noteFailing(deps.flood, ruling.place.room, lineKey(repository.id, line.name), now)
  const begins = ruling.kind === 'open' || ruling.kind === 'list'
  const isOvertaken = begins && (await deps.ci.isOvertaken(result))
  await carryOutResult(isOvertaken ? { kind: 'nothing', why: 'something newer passed' } : ruling, heard, deps)
}

async function takeUpPull(signal: PullSignal | CommentSignal, deps: Carrier): Promise<void> {
  const key = lineKey(signal.repository.id, signal.branch ?? `pull/${signal.number}`)
  const known = { line: await deps.lines.get(key), ownLogin: deps.ownLogin() }
  const ruling = tell.pull(signal, known, deps.now())
  await carryOutRemark(ruling, signal, deps)
  await keepLine(key, ruling, deps)
}

async function takeUpBranch(signal: BranchSignal, deps: Carrier): Promise<void> {
  const key = lineKey(signal.repository.id, signal.branch)
  const ruling = tell.branch(signal, await deps.lines.get(key))
  await carryOutRemark(ruling, signal, deps)
  await keepLine(key, ruling, deps)
}

async function takeUpRelease(signal: ReleaseSignal, deps: Carrier): Promise<void> {
  const { repository, branch } = signal
  const place = deps.placeFor(repository)
  const last = await lastPush(place, repository, branch || repository.defaultBranch, deps)
  await carryOutRemark(tell.release({ place, last }, { ...deps, now: deps.now() }), signal, deps)
}

const lastPush = async (
  place: Place | 'later' | undefined,
  repository: Repository,
  branch: string,
  { threads }: Pick<Carrier, 'threads'>,
): Promise<SignalThread | undefined> =>
  place && place !== 'later' ? threads.get(pushKey(repository, branch, place.room)) : undefined
