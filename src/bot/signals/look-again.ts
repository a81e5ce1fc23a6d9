import { laneOf, type PushSignal, type RunSignal, type StatusSignal } from '../../signal.ts'
import type { SignalDeps } from './deps.ts'

/** Hints of one thing that come so close together are looked at again together. */
const windowMs = 10_000
/** A day of looking every five minutes; then nobody waits any longer. */
const mostAttempts = 300
const longestWaitMs = 300_000

/** Puts the same hint into its lane once more, for later. */
export async function lookAgain(
  signal: PushSignal | RunSignal | StatusSignal,
  attempt: number,
  waitMs: number,
  { inbox, now }: Pick<SignalDeps, 'inbox' | 'now'>,
): Promise<void> {
  if (attempt >= mostAttempts) return
  const window = Math.floor(now() / windowMs)
  await inbox.put({
    id: `look-again:${subjectOf(signal)}:${attempt + 1}:${window}`,
    thread: laneOf(signal),
    kind: 'look-again',
    data: { signal, attempt: attempt + 1 },
    due: now() + waitMs,
  })
}

/** The wait before the next try, longer each time, five minutes at most. */
export const nextWaitMs = (attempt: number): number => Math.min(5_000 * 2 ** Math.min(attempt, 10), longestWaitMs)

/** Names what is asked for: one answer serves all hints of the same name. */
function subjectOf(signal: PushSignal | RunSignal | StatusSignal): string {
  if (signal.kind === 'run') return `run:${signal.repository.id}:${signal.run}`
  if (signal.kind === 'push') return signal.id
  // A status of the forge's own CI is answered by its runs, so it cannot stand for those of other CI.
  return `status:${signal.repository.id}:${signal.commit}:${signal.bySystem}`
}
