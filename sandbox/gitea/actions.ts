import { jobPayload, runPayload, statusPayload } from './actions-shapes.ts'
import type { Forge } from './index.ts'
import { pageOf } from './replies.ts'
import { type Ran, runJob } from './runner.ts'
import { epoch, type User } from './shapes.ts'
import type { Workflow, WorkflowJob } from './workflow.ts'

export interface Run {
  id: number
  workflow: Workflow
  sha: string
  branch: string
  title: string
  actor: User
  status: 'queued' | 'in_progress' | 'completed'
  conclusion: 'success' | 'failure' | undefined
  jobs: Job[]
  startedAt: string
  completedAt: string
}

export interface Job {
  id: number
  definition: WorkflowJob
  status: 'queued' | 'waiting' | 'in_progress' | 'completed'
  conclusion: 'success' | 'failure' | 'skipped' | undefined
  attempt: number
  steps: Ran['steps']
  /** Of the newest attempt; none before the job began. */
  log: string | undefined
  createdAt: string
  startedAt: string
  completedAt: string
}

/** What CI, ours or another one, says about a commit. */
export interface Status {
  id: number
  sha: string
  context: string
  state: string
  description: string
  target: string
  creator: User
  at: string
}

export const actionsUser: User = { id: -2, login: 'gitea-actions', email: '-2+gitea-actions@noreply.localhost' }

/** A run of this workflow, as it stands in the queue. */
export function createRun(
  forge: Forge,
  workflow: Workflow,
  commit: { sha: string; branch: string; title: string; actor: User },
): Run {
  const count = forge.runs.flatMap(({ jobs }) => jobs).length
  const jobs = workflow.jobs.map(
    (definition, index): Job => ({
      id: count + index + 1,
      definition,
      status: 'queued',
      conclusion: undefined,
      attempt: 0,
      steps: [],
      log: undefined,
      createdAt: now(),
      startedAt: epoch,
      completedAt: epoch,
    }),
  )
  const id = forge.runs.length + 1
  return {
    ...commit,
    id,
    workflow,
    jobs,
    status: 'queued',
    conclusion: undefined,
    startedAt: epoch,
    completedAt: epoch,
  }
}

/**
 * Runs these jobs of a run, and sends what Gitea 1.26 sends meanwhile, in its order: `completed` twice when a job behind the one that
 * failed is skipped.
 */
export async function execute(forge: Forge, run: Run, jobs: Job[]): Promise<void> {
  Object.assign(run, { status: 'queued', conclusion: undefined, completedAt: epoch })
  forge.emit('workflow_run', runPayload(forge, run, 'requested'))
  for (const job of jobs) {
    const isBlocked = job.definition.needs.length > 0
    Object.assign(job, { status: isBlocked ? 'waiting' : 'queued', conclusion: undefined, completedAt: epoch })
    await report(forge, run, job, 'pending', isBlocked ? 'Blocked by required conditions' : 'Waiting to run')
    forge.emit('workflow_job', jobPayload(forge, run, job, job.status))
  }
  for (const job of jobs) await (mayRun(run, job) ? work(forge, run, job) : skip(forge, run, job))
}

const mayRun = ({ jobs }: Run, { definition }: Job): boolean =>
  definition.needs.every((name) => jobs.find((one) => one.definition.name === name)?.conclusion === 'success')

async function work(forge: Forge, run: Run, job: Job): Promise<void> {
  Object.assign(job, { status: 'in_progress', attempt: job.attempt + 1, startedAt: now(), log: '', steps: [] })
  await report(forge, run, job, 'pending', 'Has started running')
  forge.emit('workflow_job', jobPayload(forge, run, job, 'in_progress'))
  if (run.status === 'queued') {
    Object.assign(run, { status: 'in_progress', startedAt: now() })
    forge.emit('workflow_run', runPayload(forge, run, 'in_progress'))
  }
  const { conclusion, steps, log } = await runJob(forge.directory, run.sha, job.definition)
  Object.assign(job, { status: 'completed', conclusion, steps, log, completedAt: now() })
  await report(forge, run, job, conclusion, conclusion === 'success' ? 'Successful in 0s' : 'Failing after 0s')
  forge.emit('workflow_job', jobPayload(forge, run, job, 'completed'))
  conclude(forge, run)
}

async function skip(forge: Forge, run: Run, job: Job): Promise<void> {
  Object.assign(job, { status: 'completed', conclusion: 'skipped', steps: [], log: undefined })
  await report(forge, run, job, 'skipped', 'Has been skipped')
  forge.emit('workflow_job', jobPayload(forge, run, job, 'completed'))
  conclude(forge, run)
}

/** A run is over when nothing is left in it that could run. */
function conclude(forge: Forge, run: Run): void {
  const left = run.jobs.filter(({ status }) => status !== 'completed')
  const hasFailed = run.jobs.some(({ conclusion }) => conclusion === 'failure')
  if (left.some((job) => !hasFailed || job.definition.needs.length === 0)) return
  Object.assign(run, { status: 'completed', conclusion: hasFailed ? 'failure' : 'success', completedAt: now() })
  forge.emit('workflow_run', runPayload(forge, run, 'completed'))
}

const report = (forge: Forge, run: Run, job: Job, state: string, description: string) =>
  setStatus(forge, {
    sha: run.sha,
    context: `${run.workflow.name} / ${job.definition.name} (push)`,
    state,
    description,
    target: `${pageOf(forge)}/actions/runs/${run.id}/jobs/${job.id}`,
    creator: actionsUser,
  })

/** Remembers what is said about a commit, and tells the webhooks. */
export async function setStatus(forge: Forge, given: Omit<Status, 'id' | 'at'>): Promise<Status> {
  const status: Status = { ...given, id: forge.statuses.length + 1, at: now() }
  forge.statuses.push(status)
  forge.emit('status', await statusPayload(forge, status))
  return status
}

function now(): string {
  return `${new Date().toISOString().slice(0, 19)}Z`
}
