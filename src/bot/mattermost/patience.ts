import { keepAsking } from '../../http/keep-asking.ts'
import { askedWait } from '../../http/request-error.ts'
import { backOff, spread } from '../../http/waits.ts'
import type { Client } from './client.ts'

const longestWaitMs = 10_000

/** Asks again while the server is away or limits us, until the client is closed. Throws what else it says, and after `tries` that it is away. */
export const patiently = <Answer>(
  { closing }: Pick<Client, 'closing'>,
  attempt: () => Promise<Answer>,
  tries?: number,
): Promise<Answer> => keepAsking(attempt, { closing, tries, waitAfter })

/** Milliseconds to leave the server alone after a number of failures; never longer than `longestWaitMs`, whatever it asks for. */
export function waitAfter(failures: number, error?: unknown): number {
  const wait = askedWait(error) ?? backOff(failures, { longestMs: longestWaitMs })
  return spread(Math.min(wait, longestWaitMs))
}
