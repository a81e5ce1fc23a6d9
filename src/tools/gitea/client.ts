import { setTimeout as wait } from 'node:timers/promises'
import { type Dispatcher, request } from 'undici'
import * as z from 'zod'

/** Gitea's API, as far as it is used. Reads only; errors are sentences. */
export interface Gitea {
  /** Login of the bot's own account. */
  login(signal: AbortSignal): Promise<string>
  /** What CI says about a commit. `statuses` has one entry a context. */
  status(fullName: string, commit: string, signal: AbortSignal): Promise<CommitStatus>
  health(): GiteaHealth
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

const maxBytes = 4 * 1024 * 1024
const tries = 3

/** There is an answer, but not one that can be used. Asking again would not help. */
class UnusableAnswer extends Error {
  override readonly name = 'UnusableAnswer'
}

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

export function createGitea({ url, token, dispatcher, timeoutMs = 15_000, pauseMs = 200 }: GiteaOptions): Gitea {
  const base = `${url.replace(/\/+$/, '')}/api/v1`
  const host = new URL(url).host
  let health: GiteaHealth = { state: 'unknown' }

  async function get<Schema extends z.ZodType>(
    path: string,
    schema: Schema,
    signal: AbortSignal,
  ): Promise<z.output<Schema>> {
    const { status, text } = await read(path, signal)
    health = healthAfter(status, path)
    if (status !== 200) throw new Error(explain(status, text, path))
    return parse(text, schema, path)
  }

  /** Reads are harmless, so they are tried again; nothing is ever redirected to another place with the token. */
  async function read(path: string, signal: AbortSignal): Promise<{ status: number; text: string }> {
    for (let attempt = 1; ; attempt++) {
      const answer = await send(path, signal).catch((error: unknown) => {
        signal.throwIfAborted()
        if (error instanceof UnusableAnswer) throw error
        if (attempt < tries) return undefined
        const problem = `Gitea ${host} cannot be reached (${reasonOf(error)}).`
        health = { state: 'unreachable', detail: problem }
        throw new Error(problem, { cause: error })
      })
      const isPassing = !answer || [502, 503, 504].includes(answer.status)
      if (answer && (!isPassing || attempt >= tries)) return answer
      await wait(pauseMs * 2 ** (attempt - 1) * (1 + Math.random()), undefined, { signal })
    }
  }

  function reasonOf(error: unknown): string {
    if (error instanceof Error && error.name === 'TimeoutError') return `no answer within ${timeoutMs / 1000} s`
    const { code } = error as { code?: unknown }
    return typeof code === 'string' ? code : 'no answer'
  }

  async function send(path: string, signal: AbortSignal): Promise<{ status: number; text: string }> {
    const response = await request(base + path, {
      headers: { authorization: `token ${token}`, accept: 'application/json' },
      dispatcher,
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    })
    const chunks: Buffer[] = []
    let bytes = 0
    for await (const chunk of response.body) {
      bytes += chunk.length
      if (bytes > maxBytes)
        throw new UnusableAnswer(`Gitea's answer is larger than ${maxBytes / 1024 / 1024} MiB (${path}).`)
      chunks.push(chunk)
    }
    return { status: response.statusCode, text: Buffer.concat(chunks).toString('utf8') }
  }

  function parse<Schema extends z.ZodType>(text: string, schema: Schema, path: string): z.output<Schema> {
    try {
      return schema.parse(JSON.parse(text))
    } catch (error) {
      throw new UnusableAnswer(
        `What answers at ${url} does not answer as Gitea does (${path}). Check KUBE_AGENT_GITEA_URL; a proxy or a login page may stand in front.`,
        { cause: error },
      )
    }
  }

  return {
    login: async (signal) => (await get('/user', User, signal)).login,
    status: async (fullName, commit, signal) =>
      get(`/repos/${repositoryPath(fullName)}/commits/${commitHash(commit)}/status`, CommitStatus, signal),
    health: () => health,
  }
}

function repositoryPath(fullName: string): string {
  const [owner = '', name = '', ...rest] = fullName.split('/')
  const valid = [owner, name].every((part) => /^[\w.-]{1,100}$/.test(part) && part !== '.' && part !== '..')
  if (!valid || rest.length > 0) throw new Error(`${JSON.stringify(fullName)} is no repository name (owner/name).`)
  return `${owner}/${name}`
}

function commitHash(commit: string): string {
  if (!/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(commit)) throw new Error(`${JSON.stringify(commit)} is no commit.`)
  return commit
}

function healthAfter(status: number, path: string): GiteaHealth {
  if (status === 401) return { state: 'refused', detail: explain(status, '', path) }
  if (status >= 500) return { state: 'unreachable', detail: explain(status, '', path) }
  return { state: 'ready' }
}

/** "token does not have at least one of required scope(s), required=[read:repository]" */
function explain(status: number, text: string, path: string): string {
  const scope = /required=\[([\w:, ]+)\]/.exec(text)?.[1]
  if (status === 401) return 'Gitea refused the token (401). Check KUBE_AGENT_GITEA_TOKEN.'
  if (scope) return `The Gitea token lacks the scope ${scope}.`
  if (status === 403) return `Gitea does not allow this for the bot's account (403, ${path}).`
  if (status === 404) return `Gitea has no such thing, or the bot's account may not see it (404, ${path}).`
  if (status >= 300 && status < 400) return `Gitea says that ${path} has moved; use the new name.`
  return `Gitea answered ${status} (${path}).`
}
