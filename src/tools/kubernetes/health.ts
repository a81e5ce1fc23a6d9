import { sentenceOf } from '../../text/sentence.ts'
import type { Target } from '../tool.ts'
import type { Cluster } from './cluster.ts'
import { describeState } from './describe.ts'
import { ClusterError } from './errors.ts'
import { type Condition, type Deployment, type Meta, type Pod, paths, selectorOf, type Workload } from './objects.ts'
import { allItems } from './pages.ts'
import { readinessGraceMs } from './probes.ts'
import { isRolledKind, type Rolled, type RolledKind, workloadPath } from './workload.ts'

export interface Health {
  state: 'healthy' | 'progressing' | 'failing' | 'gone' | 'unknown'
  text: string
}

/** How a workload or a node is, from its own status, not from the silence of events. Never rejects but on abort. */
export async function healthOfTarget(cluster: Cluster, target: Target, signal: AbortSignal): Promise<Health> {
  const where = target.namespace ?? cluster.namespace
  const { kind, name } = target
  try {
    if (kind === 'Node') return nodeHealth(await cluster.get<Node>(paths.node(name), { signal }))
    if (!isRolledKind(kind)) return { state: 'unknown', text: `A ${kind} has no health of its own.` }
    const object = await cluster.get<Workload>(workloadPath(kind, cluster.namespaceFor(where), name), { signal })
    return await healthOf(cluster, { kind, object }, signal)
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof ClusterError && error.status === 404)
      return { state: 'gone', text: `${kind.toLowerCase()} ${where}/${name} is gone.` }
    return { state: 'unknown', text: sentenceOf(error) }
  }
}

interface Node {
  metadata: Meta
  spec?: { unschedulable?: boolean }
  status?: { conditions?: Condition[] }
}

/** A cordoned node is as somebody wants it: only what it reports of itself counts. */
function nodeHealth({ metadata, spec, status }: Node): Health {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready')
  const use = spec?.unschedulable ? 'takes no new pods' : 'takes new pods'
  const text = `node ${metadata.name} is ${ready?.status === 'True' ? 'ready' : 'not ready'} and ${use}.`
  return { state: ready?.status === 'True' ? 'healthy' : 'failing', text }
}

/** How many pods a workload wants, and how many of them are how far. */
export function podCounts(
  kind: RolledKind,
  { spec, status }: Workload,
): { wanted: number; updated: number; ready: number; available: number; extra: number } {
  if (kind === 'DaemonSet') {
    const wanted = status?.desiredNumberScheduled ?? 0
    const { updatedNumberScheduled: updated = 0, numberReady: ready = 0, numberAvailable: available = 0 } = status ?? {}
    return { wanted, updated, ready, available, extra: 0 }
  }
  const { updatedReplicas = 0, readyReplicas = 0, availableReplicas = 0, replicas = 0 } = status ?? {}
  // A stateful set counts no updated pods any more once its rollout is over.
  const isDone = kind === 'StatefulSet' && status?.currentRevision === status?.updateRevision
  const updated = isDone ? replicas : updatedReplicas
  return {
    wanted: spec?.replicas ?? 1,
    updated,
    ready: readyReplicas,
    available: availableReplicas,
    extra: replicas - updated,
  }
}

export async function healthOf(cluster: Cluster, { kind, object }: Rolled, signal: AbortSignal): Promise<Health> {
  const { metadata, status } = object
  const { wanted, updated, available, extra } = podCounts(kind, object)
  const name = `${metadata.namespace}/${metadata.name}`
  const counts = `${name}: ${available} of ${wanted} pods available, ${updated} updated`

  if ((status?.observedGeneration ?? 0) < (metadata.generation ?? 0))
    return { state: 'progressing', text: `${name}: the change has not been taken up yet.` }
  if (updated >= wanted && available >= wanted && extra <= 0)
    return { state: 'healthy', text: wanted === 0 && kind !== 'DaemonSet' ? `${name} is scaled to 0.` : `${counts}.` }

  const { stuck, reasons } = conditionsOf(object)
  const pods = await podsOf(cluster, { kind, object }, signal)
  const text = [`${counts}.`, ...pods.troubles, ...reasons, ...pods.notes].join(' ')
  return { state: stuck || pods.troubles.length > 0 ? 'failing' : 'progressing', text }
}

/** What the deployment controller itself says against it. */
function conditionsOf({ spec, status }: Deployment): { stuck: boolean; reasons: string[] } {
  const against = (status?.conditions ?? []).filter(
    ({ type, status: state }) =>
      (type === 'Progressing' && state === 'False') || (type === 'ReplicaFailure' && state === 'True'),
  )
  const reasons = against.map(({ type, reason, message }) => ended(message ?? reason ?? type))
  return {
    stuck: against.length > 0,
    reasons: spec?.paused ? [...reasons, 'Its rollout is paused.'] : reasons,
  }
}

/** Why pods of the present template do not run; each reason once, with how many pods have it. Old pods may be as they are. */
async function podsOf(
  cluster: Cluster,
  { kind, object }: Rolled,
  signal: AbortSignal,
): Promise<{ troubles: string[]; notes: string[] }> {
  const { metadata, spec, status } = object
  const patienceMs = patienceOf({ kind, object })
  const query = { labelSelector: selectorOf(spec?.selector) }
  try {
    const { items } = await allItems<Pod>(cluster, paths.pods(metadata.namespace ?? ''), { signal, query })
    const staying = items.filter((pod) => !pod.metadata.deletionTimestamp)
    const own = staying.filter((pod) => isOfTemplate(pod, object))
    // Where an admission webhook rewrites images no pod looks like its template.
    const present = own.length > 0 || !status?.updatedReplicas ? own : staying
    const [late, starting] = partition(present.filter(isUnready), (pod) => isLate(pod, patienceMs, cluster.now()))
    return {
      troubles: counted([...present.map(troubleOf), ...late.map(() => 'running, but not ready in time')]),
      notes: counted(starting.map(() => 'running but not ready')),
    }
  } catch (error) {
    signal.throwIfAborted()
    return {
      troubles: [],
      notes: [ended(`Its pods could not be looked at: ${sentenceOf(error)}`)],
    }
  }
}

/** Whether a pod was made from the template as it is now, told by what a restart and a new image change. */
function isOfTemplate({ metadata, spec }: Pod, { spec: { template } = {} }: Deployment): boolean {
  const annotations = Object.entries(template?.metadata?.annotations ?? {})
  const images = template?.spec?.containers ?? []
  return (
    annotations.every(([key, value]) => metadata.annotations?.[key] === value) &&
    images.every(({ name, image }) => spec?.containers?.find((one) => one.name === name)?.image === image)
  )
}

function counted(reasons: (string | undefined)[]): string[] {
  const counts = new Map<string, number>()
  for (const reason of reasons) if (reason) counts.set(reason, (counts.get(reason) ?? 0) + 1)
  return [...counts].map(([reason, count]) => ended(`${count} ${count === 1 ? 'pod' : 'pods'} ${reason}`))
}

const ended = (sentence: string): string => `${sentence.replace(/\.$/, '')}.`

const normalWaits = ['ContainerCreating', 'PodInitializing']

function troubleOf({ status }: Pod): string | undefined {
  for (const { state, lastState } of [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])]) {
    if (state?.waiting?.reason === 'CrashLoopBackOff')
      // Its message names the pod, so that no two would be equal.
      return `waiting: CrashLoopBackOff, last ${describeState(lastState)}`
    if (state?.waiting && !normalWaits.includes(state.waiting.reason ?? '')) return describeState(state)
    if (state?.terminated && (state.terminated.exitCode ?? 0) !== 0) return describeState(state)
  }
  const unscheduled = status?.conditions?.find(
    ({ type, status: state }) => type === 'PodScheduled' && state === 'False',
  )
  return unscheduled ? `not scheduled: ${unscheduled.message ?? unscheduled.reason ?? ''}` : undefined
}

/** Running is not ready: it may still start, or its readiness probe fails. */
function isUnready(pod: Pod): boolean {
  const containers = pod.status?.containerStatuses ?? []
  return troubleOf(pod) === undefined && containers.some(({ state, ready }) => state?.running && !ready)
}

const usualPatienceMs = 10 * 60_000

/**
 * How much longer than its probes say a pod may be unready. During a rollout that is for the deployment controller to say, and of
 * kinds without a deadline as long as a deployment usually has; once the rollout is over, no longer.
 */
function patienceOf({ kind, object: { status } }: Rolled): number {
  if (kind === 'Deployment') {
    const progressing = status?.conditions?.find(({ type }) => type === 'Progressing')
    return !progressing || progressing.reason === 'NewReplicaSetAvailable' ? 0 : Number.POSITIVE_INFINITY
  }
  return kind === 'StatefulSet' && status?.currentRevision !== status?.updateRevision ? usualPatienceMs : 0
}

function isLate({ spec, status }: Pod, patienceMs: number, now: number): boolean {
  return (status?.containerStatuses ?? []).some(({ name, state, ready, started }) => {
    if (!state?.running || ready) return false
    const unready = status?.conditions?.find(({ type }) => type === 'Ready')?.lastTransitionTime
    const since = Math.max(...[state.running.startedAt, unready].map((time) => Date.parse(time ?? '') || 0))
    const container = spec?.containers?.find((one) => one.name === name) ?? {}
    return now - since >= Math.max(patienceMs, readinessGraceMs(container, { started: started !== false }))
  })
}

function partition<Item>(items: Item[], test: (item: Item) => boolean): [Item[], Item[]] {
  const { yes = [], no = [] } = Object.groupBy(items, (item) => (test(item) ? 'yes' : 'no'))
  return [yes, no]
}
