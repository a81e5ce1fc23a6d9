import * as z from 'zod'
import { codeBlock, escapeMarkdown, inlineCode, isLinkable } from '../../../text/markdown.ts'
import { sentenceOf } from '../../../text/sentence.ts'
import { oneLine } from '../../output.ts'
import type { Gitea } from '../client.ts'
import { comparison } from '../commits.ts'
import { failureIn, type JobLog, readLog } from '../job-log.ts'
import { firstLine, short } from '../lines.ts'
import { inRepository, splitName } from '../paths.ts'
import { type Job, jobsOf, outcome } from '../runs.ts'
import { decisiveLines } from './decisive.ts'
import { type History, readHistory } from './history.ts'
import { type CiResult, failedStep } from './result.ts'

const Commit = z.object({
  commit: z.object({ message: z.string().catch(''), author: z.object({ name: z.string().catch('') }) }),
  author: z.object({ login: z.string() }).nullish().catch(undefined),
  files: z
    .array(z.object({ filename: z.string() }))
    .nullish()
    .transform((files) => files?.map(({ filename }) => filename) ?? []),
})

const partMs = 30_000
const mostLogs = 3
const mostCommits = 8
const mostFiles = 12

/** What can be said about a failed run without a model, as Markdown. What could not be read is said in its place. */
export async function runFacts(gitea: Gitea, result: CiResult, signal: AbortSignal): Promise<string> {
  const name = splitName(result.repository.fullName)
  // One part that hangs does not take the others with it.
  const soon = AbortSignal.any([signal, AbortSignal.timeout(partMs)])
  const jobs = jobsOf(gitea, name, result.run ?? 0, soon)
  const history = jobs.then((own) => readHistory(gitea, result, own, soon))
  const parts = await Promise.all(
    [
      commitLine(gitea, result, soon),
      jobs.then((own) => jobParts(gitea, result, own, soon)),
      history.then((found) => sinceGreen(gitea, result, found.lastGreen, soon)),
      history.then((found) => elsewhereLine(found)),
    ].map((part) => part.catch((error: unknown) => unreadable(error, signal))),
  )
  const fork = result.line.isFork
    ? ['It comes from a fork: what it ran was written by somebody who may not write here. I only read.']
    : []
  return [...fork, ...parts].filter(Boolean).join('\n\n')
}

function unreadable(error: unknown, signal?: AbortSignal): string {
  signal?.throwIfAborted()
  return `Could not be looked at: ${escapeMarkdown(sentenceOf(error))}`
}

async function commitLine(gitea: Gitea, result: CiResult, signal: AbortSignal): Promise<string> {
  const { repository, commit } = result
  if (!commit) return ''
  const page = pageOf(result, gitea)
  const path = inRepository(splitName(repository.fullName), `/git/commits/${commit}`)
  const query = { stat: false, verification: false, files: true }
  const found = await gitea.get(path, Commit, { signal, query })
  const author = escapeMarkdown(found.commit.author.name || 'somebody')
  const login = found.author?.login
  const by =
    login && /^[\w.-]+$/.test(login) ? `[${author}](${page.slice(0, -repository.fullName.length)}${login})` : author
  const files = found.files.length > 0 ? `, in ${fileList(found.files)}` : ''
  return `Commit [${inlineCode(short(commit))}](${page}/commit/${commit}) ${escapeMarkdown(firstLine(found.commit.message).slice(0, 200))} by ${by}${files}.`
}

/** Where people open the repository: the server's own address for it, which may be another than ours. */
const pageOf = ({ repository }: CiResult, { url }: Gitea): string =>
  isLinkable(repository.url) ? repository.url : `${url}/${repository.fullName}`

const fileList = (files: string[]): string =>
  files.length > mostFiles
    ? `${files.slice(0, mostFiles).map(inlineCode).join(', ')} and ${files.length - mostFiles} more`
    : files.map(inlineCode).join(', ')

async function jobParts(gitea: Gitea, result: CiResult, jobs: Job[], signal: AbortSignal): Promise<string> {
  const failed = jobs.filter((job) => outcome(job) === 'failure')
  const logs = await Promise.all(
    failed
      .slice(0, mostLogs)
      .map((job) => jobPart(gitea, result, job, signal).catch((error: unknown) => unreadable(error))),
  )
  const more = failed.length > mostLogs ? [`${failed.length - mostLogs} more jobs failed.`] : []
  const others = jobs.filter((job) => outcome(job) !== 'failure')
  const rest =
    others.length > 0
      ? [
          `Other jobs: ${others.map((job) => `${escapeMarkdown(oneLine(job.name))} ${escapeMarkdown(outcome(job))}`).join(', ')}.`,
        ]
      : []
  return [...logs, ...more, ...rest].join('\n\n')
}

async function jobPart(gitea: Gitea, { repository }: CiResult, job: Job, signal: AbortSignal): Promise<string> {
  const log = await readLog(gitea, splitName(repository.fullName), job.id, signal)
  const failure = failureIn(log)
  const step = failedStep(job) ?? failure?.step
  const head = [
    `Job **${escapeMarkdown(oneLine(job.name))}** (${job.id}) failed`,
    step ? ` in step ${inlineCode(oneLine(step))}` : '',
    failure?.exitCode === undefined ? '' : ` with exit code ${failure.exitCode}`,
  ].join('')
  return `${head}:\n\n${codeBlock(decisiveLines(linesOf(log)).join('\n') || '(it printed nothing)')}`
}

/** What the failed step printed; without a step that can be told apart, the log up to where the runner begins to clean up. */
function linesOf(log: JobLog): string[] {
  const failure = failureIn(log)
  const lines =
    failure?.lines ?? log.lines.filter((line) => !/^(?:Cleaning up container|Job failed$|Job '.*' failed$)/.test(line))
  return lines.filter((line) => !/^(?:##\[error\]Process completed|::group::|::endgroup::)/.test(line))
}

async function sinceGreen(
  gitea: Gitea,
  result: CiResult,
  lastGreen: History['lastGreen'],
  signal: AbortSignal,
): Promise<string> {
  if (!lastGreen) return `No earlier run of ${inlineCode(result.subject)} that passed was found.`
  const { run, onLine } = lastGreen
  const where = onLine ? '' : ` (on ${inlineCode(run.head_branch ?? result.repository.defaultBranch)})`
  const page = pageOf(result, gitea)
  const since = `[run ${run.id}](${page}/actions/runs/${run.id})${where}`
  if (run.head_sha === result.commit)
    return `The last run that passed was ${since}, of the very same commit: it may be flaky.`
  const name = splitName(result.repository.fullName)
  const found = await comparison(gitea, name, { base: run.head_sha, head: result.commit }, signal)
  const files = [...new Set(found.commits.flatMap((one) => one.files.map(({ filename }) => filename)))]
  const commits = found.commits
    .slice(0, mostCommits)
    .map(
      ({ sha, commit }) =>
        `- ${inlineCode(short(sha))} ${escapeMarkdown(firstLine(commit.message).slice(0, 200))} (${escapeMarkdown(commit.author.name)})`,
    )
  const more = found.total_commits > commits.length ? [`- … ${found.total_commits - commits.length} more`] : []
  const count = `${found.total_commits} ${found.total_commits === 1 ? 'commit' : 'commits'}`
  const compare = `[${count}](${page}/compare/${run.head_sha}...${result.commit})`
  const touched = files.length > 0 ? ` They touch ${fileList(files)}.` : ''
  return [`Since the last run that passed, ${since}: ${compare}.${touched}`, ...commits, ...more].join('\n')
}

async function elsewhereLine({ elsewhere }: History): Promise<string> {
  if (elsewhere.length === 0) return ''
  const said = elsewhere.map(({ branch, run, same }) => {
    if (outcome(run) === 'success') return `${inlineCode(branch)} passes`
    return same ? `${inlineCode(branch)} fails in the same place` : `${inlineCode(branch)} fails too, elsewhere`
  })
  return `Other branches: ${said.join('; ')}.`
}
