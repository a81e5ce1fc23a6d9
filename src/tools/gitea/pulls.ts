import * as z from 'zod'
import { oneLine } from '../output.ts'
import { defineRead, type ReadTool } from '../tool.ts'
import type { Gitea } from './client.ts'
import * as input from './inputs.ts'
import { facts, short, tabled, time } from './lines.ts'
import { inRepository, type RepositoryName } from './paths.ts'
import { inExisting } from './repositories.ts'

const Side = z.object({
  ref: z.string(),
  sha: z.string().catch(''),
  repo_id: z.number().catch(0),
  label: z.string().catch(''),
})

export type Pull = z.output<typeof Pull>
export const Pull = z.object({
  number: z.number(),
  title: z.string(),
  body: z.string().nullish(),
  state: z.string(),
  draft: z.boolean().catch(false),
  merged: z.boolean().catch(false),
  mergeable: z.boolean().catch(false),
  html_url: z.string().catch(''),
  user: z.object({ login: z.string() }).nullish(),
  base: Side,
  head: Side,
  changed_files: z.number().nullish(),
  additions: z.number().nullish(),
  deletions: z.number().nullish(),
  updated_at: z.string().nullish(),
})

const ChangedFile = z.object({
  filename: z.string(),
  status: z.string().catch(''),
  additions: z.number().catch(0),
  deletions: z.number().catch(0),
})

export function listPulls(gitea: Gitea): ReadTool {
  return defineRead({
    name: 'gitea_list_pulls',
    description: 'Pull requests, newest activity first.',
    input: z.object({
      owner: input.owner,
      repo: input.repo,
      state: z.enum(['open', 'closed', 'all']).default('open'),
      match: input.match,
    }),
    scopes: ['read:repository'],
    summary: ({ owner, repo, state }) => `${state} pull requests of ${owner}/${repo}`,
    async run({ owner, repo, state, match }, { signal, maxBytes }) {
      const query = { state, sort: 'recentupdate' }
      const { items, more } = await inExisting(gitea, { owner, repo }, signal, () =>
        gitea.list(inRepository({ owner, repo }, '/pulls'), Pull, { signal, query, limit: 100 }),
      )
      const rows = items.map((pull) => [
        `#${pull.number}`,
        stateOf(pull),
        `${pull.head.ref} -> ${pull.base.ref}`,
        pull.user?.login ?? '',
        time(pull.updated_at),
        pull.title,
      ])
      return tabled(['PULL', 'STATE', 'BRANCHES', 'AUTHOR', 'UPDATED', 'TITLE'], rows, {
        empty: `${owner}/${repo} has no ${state === 'all' ? '' : `${state} `}pull requests.`,
        rest: 'Narrow down with match.',
        more,
        match,
        maxBytes,
      })
    },
  })
}

const stateOf = ({ merged, draft, state }: Pull): string =>
  merged ? 'merged' : draft && state === 'open' ? 'draft' : state

export function getPull(gitea: Gitea): ReadTool {
  return defineRead({
    name: 'gitea_get_pull',
    description: 'One pull request: state, CI, files, diff.',
    input: z.object({ owner: input.owner, repo: input.repo, number: input.integer(1, 1e9) }),
    scopes: ['read:repository'],
    summary: ({ owner, repo, number }) => `pull request ${owner}/${repo}#${number}`,
    async run({ owner, repo, number }, { signal, maxBytes }) {
      const name = { owner, repo }
      const pull = await readPull(gitea, name, number, signal)
      const path = inRepository(name, `/pulls/${number}`)
      const [checks, files, diff] = await Promise.all([
        checksOf(gitea, name, pull.head.sha, signal),
        gitea.list(`${path}/files`, ChangedFile, { signal, limit: 100 }).catch(() => undefined),
        gitea.text(`${path}.diff`, { signal, maxBytes: 1024 * 1024 }).catch(() => undefined),
      ])
      signal.throwIfAborted()
      return facts(
        [
          `#${number} ${oneLine(pull.title)} (${stateOf(pull)}) by ${pull.user?.login ?? 'nobody'}, ${pull.html_url}`,
          `${pull.head.label || pull.head.ref} at ${pull.head.sha} -> ${pull.base.ref}`,
          pull.state === 'open' &&
            (pull.mergeable ? 'can be merged' : 'cannot be merged now: a conflict, a rule, or still being checked'),
          `CI: ${checks}`,
          files &&
            `files: ${files.items.map((one) => `${one.filename} (+${one.additions} -${one.deletions})`).join(', ')}${files.more ? ' and more' : ''}`,
          pull.body?.trim(),
        ],
        maxBytes,
        diff?.text ?? 'The diff is too large to be shown, or cannot be read.',
      )
    },
  })
}

export function readPull(gitea: Gitea, name: RepositoryName, number: number, signal: AbortSignal): Promise<Pull> {
  const read = () => gitea.get(inRepository(name, `/pulls/${number}`), Pull, { signal })
  return inExisting(gitea, name, signal, read, `Pull request #${number}`)
}

/** What CI says about a commit, in one line. */
export async function checksOf(
  gitea: Gitea,
  { owner, repo }: RepositoryName,
  sha: string,
  signal: AbortSignal,
): Promise<string> {
  try {
    const { statuses } = await gitea.status(`${owner}/${repo}`, sha, signal)
    if (statuses.length === 0) return 'nothing reported'
    return statuses
      .map((one) => `${oneLine(one.context)}: ${oneLine(one.description || one.status)} (${one.status})`)
      .join('; ')
  } catch {
    signal.throwIfAborted()
    return `could not be looked at for ${short(sha)}`
  }
}
