import { stringify } from 'yaml'
import * as z from 'zod'
import { nearest } from '../../text/nearest.ts'
import { firstLines, renderTable } from '../output.ts'
import { defineRead, type ReadTool, type Right } from '../tool.ts'
import type { Cluster, RequestOptions, Table } from './cluster.ts'
import { type ApiResource, type Discovery, placeOf } from './discovery.ts'
import { ClusterError } from './errors.ts'
import { shownObject } from './hidden.ts'
import * as input from './inputs.ts'
import { missingNamespace } from './not-found.ts'
import { allRows } from './pages.ts'

/** Kinds that are in every cluster and hold no secrets; a Role may allow more, and the tools then show more. */
const ordinaryRights = (verbs: string[]): Right[] =>
  [
    ...[
      'pods',
      'services',
      'configmaps',
      'events',
      'persistentvolumeclaims',
      'serviceaccounts',
      'resourcequotas',
      'limitranges',
    ].map((resource) => ({ group: '', resource })),
    ...['deployments', 'replicasets', 'statefulsets', 'daemonsets'].map((resource) => ({ group: 'apps', resource })),
    ...['jobs', 'cronjobs'].map((resource) => ({ group: 'batch', resource })),
    ...['ingresses', 'networkpolicies'].map((resource) => ({ group: 'networking.k8s.io', resource })),
    { group: 'discovery.k8s.io', resource: 'endpointslices' },
    { group: 'autoscaling', resource: 'horizontalpodautoscalers' },
    { group: 'policy', resource: 'poddisruptionbudgets' },
  ].map((right) => ({ ...right, verbs }))

const kind = z.string().refine((text) => text.length <= 200, 'must have at most 200 characters')

export function listAny(cluster: Cluster, discovery: Discovery): ReadTool {
  return defineRead({
    name: 'k8s_list',
    description: 'List any kind, custom ones too, by label and field selectors; namespace * for all, count: how many.',
    input: z.object({
      kind,
      namespace: input.anyNamespace,
      labels: input.text,
      fields: input.text,
      match: input.match,
      count: input.flag,
    }),
    rights: ordinaryRights(['list']),
    summary: ({ kind, namespace, labels, fields, match }) =>
      `${kind} in ${namespace ?? cluster.namespace}${[labels, fields].map((one) => (one ? `, ${one}` : '')).join('')}${input.matching(match)}`,
    async run({ kind, namespace, labels, fields, match, count = false }, { signal, maxBytes }) {
      const resource = await discovery.find(kind, signal)
      const { path, where, namespace: given } = placeOf(cluster, resource, namespace)
      const query = { labelSelector: labels, fieldSelector: fields }
      const table = await rowsOf(cluster, resource, path, { everywhere: where === 'all namespaces', query, signal })
      const selected = (labels ?? fields) ? ' that the selector matches' : ''
      if (table.rows.length === 0) {
        const missing = given && (await missingNamespace(cluster, given, signal))
        return missing || `No ${resource.resource} in ${where}${selected}.`
      }
      if (count && match === undefined) return `${counted(table)} ${resource.resource} in ${where}${selected}.`
      const rest = 'Narrow down with match, labels or fields, or ask for one with k8s_get.'
      const text = renderTable(table, { empty: '', rest, match, maxBytes: count ? Number.MAX_SAFE_INTEGER : maxBytes })
      return count
        ? `${text.split('\n').length - 1} of ${counted(table)} ${resource.resource} in ${where} contain it.`
        : text
    },
  })
}

const counted = ({ rows, metadata }: Table): string =>
  metadata?.remainingItemCount
    ? String(rows.length + metadata.remainingItemCount)
    : `${metadata?.continue ? 'More than ' : ''}${rows.length}`

/** Over all namespaces each row begins with its own. */
async function rowsOf(
  cluster: Cluster,
  resource: ApiResource,
  path: string,
  { everywhere, query, signal }: Required<Pick<RequestOptions, 'query' | 'signal'>> & { everywhere: boolean },
): Promise<Table> {
  // Metadata of a Secret may hold a copy of its data, in the annotation that `kubectl apply` leaves.
  if (resource.kind === 'Secret') return allRows(cluster, path, { query, signal, tableOnly: true })
  if (!everywhere) return allRows(cluster, path, { query, signal })
  const table = await allRows(cluster, path, { query: { ...query, includeObject: 'Metadata' }, signal })
  return {
    ...table,
    columnDefinitions: [{ name: 'Namespace' }, ...table.columnDefinitions],
    rows: table.rows.map(({ cells, object }) => ({ cells: [object?.metadata?.namespace ?? '', ...cells] })),
  }
}

export function getAny(cluster: Cluster, discovery: Discovery): ReadTool {
  return defineRead({
    name: 'k8s_get',
    description: 'One object of any kind as YAML. Secrets show only their type.',
    input: z.object({ kind, name: input.name, namespace: input.namespace }),
    rights: ordinaryRights(['get', 'list']),
    summary: ({ kind, name, namespace }) => `${kind} ${namespace ?? cluster.namespace}/${name}`,
    async run({ kind, name, namespace }, { signal, maxBytes }) {
      const resource = await discovery.find(kind, signal)
      const { path, where } = placeOf(cluster, resource, namespace)
      if (resource.kind === 'Secret') return secretRow(cluster, path, where, name, { signal, maxBytes })
      try {
        const object = await cluster.get<Record<string, unknown>>(`${path}/${name}`, { signal })
        return firstLines(stringify(shownObject(object), { lineWidth: 0 }).trimEnd(), maxBytes)
      } catch (error) {
        if (!(error instanceof ClusterError) || error.status !== 404) throw error
        throw new Error(
          `${resource.kind} ${name} not found in ${where}. ${await others(cluster, resource, path, name, signal)}`,
          {
            cause: error,
          },
        )
      }
    },
  })
}

/** The row of a list that has only this one: what `list` alone allows, and no data comes with it. */
async function secretRow(
  cluster: Cluster,
  path: string,
  where: string,
  name: string,
  { signal, maxBytes }: { signal: AbortSignal; maxBytes: number },
): Promise<string> {
  const query = { fieldSelector: `metadata.name=${name}` }
  const table = await allRows(cluster, path, { query, signal, tableOnly: true })
  return renderTable(table, { empty: `Secret ${name} not found in ${where}.`, rest: '', maxBytes })
}

const shownNames = 10

async function others(
  cluster: Cluster,
  { resource }: ApiResource,
  path: string,
  name: string,
  signal: AbortSignal,
): Promise<string> {
  try {
    const { rows, columnDefinitions } = await cluster.table(path, { signal, query: { limit: 200 } })
    const column = Math.max(
      0,
      columnDefinitions.findIndex((definition) => definition.name === 'Name'),
    )
    const names = rows.map(({ cells }) => String(cells[column]))
    if (names.length === 0) return `There are no ${resource} there.`
    const near = nearest(name, names)
    const shown = [...near, ...names.filter((one) => !near.includes(one))].slice(0, shownNames)
    return `There are: ${shown.join(', ')}${names.length > shownNames ? ', …' : ''}.`
  } catch {
    signal.throwIfAborted()
    return `Which ${resource} there are could not be read.`
  }
}
