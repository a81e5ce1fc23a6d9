import { createHash } from 'node:crypto'
import * as z from 'zod'
import type { Repository } from '../../../signal.ts'
import { joined, type Markdown, md } from '../../../text/markdown.ts'
import { fromOutside } from '../../../text/outside.ts'
import type { CommitStatus, Gitea } from '../client.ts'
import { inRepository, type RepositoryName, splitName } from '../paths.ts'
import type { CiLine, CiResult } from './result.ts'

type Status = CommitStatus['statuses'][number]

const Branch = z.object({ name: z.string(), commit: z.object({ id: z.string() }) })
const Pull = z.object({
  number: z.number(),
  head: z.object({ ref: z.string(), sha: z.string(), repo_id: z.number().nullish() }),
  base: z.object({ repo_id: z.number().nullish() }),
})

const mostBranches = 500
const mostPulls = 100
const mostLines = 20

/**
 * What CI other than Gitea's own says about a commit, all of it as one result. Nothing when the commit is not the newest of a branch or pull
 * request any more: then nobody waits for it.
 */
export async function readStatusResult(
  gitea: Gitea,
  repository: Repository,
  commit: string,
  signal: AbortSignal,
): Promise<CiResult | undefined> {
  const statuses = await statusesOf(gitea, repository, commit, signal)
  if (statuses.length === 0) return undefined
  const line = await lineOf(gitea, repository, commit, signal)
  if (!line) return undefined
  const failing = statuses.filter(isFailing)
  const [first] = failing
  const more = failing.length > 1 ? ` and ${failing.length - 1} more` : ''
  return {
    repository,
    line,
    subject: 'commit status',
    state: first ? 'failed' : statuses.every(isDone) ? 'passed' : 'running',
    key: `status:${repository.id}:${commit}:${digest(failing)}`,
    order: Math.max(...statuses.map(({ id }) => id)),
    commit,
    what: first ? `${first.context}${more}` : '',
    title: first?.description ?? '',
    url: first?.target_url ?? '',
  }
}

/** The failing contexts, a line each. */
export async function statusFacts(gitea: Gitea, result: CiResult, signal: AbortSignal): Promise<Markdown> {
  const statuses = await statusesOf(gitea, result.repository, result.commit, signal)
  const failing = statuses.filter(isFailing)
  const lines = failing.slice(0, mostLines).map(({ context, status, description, target_url: url }) => {
    const link = fromOutside(url).link(fromOutside(context).inline())
    return md`- ❌ ${link}: ${fromOutside(description || status).inline()}`
  })
  const more = failing.length - lines.length
  return joined([...lines, more > 0 && md`- … ${more} more`], '\n')
}

/** Where Gitea tells of runs, the statuses that its own CI sets are the same story once more. */
async function statusesOf(
  gitea: Gitea,
  repository: Repository,
  commit: string,
  signal: AbortSignal,
): Promise<Status[]> {
  const [{ runs }, { statuses }] = await Promise.all([
    gitea.features(signal),
    gitea.status(repository.fullName, commit, signal),
  ])
  return statuses.filter((status) => !(runs && isSystem(status)))
}

const isSystem = ({ creator }: Status): boolean => creator?.id === -2 || creator?.login === 'gitea-actions'

/** A job that was called off is written as a failure. Anything can stand for a state, so what is unknown is no failure. */
const isFailing = (one: Status): boolean =>
  (one.status === 'failure' || one.status === 'error') &&
  !(isSystem(one) && /^(?:Has been cancelled|Canceled after)/.test(one.description))

/** Anything else is a word that some CI made up, or `pending`. */
const isDone = ({ status }: Status): boolean => ['success', 'skipped', 'warning'].includes(status)

const digest = (failing: Status[]): string =>
  createHash('sha256')
    .update(JSON.stringify(failing.map(({ context }) => context).sort()))
    .digest('hex')
    .slice(0, 16)

async function lineOf(
  gitea: Gitea,
  repository: Repository,
  commit: string,
  signal: AbortSignal,
): Promise<CiLine | undefined> {
  const name: RepositoryName = splitName(repository.fullName)
  const { items } = await gitea.list(inRepository(name, '/branches'), Branch, { signal, limit: mostBranches })
  const heads = items.filter((branch) => branch.commit.id === commit).map((branch) => branch.name)
  const branch = heads.find((one) => one === repository.defaultBranch) ?? heads[0]
  if (branch !== undefined) return { name: branch, branch, isFork: false }
  const query = { state: 'open' }
  const pulls = await gitea.list(inRepository(name, '/pulls'), Pull, { signal, query, limit: mostPulls })
  const pull = pulls.items.find(({ head }) => head.sha === commit)
  if (!pull) return undefined
  return { name: `pull/${pull.number}`, pull: pull.number, isFork: pull.head.repo_id !== pull.base.repo_id }
}
