import { type Fate, fateOfRequest, sendApproved } from '../approved.ts'
import { type Preview, Refusal, type Target } from '../tool.ts'
import type { Gitea } from './client.ts'
import { GiteaError } from './errors.ts'
import type { RepositoryName } from './paths.ts'
import { type Repository, readRepository } from './repositories.ts'

export const repositoryTarget = ({ owner, repo }: RepositoryName): Target => ({
  kind: 'Repository',
  name: `${owner}/${repo}`,
})

export const request = (method: string, path: string, body?: object): Preview['request'] => ({
  method,
  path,
  contentType: body ? 'application/json' : '',
  body: body ? JSON.stringify(body, null, 1) : '',
})

/** The repository, when the bot may write to it; people are not asked for what would fail. */
export async function writable(gitea: Gitea, name: RepositoryName, signal: AbortSignal): Promise<Repository> {
  const found = await readRepository(gitea, name, signal)
  if (found.archived) throw new Refusal(`${found.full_name} is archived: nothing can be changed in it.`)
  if (found.permissions?.push === false)
    throw new Refusal(`The bot's account may only read ${found.full_name}. It needs write permission there.`)
  return found
}

/** `sendApproved` to Gitea; resolves to its answer. */
export const sendToGitea = (gitea: Gitea, path: string, approved: Preview, signal: AbortSignal): Promise<unknown> =>
  sendApproved(approved, path, (request) => gitea.send(request, signal), fateOf)

/** Gitea says the first of a merge whose branch has other commits by now. */
const fateOf = (error: unknown): Fate =>
  error instanceof GiteaError && /head out of date/i.test(error.code)
    ? { overtaken: 'the branch has moved' }
    : fateOfRequest(error)

/** A text that people are asked about, as lines that are added. */
export const added = (text: string): string =>
  text
    .trim()
    .split('\n')
    .map((line) => `+${line}`)
    .join('\n')

/** What approvers should know about paths that mean more than their content. */
export function warnings(paths: string[]): string[] {
  const workflows = paths.filter((path) => /^\.(gitea|github|forgejo)\/workflows\//.test(path))
  const special = paths.filter((path) => /(^|\/)\.git(modules|attributes)$/.test(path))
  return [
    ...(workflows.length > 0
      ? [`changes CI workflows, which run with the secrets of the repository: ${workflows.join(', ')}`]
      : []),
    ...(special.length > 0 ? [`changes what git itself does with the repository: ${special.join(', ')}`] : []),
  ]
}
