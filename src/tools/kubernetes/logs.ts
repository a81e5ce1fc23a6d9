import { stripVTControlCharacters } from 'node:util'
import * as z from 'zod'
import { sentenceOf } from '../../text/sentence.ts'
import { contains, lastLines } from '../output.ts'
import { defineRead, type ReadTool, type ToolContext } from '../tool.ts'
import type { Cluster } from './cluster.ts'
import { ClusterError } from './errors.ts'
import * as input from './inputs.ts'
import { type Pod, paths, selectorOf, type Workload } from './objects.ts'
import { allItems } from './pages.ts'
import { readPod } from './pods.ts'
import { findWorkload, workloadRights } from './workload.ts'

const mostLines = 2_000
const mostBytes = 4 * 1024 * 1024

export function getPodLogs(cluster: Cluster): ReadTool {
  return defineRead({
    name: 'k8s_get_pod_logs',
    description: 'Last log lines of a pod, or of all pods of a workload; previous: before the last restart.',
    input: z.object({
      name: input.name,
      namespace: input.namespace,
      container: input.container,
      match: input.match,
      since: input.minutes,
      tail: input.optionalInteger(1, mostLines),
      previous: input.flag,
    }),
    rights: [
      { group: '', resource: 'pods', verbs: ['get', 'list'] },
      { group: '', resource: 'pods/log', verbs: ['get'] },
      ...workloadRights,
    ],
    summary: ({ name, namespace, previous, match }) =>
      `${previous ? 'previous logs' : 'logs'} of ${namespace ?? cluster.namespace}/${name}${input.matching(match)}`,
    async run({ name, namespace, container, match, since, tail, previous = false }, context) {
      const where = cluster.namespaceFor(namespace)
      const asked: Asked = { container, since, previous, tail: tail ?? (match === undefined ? 100 : mostLines) }
      const found = await podOrWorkload(cluster, where, name, context)
      const { note, text, empty } =
        'pod' in found
          ? await logOfPod(cluster, found.pod, asked, context.signal)
          : await logOfPods(cluster, where, found, asked, context.signal)
      if (text.trim() === '') return note + empty
      return note + shown(text, match, context.maxBytes - Buffer.byteLength(note))
    },
  })
}

interface Asked {
  container: string | undefined
  since: number | undefined
  previous: boolean
  tail: number
}

interface Log {
  /** What has to be known to read the text, with a line end, or nothing. */
  note: string
  text: string
  /** What is said when there is no text. */
  empty: string
}

/** People and models call a workload's pods by the name of the workload. */
async function podOrWorkload(
  cluster: Cluster,
  namespace: string,
  name: string,
  context: ToolContext,
): Promise<{ pod: Pod } | { kind: string; workload: Workload }> {
  try {
    return { pod: await cluster.get<Pod>(paths.pod(namespace, name), context) }
  } catch (error) {
    if (!(error instanceof ClusterError) || error.status !== 404) throw error
    const found = await findWorkload(cluster, namespace, name, context.signal)
    // Asked again for the sentence that names what there is.
    return found
      ? { kind: found.kind, workload: found.object }
      : { pod: await readPod(cluster, namespace, name, context) }
  }
}

async function logOfPod(cluster: Cluster, pod: Pod, asked: Asked, signal: AbortSignal): Promise<Log> {
  const { name, note } = chooseContainer(pod, asked.container)
  const { namespace = '' } = pod.metadata
  const text = await readTail(cluster, paths.log(namespace, pod.metadata.name), { ...asked, container: name }, signal)
  return { note, text, empty: whyEmpty(pod, asked.since) }
}

const mostPods = 10

/** The logs of a workload's pods as one, in the order of time: each line with its time and the end of the pod's name. */
async function logOfPods(
  cluster: Cluster,
  namespace: string,
  { kind, workload }: { kind: string; workload: Workload },
  asked: Asked,
  signal: AbortSignal,
): Promise<Log> {
  const query = { labelSelector: selectorOf(workload.spec?.selector) }
  const { items } = await allItems<Pod>(cluster, paths.pods(namespace), { signal, query })
  const title = `${kind} ${namespace}/${workload.metadata.name}`
  if (items.length === 0) return { note: '', text: '', empty: `${title} has no pods. See k8s_rollout_status.` }

  const pods = items
    .toSorted((a, b) => Number(unwellContainer(a) === undefined) - Number(unwellContainer(b) === undefined))
    .slice(0, mostPods)
  const read = await Promise.all(pods.map((pod) => timedLines(cluster, pod, asked, signal)))
  const lines = read
    .flatMap((one) => ('lines' in one ? one.lines : []))
    .sort((a, b) => (a.at === b.at ? 0 : a.at < b.at ? -1 : 1))
    .slice(-asked.tail)
  const failed = read.flatMap((one) => ('failure' in one ? [`${one.failure}\n`] : []))
  const count = items.length > pods.length ? `${pods.length} of ${items.length} pods` : `${pods.length} pods`
  return {
    note: `${title}, ${count}: ${pods.map(({ metadata }) => metadata.name).join(', ')}.\n${failed.join('')}`,
    text: lines.map(({ at, pod, text }) => `${at.slice(11, 19)} ${pod} ${text}`).join('\n'),
    empty: asked.since === undefined ? 'The logs are empty.' : `No lines in the last ${asked.since} minutes.`,
  }
}

async function timedLines(
  cluster: Cluster,
  pod: Pod,
  asked: Asked,
  signal: AbortSignal,
): Promise<{ lines: { at: string; pod: string; text: string }[] } | { failure: string }> {
  const { namespace = '', name } = pod.metadata
  try {
    const container = chooseContainer(pod, asked.container).name
    const text = await readTail(cluster, paths.log(namespace, name), { ...asked, container, timestamps: true }, signal)
    const lines = text.split('\n').filter((line) => line !== '')
    return { lines: lines.map((line) => ({ pod: name.split('-').at(-1) ?? name, ...timeOf(line) })) }
  } catch (error) {
    signal.throwIfAborted()
    return { failure: `${name}: ${sentenceOf(error)}` }
  }
}

/** Without the `Z`, so that times of different precision compare as text. */
function timeOf(line: string): { at: string; text: string } {
  const space = line.indexOf(' ')
  return { at: line.slice(0, space).replace('Z', ''), text: line.slice(space + 1) }
}

/**
 * The last lines. The server counts bytes from the first of them, so very long lines would push the newest out: then fewer are
 * asked for.
 */
async function readTail(
  cluster: Cluster,
  path: string,
  asked: Asked & { timestamps?: boolean },
  signal: AbortSignal,
): Promise<string> {
  const { container, since, previous, tail, timestamps } = asked
  const query = {
    container,
    tailLines: tail,
    limitBytes: mostBytes,
    sinceSeconds: since && since * 60,
    previous: previous ? 'true' : undefined,
    timestamps: timestamps ? 'true' : undefined,
  }
  const text = await cluster.text(path, { signal, query })
  if (Buffer.byteLength(text) < mostBytes || tail === 1) return text
  return readTail(cluster, path, { ...asked, tail: Math.ceil(tail / 10) }, signal)
}

function shown(log: string, match: string | undefined, maxBytes: number): string {
  const text = stripVTControlCharacters(log)
  const lines = text.replace(/\n$/, '').split('\n')
  const wanted = lines.filter((line) => contains(line, match))
  if (wanted.length === 0) return `None of the last ${lines.length} lines contains ${JSON.stringify(match)}.`

  const found = match === undefined ? '' : `${wanted.length} of the last ${lines.length} lines contain it.\n`
  const reserve = 120
  const last = lastLines(wanted.join('\n'), Math.max(reserve, maxBytes - reserve))
  const way = match === undefined ? 'Narrow down with match or a smaller tail.' : 'Narrow down with a longer match.'
  const cut = last.cut > 0 ? `… ${last.cut} earlier lines were cut. ${way}\n` : ''
  return `${found}${cut}${last.text}`
}

/** The API server answers with nothing, not with an error, for a pod that no node has taken. */
function whyEmpty({ spec }: Pod, since: number | undefined): string {
  if (!spec?.nodeName) return 'There is no log yet: no node has taken the pod. See k8s_get_pod.'
  return since === undefined ? 'The log is empty.' : `No lines in the last ${since} minutes.`
}

/** The named container, else the one that is not well, else the one marked as default, else the first; says so when there was a choice. */
function chooseContainer(pod: Pod, wanted: string | undefined): { name: string; note: string } {
  const names = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])].map(
    (container) => container.name,
  )
  if (wanted !== undefined) {
    if (!names.includes(wanted))
      throw new Error(
        `Pod ${pod.metadata.namespace}/${pod.metadata.name} has no container ${wanted}. Containers: ${names.join(', ')}.`,
      )
    return { name: wanted, note: '' }
  }
  const unwell = unwellContainer(pod)
  const marked = pod.metadata.annotations?.['kubectl.kubernetes.io/default-container']
  const name = unwell ?? names.find((one) => one === marked) ?? names[0] ?? ''
  if (names.length < 2) return { name, note: '' }
  const others = names.filter((one) => one !== name).join(', ')
  return { name, note: `Container ${name}${unwell ? ', which is not well' : ''} (others: ${others}).\n` }
}

function unwellContainer({ status }: Pod): string | undefined {
  const statuses = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])]
  const failed = statuses.find(
    ({ state, lastState }) =>
      (state?.terminated?.exitCode ?? 0) !== 0 || (state?.waiting && (lastState?.terminated?.exitCode ?? 0) !== 0),
  )
  return failed?.name
}
