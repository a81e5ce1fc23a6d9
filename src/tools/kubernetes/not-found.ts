import { nearest } from '../../text/nearest.ts'
import type { Cluster } from './cluster.ts'
import { ClusterError } from './errors.ts'
import { paths } from './objects.ts'

const lists = { Pod: paths.pods, Deployment: paths.deployments, ConfigMap: paths.configMaps }
const shownNames = 20

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
    const there = await whatThereIs(cluster, kind, namespace, name, signal)
    throw new Error(`${kind} ${namespace}/${name} not found. ${there}`, { cause: error })
  }
}

async function whatThereIs(
  cluster: Cluster,
  kind: keyof typeof lists,
  namespace: string,
  name: string,
  signal: AbortSignal,
): Promise<string> {
  const names = await namesOf(cluster, lists[kind](namespace), signal)
  if (!names) return `Which ${kind.toLowerCase()}s there are could not be read.`
  if (names.length > 0) return `${kind}s in ${namespace}: ${choice(name, names)}.`
  return (await missingNamespace(cluster, namespace, signal)) ?? `There are no ${kind.toLowerCase()}s in ${namespace}.`
}

/** A sentence when the namespace does not exist. A list of an invented namespace is empty, not an error. */
export async function missingNamespace(
  cluster: Cluster,
  namespace: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    await cluster.get(paths.namespace(namespace), { signal })
    return undefined
  } catch (error) {
    signal.throwIfAborted()
    // Without the permission to look nothing is claimed.
    if (!(error instanceof ClusterError) || error.status !== 404) return undefined
    const names = await namesOf(cluster, paths.namespaces, signal)
    const known = names?.filter((one) => cluster.namespaces.includes('*') || cluster.namespaces.includes(one)) ?? []
    return `There is no namespace ${namespace}.${known.length > 0 ? ` Namespaces: ${choice(namespace, known)}.` : ''}`
  }
}

function choice(name: string, names: string[]): string {
  const near = nearest(name, names)
  const shown = [...near, ...names.filter((one) => !near.includes(one))].slice(0, shownNames)
  return `${shown.join(', ')}${names.length > shownNames ? ', …' : ''}`
}

async function namesOf(cluster: Cluster, path: string, signal: AbortSignal): Promise<string[] | undefined> {
  try {
    const table = await cluster.table(path, { signal, query: { limit: 200 } })
    const column = table.columnDefinitions.findIndex((definition) => definition.name === 'Name')
    return column < 0 ? undefined : table.rows.map((row) => String(row.cells[column]))
  } catch {
    signal.throwIfAborted()
    return undefined
  }
}
