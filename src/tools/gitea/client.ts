import type { Dispatcher } from 'undici'
import * as z from 'zod'
import { UnusableAnswer } from '../../http/unusable-answer.ts'
import { type Answer, GiteaUnreachable, toError } from './errors.ts'
import { commitHash, inRepository, splitName } from './paths.ts'
import { createTransport, type Written } from './transport.ts'
import { type Features, featuresOf, gitea as minorVersion } from './version.ts'

/** Gitea's API. Errors are sentences. */
export interface Gitea {
  /** Address as configured, without a slash at the end. */
  readonly url: string
  /** Login of the bot's own account. */
  login(signal: AbortSignal): Promise<string>
  /** What CI says about a commit. `statuses` has one entry a context. */
  status(fullName: string, commit: string, signal: AbortSignal): Promise<CommitStatus>
  health(): GiteaHealth
  /** What the server can do; asked once. */
  features(signal: AbortSignal): Promise<Features>
  get<Schema extends z.ZodType>(path: string, schema: Schema, options: ReadOptions): Promise<z.output<Schema>>
  /** Pages of a list until there are `limit` items or no more. `more`: there may be further ones. */
  list<Schema extends z.ZodType>(
    path: string,
    item: Schema,
    options: ReadOptions & { limit: number; within?: string },
  ): Promise<Page<z.output<Schema>>>
  /** The text of an answer, or its end when it is larger than `maxBytes`. */
  text(path: string, options: ReadOptions & { maxBytes: number; keep?: 'end' }): Promise<Text>
  /** Sends a change, once. `undefined` when the answer has no body. */
  send(request: Written, signal: AbortSignal): Promise<unknown>
}

export interface ReadOptions {
  signal: AbortSignal
  query?: Record<string, string | number | boolean | undefined>
}

export interface Page<Item> {
  items: Item[]
  more: boolean
  total: number | undefined
}

export interface Text {
  text: string
  /** Whether the beginning is missing. */
  cut: boolean
}

export interface GiteaHealth {
  state: 'ready' | 'unknown' | 'unreachable' | 'refused'
  detail?: string
}

export type CommitStatus = z.output<typeof CommitStatus>

const CommitStatus = z.object({
  state: z.string().catch(''),
  statuses: z
    .array(
      z.object({
        id: z.number().catch(0),
        creator: z.object({ id: z.number(), login: z.string() }).nullish().catch(undefined),
        context: z.string().catch(''),
        status: z.string().catch(''),
        description: z.string().catch(''),
        target_url: z.string().catch(''),
      }),
    )
    .nullish()
    .transform((list) => list ?? []),
})

const User = z.object({ login: z.string() })
const Version = z.object({ version: z.string() })
const Swagger = z.object({ paths: z.record(z.string(), z.unknown()) })

export interface GiteaOptions {
  /** May have a path. */
  url: string
  token: string
  /** Trusts what the configuration says. */
  dispatcher: Dispatcher
  /** How long a request may take; 15 s. */
  timeoutMs?: number
  /** Pause before a second try, doubled for the third; 200 ms. */
  pauseMs?: number
}

const api = '/api/v1'
/** Gitea gives no more than this in a page, whatever is asked for. */
const pageSize = 50

export function createGitea({ url: given, token, dispatcher, timeoutMs = 15_000, pauseMs = 200 }: GiteaOptions): Gitea {
  const url = given.replace(/\/+$/, '')
  const transport = createTransport({ url, token, dispatcher, timeoutMs, pauseMs })
  let health: GiteaHealth = { state: 'unknown' }
  let features: Promise<Features> | undefined

  /** Every answer and every silence tells how the server is. */
  async function noting(path: string, answer: Promise<Answer>): Promise<Answer> {
    try {
      const given = await answer
      health = healthAfter(given, path)
      return given
    } catch (error) {
      if (error instanceof GiteaUnreachable) health = { state: 'unreachable', detail: error.message }
      throw error
    }
  }

  async function read(path: string, { signal, query = {} }: ReadOptions): Promise<Answer> {
    const answer = await noting(path, transport.read(path + search(query), { signal }))
    if (answer.status !== 200) throw toError(answer, shortPath(path))
    return answer
  }

  function parse<Schema extends z.ZodType>(text: string, schema: Schema, path: string): z.output<Schema> {
    try {
      return schema.parse(JSON.parse(text))
    } catch (error) {
      throw new UnusableAnswer(
        `What answers at ${url} does not answer as Gitea does (${shortPath(path)}). Check KUBE_AGENT_GITEA_URL; a proxy or a login page may stand in front.`,
        { cause: error },
      )
    }
  }

  const get: Gitea['get'] = async (path, schema, options) => parse((await read(path, options)).text, schema, path)

  const list: Gitea['list'] = async (path, item, { signal, query, limit, within }) => {
    const items: z.output<typeof item>[] = []
    for (let page = 1; ; page++) {
      const size = Math.min(limit, pageSize)
      const { text, headers } = await read(path, { signal, query: { ...query, page, limit: size } })
      const Body = z.union([z.array(z.unknown()), z.null(), z.record(z.string(), z.unknown())])
      const body = parse(text, Body, path)
      // An empty list may be `null`.
      const found = (Array.isArray(body) ? body : within ? (body?.[within] as unknown[] | null) : []) ?? []
      items.push(...found.map((one) => parse(JSON.stringify(one), item, path)))
      const counted = Array.isArray(body) ? undefined : Number(body?.total_count)
      const total = [Number(headers['x-total-count'] ?? Number.NaN), counted].find((count) => Number.isFinite(count))
      // A server may give fewer a page than asked for, so a short page alone says nothing when there is a total.
      const isLast = found.length === 0 || (total === undefined ? found.length < size : items.length >= total)
      if (isLast || items.length >= limit) {
        const more = items.length > limit || (total === undefined ? !isLast : items.length < total)
        return { items: items.slice(0, limit), more, total }
      }
    }
  }

  const text: Gitea['text'] = async (path, { signal, query = {}, maxBytes, keep }) => {
    const headers = keep && { range: `bytes=-${maxBytes}` }
    const asked = { signal, maxBytes, ...(keep && { keep }), ...(headers && { headers }) }
    const answer = await noting(path, transport.read(path + search(query), asked))
    // An empty file has no range that could be given.
    if (answer.status === 416) return { text: '', cut: false }
    if (answer.status !== 200 && answer.status !== 206) throw toError(answer, shortPath(path))
    const whole = Number(/\/(\d+)$/.exec(String(answer.headers['content-range'] ?? ''))?.[1] ?? 0)
    return { text: answer.text, cut: answer.cut === true || whole > maxBytes }
  }

  async function detect(signal: AbortSignal): Promise<Features> {
    const { version } = await get(`${api}/version`, Version, { signal })
    if (minorVersion(version) !== undefined) return featuresOf(version, undefined)
    const paths = await get('/swagger.v1.json', Swagger, { signal }).catch(() => undefined)
    return featuresOf(version, paths && new Set(Object.keys(paths.paths)))
  }

  return {
    url,
    get,
    list,
    text,
    login: async (signal) => (await get(`${api}/user`, User, { signal })).login,
    status: async (fullName, commit, signal) =>
      get(inRepository(splitName(fullName), `/commits/${commitHash(commit)}/status`), CommitStatus, { signal }),
    health: () => health,
    features(signal) {
      features ??= detect(signal).catch((error: unknown) => {
        features = undefined
        throw error
      })
      return features
    },
    async send(request, signal) {
      const answer = await noting(request.path, transport.write(request, signal))
      if (answer.status < 200 || answer.status >= 300) throw toError(answer, shortPath(request.path))
      return answer.text.trim() === '' ? undefined : parse(answer.text, z.unknown(), request.path)
    },
  }
}

function search(query: NonNullable<ReadOptions['query']>): string {
  const given = new URLSearchParams()
  for (const [key, value] of Object.entries(query)) if (value !== undefined) given.set(key, String(value))
  return given.size > 0 ? `?${given}` : ''
}

const shortPath = (path: string): string => path.replace(api, '').split('?')[0] ?? path

function healthAfter(answer: Answer, path: string): GiteaHealth {
  const { status } = answer
  if (status === 401) return { state: 'refused', detail: toError(answer, shortPath(path)).message }
  if (status >= 500) return { state: 'unreachable', detail: toError(answer, shortPath(path)).message }
  return { state: 'ready' }
}
