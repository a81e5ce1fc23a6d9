import { sentenceOf } from '../text/sentence.ts'

/** Why a request got no answer, for an operator: the code, which says most, and what the error says. */
export function whyNoAnswer(error: unknown): string {
  if (error instanceof Error && error.name === 'TimeoutError') return 'no answer in time'
  return [codeOf(error), sentenceOf(error)].filter(Boolean).join(' ')
}

/** The same for a sentence: `ECONNREFUSED`, `no answer within 30 s`. */
export function shortReason(error: unknown, timeoutMs: number): string {
  if (error instanceof Error && error.name === 'TimeoutError') return `no answer within ${timeoutMs / 1000} s`
  return codeOf(error) ?? sentenceOf(error)
}

/** The connection ended before the answer: mostly it was kept from an earlier request, and the server has closed it meanwhile. */
export const isDeadSocket = (error: unknown): boolean =>
  ['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'].includes(codeOf(error) ?? '')

/** The code of an error, such as `ECONNREFUSED`; else that of the nearest cause that has one, since `fetch` wraps its errors. */
export function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  const { code } = error as { code?: unknown }
  return typeof code === 'string' ? code : codeOf(error.cause)
}
