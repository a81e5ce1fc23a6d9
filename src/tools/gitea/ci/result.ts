import * as z from 'zod'
import { repository } from '../../../repository.ts'
import type { Repository } from '../../../signal.ts'
import type { Gitea } from '../client.ts'
import { GiteaError } from '../errors.ts'
import { inRepository, isHash, type RepositoryName, splitName } from '../paths.ts'
import { type Job, jobsOf, outcome, type Run, Run as RunSchema } from '../runs.ts'

/** How CI stands with one thing that it runs, on one branch or pull request: read from the server, plain JSON. */
export interface CiResult {
  repository: Repository
  /** What people look at together: a branch, or a pull request from another repository. */
  line: CiLine
  /** What was run: a workflow, or the context of a status. Of two results with the same subject the newer one counts. */
  subject: string
  state: 'failed' | 'passed' | 'running' | 'other'
  /** Names this result, whichever way we heard of it; another attempt has another one. */
  key: string
  /** Larger is newer, among results of one subject on one line. */
  order: number
  commit: string
  run?: number
  /** What failed, in a few words: job and step. */
  what: string
  title: string
  url: string
  /** Milliseconds since the epoch, by the server's clock. */
  endedAt?: number
}

export interface CiLine {
  /** `main`, or `pull/7`. */
  name: string
  branch?: string
  pull?: number
  /** Whether what ran was written by somebody who may not write here. */
  isFork: boolean
}

const Pull = z.object({
  head: z.object({ ref: z.string(), repo_id: z.number().nullish() }),
  base: z.object({ repo_id: z.number().nullish() }),
})

/** A repository by its id, which a new name does not change. Nothing when it is gone or not ours to see. */
export async function repositoryById(gitea: Gitea, id: number, signal: AbortSignal): Promise<Repository | undefined> {
  return gitea.get(`/api/v1/repositories/${id}`, repository, { signal }).catch(unlessGone)
}

/** How a run stands now. Nothing when there is no such run any more. */
export async function readRunResult(
  gitea: Gitea,
  repository: Repository,
  id: number,
  signal: AbortSignal,
): Promise<CiResult | undefined> {
  const name = splitName(repository.fullName)
  const run = await gitea.get(inRepository(name, `/actions/runs/${id}`), RunSchema, { signal }).catch(unlessGone)
  if (!run) return undefined
  const [jobs, line] = await Promise.all([jobsOf(gitea, name, id, signal), lineOf(gitea, name, run, signal)])
  const attempt = Math.max(run.run_attempt, ...jobs.map((job) => job.run_attempt))
  return {
    repository,
    line,
    subject: workflowOf(run),
    state: stateOf(run),
    key: `actions:${repository.id}:${id}:${attempt || run.completed_at || ''}`,
    order: id,
    commit: isHash(run.head_sha) ? run.head_sha : '',
    run: id,
    what: failedIn(jobs),
    title: run.display_title,
    url: run.html_url,
    ...endOf(run),
  }
}

export const unlessGone = (error: unknown): undefined => {
  if (error instanceof GiteaError && error.status === 404) return undefined
  throw error
}

/** Gitea 1.25 shows lists of runs to those who administer the repository alone, but each run to all who may read it. */
export const isForbidden = (error: unknown): boolean => error instanceof GiteaError && error.status === 403

/** `ci.yml` of `ci.yml@refs/heads/main`. */
export const workflowOf = ({ path }: Pick<Run, 'path'>): string => path.split('@')[0] ?? path

/** A run is of a branch, or of a pull request; that of a branch here counts as the branch, so that its runs stand together. */
async function lineOf(gitea: Gitea, name: RepositoryName, run: Run, signal: AbortSignal): Promise<CiLine> {
  const pull = Number(/@refs\/pull\/(\d+)\/head$/.exec(run.path)?.[1] ?? Number.NaN)
  if (Number.isNaN(pull)) {
    const branch = run.head_branch || /@refs\/heads\/(.+)$/.exec(run.path)?.[1]
    return branch ? { name: branch, branch, isFork: false } : { name: run.path.split('@')[1] ?? '', isFork: false }
  }
  const found = await gitea.get(inRepository(name, `/pulls/${pull}`), Pull, { signal }).catch(unlessGone)
  const isFork = !found || found.head.repo_id !== found.base.repo_id
  if (isFork || found.head.ref.startsWith('refs/')) return { name: `pull/${pull}`, pull, isFork }
  return { name: found.head.ref, branch: found.head.ref, pull, isFork }
}

function stateOf(run: Run): CiResult['state'] {
  if (run.status !== 'completed') return 'running'
  if (run.conclusion === 'success') return 'passed'
  return run.conclusion === 'failure' ? 'failed' : 'other'
}

/** Job and step that failed; step names are true from Gitea 1.26 on, before that all steps carry the conclusion of their job. */
function failedIn(jobs: Job[]): string {
  const failed = jobs.filter((job) => outcome(job) === 'failure')
  const [first] = failed
  if (!first) return ''
  const step = failedStep(first)
  const rest = failed.length > 1 ? ` and ${failed.length - 1} more` : ''
  return `job ${first.name}${step ? `, step ${step}` : ''}${rest}`
}

export function failedStep(job: Job): string | undefined {
  const isTold = job.steps.some((step) => step.conclusion === 'success' || step.conclusion === 'skipped')
  if (!isTold && job.steps.length > 1) return undefined
  return job.steps.find((step) => step.conclusion === 'failure')?.name
}

/** Gitea writes "no time" as the year 1 or as 1970. */
function endOf({ completed_at: at }: Run): { endedAt?: number } {
  const endedAt = Date.parse(at ?? '')
  return endedAt > 0 ? { endedAt } : {}
}
