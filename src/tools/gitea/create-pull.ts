import * as z from 'zod'
import { type ChangeTool, defineChange, Refusal } from '../tool.ts'
import { added, repositoryTarget, request, sendToGitea } from './change.ts'
import type { Gitea } from './client.ts'
import { comparison } from './commits.ts'
import { GiteaError } from './errors.ts'
import * as input from './inputs.ts'
import { firstLine, short } from './lines.ts'
import { encodedRef, inRepository, type RepositoryName } from './paths.ts'
import { Pull } from './pulls.ts'
import { readRepository } from './repositories.ts'

export function createPull(gitea: Gitea): ChangeTool {
  return defineChange({
    name: 'gitea_create_pull',
    description: 'Open a pull request from a branch that exists (needs approval).',
    input: z.object({
      owner: input.owner,
      repo: input.repo,
      head: input.branch,
      base: input.optionalBranch,
      title: input.title,
      body: input.longText,
    }),
    effect: 'change',
    scopes: ['write:repository'],
    summary: ({ owner, repo, head, base }) =>
      `open a pull request in ${owner}/${repo}, ${head} -> ${base ?? 'default branch'}`,
    target: repositoryTarget,
    async preflight({ owner, repo, head, base: given, title, body = '' }, { signal }) {
      const name = { owner, repo }
      const found = await readRepository(gitea, name, signal)
      if (found.archived) throw new Refusal(`${found.full_name} is archived: nothing can be changed in it.`)
      const base = given ?? found.default_branch
      if (head === base) throw new Refusal('head and base are the same branch.')
      const [existing, { total_commits: total, commits }] = await Promise.all([
        pullBetween(gitea, name, base, head, signal),
        comparison(gitea, name, { base, head }, signal),
      ])
      if (existing?.state === 'open')
        throw new Refusal(`Pull request #${existing.number} is open for these branches: ${existing.html_url}`)
      if (total === 0) throw new Refusal(`${head} has no commits that ${base} has not.`)
      return {
        request: request('POST', inRepository(name, '/pulls'), { title, head, base, body }),
        diff: added(`${title}\n\n${body}`),
        affects: [
          `${total} commits: ${commits
            .slice(0, 20)
            .map((one) => `${short(one.sha)} ${firstLine(one.commit.message)}`)
            .join('; ')}`,
        ],
        version: `${found.id}/${commits[0]?.sha ?? ''}`,
        watch: 'none' as const,
        branch: { repository: found.id, name: head },
      }
    },
    async run({ owner, repo }, approved, { signal }) {
      const made = Pull.parse(await sendToGitea(gitea, inRepository({ owner, repo }, '/pulls'), approved, signal))
      return `Pull request #${made.number} was opened: ${made.html_url}`
    },
  })
}

async function pullBetween(
  gitea: Gitea,
  name: RepositoryName,
  base: string,
  head: string,
  signal: AbortSignal,
): Promise<Pull | undefined> {
  // Slashes in a name would be taken for the line between the two.
  const path = inRepository(name, `/pulls/${encodeURIComponent(base)}/${encodeURIComponent(head)}`)
  try {
    return await gitea.get(path, Pull, { signal })
  } catch (error) {
    if (error instanceof GiteaError && error.status === 404) return undefined
    throw error
  }
}

export async function branchHead(
  gitea: Gitea,
  name: RepositoryName,
  branch: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const Branch = z.object({ commit: z.object({ id: z.string() }) })
  try {
    return (await gitea.get(inRepository(name, `/branches/${encodedRef(branch)}`), Branch, { signal })).commit.id
  } catch (error) {
    if (error instanceof GiteaError && error.status === 404) return undefined
    throw error
  }
}
