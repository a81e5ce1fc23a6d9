import type { Language } from '../../text/language.ts'
import { joined, type Markdown, md } from '../../text/markdown.ts'
import { fromOutside } from '../../text/outside.ts'
import type { Cluster } from '../kubernetes/cluster.ts'
import { healthOfTarget } from '../kubernetes/health.ts'
import type { ToolContext } from '../tool.ts'
import type { ObjectRef, Probe } from './analyzer.ts'
import { diagnosisOf, isAbout, surroundings } from './diagnose.ts'
import { headings } from './headings.ts'
import type { KindName } from './kinds/index.ts'
import type { Report } from './run.ts'
import type { Snapshot } from './snapshot.ts'
import { toMarkdown } from './text.ts'

const mostNamed = 3
const marks = { healthy: md`✅`, progressing: md`⏳`, failing: md`❌`, gone: md`❌` }

/**
 * What rules can say to a question: of each workload that it names the findings, how it is, its events and last log
 * lines; without a name, everything of some weight that is not well.
 */
export async function answerByRules(
  cluster: Cluster,
  question: string,
  context: ToolContext,
  { language = 'en', probes = [] }: { language?: Language; probes?: Probe[] } = {},
): Promise<Markdown> {
  const report = await diagnosisOf(cluster, cluster.namespaces, context.signal, probes)
  const named = namedIn(question, report.snapshot).slice(0, mostNamed)
  if (named.length === 0) return toMarkdown(report, { least: 'warning', language })
  const share = { ...context, maxBytes: Math.floor(context.maxBytes / named.length) }
  const sections = await Promise.all(named.map((workload) => aboutWorkload(cluster, workload, report, share, language)))
  return joined(sections)
}

async function aboutWorkload(
  cluster: Cluster,
  workload: ObjectRef,
  { findings, unchecked, snapshot }: Report,
  context: ToolContext,
  language: Language,
): Promise<Markdown> {
  const { name, namespace = cluster.namespace } = workload
  const about = findings.filter(
    (finding) => (finding.owner.namespace ?? namespace) === namespace && isAbout(finding, name, snapshot),
  )
  const [health, around] = await Promise.all([
    healthOfTarget(cluster, workload, context.signal),
    surroundings(cluster, namespace, name, snapshot, context, language),
  ])
  return joined([
    health.state !== 'unknown' && md`${marks[health.state]} ${fromOutside(`${workload.kind} ${health.text}`).inline()}`,
    about.length > 0 || unchecked.length > 0
      ? toMarkdown({ findings: about, unchecked }, { language })
      : headings[language].noneAbout(fromOutside(`${workload.kind} ${namespace}/${name}`).inline()),
    around && fromOutside(around).block(),
  ])
}

const kinds: KindName[] = ['Deployment', 'StatefulSet', 'DaemonSet', 'CronJob', 'Job', 'Pod']

interface Labelled {
  metadata: { name: string; namespace?: string; labels?: Record<string, string> }
}

/** The workloads that a text names: by name, with or without namespace, or by their `app` label. Those at the top of others only. */
function namedIn(text: string, snapshot: Snapshot): ObjectRef[] {
  const words = new Set(text.toLowerCase().match(/[a-z0-9][a-z0-9./-]{0,126}[a-z0-9]/g) ?? [])
  const found = kinds.flatMap((kind) =>
    (snapshot.list(kind) as Labelled[])
      .filter(({ metadata }) => namesOf(metadata).some((name) => words.has(name)))
      .map(({ metadata: { name, namespace } }): ObjectRef => ({ kind, name, ...(namespace && { namespace }) })),
  )
  const pods = found.filter(({ kind }) => kind === 'Pod')
  const tops = found.filter(({ kind }) => kind !== 'Pod')
  return tops.length > 0 ? tops : pods
}

function namesOf({ name, namespace, labels }: Labelled['metadata']): string[] {
  const app = [labels?.app, labels?.['app.kubernetes.io/name']].filter((label) => label !== undefined)
  return [name, `${namespace}/${name}`, ...app.map((label) => label.toLowerCase())]
}
