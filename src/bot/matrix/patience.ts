import { keepAsking } from '../../http/keep-asking.ts'
import { askedWait } from '../../http/request-error.ts'
import { backOff } from '../../http/waits.ts'

const longestWaitMs = 15_000

/**
 * Asks again while the homeserver is away or limits us, until `closing`; waits as long as it asks for. Throws what else it says, and
 * after `tries` that it is away.
 */
export const patiently = <Answer>(
  attempt: () => Promise<Answer>,
  limits: { closing: AbortSignal; tries?: number },
): Promise<Answer> => keepAsking(attempt, { ...limits, waitAfter })

const waitAfter = (failures: number, error: unknown): number =>
  askedWait(error) ?? backOff(failures, { longestMs: longestWaitMs })
