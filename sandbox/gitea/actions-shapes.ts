import type { Job, Run, Status } from './actions.ts'
import { commits } from './git.ts'
import type { Forge } from './index.ts'
import { apiOf, pageOf } from './replies.ts'
import { epoch, noTime, organizationShape, payloadCommit, repositoryShape, userShape } from './shapes.ts'

/** Runs, jobs and statuses as Gitea 1.26 writes them, in replies and in webhook bodies. */

export function runShape(forge: Forge, run: Run) {
  const actor = userShape(run.actor, forge.url)
  return {
    id: run.id,
    url: `${apiOf(forge)}/actions/runs/${run.id}`,
    html_url: `${pageOf(forge)}/actions/runs/${run.id}`,
    display_title: run.title,
    path: `${run.workflow.file}@refs/heads/${run.branch}`,
    event: 'push',
    run_attempt: 0,
    run_number: run.id,
    head_sha: run.sha,
    head_branch: run.branch,
    status: run.status,
    actor,
    trigger_actor: actor,
    repository: repositoryShape(forge.repository, forge.url),
    ...(run.conclusion && { conclusion: run.conclusion }),
    started_at: run.startedAt,
    completed_at: run.completedAt,
  }
}

export function jobShape(forge: Forge, run: Run, job: Job) {
  const [api, page] = [apiOf(forge), pageOf(forge)]
  const times = { started_at: job.startedAt, completed_at: job.completedAt }
  // While a job runs its steps are still queued; one that never began has none.
  const isRunning = job.status === 'in_progress'
  const steps = isRunning ? job.definition.steps.map(({ name }) => ({ name, conclusion: undefined })) : job.steps
  return {
    id: job.id,
    url: `${api}/actions/jobs/${job.id}`,
    html_url: `${page}/actions/runs/${run.id}/jobs/${job.id}`,
    run_id: run.id,
    run_url: `${api}/actions/runs/${run.id}`,
    name: job.definition.name,
    labels: ['ubuntu-latest'],
    run_attempt: job.attempt,
    head_sha: run.sha,
    head_branch: run.branch,
    status: job.status,
    ...(job.conclusion && { conclusion: job.conclusion }),
    ...(job.startedAt !== epoch && { runner_id: 1, runner_name: 'sandbox' }),
    steps: steps.map(({ name, conclusion }, number) => ({
      name,
      number,
      status: isRunning ? 'queued' : 'completed',
      ...(conclusion && { conclusion }),
      ...times,
    })),
    created_at: job.createdAt,
    ...times,
  }
}

export function statusShape(forge: Forge, status: Status) {
  return {
    id: status.id,
    status: status.state,
    target_url: status.target,
    description: status.description,
    url: `${apiOf(forge)}/statuses/${status.sha}`,
    context: status.context,
    creator: userShape(status.creator, forge.url),
    created_at: status.at,
    updated_at: status.at,
  }
}

/** The newest status of each context, and what they amount to. */
export function combinedStatus(forge: Forge, sha: string) {
  const newest = new Map(forge.statuses.filter((one) => one.sha === sha).map((one) => [one.context, one]))
  const statuses = [...newest.values()]
  const states = statuses.map(({ state }) => state)
  const has = (...some: string[]) => states.some((state) => some.includes(state))
  const isGood = states.length > 0 && states.every((state) => ['success', 'skipped'].includes(state))
  return {
    state: has('failure', 'error', 'warning') ? 'failure' : isGood ? 'success' : 'pending',
    sha,
    total_count: statuses.length,
    statuses: statuses.map((one) => statusShape(forge, one)),
    url: `${apiOf(forge)}/commits/${sha}/status`,
    commit_url: `${apiOf(forge)}/commits/${sha}`,
  }
}

const common = (forge: Forge) => ({
  organization: organizationShape(forge.repository.owner, forge.url),
  repository: repositoryShape(forge.repository, forge.url),
})

export function runPayload(forge: Forge, run: Run, action: string) {
  const { file, name } = run.workflow
  const page = pageOf(forge)
  return {
    action,
    workflow: {
      id: file,
      name,
      path: `.gitea/workflows/${file}`,
      state: 'active',
      created_at: forge.repository.created,
      updated_at: forge.repository.created,
      url: `${apiOf(forge)}/actions/workflows/${file}`,
      html_url: `${page}/src/branch/main/.gitea/workflows/${file}`,
      badge_url: `${page}/actions/workflows/${file}/badge.svg?branch=main`,
      deleted_at: noTime,
    },
    workflow_run: runShape(forge, run),
    ...common(forge),
    sender: userShape(run.actor, forge.url),
  }
}

export const jobPayload = (forge: Forge, run: Run, job: Job, action: string) => ({
  action,
  workflow_job: jobShape(forge, run, job),
  ...common(forge),
  sender: userShape(run.actor, forge.url),
})

export async function statusPayload(forge: Forge, status: Status) {
  const [commit] = await commits(forge.directory, [status.sha], 1)
  return {
    commit: commit ? payloadCommit(commit, pageOf(forge)) : null,
    context: status.context,
    created_at: status.at,
    description: status.description,
    id: status.id,
    repository: repositoryShape(forge.repository, forge.url),
    sender: userShape(status.creator, forge.url),
    sha: status.sha,
    state: status.state,
    target_url: status.target,
    updated_at: status.at,
  }
}
