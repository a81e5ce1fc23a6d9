import type { Right } from '../tool.ts'
import type { Cluster } from './cluster.ts'
import { ClusterError } from './errors.ts'
import { paths, type Workload } from './objects.ts'

const kinds = [
  { kind: 'Deployment', path: paths.deployments },
  { kind: 'StatefulSet', path: paths.statefulSets },
  { kind: 'DaemonSet', path: paths.daemonSets },
  { kind: 'Job', path: paths.jobs },
] as const

export type WorkloadKind = (typeof kinds)[number]['kind']

/** What `findWorkload` reads. */
export const workloadRights: Right[] = [
  ...['deployments', 'statefulsets', 'daemonsets'].map((resource) => ({
    group: 'apps',
    resource,
    verbs: ['get', 'list'],
  })),
  { group: 'batch', resource: 'jobs', verbs: ['get', 'list'] },
]

/** The workload of that name, whichever kind it is; of several kinds the first of Deployment, StatefulSet, DaemonSet, Job. */
export async function findWorkload(
  cluster: Cluster,
  namespace: string,
  name: string,
  signal: AbortSignal,
): Promise<{ kind: WorkloadKind; object: Workload } | undefined> {
  const found = await Promise.all(
    kinds.map(async ({ kind, path }) => {
      try {
        return { kind, object: await cluster.get<Workload>(`${path(namespace)}/${name}`, { signal }) }
      } catch (error) {
        // Not there, or not to be seen: another kind may have it.
        if (error instanceof ClusterError && [403, 404].includes(error.status)) return undefined
        throw error
      }
    }),
  )
  return found.find((one) => one !== undefined)
}
