import { type Dispatcher, request } from 'undici'
import * as z from 'zod'

/** Gitea's API, as far as it is used. Reads only; errors are sentences. */
export interface Gitea {
  /** Login of the bot's own account. */
  login(signal: AbortSignal): Promise<string>
  /** What CI says about a commit. `statuses` has one entry a context. */
  status(fullName: string, commit: string, signal: AbortSignal): Promise<CommitStatus>
  health(): { state: 'ready' | 'unknown' | 'unreachable'; detail?: string }
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
const requestMs = 15_000
const tries = 3

/** `url` may have a path. The dispatcher trusts what the configuration says. */
export function createGitea({ url, token, dispatcher }: { url: string; token: string; dispatcher: Dispatcher }): Gitea {
  const base = `${url.replace(/\/+$/, '')}/api/v1`
  const host = new URL(url).host
  let health: ReturnType<Gitea['health']> = { state: 'unknown' }

  /** Reads are harmless, so they are tried again; nothing is ever redirected to another place with the token. */
  async function get<Schema extends z.ZodType>(
    path: string,
    schema: Schema,
    signal: AbortSignal,
  ): Promise<z.output<Schema>> {
    for (let attempt = 1; ; attempt++) {
      const answer = await send(path, signal).catch((error: unknown) => {
        signal.throwIfAborted()
        if (attempt < tries) return undefined
        const code = (error as { code?: unknown }).code
        const problem = `Gitea ${host} cannot be reached (${typeof code === 'string' ? code : 'no answer'}).`
        health = { state: 'unreachable', detail: problem }
        throw new Error(problem, { cause: error })
      })
      if (answer && (answer.status < 502 || attempt >= tries)) {
        health = { state: 'ready' }
        if (answer.status !== 200) throw new Error(explain(answer.status, answer.text, path))
        return schema.parse(JSON.parse(answer.text))
      }
      await new Promise((resolve) => setTimeout(resolve, 100 * 2 ** attempt * (1 + Math.random())))
    }
  }

  async function send(path: string, signal: AbortSignal): Promise<{ status: number; text: string }> {
    const response = await request(base + path, {
      headers: { authorization: `token ${token}`, accept: 'application/json' },
      dispatcher,
      signal: AbortSignal.any([signal, AbortSignal.timeout(requestMs)]),
    })
    const chunks: Buffer[] = []
    let bytes = 0
    for await (const chunk of response.body) {
      bytes += chunk.length
      if (bytes > maxBytes) throw new Error('the answer is too large')
      chunks.push(chunk)
    }
    return { status: response.statusCode, text: Buffer.concat(chunks).toString('utf8') }
  }

  return {
    login: async (signal) => (await get('/user', User, signal)).login,
    status: (fullName, commit, signal) =>
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
