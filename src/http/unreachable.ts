import { neverSent } from './never-sent.ts'
import { codeOf } from './no-answer.ts'
import { RequestError } from './request-error.ts'

/** No answer came to a request. */
export class Unreachable extends RequestError {
  override readonly name: string = 'Unreachable'
  /** Whether the request may have arrived all the same: only the answer is missing. */
  readonly mayHaveArrived: boolean

  constructor(
    message: string,
    { cause, mayHaveArrived = !neverSent(cause) }: { cause?: unknown; mayHaveArrived?: boolean },
  ) {
    super(message, { status: 0, code: codeOf(cause) ?? '', cause })
    this.mayHaveArrived = mayHaveArrived
  }
}
