import { git, lines } from './gitea-git.ts'
import { knownImages } from './gitea-sample.ts'
import { epoch, type User, userShape } from './gitea-shapes.ts'

export interface Run {
  id: number
  sha: string
  branch: string
  title: string
  actor: User
  conclusion: 'success' | 'failure'
  log: string
  startedAt: string
  completedAt: string
}

/** The sandbox's CI: really looks whether the registry has every image that the manifests of this commit name. */
export async function runChecks(
  directory: string,
  commit: { id: number; sha: string; branch: string; title: string; actor: User },
): Promise<Run> {
  const startedAt = now()
  const files = lines(await git(directory, ['ls-tree', '-r', '--name-only', commit.sha, 'deploy/']))
  const images = await Promise.all(
    files.map(async (file) => {
      const text = await git(directory, ['show', `${commit.sha}:${file}`])
      return [...text.matchAll(/image: (\S+)/g)].map(([, image = '']) => ({ file, image }))
    }),
  )
  const results = images.flat().map(({ file, image }) => ({ file, image, isKnown: knownImages.includes(image) }))
  const conclusion = results.every(({ isKnown }) => isKnown) ? 'success' : 'failure'
  const output = results.map(({ file, image, isKnown }) =>
    isKnown ? `${file}: ${image} ok` : `${file}: ${image}: manifest unknown: the registry has no such tag`,
  )
  const text = [
    '::group::Run ./check-images deploy/*.yaml',
    './check-images deploy/*.yaml',
    '::endgroup::',
    ...output,
    ...(conclusion === 'failure' ? ['##[error]Process completed with exit code 1.'] : []),
    'Cleaning up container for job images',
    ...(conclusion === 'failure' ? ['Job failed', "Job 'images' failed"] : ['Job succeeded']),
  ]
  const log = text.map((line) => `${new Date().toISOString().replace('Z', '0000Z')} ${line}\n`).join('')
  return { ...commit, conclusion, log, startedAt, completedAt: now() }
}

export function runShape(run: Run, page: string, api: string, url: string) {
  const actor = userShape(run.actor, url)
  return {
    id: run.id,
    url: `${api}/actions/runs/${run.id}`,
    html_url: `${page}/actions/runs/${run.id}`,
    display_title: run.title,
    path: `ci.yml@refs/heads/${run.branch}`,
    event: 'push',
    run_attempt: 0,
    run_number: run.id,
    head_sha: run.sha,
    head_branch: run.branch,
    status: 'completed',
    actor,
    trigger_actor: actor,
    conclusion: run.conclusion,
    started_at: run.startedAt,
    completed_at: run.completedAt,
  }
}

/** Every run has one job, with the id of the run. */
export function jobShape(run: Run, page: string, api: string) {
  const times = { started_at: run.startedAt, completed_at: run.completedAt }
  return {
    id: run.id,
    url: `${api}/actions/jobs/${run.id}`,
    html_url: `${page}/actions/runs/${run.id}/jobs/${run.id}`,
    run_id: run.id,
    run_url: `${api}/actions/runs/${run.id}`,
    name: 'images',
    labels: ['ubuntu-latest'],
    run_attempt: 1,
    head_sha: run.sha,
    head_branch: run.branch,
    status: 'completed',
    conclusion: run.conclusion,
    runner_id: 1,
    runner_name: 'sandbox',
    steps: [{ name: 'check images', number: 0, status: 'completed', conclusion: run.conclusion, ...times }],
    created_at: run.startedAt,
    ...times,
  }
}

export function combinedStatus(sha: string, runs: Run[], page: string, api: string) {
  const statuses = runs.map((run) => ({
    id: run.id,
    status: run.conclusion,
    target_url: `${page}/actions/runs/${run.id}/jobs/${run.id}`,
    description: run.conclusion === 'failure' ? 'Failing after 0s' : 'Successful in 0s',
    url: `${api}/statuses/${sha}`,
    context: 'CI / images (push)',
    creator: null,
    created_at: run.completedAt || epoch,
    updated_at: run.completedAt || epoch,
  }))
  const state =
    statuses.length === 0 ? 'pending' : statuses.some(({ status }) => status === 'failure') ? 'failure' : 'success'
  return {
    state,
    sha,
    total_count: statuses.length,
    statuses,
    url: `${api}/commits/${sha}/status`,
    commit_url: `${api}/commits/${sha}`,
  }
}

function now(): string {
  return `${new Date().toISOString().slice(0, 19)}Z`
}
