import * as z from 'zod'
import { oneLine } from '../output.ts'
import { defineRead, type ReadTool } from '../tool.ts'
import type { Gitea } from './client.ts'
import * as input from './inputs.ts'
import { facts, short, tabled, time } from './lines.ts'
import { inRepository, type RepositoryName } from './paths.ts'
import { inExisting } from './repositories.ts'
import { needs } from './version.ts'

export type Run = z.output<typeof Run>
export const Run = z.object({
  id: z.number(),
  display_title: z.string().catch(''),
  path: z.string().catch(''),
  event: z.string().catch(''),
  status: z.string().catch(''),
  conclusion: z.string().nullish(),
  /** Filled from 1.27 on. */
  run_attempt: z.number().catch(0),
  /** Not there for runs of pull requests. */
  head_branch: z.string().nullish(),
  head_sha: z.string().catch(''),
  html_url: z.string().catch(''),
  started_at: z.string().nullish(),
  completed_at: z.string().nullish(),
})

const Step = z.object({
  name: z.string().catch(''),
  number: z.number().catch(0),
  status: z.string().catch(''),
  conclusion: z.string().nullish(),
})

export type Job = z.output<typeof Job>
export const Job = z.object({
  id: z.number(),
  run_id: z.number().catch(0),
  run_attempt: z.number().catch(0),
  name: z.string().catch(''),
  status: z.string().catch(''),
  conclusion: z.string().nullish(),
  started_at: z.string().nullish(),
  completed_at: z.string().nullish(),
  // 1.25 has none in some answers.
  steps: z
    .array(Step)
    .nullish()
    .transform((steps) => steps ?? []),
})

const states = ['queued', 'in_progress', 'failure', 'success', 'cancelled', 'skipped'] as const

export function listRuns(gitea: Gitea): ReadTool {
  return defineRead({
    name: 'gitea_list_runs',
    description: 'CI runs, newest first.',
    input: z.object({
      owner: input.owner,
      repo: input.repo,
      branch: input.optionalBranch,
      status: z.preprocess((value) => value || undefined, z.enum(states).optional()),
      limit: input.optionalInteger(1, 100),
    }),
    scopes: ['read:repository'],
    summary: ({ owner, repo, branch, status }) =>
      `${status ? `${status} ` : ''}runs of ${owner}/${repo}${branch ? ` ${branch}` : ''}`,
    async run({ owner, repo, branch, status, limit = 20 }, { signal, maxBytes }) {
      const { runs } = await gitea.features(signal)
      // Before 1.25 there is only a list of tasks, whose numbers lead nowhere.
      const path = inRepository({ owner, repo }, runs ? '/actions/runs' : '/actions/tasks')
      const query = runs ? { branch, status } : {}
      const { items, more } = await inExisting(gitea, { owner, repo }, signal, () =>
        gitea.list(path, Run, { signal, query, limit, within: 'workflow_runs' }),
      )
      const rows = items.map((run) => [
        runs ? String(run.id) : '',
        outcome(run),
        run.head_branch ?? run.path.split('@')[1] ?? '',
        short(run.head_sha),
        run.event,
        time(run.started_at),
        run.display_title,
      ])
      return tabled(['RUN', 'STATE', 'BRANCH', 'COMMIT', 'EVENT', 'STARTED', 'TITLE'], rows, {
        empty: `${owner}/${repo} has no such runs.`,
        rest: 'Ask with a larger limit, a branch or a status.',
        more,
        maxBytes,
      })
    },
  })
}

export const outcome = ({ status, conclusion }: { status: string; conclusion?: string | null | undefined }): string =>
  conclusion || status

export function getRun(gitea: Gitea): ReadTool {
  return defineRead({
    name: 'gitea_get_run',
    description: 'One CI run with its jobs and steps.',
    input: z.object({ owner: input.owner, repo: input.repo, run: input.integer(1, Number.MAX_SAFE_INTEGER) }),
    scopes: ['read:repository'],
    summary: ({ owner, repo, run }) => `run ${run} of ${owner}/${repo}`,
    async run({ owner, repo, run: id }, { signal, maxBytes }) {
      const name = { owner, repo }
      const [run, jobs] = await Promise.all([readRun(gitea, name, id, signal), jobsOf(gitea, name, id, signal)])
      return facts(
        [
          `run ${run.id} (${outcome(run)}): ${oneLine(run.display_title)}`,
          `${run.path}, event ${run.event}, commit ${run.head_sha}, ${time(run.started_at)} to ${time(run.completed_at) || 'now'}`,
          run.html_url,
          ...jobs.flatMap((job) => [`job ${job.id} ${oneLine(job.name)}: ${outcome(job)}`, ...job.steps.map(stepLine)]),
          'For a log see gitea_get_job_log.',
        ],
        maxBytes,
      )
    },
  })
}

const stepLine = (step: z.output<typeof Step>): string =>
  `  step ${step.number} ${oneLine(step.name)}: ${outcome(step)}`

export async function readRun(gitea: Gitea, name: RepositoryName, id: number, signal: AbortSignal): Promise<Run> {
  const features = await gitea.features(signal)
  if (!features.runs) throw new Error(needs('Looking into a run', '1.25', features))
  const read = () => gitea.get(inRepository(name, `/actions/runs/${id}`), Run, { signal })
  return inExisting(gitea, name, signal, read, `Run ${id}`)
}

export async function jobsOf(gitea: Gitea, name: RepositoryName, run: number, signal: AbortSignal): Promise<Job[]> {
  const path = inRepository(name, `/actions/runs/${run}/jobs`)
  const { items } = await gitea.list(path, Job, { signal, limit: 200, within: 'jobs' })
  return items
}
