import * as z from 'zod'
import { oneLine } from '../output.ts'
import { defineRead, type ReadTool } from '../tool.ts'
import type { Gitea } from './client.ts'
import { GiteaError } from './errors.ts'
import * as input from './inputs.ts'
import { facts, firstLine, short, tabled, time } from './lines.ts'
import { inRepository, type RepositoryName } from './paths.ts'

export type Repository = z.output<typeof Repository>
export const Repository = z.object({
  id: z.number(),
  full_name: z.string(),
  description: z.string().catch(''),
  private: z.boolean().catch(false),
  archived: z.boolean().catch(false),
  empty: z.boolean().catch(false),
  fork: z.boolean().catch(false),
  mirror: z.boolean().catch(false),
  /** In KiB. */
  size: z.number().catch(0),
  default_branch: z.string().catch(''),
  html_url: z.string().catch(''),
  updated_at: z.string().nullish(),
  open_issues_count: z.number().catch(0),
  open_pr_counter: z.number().catch(0),
  permissions: z.object({ admin: z.boolean(), push: z.boolean(), pull: z.boolean() }).optional().catch(undefined),
})

/** `acme/shop` with what tells it apart: `private, archived`. */
const kinds = (one: Repository): string =>
  [
    one.private && 'private',
    one.archived && 'archived',
    one.empty && 'empty',
    one.fork && 'fork',
    one.mirror && 'mirror',
  ]
    .filter(Boolean)
    .join(', ')

export function listRepositories(gitea: Gitea): ReadTool {
  return defineRead({
    name: 'gitea_list_repos',
    description: 'Repositories, newest activity first.',
    input: z.object({ match: input.text.describe('Part of the name') }),
    scopes: ['read:repository'],
    summary: ({ match }) => `repositories${input.matching(match)}`,
    async run({ match }, { signal, maxBytes }) {
      const query = { q: match, sort: 'updated', order: 'desc' }
      const { items, more } = await gitea.list('/api/v1/repos/search', Repository, {
        signal,
        query,
        limit: 200,
        within: 'data',
      })
      const rows = items.map((one) => [
        one.full_name,
        kinds(one),
        one.default_branch,
        time(one.updated_at),
        one.description,
      ])
      return tabled(['NAME', 'KIND', 'BRANCH', 'UPDATED', 'DESCRIPTION'], rows, {
        empty:
          match === undefined
            ? 'No repositories that the bot may see.'
            : `No repository is called like ${JSON.stringify(match)}.`,
        rest: 'Narrow down with match.',
        more,
        maxBytes,
      })
    },
  })
}

export function getRepository(gitea: Gitea): ReadTool {
  return defineRead({
    name: 'gitea_get_repo',
    description: 'One repository.',
    input: z.object({ owner: input.owner, name: input.repo }),
    scopes: ['read:repository'],
    summary: ({ owner, name }) => `repository ${owner}/${name}`,
    async run({ owner, name }, { signal, maxBytes }) {
      const found = await readRepository(gitea, { owner, repo: name }, signal)
      const { permissions } = found
      const may = permissions?.admin ? 'administer' : permissions?.push ? 'write' : 'read'
      return facts(
        [
          `${found.full_name}${kinds(found) && ` (${kinds(found)})`}`,
          oneLine(found.description),
          `default branch ${found.default_branch}, ${sizeOf(found)}, last activity ${time(found.updated_at)}`,
          `open: ${found.open_pr_counter} pull requests, ${found.open_issues_count} issues`,
          `the bot may ${may}`,
          found.html_url,
        ],
        maxBytes,
      )
    },
  })
}

const Branch = z.object({
  name: z.string(),
  protected: z.boolean().catch(false),
  commit: z.object({ id: z.string().catch(''), message: z.string().catch(''), timestamp: z.string().nullish() }),
})

export function listBranches(gitea: Gitea): ReadTool {
  return defineRead({
    name: 'gitea_list_branches',
    description: 'Branches of a repository.',
    input: z.object({ owner: input.owner, repo: input.repo, match: input.match }),
    scopes: ['read:repository'],
    summary: ({ owner, repo, match }) => `branches of ${owner}/${repo}${input.matching(match)}`,
    async run({ owner, repo, match }, { signal, maxBytes }) {
      const { items, more } = await inExisting(gitea, { owner, repo }, signal, () =>
        gitea.list(inRepository({ owner, repo }, '/branches'), Branch, { signal, limit: 500 }),
      )
      const rows = items.map(({ name, commit, protected: isProtected }) => [
        name,
        short(commit.id),
        time(commit.timestamp),
        isProtected ? 'protected' : '',
        firstLine(commit.message),
      ])
      return tabled(['BRANCH', 'COMMIT', 'TIME', '', 'TITLE'], rows, {
        empty: `${owner}/${repo} has no branches: it is empty.`,
        rest: 'Narrow down with match.',
        more,
        match,
        maxBytes,
      })
    },
  })
}

export async function readRepository(gitea: Gitea, name: RepositoryName, signal: AbortSignal): Promise<Repository> {
  try {
    return await gitea.get(inRepository(name), Repository, { signal })
  } catch (error) {
    if (!(error instanceof GiteaError) || error.status !== 404) throw error
    throw new GiteaError(await missing(gitea, name, signal), { status: 404 })
  }
}

/** Reads something of a repository; when it is not there, says whether the repository is. */
export async function inExisting<Found>(
  gitea: Gitea,
  name: RepositoryName,
  signal: AbortSignal,
  read: () => Promise<Found>,
  what = 'This',
): Promise<Found> {
  try {
    return await read()
  } catch (error) {
    if (!(error instanceof GiteaError) || error.status !== 404) throw error
    await readRepository(gitea, name, signal)
    const reason = error.code && !/^not found$/i.test(error.code) ? ` (${error.code})` : ''
    throw new GiteaError(`${what} is not in ${name.owner}/${name.repo}, or the bot may not see it${reason}.`, {
      status: 404,
    })
  }
}

/** Names what is there instead: a wrong name is usually nearly right. */
async function missing(gitea: Gitea, { owner, repo }: RepositoryName, signal: AbortSignal): Promise<string> {
  const named = (q: string | undefined) =>
    gitea
      .list('/api/v1/repos/search', Repository, {
        signal,
        query: { q, sort: 'updated', order: 'desc' },
        limit: 10,
        within: 'data',
      })
      .then(({ items }) => items.map((one) => one.full_name))
      .catch(() => [])
  const alike = await named(repo)
  const seen = alike.length > 0 ? alike : await named(undefined)
  signal.throwIfAborted()
  return `Repository ${owner}/${repo} not found, or the bot may not see it. It sees: ${seen.join(', ') || 'none'}.`
}

export function sizeOf({ size }: Repository): string {
  return size < 1024 ? `${size} KiB` : `${(size / 1024).toFixed(1)} MiB`
}
