import { doHttpRequest } from 'matrix-bot-sdk/lib/http.js'
import { LogLevel, LogService } from 'matrix-bot-sdk/lib/logging/LogService.js'
import { setRequestFn } from 'matrix-bot-sdk/lib/request.js'
import type { Logger } from 'pino'
import type { Dispatcher } from 'undici'
import { type Answer, exchange } from '../../http/exchange.ts'
import { whyNoAnswer } from '../../http/no-answer.ts'
import { RequestError } from '../../http/request-error.ts'
import { retryAfterMs } from '../../http/waits.ts'

/** One account on one homeserver. */
export interface Client {
  /** Calls the client-server API. Path segments are encoded by the caller (`path`). Throws `MatrixError`. */
  call<Answer>(method: 'GET' | 'PUT' | 'POST', path: string, options?: CallOptions): Promise<Answer>
  /** Aborted by `close`; its reason is what pending calls reject with. */
  closing: AbortSignal
  close(): void
}

export interface CallOptions {
  query?: Record<string, string | number>
  body?: unknown
  /** Sends these bytes instead of JSON. */
  upload?: { bytes: Buffer; type: string }
  timeoutMs?: number
}

/** The code of an answer that no homeserver wrote. */
const notMatrix = 'NOT_MATRIX'

/** The homeserver refused (`status`, `code`) or could not be reached (status 0). Holds no token and no content. */
export class MatrixError extends RequestError {
  override readonly name = 'MatrixError'
}

export const isRevoked = (error: unknown): boolean =>
  error instanceof MatrixError && ['M_UNKNOWN_TOKEN', 'M_MISSING_TOKEN', 'M_USER_DEACTIVATED'].includes(error.code)

/** The homeserver itself says that there is no such thing, or that we may not see it. */
export const isAbsent = (error: unknown): boolean =>
  error instanceof MatrixError && (error.status === 403 || error.status === 404) && !error.isForeign

/** The path of a client-server endpoint, each segment encoded. */
export const path = (...segments: string[]): string =>
  `/_matrix/client/${['v3', ...segments].map(encodeURIComponent).join('/')}`

/** The same for endpoints that were born with version 1. */
export const pathV1 = (...segments: string[]): string =>
  `/_matrix/client/${['v1', ...segments].map(encodeURIComponent).join('/')}`

const usualTimeoutMs = 30_000

/** Only the part of matrix-bot-sdk that talks to the server is loaded: its entry brings 350 modules and 40 MiB that nothing here uses. */
export function createClient(options: { url: string; token: string; dispatcher?: Dispatcher; log: Logger }): Client {
  const { token, dispatcher, log } = options
  const url = options.url.replace(/\/+$/, '')
  const aborter = new AbortController()
  LogService.setLevel(LogLevel.WARN)
  LogService.setLogger(bridge(log))

  async function call<Answer>(
    method: 'GET' | 'PUT' | 'POST',
    endpoint: string,
    { query, body, upload, timeoutMs = usualTimeoutMs }: CallOptions = {},
  ): Promise<Answer> {
    const send = requestFunction({ ...(dispatcher && { dispatcher }), closing: aborter.signal })
    // The SDK has one request function for all its clients and reads it synchronously in `doHttpRequest`.
    setRequestFn(send)
    const headers = { Authorization: `Bearer ${token}` }
    const payload = upload ? upload.bytes : body
    return doHttpRequest(url, method, endpoint, query, payload, headers, timeoutMs, false, upload?.type)
  }

  return { call, closing: aborter.signal, close: () => aborter.abort(new Error('the Matrix connection was closed')) }
}

/** What the SDK logs about single requests is known to the caller of `call` as an error; the rest may interest an operator. */
function bridge(log: Logger) {
  const text = (parts: unknown[]) =>
    parts
      .filter((part) => typeof part === 'string')
      .join(' ')
      .slice(0, 300)
  const quiet = (module: string, ...parts: unknown[]) =>
    log.debug({ component: 'matrix', module, detail: text(parts) }, 'matrix-bot-sdk')
  const loud = (module: string, ...parts: unknown[]) =>
    log.warn({ component: 'matrix', module, detail: text(parts) }, 'matrix-bot-sdk')
  return { trace: quiet, debug: quiet, info: quiet, warn: loud, error: quiet }
}

/** What the SDK hands to a function in the manner of the `request` package. */
interface RequestParameters {
  uri: string
  method: string
  qs: Record<string, string | number> | null
  headers: Record<string, string>
  body?: string | Buffer
  timeout: number
}
type RequestCallback = (error: Error | null, response?: { statusCode: number; body: unknown }, body?: unknown) => void

function requestFunction(connection: { dispatcher?: Dispatcher; closing: AbortSignal }) {
  return (parameters: RequestParameters, callback: RequestCallback): void => {
    answerOf(parameters, connection).then(
      (body) => callback(null, { statusCode: 200, body }, body),
      (error: Error) => callback(error),
    )
  }
}

/** The parsed body of a good answer. Throws `MatrixError` for every other, or the reason of `closing`. */
async function answerOf(
  parameters: RequestParameters,
  { dispatcher, closing }: { dispatcher?: Dispatcher; closing: AbortSignal },
): Promise<unknown> {
  const { uri, method, qs, headers, body, timeout } = parameters
  const where = `${method} ${new URL(uri).pathname.replaceAll(/%[0-9A-F]{2}/g, '.')}`
  try {
    const answer = await exchange(uri, {
      method: method as Dispatcher.HttpMethod,
      headers,
      query: qs ?? undefined,
      body,
      timeoutMs: timeout,
      // Each request of ours says what is to be, not what is to be added, or has a transaction id.
      isRepeatable: true,
      closing,
      dispatcher,
    })
    const parsed = parse(answer.text)
    if (answer.status >= 200 && answer.status < 300 && parsed) return parsed
    throw refusal(where, answer)
  } catch (error) {
    if (closing.aborted) throw closing.reason
    if (error instanceof MatrixError) throw error
    throw new MatrixError(`${where}: ${whyNoAnswer(error)}`, { status: 0, code: 'UNREACHABLE', cause: error })
  }
}

function refusal(where: string, { status, headers, text }: Answer): MatrixError {
  const { errcode, error, retry_after_ms } = (parse(text) ?? {}) as Record<string, unknown>
  const isForeign = typeof errcode !== 'string'
  const code = isForeign ? notMatrix : errcode
  const said = typeof error === 'string' ? error.slice(0, 300) : 'the answer is not from a Matrix server'
  // Servers before Matrix 1.10 say how long to wait in the body alone: https://spec.matrix.org/latest/client-server-api/#rate-limiting
  const waitMs = typeof retry_after_ms === 'number' ? retry_after_ms : retryAfterMs(headers['retry-after'])
  return new MatrixError(`${where}: ${status} ${code} ${said}`, { status, code, isForeign, retryAfterMs: waitMs })
}

function parse(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}
