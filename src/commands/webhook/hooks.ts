import * as z from 'zod'
import { isName } from '../../repository.ts'
import type { Gitea } from '../../tools/gitea/client.ts'
import { inRepository, splitName } from '../../tools/gitea/paths.ts'

const Hook = z.object({
  id: z.number(),
  active: z.boolean(),
  events: z
    .array(z.string())
    .nullish()
    .transform((events) => events ?? []),
  config: z.object({ url: z.string().catch('') }),
})
export type Hook = z.output<typeof Hook>

export interface NewHook {
  type: string
  active: boolean
  events: string[]
  config: { url: string; content_type: string; secret: string }
}

/** The webhooks of a repository or of an organisation. */
export interface Hooks {
  /** As Gitea writes its name. */
  scope: string
  /** Where they are in the browser. */
  page: string
  list(): Promise<Hook[]>
  make(hook: NewHook): Promise<Hook>
  remove(id: number): Promise<void>
  /** Lets Gitea send a test delivery, for as long as the result is not disposed of; nothing when there is nothing to send. */
  test(hook: Hook, like: NewHook): Promise<AsyncDisposable | undefined>
}

const Repository = z.object({ full_name: z.string(), empty: z.boolean().catch(false) })
const Organisation = z.object({ name: z.string().optional(), username: z.string().optional() })

export function createHooks(gitea: Gitea, target: string, signal: AbortSignal): Promise<Hooks> {
  return target.includes('/') ? ofRepository(gitea, target, signal) : ofOrganisation(gitea, target, signal)
}

async function ofRepository(gitea: Gitea, target: string, signal: AbortSignal): Promise<Hooks> {
  const found = await gitea.get(inRepository(splitName(target)), Repository, { signal })
  const path = inRepository(splitName(found.full_name), '/hooks')
  return {
    ...shared(gitea, path, signal),
    scope: found.full_name,
    page: `${gitea.url}/${found.full_name}/settings/hooks`,
    async test({ id }) {
      if (found.empty) return undefined
      await gitea.send(written('POST', `${path}/${id}/tests`), signal)
      return { [Symbol.asyncDispose]: async () => {} }
    },
  }
}

async function ofOrganisation(gitea: Gitea, target: string, signal: AbortSignal): Promise<Hooks> {
  if (!isName(target)) throw new Error(`${JSON.stringify(target)} is neither owner/repository nor an organisation.`)
  const { name, username } = await gitea.get(`/api/v1/orgs/${target}`, Organisation, { signal })
  const scope = name ?? username ?? target
  return {
    ...shared(gitea, `/api/v1/orgs/${target}/hooks`, signal),
    scope,
    page: `${gitea.url}/org/${scope}/settings/hooks`,
    async test(_hook, like) {
      const { items } = await gitea.list(`/api/v1/orgs/${target}/repos`, Repository, { signal, limit: 100 })
      const full = items.find(({ empty }) => !empty)
      if (!full) return undefined
      // The API tests webhooks of repositories only: one of them has the same for a moment.
      const repository = await ofRepository(gitea, full.full_name, signal)
      await using stack = new AsyncDisposableStack()
      const borrowed = await repository.make(like)
      stack.defer(() => repository.remove(borrowed.id))
      await repository.test(borrowed, like)
      return stack.move()
    },
  }
}

function shared(gitea: Gitea, path: string, signal: AbortSignal): Pick<Hooks, 'list' | 'make' | 'remove'> {
  return {
    list: async () => (await gitea.list(path, Hook, { signal, limit: 500 })).items,
    make: async (hook) => Hook.parse(await gitea.send(written('POST', path, hook), signal)),
    remove: async (id) => void (await gitea.send(written('DELETE', `${path}/${id}`), signal)),
  }
}

const written = (method: string, path: string, body?: object) => ({
  method,
  path,
  contentType: body ? 'application/json' : '',
  body: body ? JSON.stringify(body) : '',
})
