import { Client4 } from '@mattermost/client'
import type { Options } from '@mattermost/types/client4'
import type { Dispatcher } from 'undici'
import { type Answer, exchange } from '../../http/exchange.ts'
import { whyNoAnswer } from '../../http/no-answer.ts'
import { isAway, isLimited, RequestError } from '../../http/request-error.ts'
import { retryAfterMs } from '../../http/waits.ts'

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
export class MattermostError extends RequestError {
  override readonly name = 'MattermostError'
}

export const isRevoked = (error: unknown): boolean =>
  error instanceof MattermostError && error.status === 401 && !error.isForeign

/** The server has said no, and will say it again. */
export const isFinal = (error: unknown): boolean =>
  error instanceof MattermostError && !isAway(error) && !isLimited(error) && !isRevoked(error)

/** The server itself says that there is no such thing. */
export const isAbsent = (error: unknown): boolean =>
  error instanceof MattermostError && error.status === 404 && !error.isForeign

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
  const where = `${method} ${new URL(url).pathname}`
  try {
    const answer = await exchange(url, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        'x-requested-with': 'XMLHttpRequest',
        ...(type && { 'content-type': type }),
      },
      body,
      timeoutMs: Buffer.isBuffer(body) ? uploadMs : timeoutMs,
      // Only a POST adds something.
      isRepeatable: method !== 'POST',
      closing,
      dispatcher,
    })
    const parsed = parse(answer.text)
    if (answer.status >= 200 && answer.status < 300 && parsed) return parsed.value
    throw refusal(where, answer, parsed?.value)
  } catch (error) {
    if (closing.aborted) throw closing.reason
    if (error instanceof MattermostError) throw error
    throw new MattermostError(`${where}: ${whyNoAnswer(error)}`, { status: 0, code: 'UNREACHABLE', cause: error })
  }
}

/** A form as bytes: given as a stream it cannot be sent a second time. */
async function encoded(body: unknown): Promise<{ body?: string | Buffer; type?: string }> {
  if (typeof body === 'string') return { body, type: 'application/json' }
  if (!(body instanceof FormData)) return {}
  const form = new Response(body)
  return { body: Buffer.from(await form.arrayBuffer()), type: form.headers.get('content-type') ?? '' }
}

function refusal(where: string, { status, headers }: Answer, body: unknown): MattermostError {
  const { id, message } = (body ?? {}) as { id?: unknown; message?: unknown }
  const isForeign = typeof id !== 'string'
  const code = isForeign ? notMattermost : id
  const said = typeof message === 'string' ? message.slice(0, 300) : 'the answer is not from a Mattermost server'
  const waitMs = retryAfterMs(headers['retry-after'])
  return new MattermostError(`${where}: ${status} ${code} ${said}`, { status, code, isForeign, retryAfterMs: waitMs })
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
