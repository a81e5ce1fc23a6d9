import { nearest } from '../../nearest.ts'
import type { Cluster } from './cluster.ts'
import { ClusterError } from './errors.ts'
import { paths } from './objects.ts'

const lists = { Pod: paths.pods, Deployment: paths.deployments }

/** Adds the names that there are to a "not found", those that look alike first. */
export async function notFound<Result>(
  request: Promise<Result>,
  cluster: Cluster,
  kind: keyof typeof lists,
  namespace: string,
  name: string,
  signal: AbortSignal,
): Promise<Result> {
  try {
    return await request
  } catch (error) {
    if (!(error instanceof ClusterError) || error.status !== 404) throw error
    const names = await namesOf(cluster, lists[kind](namespace), signal)
    const near = nearest(name, names)
    const shown = [...near, ...names.filter((one) => !near.includes(one))].slice(0, 20)
    const there =
      shown.length > 0
        ? `${kind}s in ${namespace}: ${shown.join(', ')}${names.length > 20 ? ', …' : ''}.`
        : `There are no ${kind.toLowerCase()}s in ${namespace}.`
    throw new Error(`${kind} ${namespace}/${name} not found. ${there}`, { cause: error })
  }
}

async function namesOf(cluster: Cluster, path: string, signal: AbortSignal): Promise<string[]> {
  const table = await cluster.table(path, { signal, query: { limit: 200 } }).catch(() => undefined)
  const column = table?.columnDefinitions.findIndex((definition) => definition.name === 'Name') ?? -1
  return table && column >= 0 ? table.rows.map((row) => String(row.cells[column])) : []
}
