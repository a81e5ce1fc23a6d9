import * as z from 'zod'
import { inlineCode, isLinkable, joined, type Markdown, md } from '../../../text/markdown.ts'
import { fromOutside } from '../../../text/outside.ts'
import { sentenceOf } from '../../../text/sentence.ts'
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

/** What can be said about a failed run without a model. What could not be read is said in its place. */
export async function runFacts(gitea: Gitea, result: CiResult, signal: AbortSignal): Promise<Markdown> {
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
  const fork =
    result.line.isFork &&
    md`It comes from a fork: what it ran was written by somebody who may not write here. I only read.`
  return joined([fork, ...parts])
}

function unreadable(error: unknown, signal?: AbortSignal): Markdown {
  signal?.throwIfAborted()
  return md`Could not be looked at: ${fromOutside(sentenceOf(error)).inline()}`
}

async function commitLine(gitea: Gitea, result: CiResult, signal: AbortSignal): Promise<Markdown> {
  const { repository, commit } = result
  if (!commit) return md``
  const page = pageOf(result, gitea)
  const path = inRepository(splitName(repository.fullName), `/git/commits/${commit}`)
  const query = { stat: false, verification: false, files: true }
  const found = await gitea.get(path, Commit, { signal, query })
  const author = fromOutside(found.commit.author.name || 'somebody').inline()
  const login = found.author?.login
  const by =
    login && /^[\w.-]+$/.test(login)
      ? fromOutside(`${page.slice(0, -repository.fullName.length)}${login}`).link(author)
      : author
  const files = found.files.length > 0 ? md`, in ${fileList(found.files)}` : md``
  const link = fromOutside(`${page}/commit/${commit}`).link(inlineCode(short(commit)))
  return md`Commit ${link} ${subjectOf(found.commit)} by ${by}${files}.`
}

/** Where people open the repository: the server's own address for it, which may be another than ours. */
const pageOf = ({ repository }: CiResult, { url }: Gitea): string =>
  isLinkable(repository.url) ? repository.url : `${url}/${repository.fullName}`

const subjectOf = ({ message }: { message: string }): Markdown => fromOutside(firstLine(message)).inline(200)

function fileList(files: string[]): Markdown {
  const names = joined(
    files.slice(0, mostFiles).map((file) => fromOutside(file).code()),
    ', ',
  )
  return files.length > mostFiles ? md`${names} and ${files.length - mostFiles} more` : names
}

async function jobParts(gitea: Gitea, result: CiResult, jobs: Job[], signal: AbortSignal): Promise<Markdown> {
  const failed = jobs.filter((job) => outcome(job) === 'failure')
  const logs = await Promise.all(
    failed
      .slice(0, mostLogs)
      .map((job) => jobPart(gitea, result, job, signal).catch((error: unknown) => unreadable(error))),
  )
  const more = failed.length - mostLogs
  const others = jobs
    .filter((job) => outcome(job) !== 'failure')
    .map((job) => fromOutside(`${job.name} ${outcome(job)}`).inline())
  return joined([
    ...logs,
    more > 0 && md`${more} more jobs failed.`,
    others.length > 0 && md`Other jobs: ${joined(others, ', ')}.`,
  ])
}

async function jobPart(gitea: Gitea, { repository }: CiResult, job: Job, signal: AbortSignal): Promise<Markdown> {
  const log = await readLog(gitea, splitName(repository.fullName), job.id, signal)
  const failure = failureIn(log)
  const step = failedStep(job) ?? failure?.step
  const head = joined(
    [
      md`Job **${fromOutside(job.name).inline()}** (${job.id}) failed`,
      step && md`in step ${fromOutside(step).code()}`,
      failure?.exitCode !== undefined && md`with exit code ${failure.exitCode}`,
    ],
    ' ',
  )
  const printed = decisiveLines(linesOf(log)).join('\n') || '(it printed nothing)'
  return md`${head}:\n\n${fromOutside(printed).block()}`
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
): Promise<Markdown> {
  if (!lastGreen) return md`No earlier run of ${fromOutside(result.subject).code()} that passed was found.`
  const { run, onLine } = lastGreen
  const where = onLine ? md`` : md` (on ${fromOutside(run.head_branch ?? result.repository.defaultBranch).code()})`
  const page = pageOf(result, gitea)
  const since = md`${fromOutside(`${page}/actions/runs/${run.id}`).link(md`run ${run.id}`)}${where}`
  if (run.head_sha === result.commit)
    return md`The last run that passed was ${since}, of the very same commit: it may be flaky.`
  const name = splitName(result.repository.fullName)
  const found = await comparison(gitea, name, { base: run.head_sha, head: result.commit }, signal)
  const files = [...new Set(found.commits.flatMap((one) => one.files.map(({ filename }) => filename)))]
  const commits = found.commits
    .slice(0, mostCommits)
    .map(
      ({ sha, commit }) =>
        md`- ${inlineCode(short(sha))} ${subjectOf(commit)} (${fromOutside(commit.author.name).inline()})`,
    )
  const more = found.total_commits - commits.length
  const count = md`${found.total_commits} ${found.total_commits === 1 ? md`commit` : md`commits`}`
  const compare = fromOutside(`${page}/compare/${run.head_sha}...${result.commit}`).link(count)
  const touched = files.length > 0 ? md` They touch ${fileList(files)}.` : md``
  const title = md`Since the last run that passed, ${since}: ${compare}.${touched}`
  return joined([title, ...commits, more > 0 && md`- … ${more} more`], '\n')
}

async function elsewhereLine({ elsewhere }: History): Promise<Markdown> {
  if (elsewhere.length === 0) return md``
  const said = elsewhere.map(({ branch, run, same }) => {
    const name = fromOutside(branch).code()
    if (outcome(run) === 'success') return md`${name} passes`
    return same ? md`${name} fails in the same place` : md`${name} fails too, elsewhere`
  })
  return md`Other branches: ${joined(said, '; ')}.`
}
