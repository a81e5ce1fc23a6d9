import { createRequire } from 'node:module'
import type { MatrixClient as Sdk } from 'matrix-bot-sdk'
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

/** The server is away or in trouble: the same request may succeed later. */
export const isAway = (error: unknown): boolean =>
  error instanceof MatrixError && (error.status === 0 || error.status >= 500 || error.status === 408)

export const isLimited = (error: unknown): error is MatrixError => error instanceof MatrixError && error.status === 429

/** The path of a client-server endpoint, each segment encoded. */
export const path = (...segments: string[]): string =>
  `/_matrix/client/${['v3', ...segments].map(encodeURIComponent).join('/')}`

/** The same for endpoints that were born with version 1. */
export const pathV1 = (...segments: string[]): string =>
  `/_matrix/client/${['v1', ...segments].map(encodeURIComponent).join('/')}`

const usualTimeoutMs = 30_000

/** matrix-bot-sdk is loaded with the first call: it costs 300 ms and 50 MB that nobody without Matrix should pay. */
export function createClient(options: { url: string; token: string; dispatcher?: Dispatcher; log: Logger }): Client {
  const { url, token, dispatcher, log } = options
  const aborter = new AbortController()
  let loaded: { sdk: Sdk; setRequestFn(fn: unknown): void } | undefined

  function load() {
    const { MatrixClient, LogLevel, LogService, setRequestFn } = requireSdk()
    LogService.setLevel(LogLevel.WARN)
    LogService.setLogger(bridge(log))
    return { sdk: new MatrixClient(url, token), setRequestFn }
  }

  async function call<Answer>(method: string, endpoint: string, given: CallOptions = {}): Promise<Answer> {
    const { sdk, setRequestFn } = (loaded ??= load())
    const { query = null, body = null, upload, timeoutMs = usualTimeoutMs } = given
    const send = requestFunction({ ...(dispatcher && { dispatcher }), closing: aborter.signal })
    // The SDK has one request function for all its clients and reads it synchronously in `doRequest`.
    setRequestFn(send)
    const payload = upload ? upload.bytes : body
    const answer = await sdk.doRequest(method as 'GET', endpoint, query, payload, timeoutMs, false, upload?.type)
    return answer as Answer
  }

  return { call, closing: aborter.signal, close: () => aborter.abort(new Error('the Matrix connection was closed')) }
}

/** One of its packages calls an old function of Node while it is loaded; the warning says nothing about us. */
function requireSdk(): typeof import('matrix-bot-sdk') {
  const warnings = process as unknown as { noDeprecation?: boolean }
  const before = warnings.noDeprecation ?? false
  warnings.noDeprecation = true
  try {
    return createRequire(import.meta.url)('matrix-bot-sdk')
  } finally {
    warnings.noDeprecation = before
  }
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
    if (status >= 200 && status < 300) return parse(text) ?? {}
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
  const code = typeof body?.errcode === 'string' ? body.errcode : 'NOT_MATRIX'
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
  const date = Date.parse(value)
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
