import * as z from 'zod'
import { sentenceOf } from '../../text/sentence.ts'
import { contains, cutBytes, lastLines, oneLine } from '../output.ts'
import { defineRead, type ReadTool } from '../tool.ts'
import { age } from './age.ts'
import type { Cluster } from './cluster.ts'
import { ClusterError } from './errors.ts'
import * as input from './inputs.ts'
import { missingNamespace } from './not-found.ts'
import { type Condition, type EventObject, type ManagedFields, type Meta, paths } from './objects.ts'
import { allItems } from './pages.ts'
import { imagesOf } from './revisions.ts'

/** Something that happened, at a time in milliseconds since the epoch. */
interface Happening {
  at: number
  line: string
}

interface Source {
  kind: string
  path: string
}

interface Written {
  metadata: Meta
}

interface Revised extends Written {
  spec?: { template?: Parameters<typeof imagesOf>[0] }
}

interface NodeObject extends Written {
  status?: { conditions?: Condition[] }
}

export function whatChanged(cluster: Cluster): ReadTool {
  return defineRead({
    name: 'k8s_what_changed',
    description: 'Timeline of a namespace: rollouts, who wrote what, node conditions, warnings.',
    input: z.object({ namespace: input.namespace, since: input.minutes, match: input.match }),
    rights: [
      ...['configmaps', 'services', 'pods', 'events', 'nodes'].map((resource) => ({ group: '', resource })),
      ...['deployments', 'statefulsets', 'daemonsets', 'replicasets'].map((resource) => ({ group: 'apps', resource })),
      { group: 'batch', resource: 'cronjobs' },
      { group: 'networking.k8s.io', resource: 'ingresses' },
      { group: 'autoscaling', resource: 'horizontalpodautoscalers' },
    ].map((right) => ({ ...right, verbs: ['list'] })),
    summary: ({ namespace, since = usualMinutes, match }) =>
      `what changed in ${namespace ?? cluster.namespace} in ${since} minutes${input.matching(match)}`,
    async run({ namespace, since = usualMinutes, match }, { signal, maxBytes }) {
      const where = cluster.namespaceFor(namespace)
      const read = await Promise.all(readers(cluster, where, signal).map((one) => guarded(one, signal)))
      const from = cluster.now() - since * 60_000
      const lines = read
        .flatMap(({ happenings }) => happenings)
        .filter(({ at, line }) => at >= from && contains(line, match))
        .sort((a, b) => a.at - b.at)
        .map(({ at, line }) => `${clock(at)} (${age(new Date(at).toISOString(), cluster.now())} ago) ${line}`)
      const gaps = read.flatMap(({ gap }) => (gap ? [gap] : []))
      const missing = lines.length === 0 && (await missingNamespace(cluster, where, signal))
      if (missing) return missing
      const none = `Nothing changed in ${where} in the last ${since} minutes${match ? ` that contains ${JSON.stringify(match)}` : ''}.`
      const kept = lastLines(lines.join('\n'), maxBytes - 400)
      const cut = kept.cut > 0 ? [`… ${kept.cut} earlier ones. Narrow down with since or match.`] : []
      return [...cut, lines.length > 0 ? kept.text : none, ...gaps].join('\n')
    },
  })
}

const usualMinutes = 60

const clock = (at: number): string => new Date(at).toISOString().replace(/\.\d+Z$/, 'Z')

interface Reader {
  what: string
  read(): Promise<Happening[]>
}

/** What cannot be read is a gap in the timeline, not its end; a kind that the server does not have is none. */
async function guarded(
  { what, read }: Reader,
  signal: AbortSignal,
): Promise<{ happenings: Happening[]; gap?: string }> {
  try {
    return { happenings: await read() }
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof ClusterError && error.status === 404) return { happenings: [] }
    return { happenings: [], gap: `Could not check ${what}: ${sentenceOf(error)}` }
  }
}

function readers(cluster: Cluster, namespace: string, signal: AbortSignal): Reader[] {
  const list = async <Item>(path: string, metadataOnly = false) =>
    (await allItems<Item>(cluster, path, { signal, metadataOnly })).items
  const written: Source[] = [
    { kind: 'Deployment', path: paths.deployments(namespace) },
    { kind: 'StatefulSet', path: paths.statefulSets(namespace) },
    { kind: 'DaemonSet', path: paths.daemonSets(namespace) },
    { kind: 'CronJob', path: `/apis/batch/v1/namespaces/${namespace}/cronjobs` },
    { kind: 'ConfigMap', path: paths.configMaps(namespace) },
    { kind: 'Service', path: paths.services(namespace) },
    { kind: 'Ingress', path: `/apis/networking.k8s.io/v1/namespaces/${namespace}/ingresses` },
    { kind: 'HorizontalPodAutoscaler', path: paths.autoscalers(namespace) },
  ]
  return [
    ...written.map(({ kind, path }) => ({
      what: `${kind}s`,
      read: async () => (await list<Written>(path, true)).flatMap((object) => writesOf(kind, object)),
    })),
    {
      what: 'rollouts',
      read: async () => (await list<Revised>(paths.replicaSets(namespace))).flatMap(rolloutOf),
    },
    {
      what: 'events',
      read: async () => warningsOf(await list<EventObject>(paths.events(namespace))),
    },
    {
      what: 'nodes',
      read: async () => (await list<NodeObject>(paths.nodes)).flatMap(conditionsOf),
    },
  ]
}

/** Controllers write all the time, and only carry out what somebody else wrote. */
const controllers = /^(kube-controller-manager|kube-scheduler|kubelet|kwok.*)$/

/** These commands only change what is there. */
const changers = /^kubectl-(?:annotate|autoscale|edit|label|patch|rollout|scale|set|taint)$/

/**
 * Creation, deletion, and the last write of each author. The server's times are whole seconds: who else wrote in the second of the
 * creation may have been first, so each of them is named as who may have created it.
 */
function writesOf(kind: string, { metadata }: Written): Happening[] {
  const name = `${kind} ${metadata.name}`
  const people = (metadata.managedFields ?? []).filter(
    ({ manager = '', subresource }) => !controllers.test(manager) && subresource !== 'status',
  )
  const creators = people.filter(
    ({ manager = '', time, subresource }) =>
      time === metadata.creationTimestamp && !subresource && !changers.test(manager),
  )
  const by = [...new Set(creators.map(authorOf))].join(' or ')
  return [
    ...happening(metadata.creationTimestamp, `${name} created${by && ` by ${by}`}`),
    ...happening(metadata.deletionTimestamp, `${name} is being deleted`),
    ...people
      .filter((entry) => !creators.includes(entry))
      .flatMap((entry) =>
        happening(
          entry.time,
          `${name} ${entry.subresource ? `(${entry.subresource}) ` : ''}written by ${authorOf(entry)}`,
        ),
      ),
  ]
}

const authorOf = ({ manager = 'somebody' }: ManagedFields): string => oneLine(manager)

function rolloutOf({ metadata, spec }: Revised): Happening[] {
  const owner = metadata.ownerReferences?.find(({ controller }) => controller)
  const revision = metadata.annotations?.['deployment.kubernetes.io/revision']
  if (!owner) return []
  const images = imagesOf(spec?.template ?? {})
  return happening(
    metadata.creationTimestamp,
    `${owner.kind} ${owner.name} rolls out${revision ? ` revision ${revision}` : ''}: ${images}`,
  )
}

/** What is wrong with a node, and that it is ready again; not what it said as it joined. */
const conditionsOf = ({ metadata, status }: NodeObject): Happening[] => [
  ...(status?.conditions ?? [])
    .filter(({ type, status: state, lastTransitionTime = '' }) => {
      const isWell = (type === 'Ready') === (state === 'True')
      return isWell ? type === 'Ready' && !isJoining(lastTransitionTime, metadata) : true
    })
    .flatMap(({ type, status: state, reason, lastTransitionTime }) =>
      happening(lastTransitionTime, `Node ${metadata.name} ${type}=${state}${reason ? ` (${oneLine(reason)})` : ''}`),
    ),
  ...happening(metadata.creationTimestamp, `Node ${metadata.name} joined`),
]

const isJoining = (time: string, { creationTimestamp = '' }: Meta): boolean =>
  Date.parse(time) - Date.parse(creationTimestamp) < 5 * 60_000

/** The first sight of each warning and the number of times, so that the timeline shows what began when. */
function warningsOf(events: EventObject[]): Happening[] {
  const groups = new Map<string, { at: number; count: number; about: string; message: string }>()
  for (const event of events.filter(({ type }) => type === 'Warning')) {
    const { kind = '?', name = '?' } = event.involvedObject ?? {}
    const about = `Warning ${event.reason ?? ''} ${kind} ${name}`
    const at = Date.parse(event.firstTimestamp ?? event.eventTime ?? event.metadata.creationTimestamp ?? '')
    const known = groups.get(about)
    groups.set(about, {
      about,
      at: Math.min(known?.at ?? at, at),
      count: (known?.count ?? 0) + (event.series?.count ?? event.count ?? 1),
      message: known?.message ?? cutBytes(oneLine(event.message ?? event.note ?? ''), 300),
    })
  }
  return [...groups.values()].flatMap(({ at, count, about, message }) =>
    happening(at, `${about}: ${message}${count > 1 ? ` (${count} times)` : ''}`),
  )
}

function happening(time: string | number | undefined, line: string): Happening[] {
  const at = typeof time === 'number' ? time : Date.parse(time ?? '')
  return Number.isNaN(at) ? [] : [{ at, line }]
}
