import { pause } from '../../http/pause.ts'
import { askedWait, type Client, isAway, isLimited } from './client.ts'

const firstWaitMs = 500
const longestWaitMs = 10_000

/** Asks again while the server is away or limits us, until the client is closed. Throws what else it says, and after `tries` that it is away. */
export async function patiently<Answer>(
  { closing }: Pick<Client, 'closing'>,
  attempt: () => Promise<Answer>,
  tries = Number.POSITIVE_INFINITY,
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

/** Milliseconds to leave the server alone after a number of failures; a little more or less, so that not all come back at once. */
export function waitAfter(failures: number, error?: unknown): number {
  const wait = Math.min(firstWaitMs * 2 ** Math.min(failures - 1, 10), longestWaitMs)
  return Math.min(askedWait(error) ?? wait, longestWaitMs) * (0.8 + 0.4 * Math.random())
}
