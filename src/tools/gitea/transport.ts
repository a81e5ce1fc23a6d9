import { type Dispatcher, request } from 'undici'
import { shortReason } from '../../http/no-answer.ts'
import { pause } from '../../http/pause.ts'
import { UnusableAnswer } from '../../http/unusable-answer.ts'
import { type Answer, GiteaUnreachable } from './errors.ts'

export interface TransportOptions {
  /** May have a path; no slash at the end. */
  url: string
  token: string
  /** Trusts what the configuration says. */
  dispatcher: Dispatcher
  timeoutMs: number
  /** Pause before a second try, doubled for the third. */
  pauseMs: number
}

export interface Asked {
  signal: AbortSignal
  headers?: Record<string, string>
  /** Larger answers are an error, unless only the end is wanted; 4 MiB. */
  maxBytes?: number
  /** Keeps the end of an answer that is larger than `maxBytes`, in place of an error. */
  keep?: 'end'
}

export interface Written {
  method: string
  path: string
  contentType: string
  body: string
}

/** Requests to one Gitea. Paths begin with `/api/v1`. Nothing is ever redirected to another place with the token. */
export interface Transport {
  /** Reads are harmless, so they are tried three times when the server is away. */
  read(path: string, asked: Asked): Promise<Answer>
  /** Sent once. */
  write(request: Written, signal: AbortSignal): Promise<Answer>
}

const tries = 3

export function createTransport({ url, token, dispatcher, timeoutMs, pauseMs }: TransportOptions): Transport {
  const { host } = new URL(url)

  async function read(path: string, asked: Asked): Promise<Answer> {
    for (let attempt = 1; ; attempt++) {
      const answer = await send({ method: 'GET', path }, asked).catch((error: unknown) => {
        if (error instanceof GiteaUnreachable && attempt < tries) return undefined
        throw error
      })
      const isPassing = !answer || [502, 503, 504].includes(answer.status)
      if (answer && (!isPassing || attempt >= tries)) return answer
      await pause(pauseMs * 2 ** (attempt - 1) * (1 + Math.random()), asked.signal)
    }
  }

  async function send(
    { method, path, contentType, body }: { method: string; path: string } & Partial<Written>,
    { signal, headers = {}, maxBytes = 4 * 1024 * 1024, keep }: Asked,
  ): Promise<Answer> {
    try {
      const response = await request(url + path, {
        method: method as Dispatcher.HttpMethod,
        headers: {
          authorization: `token ${token}`,
          accept: 'application/json',
          ...(body && contentType && { 'content-type': contentType }),
          ...headers,
        },
        ...(body && { body }),
        dispatcher,
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      })
      const { bytes, cut } = await collect(response.body, path, { maxBytes, keep })
      return { status: response.statusCode, headers: response.headers, text: bytes.toString('utf8'), cut }
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof UnusableAnswer) throw error
      throw new GiteaUnreachable(`Gitea ${host} cannot be reached (${shortReason(error, timeoutMs)}).`, {
        cause: error,
      })
    }
  }

  return { read, write: (written, signal) => send(written, { signal }) }
}

async function collect(
  body: AsyncIterable<Buffer>,
  path: string,
  { maxBytes, keep }: { maxBytes: number; keep: 'end' | undefined },
): Promise<{ bytes: Buffer; cut: boolean }> {
  const chunks: Buffer[] = []
  let bytes = 0
  let cut = false
  for await (const chunk of body) {
    chunks.push(chunk)
    bytes += chunk.length
    if (bytes > maxBytes && !keep)
      throw new UnusableAnswer(`Gitea's answer is larger than ${Math.round(maxBytes / 1024 / 1024)} MiB (${path}).`)
    // Whole chunks are dropped from the front as long as enough is left behind them.
    while (keep && bytes - (chunks[0]?.length ?? 0) >= maxBytes) {
      bytes -= chunks.shift()?.length ?? 0
      cut = true
    }
  }
  return { bytes: Buffer.concat(chunks), cut }
}
