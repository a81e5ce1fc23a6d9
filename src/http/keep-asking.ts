import { pause } from './pause.ts'
import { isAway, isLimited } from './request-error.ts'

export interface Patience {
  /** Once it is aborted, a wait ends and the next failure is thrown. */
  closing: AbortSignal
  /** How often is asked at the most; without end otherwise. */
  tries?: number | undefined
  /** Milliseconds to wait after so many failures, the last of which is `error`. */
  waitAfter(failures: number, error: unknown): number
}

/** Asks again while the server is away or limits us, until `closing`. Throws what else it says, and after `tries` that it is away. */
export async function keepAsking<Answer>(
  attempt: () => Promise<Answer>,
  { closing, tries = Number.POSITIVE_INFINITY, waitAfter }: Patience,
): Promise<Answer> {
  for (let made = 1; ; made++) {
    try {
      return await attempt()
    } catch (error) {
      if (closing.aborted || made >= tries || !(isAway(error) || isLimited(error))) throw error
      await pause(waitAfter(made, error), closing)
    }
  }
}
