import type { Target } from '../tool.ts'
import type { Cluster } from './cluster.ts'
import { describeState } from './describe.ts'
import { ClusterError } from './errors.ts'
import { type Deployment, type List, type Pod, paths, selectorOf } from './objects.ts'

export interface Health {
  state: 'healthy' | 'progressing' | 'failing' | 'gone' | 'unknown'
  text: string
}

/** How a workload is, from its own status, not from the silence of events. Never rejects but on abort. */
export async function workloadHealth(cluster: Cluster, target: Target, signal: AbortSignal): Promise<Health> {
  const where = target.namespace ?? cluster.namespace
  try {
    const deployment = await cluster.get<Deployment>(paths.deployment(cluster.namespaceFor(where), target.name), {
      signal,
    })
    return await healthOf(cluster, deployment, signal)
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof ClusterError && error.status === 404)
      return { state: 'gone', text: `deployment ${where}/${target.name} is gone.` }
    return { state: 'unknown', text: error instanceof Error ? error.message : String(error) }
  }
}

export async function healthOf(cluster: Cluster, deployment: Deployment, signal: AbortSignal): Promise<Health> {
  const { metadata, spec, status } = deployment
  const wanted = spec?.replicas ?? 1
  const updated = status?.updatedReplicas ?? 0
  const available = status?.availableReplicas ?? 0
  const name = `${metadata.namespace}/${metadata.name}`
  const counts = `${name}: ${available} of ${wanted} pods available, ${updated} updated`

  if ((status?.observedGeneration ?? 0) < (metadata.generation ?? 0))
    return { state: 'progressing', text: `${name}: the change has not been taken up yet.` }
  const extra = (status?.replicas ?? 0) - updated
  if (updated >= wanted && available >= wanted && extra <= 0) return { state: 'healthy', text: `${counts}.` }

  const reasons = await reasonsOf(cluster, deployment, signal)
  const stuck = status?.conditions?.find(
    (condition) => condition.type === 'Progressing' && condition.status === 'False',
  )
  const text = [`${counts}.`, ...reasons, stuck?.message].filter(Boolean).join(' ')
  return { state: stuck || reasons.length > 0 ? 'failing' : 'progressing', text }
}

/** Why pods do not run, in the words of their containers; each reason once, with how many pods have it. */
async function reasonsOf(cluster: Cluster, { metadata, spec }: Deployment, signal: AbortSignal): Promise<string[]> {
  const query = { labelSelector: selectorOf(spec?.selector?.matchLabels), limit: 200 }
  const { items = [] } = await cluster
    .get<List<Pod>>(paths.pods(metadata.namespace ?? ''), { signal, query })
    .catch(() => ({ items: [] as Pod[] }))
  const counts = new Map<string, number>()
  for (const pod of items) {
    const reason = troubleOf(pod)
    if (reason) counts.set(reason, (counts.get(reason) ?? 0) + 1)
  }
  return [...counts].map(([reason, count]) => `${count} ${count === 1 ? 'pod' : 'pods'} ${reason}.`)
}

const normalWaits = ['ContainerCreating', 'PodInitializing']

function troubleOf({ status }: Pod): string | undefined {
  for (const container of [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])]) {
    const { state, lastState } = container
    if (state?.waiting && !normalWaits.includes(state.waiting.reason ?? '')) {
      const before = lastState?.terminated ? `, last ${describeState(lastState)}` : ''
      return `${describeState(state)}${before}`.replaceAll(/ at \d{4}-[^ ,.]*/g, '')
    }
    if (state?.terminated && (state.terminated.exitCode ?? 0) !== 0)
      return describeState(state).replaceAll(/ at \d{4}-[^ ,.]*/g, '')
  }
  const unscheduled = status?.conditions?.find(
    (condition) => condition.type === 'PodScheduled' && condition.status === 'False',
  )
  return unscheduled ? `not scheduled: ${unscheduled.message ?? unscheduled.reason ?? ''}` : undefined
}
