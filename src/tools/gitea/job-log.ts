import { stripVTControlCharacters } from 'node:util'
import * as z from 'zod'
import { contains, lastLines, oneLine } from '../output.ts'
import { defineRead, type ReadTool } from '../tool.ts'
import type { Gitea } from './client.ts'
import * as input from './inputs.ts'
import { inRepository, type RepositoryName } from './paths.ts'
import { inExisting } from './repositories.ts'
import { Job, outcome } from './runs.ts'

const mostBytes = 512 * 1024

export function getJobLog(gitea: Gitea): ReadTool {
  return defineRead({
    name: 'gitea_get_job_log',
    description: 'Log of a CI job: the step that failed, or the last lines.',
    input: z.object({
      owner: input.owner,
      repo: input.repo,
      job: input.integer(1, Number.MAX_SAFE_INTEGER),
      match: input.match,
    }),
    scopes: ['read:repository'],
    summary: ({ owner, repo, job, match }) => `log of job ${job} of ${owner}/${repo}${input.matching(match)}`,
    async run({ owner, repo, job: id, match }, { signal, maxBytes }) {
      const name = { owner, repo }
      const [log, job] = await Promise.all([readLog(gitea, name, id, signal), readJob(gitea, name, id, signal)])
      const title = job ? `job ${id} ${oneLine(job.name)}: ${outcome(job)}\n` : ''
      return title + shown(log, job, { match, maxBytes: maxBytes - Buffer.byteLength(title) })
    },
  })
}

/** The end of a job's log, a line an item, without times and colours. */
export interface JobLog {
  lines: string[]
  /** Whether there is more before it. */
  cut: boolean
}

export async function readLog(gitea: Gitea, name: RepositoryName, job: number, signal: AbortSignal): Promise<JobLog> {
  const path = inRepository(name, `/actions/jobs/${job}/logs`)
  const read = () => gitea.text(path, { signal, maxBytes: mostBytes, keep: 'end' })
  const { text, cut } = await inExisting(gitea, name, signal, read, `The log of job ${job}`)
  const lines = text.split('\n').map(plain)
  if (lines.at(-1) === '') lines.pop()
  // The first line begins somewhere in its middle.
  return { lines: cut ? lines.slice(1) : lines, cut }
}

const plain = (line: string): string =>
  stripVTControlCharacters(line.replace(/\r$/, '').replace(/^\uFEFF?\d{4}-\d\d-\d\dT[\d:.]{8,20}Z /, ''))

/** A job's name and steps, where the server tells them. */
async function readJob(gitea: Gitea, name: RepositoryName, id: number, signal: AbortSignal): Promise<Job | undefined> {
  if (!(await gitea.features(signal)).runs) return undefined
  return gitea.get(inRepository(name, `/actions/jobs/${id}`), Job, { signal }).catch(() => {
    signal.throwIfAborted()
    return undefined
  })
}

export interface Failure {
  /** The first line of the step's script, as the log has it. */
  step: string | undefined
  exitCode: number | undefined
  /** What the step printed, up to the error. */
  lines: string[]
}

/** The step that ended the job, as far as the log tells: names of steps are not in it, and a job may print anything. */
export function failureIn({ lines }: JobLog): Failure | undefined {
  const end = lines.findLastIndex((line) => /^##\[error\]Process completed with exit code \d+/.test(line))
  if (end < 0) return undefined
  const start = lines.slice(0, end).findLastIndex((line) => line.startsWith('::group::Run '))
  const header = start < 0 ? -1 : lines.indexOf('::endgroup::', start)
  return {
    step: start < 0 ? undefined : lines[start]?.slice('::group::Run '.length),
    exitCode: Number(/exit code (\d+)/.exec(lines[end] ?? '')?.[1]),
    lines: lines.slice(header >= 0 && header < end ? header + 1 : Math.max(0, start), end + 1),
  }
}

function shown(
  log: JobLog,
  job: Job | undefined,
  { match, maxBytes }: { match: string | undefined; maxBytes: number },
): string {
  if (log.lines.length === 0) return 'The log is empty.'
  if (match !== undefined) return matching(log, match, maxBytes)
  const failure = failureIn(log)
  if (!failure) return last(log.lines, log.cut, maxBytes, '')
  const named = job?.steps.find((step) => step.conclusion === 'failure')?.name
  const step = [named && oneLine(named), failure.step && `run: ${oneLine(failure.step)}`].filter(Boolean).join(', ')
  const title = `Failed step: ${step || 'unknown'}; exit code ${failure.exitCode}\n`
  return title + last(failure.lines, log.cut && failure.step === undefined, maxBytes - Buffer.byteLength(title), '')
}

function matching(log: JobLog, match: string, maxBytes: number): string {
  const wanted = log.lines.filter((line) => contains(line, match))
  const range = `the ${log.cut ? `last ${log.lines.length}` : log.lines.length} lines`
  if (wanted.length === 0) return `None of ${range} contains ${JSON.stringify(match)}.`
  return last(wanted, false, maxBytes, `${wanted.length} of ${range} contain it.\n`)
}

function last(lines: string[], cutBefore: boolean, maxBytes: number, title: string): string {
  const kept = lastLines(lines.join('\n'), Math.max(200, maxBytes - 120 - Buffer.byteLength(title)))
  const note =
    kept.cut > 0 || cutBefore
      ? `… ${kept.cut > 0 ? `${kept.cut} ` : ''}earlier lines were cut. Narrow down with match.\n`
      : ''
  return title + note + kept.text
}
