import { Refusal, type Right } from '../tool.ts'
import type { Cluster } from './cluster.ts'
import { ClusterError } from './errors.ts'
import { missingNamespace } from './not-found.ts'
import { paths, type Workload } from './objects.ts'

const lists = {
  Deployment: paths.deployments,
  StatefulSet: paths.statefulSets,
  DaemonSet: paths.daemonSets,
  Job: paths.jobs,
} as const

export type WorkloadKind = keyof typeof lists
/** What replaces its pods when its template changes. */
export type RolledKind = Exclude<WorkloadKind, 'Job'>

export interface Rolled {
  kind: RolledKind
  object: Workload
}

/** What `findWorkload` reads. */
export const workloadRights: Right[] = [
  ...['deployments', 'statefulsets', 'daemonsets'].map((resource) => ({
    group: 'apps',
    resource,
    verbs: ['get', 'list'],
  })),
  { group: 'batch', resource: 'jobs', verbs: ['get', 'list'] },
]

export const isRolledKind = (kind: string): kind is RolledKind => Object.hasOwn(lists, kind) && kind !== 'Job'

export const workloadPath = (kind: WorkloadKind, namespace: string, name: string): string =>
  `${lists[kind](namespace)}/${name}`

/** The workload of that name, whichever kind it is; of several kinds the first of Deployment, StatefulSet, DaemonSet, Job. */
export async function findWorkload(
  cluster: Cluster,
  namespace: string,
  name: string,
  signal: AbortSignal,
): Promise<{ kind: WorkloadKind; object: Workload } | undefined> {
  const found = await Promise.all(
    (Object.keys(lists) as WorkloadKind[]).map(async (kind) => {
      try {
        return { kind, object: await cluster.get<Workload>(workloadPath(kind, namespace, name), { signal }) }
      } catch (error) {
        // Not there, or not to be seen: another kind may have it.
        if (error instanceof ClusterError && [403, 404].includes(error.status)) return undefined
        throw error
      }
    }),
  )
  return found.find((one) => one !== undefined)
}

/** The Deployment, StatefulSet or DaemonSet of that name. Throws `Refusal` with what to do when there is none. */
export async function rolledWorkload(
  cluster: Cluster,
  namespace: string,
  name: string,
  signal: AbortSignal,
): Promise<Rolled> {
  const found = await findWorkload(cluster, namespace, name, signal)
  if (found && isRolledKind(found.kind)) return { kind: found.kind, object: found.object }
  if (found) throw new Refusal(`${found.kind} ${namespace}/${name} has no rollout: its pods are made once.`)
  const missing = await missingNamespace(cluster, namespace, signal)
  throw new Refusal(
    missing ??
      `No deployment, stateful set or daemon set ${namespace}/${name} can be seen. k8s_list kind=deployments lists what there is.`,
  )
}
