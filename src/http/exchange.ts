import { type Dispatcher, request } from 'undici'
import { isDeadSocket } from './no-answer.ts'

export interface ExchangeOptions {
  method: Dispatcher.HttpMethod
  headers: Record<string, string>
  query?: Record<string, string | number> | undefined
  body?: string | Buffer | undefined
  timeoutMs: number
  /** The request does no harm when the server gets it twice. */
  isRepeatable: boolean
  closing: AbortSignal
  dispatcher?: Dispatcher | undefined
}

export interface Answer {
  status: number
  headers: Record<string, string | string[] | undefined>
  text: string
}

/**
 * One request and its whole answer, whatever its status. After a restart of the server kept connections are dead, so what is repeatable
 * is sent a second time. Rejects with undici's error, a `TimeoutError`, or the reason of `closing`.
 */
export async function exchange(url: string, options: ExchangeOptions): Promise<Answer> {
  return once(url, options).catch((error: unknown) => {
    if (!options.isRepeatable || !isDeadSocket(error)) throw error
    return once(url, options)
  })
}

async function once(url: string, options: ExchangeOptions): Promise<Answer> {
  const { method, headers, query, body, timeoutMs, closing, dispatcher } = options
  const answer = await request(url, {
    method,
    headers,
    signal: AbortSignal.any([closing, AbortSignal.timeout(timeoutMs)]),
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    ...(query && { query }),
    ...(body !== undefined && { body }),
    ...(dispatcher && { dispatcher }),
  })
  return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() }
}
