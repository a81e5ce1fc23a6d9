import * as z from 'zod'
import { oneLine } from '../output.ts'
import { type ChangeTool, defineChange, Refusal } from '../tool.ts'
import { repositoryTarget, request, sendToGitea, writable } from './change.ts'
import type { Gitea } from './client.ts'
import * as input from './inputs.ts'
import { inRepository, type RepositoryName } from './paths.ts'
import { jobsOf, outcome, readRun } from './runs.ts'
import { needs } from './version.ts'

export function rerun(gitea: Gitea): ChangeTool {
  return defineChange({
    name: 'gitea_rerun',
    description: 'Run the failed jobs of a CI run again, or all (needs approval).',
    input: z.object({
      owner: input.owner,
      repo: input.repo,
      run: input.integer(1, Number.MAX_SAFE_INTEGER),
      all: input.flag,
    }),
    effect: 'change',
    scopes: ['write:repository'],
    summary: ({ owner, repo, run, all }) =>
      `run ${all ? 'all' : 'the failed'} jobs of run ${run} of ${owner}/${repo} again`,
    target: repositoryTarget,
    async preflight({ owner, repo, run: id, all = false }, { signal }) {
      const name = { owner, repo }
      const features = await gitea.features(signal)
      if (!features.rerun) throw new Refusal(needs('Running again', '1.26', features))
      await writable(gitea, name, signal)
      const [run, jobs] = await Promise.all([readRun(gitea, name, id, signal), jobsOf(gitea, name, id, signal)])
      if (run.status !== 'completed') throw new Refusal(`Run ${id} is not done yet (${run.status}).`)
      const again = all ? jobs : jobs.filter((job) => !['success', 'skipped'].includes(outcome(job)))
      if (again.length === 0) throw new Refusal(`Run ${id} has no failed jobs. With all=true every job runs again.`)
      return {
        request: request('POST', pathFor(name, id, all)),
        diff: '',
        affects: [
          `run ${id} (${outcome(run)}): ${oneLine(run.display_title)}, ${run.path}, commit ${run.head_sha}`,
          `runs again: ${again.map((job) => `${oneLine(job.name)} (${outcome(job)})`).join(', ')}`,
          'what its log says now can then not be read any more',
        ],
        version: `${id}/${run.completed_at}/${jobs.map((job) => `${job.id}:${job.completed_at}`).join(',')}`,
        watch: 'none' as const,
      }
    },
    async run({ owner, repo, run, all = false }, approved, { signal }) {
      await sendToGitea(gitea, pathFor({ owner, repo }, run, all), approved, signal)
      return `Run ${run} of ${owner}/${repo} runs again. See gitea_get_run for how it goes.`
    },
  })
}

const pathFor = (name: RepositoryName, id: number, all: boolean): string =>
  inRepository(name, `/actions/runs/${id}/${all ? 'rerun' : 'rerun-failed-jobs'}`)
