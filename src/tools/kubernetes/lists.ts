import * as z from 'zod'
import { renderTable } from '../output.ts'
import { defineRead, type ReadTool, type Right, type ToolContext } from '../tool.ts'
import type { Cluster } from './cluster.ts'
import * as input from './inputs.ts'
import { missingNamespace } from './not-found.ts'
import { paths } from './objects.ts'
import { allRows } from './pages.ts'

interface ListTool {
  name: string
  description: string
  /** Plural, for people: `pods`. */
  kinds: string
  path: (namespace: string) => string
  /** How to get one of them, or how to get less. */
  rest: string
  rights: Right[]
  /** Contents must not be in the answer, whatever the server can do. */
  tableOnly?: boolean
}

export const listPods = (cluster: Cluster): ReadTool =>
  listTool(cluster, {
    name: 'k8s_list_pods',
    description: 'List pods with status, restarts and age.',
    kinds: 'pods',
    path: paths.pods,
    rest: 'Narrow down with match, or ask for one with k8s_get_pod.',
    rights: [{ group: '', resource: 'pods', verbs: ['list'] }],
  })

export const listDeployments = (cluster: Cluster): ReadTool =>
  listTool(cluster, {
    name: 'k8s_list_deployments',
    description: 'List deployments with their replicas.',
    kinds: 'deployments',
    path: paths.deployments,
    rest: 'Narrow down with match, or ask for one with k8s_get_deployment.',
    rights: [{ group: 'apps', resource: 'deployments', verbs: ['list'] }],
  })

export const listServices = (cluster: Cluster): ReadTool =>
  listTool(cluster, {
    name: 'k8s_list_services',
    description: 'List services with type, addresses and ports.',
    kinds: 'services',
    path: paths.services,
    rest: 'Narrow down with match, or ask for one with k8s_get.',
    rights: [{ group: '', resource: 'services', verbs: ['list'] }],
  })

export const listConfigMaps = (cluster: Cluster): ReadTool =>
  listTool(cluster, {
    name: 'k8s_list_configmaps',
    description: 'List configmaps.',
    kinds: 'configmaps',
    path: paths.configMaps,
    rest: 'Narrow down with match, or ask for one with k8s_get_configmap.',
    rights: [{ group: '', resource: 'configmaps', verbs: ['list'] }],
  })

export const listSecrets = (cluster: Cluster): ReadTool =>
  listTool(cluster, {
    name: 'k8s_list_secrets',
    description: 'List secrets: names, types, ages.',
    kinds: 'secrets',
    path: paths.secrets,
    rest: 'Narrow down with match.',
    rights: [{ group: '', resource: 'secrets', verbs: ['list'] }],
    tableOnly: true,
  })

/** The columns that kubectl prints of a namespaced kind, cut with the way to the rest. */
function listTool(cluster: Cluster, { name, description, kinds, path, rest, rights, tableOnly }: ListTool): ReadTool {
  return defineRead({
    name,
    description,
    input: z.object({ namespace: input.namespace, match: input.match }),
    rights,
    summary: ({ namespace, match }) => `${kinds} in ${namespace ?? cluster.namespace}${input.matching(match)}`,
    async run({ namespace, match }, { signal, maxBytes }: ToolContext) {
      const where = cluster.namespaceFor(namespace)
      const table = await allRows(cluster, path(where), { signal, ...(tableOnly && { tableOnly }) })
      const missing = table.rows.length === 0 ? await missingNamespace(cluster, where, signal) : undefined
      return renderTable(table, { empty: missing ?? `No ${kinds} in namespace ${where}.`, rest, match, maxBytes })
    },
  })
}
