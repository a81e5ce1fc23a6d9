import * as z from 'zod'
import { repository } from '../../repository.ts'
import { type RunSignal, runId } from '../../signal.ts'
import { text } from './fields.ts'

const word = z.string().max(50).nullish()
const number = z.int().positive()

const RunEvent = z.object({
  action: z.string(),
  workflow_run: z.object({ id: number, status: word, conclusion: word, completed_at: text(40) }),
  repository,
})

const JobEvent = z.object({
  action: z.string(),
  workflow_job: z.object({ id: number, run_id: number, conclusion: word, completed_at: text(40) }),
  repository,
})

/** A run that is done: `completed` may come several times for one attempt, and for a run that goes on after all. */
export const run = RunEvent.transform(({ action, workflow_run: given, repository }): RunSignal | undefined => {
  if (action !== 'completed' || !given.conclusion) return undefined
  const told = { repository, run: given.id, conclusion: given.conclusion }
  return { kind: 'run', source: 'gitea', id: runId(told, given.completed_at), ...told }
})

/** A job that is done leads to its run: Gitea 1.25 tells nothing of runs whose workflow is not on the default branch. */
export const job = JobEvent.transform(({ action, workflow_job: given, repository }): RunSignal | undefined => {
  if (action !== 'completed' || !given.conclusion || given.conclusion === 'skipped') return undefined
  return {
    kind: 'run',
    source: 'gitea',
    id: `job:${repository.id}:${given.id}:${given.conclusion}:${given.completed_at}`,
    repository,
    run: given.run_id,
    conclusion: given.conclusion,
  }
})
