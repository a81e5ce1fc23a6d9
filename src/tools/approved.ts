import { RequestError } from '../http/request-error.ts'
import { Unreachable } from '../http/unreachable.ts'
import { sentenceOf } from '../text/sentence.ts'
import { OutcomeUnknown, type Preview } from './tool.ts'

/** What became of a change whose sending failed. `overtaken` says what happened meanwhile, such as `the object was changed`. */
export type Fate = 'not done' | 'unknown' | { overtaken: string }

/**
 * Sends what was approved, once, and nothing else. `path` is where a call with these arguments has to go. Throws `OutcomeUnknown` when
 * it may have been done and no answer says so.
 */
export async function sendApproved<Answer>(
  { request }: Preview,
  path: string,
  send: (request: Preview['request']) => Promise<Answer>,
  fateOf: (error: unknown) => Fate,
): Promise<Answer> {
  if (request.path !== path) throw new Error('The approved request goes to another object than this call names.')
  try {
    return await send(request)
  } catch (error) {
    throw told(error, fateOf(error))
  }
}

function told(error: unknown, fate: Fate): unknown {
  if (fate === 'not done') return error
  if (fate === 'unknown')
    return new OutcomeUnknown(`Whether it was done is unknown: ${sentenceOf(error)} Read the current state first.`, {
      cause: error,
    })
  return new Error(`Not done: ${fate.overtaken} after the approval was asked for. Look at it again.`, { cause: error })
}

/**
 * What became of a change that went over HTTP. A server that answers with an error of its own, and an answer that is missing or of no
 * use, leave it open.
 */
export function fateOfRequest(error: unknown): Fate {
  if (error instanceof Unreachable) return error.mayHaveArrived ? 'unknown' : 'not done'
  return error instanceof RequestError && error.status < 500 ? 'not done' : 'unknown'
}
