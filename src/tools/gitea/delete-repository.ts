import * as z from 'zod'
import { type ChangeTool, defineChange, Refusal } from '../tool.ts'
import { repositoryTarget, request, sendToGitea } from './change.ts'
import type { Gitea } from './client.ts'
import { Commit } from './commits.ts'
import * as input from './inputs.ts'
import { firstLine, short, time } from './lines.ts'
import { inRepository, type RepositoryName } from './paths.ts'
import { Pull } from './pulls.ts'
import { readRepository, sizeOf } from './repositories.ts'

export function deleteRepository(gitea: Gitea): ChangeTool {
  return defineChange({
    name: 'gitea_delete_repo',
    description: 'Delete a repository for good (needs approval by somebody else).',
    input: z.object({ owner: input.owner, name: input.repo }),
    effect: 'destroy',
    scopes: ['write:repository'],
    summary: ({ owner, name }) => `delete repository ${owner}/${name} for good`,
    target: ({ owner, name }) => repositoryTarget({ owner, repo: name }),
    async preflight({ owner, name: repo }, { signal }) {
      const name = { owner, repo }
      const found = await readRepository(gitea, name, signal)
      if (found.permissions?.admin === false)
        throw new Refusal(`The bot's account may not delete ${found.full_name}: only its owner can.`)
      const [push, pulls] = await Promise.all([lastCommit(gitea, name, signal), openPulls(gitea, name, signal)])
      return {
        request: request('DELETE', inRepository(name)),
        diff: '',
        affects: [
          `${found.full_name}, ${sizeOf(found)}, ${found.private ? 'private' : 'public'}: all of it is gone, and cannot be brought back`,
          push.line,
          pulls,
          `${found.open_issues_count} open issues`,
        ],
        version: `${found.id}/${push.sha}`,
        watch: 'none' as const,
      }
    },
    async run({ owner, name }, approved, { signal }) {
      await sendToGitea(gitea, inRepository({ owner, repo: name }), approved, signal)
      return `Repository ${owner}/${name} was deleted.`
    },
  })
}

async function lastCommit(
  gitea: Gitea,
  name: RepositoryName,
  signal: AbortSignal,
): Promise<{ sha: string; line: string }> {
  const query = { stat: false, verification: false, files: false }
  const { items } = await gitea
    .list(inRepository(name, '/commits'), Commit, { signal, query, limit: 1 })
    .catch(() => ({ items: [] }))
  signal.throwIfAborted()
  const [commit] = items
  if (!commit) return { sha: 'empty', line: 'it has no commits that can be seen' }
  const { author, message } = commit.commit
  return {
    sha: commit.sha,
    line: `last commit ${short(commit.sha)}, ${time(author.date)} by ${author.name}: ${firstLine(message)}`,
  }
}

async function openPulls(gitea: Gitea, name: RepositoryName, signal: AbortSignal): Promise<string> {
  try {
    const { items, more } = await gitea.list(inRepository(name, '/pulls'), Pull, {
      signal,
      query: { state: 'open' },
      limit: 10,
    })
    if (items.length === 0) return 'no open pull requests'
    return `open pull requests: ${items.map((pull) => `#${pull.number} ${pull.title}`).join('; ')}${more ? ' and more' : ''}`
  } catch {
    signal.throwIfAborted()
    return 'pull requests could not be looked at'
  }
}
