import * as z from 'zod'
import {
  type PushSignal,
  pushId,
  type Repository,
  type RunSignal,
  runId,
  type StatusSignal,
  statusId,
} from '../../../signal.ts'
import type { Gitea } from '../client.ts'
import { comparison } from '../commits.ts'
import { firstLine } from '../lines.ts'
import { inRepository, isHash, splitName } from '../paths.ts'
import { Run } from '../runs.ts'
import { isForbidden, unlessGone } from './result.ts'

/** How far a repository was heard of: what is newer on the server was missed. Plain JSON. */
export interface Seen {
  repository: Repository
  /** When the newest finished run had ended, by the server's clock; missing before the first look. */
  runs?: number
  /** Runs that ended at about that time. */
  lastRuns?: string[]
  /** The newest status of the wanted branches; missing before the first look. */
  statuses?: number
  /** The commits at the heads of the wanted branches. */
  heads: Record<string, string>
}

const mostRuns = 200
const mostBranches = 200
const mostCommits = 20
/** Runs that ended so close together may become visible in another order. */
const slackMs = 120_000

const Branch = z.object({ name: z.string(), commit: z.object({ id: z.string() }) })
const Author = z.object({ author: z.object({ login: z.string() }).nullish().catch(undefined) })

/**
 * What a repository has that was not heard of, oldest first, as the same hints that its webhooks would have sent, and how far it is seen then.
 * What was there before the first look is not news.
 */
export async function missedRuns(
  gitea: Gitea,
  seen: Seen,
  signal: AbortSignal,
): Promise<{ hints: RunSignal[]; runs?: number; lastRuns?: string[]; isForbidden?: true }> {
  const { repository } = seen
  if (!(await gitea.features(signal)).runs) return { hints: [] }
  const path = inRepository(splitName(repository.fullName), '/actions/runs')
  const limit = seen.runs === undefined ? 50 : mostRuns
  const query = { status: 'completed' }
  const found = await gitea
    .list(path, Run, { signal, query, limit, within: 'workflow_runs' })
    .catch((error: unknown) => {
      if (isForbidden(error)) return undefined
      throw error
    })
  if (!found) return { hints: [], isForbidden: true }
  const { items } = found
  const ended = items
    .map((run) => ({ hint: toRunSignal(repository, run), at: Date.parse(run.completed_at ?? '') || 0 }))
    .sort((a, b) => a.at - b.at)
  const newest = Math.max(seen.runs ?? 0, ended.at(-1)?.at ?? 0)
  const { runs: last, lastRuns = [] } = seen
  const isNews = ({ hint, at }: (typeof ended)[number]) =>
    last !== undefined && at >= last - slackMs && !lastRuns.includes(hint.id)
  return {
    hints: ended.filter(isNews).map(({ hint }) => hint),
    runs: newest,
    lastRuns: ended.filter(({ at }) => at >= newest - slackMs).map(({ hint }) => hint.id),
  }
}

function toRunSignal(repository: Repository, run: Run): RunSignal {
  const told = { repository, run: run.id, conclusion: run.conclusion ?? '' }
  return { kind: 'run', source: 'gitea', id: runId(told, run.completed_at ?? ''), ...told }
}

/** The heads of the branches that are wanted. */
export async function readHeads(
  gitea: Gitea,
  repository: Repository,
  wants: (branch: string) => boolean,
  signal: AbortSignal,
): Promise<Record<string, string>> {
  const path = inRepository(splitName(repository.fullName), '/branches')
  const { items } = await gitea.list(path, Branch, { signal, limit: mostBranches })
  return Object.fromEntries(
    items.filter(({ name, commit }) => wants(name) && isHash(commit.id)).map(({ name, commit }) => [name, commit.id]),
  )
}

/** The push, or pushes, that moved a branch, as one. Who pushed is not to be found out; the author of the newest commit stands for them. */
export async function missedPush(
  gitea: Gitea,
  repository: Repository,
  { branch, before, after }: { branch: string; before: string; after: string },
  signal: AbortSignal,
): Promise<PushSignal | undefined> {
  const name = splitName(repository.fullName)
  // After a force push the old head may be gone.
  const base = /^0+$/.test(before) ? repository.defaultBranch : before
  const found = await comparison(gitea, name, { base, head: after }, signal).catch(unlessGone)
  const commits = found?.commits ?? []
  const oldestFirst = commits[0]?.sha === after ? commits.toReversed() : commits
  const author = await gitea.get(inRepository(name, `/git/commits/${after}`), Author, { signal }).catch(unlessGone)
  const newest = oldestFirst.at(-1)
  return {
    kind: 'push',
    source: 'gitea',
    id: pushId({ repository, branch, before, after }),
    repository,
    branch,
    before,
    after,
    pusher: { login: author?.author?.login ?? '', name: newest?.commit.author.name || 'somebody' },
    commits: oldestFirst.slice(-mostCommits).map((one) => ({
      id: one.sha,
      title: firstLine(one.commit.message).slice(0, 1_000),
      author: one.commit.author.name,
      url: one.html_url,
      files: one.files.map(({ filename }) => filename).slice(0, 200),
    })),
    total: found?.total_commits ?? 1,
    late: true,
  }
}

/** What other CI said meanwhile about the heads of the wanted branches. */
export async function missedStatuses(
  gitea: Gitea,
  seen: Seen,
  heads: string[],
  signal: AbortSignal,
): Promise<{ hints: StatusSignal[]; statuses: number }> {
  const { repository } = seen
  const found = await Promise.all(
    [...new Set(heads)].map(async (commit) => {
      const { statuses } = await gitea.status(repository.fullName, commit, signal)
      return statuses.map((status) => ({ status, commit }))
    }),
  )
  const all = found.flat().sort((a, b) => a.status.id - b.status.id)
  const since = seen.statuses ?? Number.POSITIVE_INFINITY
  return {
    hints: all
      .filter(({ status }) => status.id > since)
      .map(({ status, commit }) => ({
        kind: 'status',
        source: 'gitea',
        id: statusId({ repository, commit }, status.id),
        repository,
        commit,
        context: status.context,
        state: status.status,
        bySystem: status.creator?.id === -2 || status.creator?.login === 'gitea-actions',
      })),
    statuses: Math.max(seen.statuses ?? 0, all.at(-1)?.status.id ?? 0),
  }
}
