import type { Model } from '../agent/model.ts'
import type { Policy } from '../agent/policy.ts'
import { type Language, texts } from '../bot/texts.ts'
import type { HealthReport } from '../http.ts'
import type { Cluster } from '../tools/kubernetes/cluster.ts'
import { workloads } from '../tools/kubernetes/overview.ts'
import { escapeMarkdown, inlineCode } from '../tools/markdown.ts'

/** What `!status` shows: the parts and how they are, the mode, where tools may look. */
export function statusText(input: {
  version: string
  mode: string
  report: HealthReport
  cluster: Cluster | undefined
  model: Model | undefined
  policy: Policy
}): string {
  const { version, mode, report, cluster, model, policy } = input
  return [
    ...Object.entries(report.parts).map(([part, state]) => `- ${part}: ${escapeMarkdown(state)}`),
    `- model name: ${inlineCode(model?.name ?? 'none')}`,
    `- namespaces: ${cluster ? cluster.namespaces.map(inlineCode).join(', ') : 'none'}`,
    `- mode: ${mode}, approvers: ${policy.approvers.length}`,
    `- version: ${version}`,
  ].join('\n')
}

const marks = { healthy: '✅', progressing: '⏳', failing: '❌', gone: '❌', unknown: '❔' } as const

/** What can be said by rules about the deployments that a text names; without a name, about those that are not well. */
export async function overviewOf(
  cluster: Cluster | undefined,
  text: string,
  language: Language,
  signal: AbortSignal,
): Promise<string> {
  if (!cluster) return texts[language].cannotLook('no cluster is configured')
  const words = text.toLowerCase().match(/[a-z0-9][a-z0-9./-]{1,62}/g) ?? []
  const named = await workloads(cluster, words, signal)
  const found = named.length > 0 ? named : await workloads(cluster, undefined, signal)
  if (found.length === 0) return texts[language].nothingFound
  return found.map((one) => `- ${marks[one.state]} ${escapeMarkdown(one.text)}`).join('\n')
}
