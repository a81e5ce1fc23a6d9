import type { Logger } from 'pino'
import type { Model } from '../agent/model.ts'
import type { Policy } from '../agent/policy/index.ts'
import { texts } from '../bot/texts.ts'
import type { HealthReport } from '../http/index.ts'
import type { Language } from '../text/language.ts'
import { inlineCode, joined, type Markdown, md, ownMarkdown } from '../text/markdown.ts'
import { fromOutside } from '../text/outside.ts'
import type { Probe } from '../tools/analyzers/analyzer.ts'
import { answerByRules } from '../tools/analyzers/answer.ts'
import { diagnosisOf } from '../tools/analyzers/diagnose.ts'
import { toMarkdown } from '../tools/analyzers/text.ts'
import type { Cluster } from '../tools/kubernetes/cluster.ts'

/** What `!status` shows: the parts and how they are, the mode, where tools may look. */
export function statusText(input: {
  version: string
  mode: string
  report: HealthReport
  cluster: Cluster | undefined
  model: Model | undefined
  policy: Policy
}): Markdown {
  const { version, mode, report, cluster, model, policy } = input
  return joined(
    [
      ...Object.entries(report.parts).map(
        ([part, state]) => md`- ${ownMarkdown(part)}: ${fromOutside(state).inline()}`,
      ),
      md`- model name: ${fromOutside(model?.name ?? 'none').code()}`,
      md`- namespaces: ${cluster ? joined(cluster.namespaces.map(inlineCode), ', ') : md`none`}`,
      md`- mode: ${ownMarkdown(mode)}, approvers: ${policy.approvers.length}`,
      md`- version: ${ownMarkdown(version)}`,
    ],
    '\n',
  )
}

/** Bytes of events and log lines in an answer by rules. */
const answerBytes = 6_000

/** What can be said by rules about what a text names; without a name, about what is not well. */
export async function overviewOf(
  cluster: Cluster | undefined,
  text: string,
  language: Language,
  { signal, log, probes }: { signal: AbortSignal; log: Logger; probes: Probe[] },
): Promise<Markdown> {
  if (!cluster) return texts[language].cannotLook(md`no cluster is configured`)
  const context = { signal, log, thread: 'overview', maxBytes: answerBytes }
  return answerByRules(cluster, text, context, { language, probes })
}

/** What `!analyze` shows: the findings about a namespace, or all that are open to the bot. Throws a sentence. */
export async function analysisOf(
  cluster: Cluster | undefined,
  namespace: string | undefined,
  language: Language,
  { signal, probes }: { signal: AbortSignal; probes: Probe[] },
): Promise<Markdown> {
  if (!cluster) return texts[language].cannotLook(md`no cluster is configured`)
  const where = namespace === undefined ? cluster.namespaces : [cluster.namespaceFor(namespace)]
  const report = await diagnosisOf(cluster, where, signal, probes)
  const places = fromOutside(where.includes('*') ? '*' : where.join(', ')).inline()
  return joined([md`**${texts[language].findings(places)}**`, toMarkdown(report, { language })])
}
