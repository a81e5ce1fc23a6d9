import * as z from 'zod'
import type { Language } from '../../text/language.ts'
import { sentenceOf } from '../../text/sentence.ts'
import type { Cluster } from '../kubernetes/cluster.ts'
import { eventsOf } from '../kubernetes/events.ts'
import * as input from '../kubernetes/inputs.ts'
import { getPodLogs } from '../kubernetes/logs.ts'
import { cutLines } from '../output.ts'
import { defineRead, type ReadTool, type ToolContext } from '../tool.ts'
import type { Analyzer, Finding, ObjectRef, Probe } from './analyzer.ts'
import { headings } from './headings.ts'
import { analyzers } from './index.ts'
import { type Kind, type KindName, kinds } from './kinds/index.ts'
import { analyze, type Report } from './run.ts'
import type { Snapshot } from './snapshot.ts'
import { findingLines, groupByOwner } from './text.ts'

/** What the analyzers say, for a model or a person in a chat: a whole namespace, or one workload with its events and last log lines. */
export function diagnose(cluster: Cluster, probes: Probe[] = []): ReadTool {
  return defineRead({
    name: 'k8s_diagnose',
    description: 'Start here: faults of a namespace or one object (name), with evidence.',
    input: z.object({ namespace: input.namespace, name: input.optionalName }),
    summary: ({ namespace, name }) =>
      `faults of ${namespace ?? cluster.namespace}${name === undefined ? '' : `/${name}`}`,
    async run({ namespace, name }, context) {
      const where = cluster.namespaceFor(namespace)
      const report = await diagnosisOf(cluster, [where], context.signal, probes)
      if (name === undefined) return render(report.findings, report, context.maxBytes)

      const about = report.findings.filter((finding) => isAbout(finding, name, report.snapshot))
      const more = await surroundings(cluster, where, name, report.snapshot, context)
      const none = more === '' ? nothingNamed(where, name) : `No fault of ${where}/${name} was found.`
      return [render(about, report, Math.floor(context.maxBytes / 2), none), more].filter(Boolean).join('\n\n')
    },
  })
}

/** The core analyzers and these probes on these namespaces; those about the cluster as a whole when all of it is open. */
export function diagnosisOf(
  cluster: Cluster,
  namespaces: string[],
  signal: AbortSignal,
  probes: Probe[] = [],
): Promise<Report> {
  const everywhere = namespaces.includes('*')
  return analyze({ cluster, analyzers: coreAnalyzers(everywhere), probes, namespaces, signal })
}

export const coreAnalyzers = (everywhere: boolean): Analyzer[] =>
  analyzers.filter(({ core, reads }) => core && (everywhere || isNamespaced(reads[0])))

const isNamespaced = (name: KindName | undefined): boolean => {
  const kind: Kind | undefined = name && kinds[name]
  return kind?.namespaced ?? true
}

/** Whether a finding concerns what somebody calls `name`: the object, its owner, what suffers with it, or a pod below that owner. */
export function isAbout({ object, owner, affects = [] }: Finding, name: string, snapshot: Snapshot): boolean {
  if ([object, owner, ...affects].some((ref) => ref.name === name)) return true
  const pod = podNamed(name, snapshot)
  return pod !== undefined && snapshot.ownerOf('Pod', pod.metadata).name === owner.name
}

function podNamed(name: string, snapshot: Snapshot) {
  return snapshot.list('Pod').find(({ metadata }) => metadata.name === name)
}

const nothingNamed = (namespace: string, name: string): string =>
  `No fault of ${namespace}/${name} was found, and no workload of that name. k8s_list_deployments and k8s_list_pods tell what there is.`

function render(findings: Finding[], { unchecked }: Report, maxBytes: number, none = 'No faults found.'): string {
  const lines = groupByOwner(findings).flatMap(({ owner, findings: group }) => [
    `${owner.kind} ${owner.name}`,
    ...group.flatMap(findingLines).map((line) => `  ${line}`),
  ])
  const gaps = unchecked.map(({ message }) => `Could not check: ${message}`)
  const all = [...(lines.length > 0 ? lines : [none]), ...gaps]
  const kept = cutLines(all, maxBytes - 80)
  return kept.length < all.length
    ? `${kept.join('\n')}\n… ${all.length - kept.length} more lines. Ask for one workload with name.`
    : kept.join('\n')
}

/** Events of the workload and the last lines of the pod of its that is worst off; nothing when there is no such workload. */
export async function surroundings(
  cluster: Cluster,
  namespace: string,
  name: string,
  snapshot: Snapshot,
  context: ToolContext,
  language: Language = 'en',
): Promise<string> {
  const workload = workloadNamed(name, snapshot)
  if (!workload) return ''
  const pods = workload.kind === 'Pod' ? [podNamed(name, snapshot)] : snapshot.podsOf(workload)
  const pod = pods.find((one) => one && !isReady(one.status?.conditions)) ?? pods[0]
  const share = { signal: context.signal, maxBytes: Math.floor(context.maxBytes / 5) }
  const events = await eventsOf(cluster, namespace, pod ? { kind: 'Pod', name: pod.metadata.name } : workload, share)
  const log = pod ? await logOf(cluster, namespace, pod.metadata.name, { ...context, ...share }, language) : ''
  return [`${headings[language].events(pod ? `pod ${pod.metadata.name}` : name)}\n${events}`, log]
    .filter(Boolean)
    .join('\n\n')
}

async function logOf(
  cluster: Cluster,
  namespace: string,
  name: string,
  context: ToolContext,
  language: Language,
): Promise<string> {
  const words = headings[language]
  try {
    return `${words.log(`pod ${name}`)}\n${await getPodLogs(cluster).run({ name, namespace, tail: 10 }, context)}`
  } catch (error) {
    context.signal.throwIfAborted()
    return words.noLog(`pod ${name}`, sentenceOf(error))
  }
}

const workloadKinds = ['Deployment', 'StatefulSet', 'DaemonSet', 'CronJob', 'Job', 'Pod'] as const

export function workloadNamed(name: string, snapshot: Snapshot): ObjectRef | undefined {
  for (const kind of workloadKinds) {
    const found = (snapshot.list(kind as KindName) as { metadata: { name: string; namespace?: string } }[]).find(
      ({ metadata }) => metadata.name === name,
    )
    if (found) return { kind, name, ...(found.metadata.namespace && { namespace: found.metadata.namespace }) }
  }
  return undefined
}

const isReady = (conditions: { type: string; status: string }[] | undefined): boolean =>
  conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false
