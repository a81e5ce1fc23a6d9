import { pause } from '../../http/pause.ts'
import { askedWait, isAway, isLimited } from './client.ts'

const firstWaitMs = 500
const longestWaitMs = 15_000

/** Asks again while the server is away or limits us, until `closing`. Throws what else it says, and after `tries` that it is away. */
export async function patiently<Answer>(
  attempt: () => Promise<Answer>,
  { closing, tries = Number.POSITIVE_INFINITY }: { closing: AbortSignal; tries?: number },
): Promise<Answer> {
  for (let made = 1, waitMs = firstWaitMs; ; made++, waitMs = Math.min(waitMs * 2, longestWaitMs)) {
    try {
      return await attempt()
    } catch (error) {
      if (closing.aborted || made >= tries || !(isAway(error) || isLimited(error))) throw error
      await pause(askedWait(error) ?? waitMs, closing)
    }
  }
}
