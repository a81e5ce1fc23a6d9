import type { PushSignal } from '../../signal.ts'
import { inlineCode, isLinkable, joined, type Markdown, md } from '../../text/markdown.ts'
import { fromOutside } from '../../text/outside.ts'
import { sentenceOf } from '../../text/sentence.ts'
import type { CommitStatus, Gitea } from './client.ts'

export interface PushFacts {
  markdown: Markdown
  /** Whether everything it looked at has come to an end; until then it is worth looking again. */
  settled: boolean
}

export interface ConcernedWorkload {
  name: string
  state: string
  text: string
  /** What rules found about it. */
  findings?: Markdown
}

export interface PushSources {
  gitea: Pick<Gitea, 'status'> | undefined
  /** The health of the deployments that these words name. */
  workloads: ((words: string[], signal: AbortSignal) => Promise<ConcernedWorkload[]>) | undefined
  signal: AbortSignal
}

/** "alice pushed 2 commits to acme/shop main", with its commits, as the beginning of a thread. */
export function pushTitle(push: PushSignal): Markdown {
  const { repository, commits, total, compareUrl: url } = push
  const by = fromOutside(push.pusher.name).inline()
  const where = md`**${fromOutside(repository.fullName).inline()}** ${fromOutside(push.branch).code()}`
  const compare = url && isLinkable(url) ? md` ${fromOutside(url).link(md`compare`)}` : md``
  const late = push.late ? md` (found late: I was away)` : md``
  const title = md`**${by}** pushed ${total} ${total === 1 ? md`commit` : md`commits`} to ${where}${compare}${late}`
  const shown = commits
    .slice(-10)
    .map(
      ({ id, title: subject, author }) =>
        md`- ${inlineCode(id.slice(0, 8))} ${fromOutside(subject).inline(200)} (${fromOutside(author).inline()})`,
    )
  const earlier = total - shown.length
  const lines = joined([earlier > 0 && md`- … ${earlier} earlier ones`, ...shown], '\n')
  return joined([title, lines])
}

/** What a push means, by rules: what it touches, whether its CI is well, whether the workloads it concerns are. */
export async function pushFacts(push: PushSignal, sources: PushSources): Promise<PushFacts> {
  const [ci, workloads] = await Promise.all([ciOf(push, sources), workloadsOf(push, sources)])
  return {
    markdown: joined([touchedBy(push), ci.line, ...workloads.lines]),
    settled: ci.settled && workloads.settled,
  }
}

const kinds: [Markdown, RegExp][] = [
  [md`CI workflow`, /^\.(gitea|github|forgejo)\/workflows\//],
  [md`image build`, /(^|\/)(Dockerfile|Containerfile|\.dockerignore)[^/]*$/],
  [md`Helm chart`, /(^|\/)(Chart\.ya?ml|values[^/]*\.ya?ml|templates\/)/],
  [
    md`Kubernetes manifests`,
    /(^|\/)(k8s|kubernetes|manifests?|deploy(ment)?s?|kustomize|base|overlays)\/.*\.ya?ml$|kustomization\.ya?ml$/,
  ],
  [
    md`dependencies`,
    /(^|\/)(package(-lock)?\.json|go\.(mod|sum)|requirements[^/]*\.txt|Cargo\.(toml|lock)|pom\.xml|.*\.gradle)$/,
  ],
  [md`documentation`, /\.(md|adoc|rst|txt)$|(^|\/)docs?\//],
]

function touchedBy({ commits, total }: PushSignal): Markdown {
  const files = [...new Set(commits.flatMap((commit) => commit.files))]
  if (files.length === 0) return md`Which files it touches is not in the delivery.`
  const groups = new Map<Markdown, string[]>()
  for (const file of files) {
    const kind = kinds.find(([, pattern]) => pattern.test(file))?.[0] ?? md`source`
    groups.set(kind, [...(groups.get(kind) ?? []), file])
  }
  const parts = [...groups].map(([kind, list]) => {
    const names = list.slice(0, 3).map((file) => fromOutside(file).code())
    return md`${kind}: ${joined(names, ', ')}${list.length > 3 ? md` and ${list.length - 3} more` : md``}`
  })
  const partly = total > commits.length ? md` (of the last ${commits.length} commits)` : md``
  return md`It touches${partly} ${joined(parts, '; ')}.`
}

const statusMarks = new Map([
  ['success', md`✅`],
  ['skipped', md`➖`],
  ['pending', md`⏳`],
])
const ended = ['success', 'failure', 'error', 'warning', 'skipped']

async function ciOf(push: PushSignal, { gitea, signal }: PushSources): Promise<{ line: Markdown; settled: boolean }> {
  if (!gitea)
    return { line: md`CI: not looked at (no KUBE_AGENT_GITEA_URL and KUBE_AGENT_GITEA_TOKEN).`, settled: true }
  try {
    const { statuses } = await gitea.status(push.repository.fullName, push.after, signal)
    if (statuses.length === 0) return { line: md`CI: nothing has been reported for this commit yet.`, settled: false }
    const lines = statuses.slice(0, 20).map(({ status, context, description }) => {
      const said = fromOutside(description || status).inline()
      return md`- ${statusMarks.get(status) ?? md`❌`} ${fromOutside(context).inline()}: ${said}`
    })
    return {
      line: md`CI:\n${joined(lines, '\n')}`,
      settled: statuses.every((one: CommitStatus['statuses'][number]) => ended.includes(one.status)),
    }
  } catch (error) {
    signal.throwIfAborted()
    return { line: md`CI: could not be looked at: ${fromOutside(sentenceOf(error)).inline()}`, settled: true }
  }
}

async function workloadsOf(
  push: PushSignal,
  { workloads, signal }: PushSources,
): Promise<{ lines: (Markdown | undefined)[]; settled: boolean }> {
  if (!workloads) return { lines: [], settled: true }
  try {
    const found = await workloads(wordsOf(push), signal)
    if (found.length === 0)
      return { lines: [md`Workloads: none that I may see is named like this repository or its charts.`], settled: true }
    const states = found.map(({ state, text }) => {
      const mark = state === 'healthy' ? md`✅` : state === 'progressing' ? md`⏳` : md`❌`
      return md`- ${mark} ${fromOutside(text).inline()}`
    })
    return {
      lines: [md`Workloads:\n${joined(states, '\n')}`, ...found.map(({ findings }) => findings)],
      settled: found.every((one) => one.state !== 'progressing'),
    }
  } catch (error) {
    signal.throwIfAborted()
    return { lines: [md`Workloads: could not be looked at: ${fromOutside(sentenceOf(error)).inline()}`], settled: true }
  }
}

/** What a workload of this repository may be called: the repository, and the folders and files that hold manifests. */
function wordsOf({ repository, commits }: PushSignal): string[] {
  const name = repository.fullName.split('/')[1] ?? ''
  const fromPaths = commits
    .flatMap((commit) => commit.files)
    .filter((file) => /\.ya?ml$|Dockerfile/.test(file))
    .flatMap((file) => file.split('/').map((part) => part.replace(/\.[^.]*$/, '')))
  return [...new Set([name, ...fromPaths])].filter((word) => /^[a-z0-9][a-z0-9.-]{1,62}$/.test(word)).slice(0, 50)
}
