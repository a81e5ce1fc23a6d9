import { doHttpRequest } from 'matrix-bot-sdk/lib/http.js'
import { LogLevel, LogService } from 'matrix-bot-sdk/lib/logging/LogService.js'
import { setRequestFn } from 'matrix-bot-sdk/lib/request.js'
import type { Logger } from 'pino'
import { type Dispatcher, request } from 'undici'

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
export class MatrixError extends Error {
  override readonly name = 'MatrixError'
  readonly status: number
  readonly code: string
  readonly retryAfterMs: number | undefined

  constructor(message: string, details: { status: number; code: string; retryAfterMs?: number; cause?: unknown }) {
    super(message, { cause: details.cause })
    this.status = details.status
    this.code = details.code
    this.retryAfterMs = details.retryAfterMs
  }
}

export const isRevoked = (error: unknown): boolean =>
  error instanceof MatrixError && ['M_UNKNOWN_TOKEN', 'M_MISSING_TOKEN', 'M_USER_DEACTIVATED'].includes(error.code)

/**
 * The server is away or in trouble: the same request may succeed later. A proxy without a server behind it may also say that there is
 * nothing, or show a page of its own.
 */
export const isAway = (error: unknown): boolean =>
  error instanceof MatrixError &&
  (error.status === 0 ||
    error.status >= 500 ||
    error.status === 408 ||
    (error.code === notMatrix && (error.status < 400 || error.status === 404)))

/** The homeserver itself says that there is no such thing, or that we may not see it. */
export const isAbsent = (error: unknown): boolean =>
  error instanceof MatrixError && (error.status === 403 || error.status === 404) && error.code !== notMatrix

export const isLimited = (error: unknown): boolean => error instanceof MatrixError && error.status === 429

/** How long the server asks to be left alone, in milliseconds. */
export const askedWait = (error: unknown): number | undefined =>
  error instanceof MatrixError ? error.retryAfterMs : undefined

/** The path of a client-server endpoint, each segment encoded. */
export const path = (...segments: string[]): string =>
  `/_matrix/client/${['v3', ...segments].map(encodeURIComponent).join('/')}`

/** The same for endpoints that were born with version 1. */
export const pathV1 = (...segments: string[]): string =>
  `/_matrix/client/${['v1', ...segments].map(encodeURIComponent).join('/')}`

const usualTimeoutMs = 30_000

/** Of matrix-bot-sdk only the part that talks to the server is loaded: its entry brings 350 modules and 40 MiB that nobody here uses. */
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
  const signal = AbortSignal.any([closing, AbortSignal.timeout(timeout)])
  const ask = async () => {
    const answer = await request(uri, {
      method: method as Dispatcher.HttpMethod,
      headers,
      signal,
      headersTimeout: timeout,
      bodyTimeout: timeout,
      ...(qs && { query: qs }),
      ...(body !== undefined && { body }),
      ...(dispatcher && { dispatcher }),
    })
    return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() }
  }
  const where = `${method} ${new URL(uri).pathname.replaceAll(/%[0-9A-F]{2}/g, '.')}`
  try {
    // After a restart of the server kept-alive sockets are dead. Asking again is harmless: each request of ours says what is to be,
    // not what is to be added, or has a transaction id.
    const {
      status,
      headers: received,
      text,
    } = await ask().catch((error) => {
      if (!isDeadSocket(error)) throw error
      return ask()
    })
    const parsed = parse(text)
    if (status >= 200 && status < 300 && parsed) return parsed
    throw refusal(where, status, text, received['retry-after'])
  } catch (error) {
    if (closing.aborted) throw closing.reason
    if (error instanceof MatrixError) throw error
    const reason = describe(error)
    throw new MatrixError(`${where}: ${reason}`, { status: 0, code: 'UNREACHABLE', cause: error })
  }
}

const isDeadSocket = (error: unknown): boolean =>
  ['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'].includes((error as { code?: string }).code ?? '')

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error.name === 'TimeoutError') return 'no answer in time'
  return [(error as { code?: string }).code, error.message].filter(Boolean).join(' ')
}

function refusal(where: string, status: number, text: string, retryAfter: string | string[] | undefined): MatrixError {
  const body = parse(text) as { errcode?: unknown; error?: unknown; retry_after_ms?: unknown } | undefined
  const code = typeof body?.errcode === 'string' ? body.errcode : notMatrix
  const said = typeof body?.error === 'string' ? body.error.slice(0, 300) : 'the answer is not from a Matrix server'
  const waitMs = typeof body?.retry_after_ms === 'number' ? body.retry_after_ms : headerMs(retryAfter)
  return new MatrixError(`${where}: ${status} ${code} ${said}`, {
    status,
    code,
    ...(waitMs !== undefined && { retryAfterMs: waitMs }),
  })
}

/** `Retry-After` in milliseconds: it comes as seconds or as a date. */
export function headerMs(value: string | string[] | undefined, now = Date.now()): number | undefined {
  if (typeof value !== 'string') return undefined
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000
  // A date begins with a weekday; Date.parse would make one of any number.
  const date = /^[A-Za-z]{3}/.test(value) ? Date.parse(value) : Number.NaN
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}

function parse(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}
