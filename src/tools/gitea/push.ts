import type { PushSignal } from '../../signal.ts'
import { escapeMarkdown, inlineCode, isLinkable } from '../../text/markdown.ts'
import { sentenceOf } from '../../text/sentence.ts'
import type { CommitStatus, Gitea } from './client.ts'

export interface PushFacts {
  markdown: string
  /** Whether everything it looked at has come to an end; until then it is worth looking again. */
  settled: boolean
}

export interface ConcernedWorkload {
  name: string
  state: string
  text: string
  /** What rules found about it, as Markdown. */
  findings?: string
}

export interface PushSources {
  gitea: Pick<Gitea, 'status'> | undefined
  /** The health of the deployments that these words name. */
  workloads: ((words: string[], signal: AbortSignal) => Promise<ConcernedWorkload[]>) | undefined
  signal: AbortSignal
}

/** "alice pushed 2 commits to acme/shop main", with its commits, as the beginning of a thread. */
export function pushTitle(push: PushSignal): string {
  const { repository, commits, total } = push
  const count = `${total} ${total === 1 ? 'commit' : 'commits'}`
  const late = push.late ? ' (found late: I was away)' : ''
  const title = `**${escapeMarkdown(push.pusher.name)}** pushed ${count} to **${escapeMarkdown(repository.fullName)}** ${inlineCode(push.branch)}${link(' (compare)', push.compareUrl)}${late}`
  const shown = commits
    .slice(-10)
    .map(
      (commit) =>
        `- ${inlineCode(commit.id.slice(0, 8))} ${escapeMarkdown(commit.title)} (${escapeMarkdown(commit.author)})`,
    )
  const more = total > shown.length ? [`- … ${total - shown.length} earlier ones`] : []
  return [title, '', ...more, ...shown].join('\n')
}

const link = (text: string, url: string | undefined): string =>
  url && isLinkable(url) ? ` [${text.trim().replace(/[()]/g, '')}](${url})` : ''

/** What a push means, by rules: what it touches, whether its CI is well, whether the workloads it concerns are. */
export async function pushFacts(push: PushSignal, sources: PushSources): Promise<PushFacts> {
  const [ci, workloads] = await Promise.all([ciOf(push, sources), workloadsOf(push, sources)])
  return {
    markdown: [touchedBy(push), ci.line, ...workloads.lines].filter(Boolean).join('\n\n'),
    settled: ci.settled && workloads.settled,
  }
}

const kinds: [string, RegExp][] = [
  ['CI workflow', /^\.(gitea|github|forgejo)\/workflows\//],
  ['image build', /(^|\/)(Dockerfile|Containerfile|\.dockerignore)[^/]*$/],
  ['Helm chart', /(^|\/)(Chart\.ya?ml|values[^/]*\.ya?ml|templates\/)/],
  [
    'Kubernetes manifests',
    /(^|\/)(k8s|kubernetes|manifests?|deploy(ment)?s?|kustomize|base|overlays)\/.*\.ya?ml$|kustomization\.ya?ml$/,
  ],
  [
    'dependencies',
    /(^|\/)(package(-lock)?\.json|go\.(mod|sum)|requirements[^/]*\.txt|Cargo\.(toml|lock)|pom\.xml|.*\.gradle)$/,
  ],
  ['documentation', /\.(md|adoc|rst|txt)$|(^|\/)docs?\//],
]

function touchedBy({ commits, total }: PushSignal): string {
  const files = [...new Set(commits.flatMap((commit) => commit.files))]
  if (files.length === 0) return 'Which files it touches is not in the delivery.'
  const groups = new Map<string, string[]>()
  for (const file of files) {
    const kind = kinds.find(([, pattern]) => pattern.test(file))?.[0] ?? 'source'
    groups.set(kind, [...(groups.get(kind) ?? []), file])
  }
  const parts = [...groups].map(
    ([kind, list]) =>
      `${kind}: ${list.slice(0, 3).map(inlineCode).join(', ')}${list.length > 3 ? ` and ${list.length - 3} more` : ''}`,
  )
  const partly = total > commits.length ? ` (of the last ${commits.length} commits)` : ''
  return `It touches${partly} ${parts.join('; ')}.`
}

const ended = ['success', 'failure', 'error', 'warning', 'skipped']

async function ciOf(push: PushSignal, { gitea, signal }: PushSources): Promise<{ line: string; settled: boolean }> {
  if (!gitea) return { line: 'CI: not looked at (no KUBE_AGENT_GITEA_URL and KUBE_AGENT_GITEA_TOKEN).', settled: true }
  try {
    const { statuses } = await gitea.status(push.repository.fullName, push.after, signal)
    if (statuses.length === 0) return { line: 'CI: nothing has been reported for this commit yet.', settled: false }
    const marks = { success: '✅', skipped: '➖', pending: '⏳' } as Record<string, string>
    const lines = statuses.map(
      (one) =>
        `${marks[one.status] ?? '❌'} ${escapeMarkdown(one.context)}: ${escapeMarkdown(one.description || one.status)}`,
    )
    return {
      line: `CI:\n${lines
        .slice(0, 20)
        .map((line) => `- ${line}`)
        .join('\n')}`,
      settled: statuses.every((one: CommitStatus['statuses'][number]) => ended.includes(one.status)),
    }
  } catch (error) {
    signal.throwIfAborted()
    return { line: `CI: could not be looked at: ${escapeMarkdown(sentenceOf(error))}`, settled: true }
  }
}

async function workloadsOf(
  push: PushSignal,
  { workloads, signal }: PushSources,
): Promise<{ lines: string[]; settled: boolean }> {
  if (!workloads) return { lines: [], settled: true }
  try {
    const found = await workloads(wordsOf(push), signal)
    if (found.length === 0)
      return { lines: ['Workloads: none that I may see is named like this repository or its charts.'], settled: true }
    const marks = { healthy: '✅', progressing: '⏳' } as Record<string, string>
    return {
      lines: [
        `Workloads:\n${found.map((one) => `- ${marks[one.state] ?? '❌'} ${escapeMarkdown(one.text)}`).join('\n')}`,
        ...found.flatMap(({ findings }) => findings ?? []),
      ],
      settled: found.every((one) => one.state !== 'progressing'),
    }
  } catch (error) {
    signal.throwIfAborted()
    return { lines: [`Workloads: could not be looked at: ${escapeMarkdown(sentenceOf(error))}`], settled: true }
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
