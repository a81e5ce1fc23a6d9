import { Client4 } from '@mattermost/client'
import type { Options } from '@mattermost/types/client4'
import { type Dispatcher, request } from 'undici'

/** One account on one server. */
export interface Client {
  rest: Rest
  /** Aborted by `close`; its reason is what pending calls reject with. */
  closing: AbortSignal
  close(): void
}

/** The code of an answer that no Mattermost server wrote. */
const notMattermost = 'NOT_MATTERMOST'

/** The server refused (`status`, `code`) or could not be reached (status 0). Holds no token and no content. */
export class MattermostError extends Error {
  override readonly name = 'MattermostError'
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
  error instanceof MattermostError && error.status === 401 && error.code !== notMattermost

export const isLimited = (error: unknown): boolean => error instanceof MattermostError && error.status === 429

/**
 * The server is away or in trouble: the same request may succeed later. A proxy without a server behind it may also say that there is
 * nothing, or show a page of its own.
 */
export const isAway = (error: unknown): boolean =>
  error instanceof MattermostError &&
  (error.status === 0 ||
    error.status >= 500 ||
    error.status === 408 ||
    (error.code === notMattermost && (error.status < 400 || error.status === 404)))

/** The server has said no, and will say it again. */
export const isFinal = (error: unknown): boolean =>
  error instanceof MattermostError && !isAway(error) && !isLimited(error) && !isRevoked(error)

/** The server itself says that there is no such thing. */
export const isAbsent = (error: unknown): boolean =>
  error instanceof MattermostError && error.status === 404 && error.code !== notMattermost

/** How long the server asks to be left alone, in milliseconds. */
export const askedWait = (error: unknown): number | undefined =>
  error instanceof MattermostError ? error.retryAfterMs : undefined

const timeoutMs = 30_000
const uploadMs = 120_000

export function createClient(options: {
  url: string
  token: string
  dispatcher?: Dispatcher
  /** The server does not accept the token any more. */
  onRevoked(error: unknown): void
}): Client {
  const aborter = new AbortController()
  const rest = new Rest({ ...options, closing: aborter.signal })
  return {
    rest,
    closing: aborter.signal,
    close: () => aborter.abort(new Error('the Mattermost connection was closed')),
  }
}

interface Connection {
  url: string
  token: string
  dispatcher?: Dispatcher
  closing: AbortSignal
  onRevoked(error: unknown): void
}

/**
 * The library's client, whose own way to the server has no time limits, no private certificates, no headers of the answer, and takes a
 * proxy's HTML for an empty error. Throws `MattermostError`, or the reason of `closing`.
 */
export class Rest extends Client4 {
  readonly #connection: Connection

  constructor(connection: Connection) {
    super()
    this.#connection = connection
    this.setUrl(connection.url.replace(/\/+$/, ''))
  }

  protected override doFetch = async <Answer>(url: string, options: Options): Promise<Answer> => {
    try {
      return (await answerOf(url, options, this.#connection)) as Answer
    } catch (error) {
      if (isRevoked(error)) this.#connection.onRevoked(error)
      throw error
    }
  }

  /** Shows for some seconds that we are writing in a thread. */
  typing = (channel: string, root: string): Promise<unknown> =>
    this.doFetch(`${this.getBaseRoute()}/users/me/typing`, {
      method: 'post',
      body: JSON.stringify({ channel_id: channel, parent_id: root }),
    })
}

async function answerOf(url: string, options: Options, connection: Connection): Promise<unknown> {
  const { token, dispatcher, closing } = connection
  const method = (options.method ?? 'get').toUpperCase() as Dispatcher.HttpMethod
  const { body, type } = await encoded(options.body)
  const limit = Buffer.isBuffer(body) ? uploadMs : timeoutMs
  const ask = async () => {
    const answer = await request(url, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        'x-requested-with': 'XMLHttpRequest',
        ...(type && { 'content-type': type }),
      },
      signal: AbortSignal.any([closing, AbortSignal.timeout(limit)]),
      headersTimeout: limit,
      bodyTimeout: limit,
      ...(body !== undefined && { body }),
      ...(dispatcher && { dispatcher }),
    })
    return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() }
  }
  const where = `${method} ${new URL(url).pathname}`
  try {
    // After a restart of the server kept-alive connections are dead. Asking again is harmless, but for what adds something.
    const { status, headers, text } = await ask().catch((error) => {
      if (method === 'POST' || !isDeadConnection(error)) throw error
      return ask()
    })
    const parsed = parse(text)
    if (status >= 200 && status < 300 && parsed) return parsed.value
    throw refusal(where, status, parsed?.value, headers['retry-after'])
  } catch (error) {
    if (closing.aborted) throw closing.reason
    if (error instanceof MattermostError) throw error
    throw new MattermostError(`${where}: ${describe(error)}`, { status: 0, code: 'UNREACHABLE', cause: error })
  }
}

/** A form as bytes: given as a stream it cannot be sent a second time. */
async function encoded(body: unknown): Promise<{ body?: string | Buffer; type?: string }> {
  if (typeof body === 'string') return { body, type: 'application/json' }
  if (!(body instanceof FormData)) return {}
  const form = new Response(body)
  return { body: Buffer.from(await form.arrayBuffer()), type: form.headers.get('content-type') ?? '' }
}

const isDeadConnection = (error: unknown): boolean =>
  ['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'].includes((error as { code?: string }).code ?? '')

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error.name === 'TimeoutError') return 'no answer in time'
  return [(error as { code?: string }).code, error.message].filter(Boolean).join(' ')
}

function refusal(where: string, status: number, body: unknown, retryAfter: unknown): MattermostError {
  const { id, message } = (body ?? {}) as { id?: unknown; message?: unknown }
  const code = typeof id === 'string' ? id : notMattermost
  const said = typeof message === 'string' ? message.slice(0, 300) : 'the answer is not from a Mattermost server'
  const seconds = typeof retryAfter === 'string' && /^\d{1,6}$/.test(retryAfter) ? Number(retryAfter) : undefined
  return new MattermostError(`${where}: ${status} ${code} ${said}`, {
    status,
    code,
    ...(seconds !== undefined && { retryAfterMs: seconds * 1000 }),
  })
}

/** Proxies rewrite the content type, so what counts is whether it is JSON. An empty list may come as null. */
function parse(text: string): { value: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' ? { value } : undefined
  } catch {
    return undefined
  }
}
