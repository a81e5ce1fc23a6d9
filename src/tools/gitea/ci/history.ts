import type { Gitea } from '../client.ts'
import { inRepository, type RepositoryName, splitName } from '../paths.ts'
import { type Job, jobsOf, outcome, Run } from '../runs.ts'
import { type CiResult, failedStep, isForbidden, workflowOf } from './result.ts'

const recent = 50
const mostBranches = 5

/** Other runs of the same workflow, newest first. */
export interface History {
  /** The last one that passed before this failure; of a line that never did, the last one on the default branch. */
  lastGreen: { run: Run; onLine: boolean } | undefined
  /** The newest result on each other branch, and whether it failed in the same job and step. */
  elsewhere: { branch: string; run: Run; same: boolean | undefined }[]
}

/** What became of a line, cheaply: one request. */
export async function isOvertaken(gitea: Gitea, result: CiResult, signal: AbortSignal): Promise<boolean> {
  const { branch } = result.line
  const name = splitName(result.repository.fullName)
  const runs = await runsOf(gitea, name, branch && result.line.pull === undefined ? { branch } : {}, signal).catch(
    (error: unknown) => {
      if (isForbidden(error)) return []
      throw error
    },
  )
  return newerGreen(runs, result)
}

const newerGreen = (runs: Run[], { order, subject, line }: CiResult): boolean =>
  runs.some(
    (run) => run.id > order && workflowOf(run) === subject && run.conclusion === 'success' && isOnLine(run, line),
  )

export async function readHistory(
  gitea: Gitea,
  result: CiResult,
  /** The jobs of the run itself. */
  jobs: Job[],
  signal: AbortSignal,
): Promise<History> {
  const name = splitName(result.repository.fullName)
  const { branch } = result.line
  const { defaultBranch } = result.repository
  const [all, green, base] = await Promise.all([
    runsOf(gitea, name, {}, signal),
    branch ? runsOf(gitea, name, { branch, status: 'success' }, signal) : [],
    branch === defaultBranch ? [] : runsOf(gitea, name, { branch: defaultBranch, status: 'success' }, signal),
  ])
  const isBefore = (run: Run) => run.id < result.order && workflowOf(run) === result.subject
  const onLine = [...green, ...all.filter((run) => run.conclusion === 'success' && isOnLine(run, result.line))].find(
    isBefore,
  )
  const onBase = base.find(isBefore)
  return {
    lastGreen: onLine ? { run: onLine, onLine: true } : onBase && { run: onBase, onLine: false },
    elsewhere: await elsewhere(gitea, name, all, { result, jobs }, signal),
  }
}

async function runsOf(
  gitea: Gitea,
  name: RepositoryName,
  query: { branch?: string; status?: string },
  signal: AbortSignal,
): Promise<Run[]> {
  const path = inRepository(name, '/actions/runs')
  const { items } = await gitea.list(path, Run, { signal, query, limit: recent, within: 'workflow_runs' })
  return items
}

const isOnLine = (run: Run, line: CiResult['line']): boolean =>
  (line.branch !== undefined && run.head_branch === line.branch) ||
  (line.pull !== undefined && run.path.endsWith(`@refs/pull/${line.pull}/head`))

async function elsewhere(
  gitea: Gitea,
  name: RepositoryName,
  runs: Run[],
  { result, jobs }: { result: CiResult; jobs: Job[] },
  signal: AbortSignal,
): Promise<History['elsewhere']> {
  const newest = new Map<string, Run>()
  for (const run of runs) {
    const branch = run.head_branch
    if (!branch || branch === result.line.branch || newest.has(branch)) continue
    if (workflowOf(run) === result.subject && ['success', 'failure'].includes(outcome(run))) newest.set(branch, run)
  }
  return Promise.all(
    [...newest].slice(0, mostBranches).map(async ([branch, run]) => {
      if (outcome(run) === 'success') return { branch, run, same: undefined }
      const theirs = await jobsOf(gitea, name, run.id, signal)
      return { branch, run, same: places(theirs) === places(jobs) }
    }),
  )
}

/** Where a run failed, to be compared. */
const places = (jobs: Job[]): string =>
  jobs
    .filter((job) => outcome(job) === 'failure')
    .map((job) => `${job.name}/${failedStep(job) ?? ''}`)
    .sort()
    .join('\n')
