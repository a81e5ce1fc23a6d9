import * as z from 'zod'
import { renderTable } from '../output.ts'
import { defineRead, type ReadTool } from '../tool.ts'
import type { Cluster, RequestOptions } from './cluster.ts'
import { ClusterError } from './errors.ts'
import * as input from './inputs.ts'
import { type Meta, type Pod, paths } from './objects.ts'
import { allItems } from './pages.ts'
import { amountOf } from './quantity.ts'

interface Usage {
  cpu?: string
  memory?: string
}

interface PodMetrics {
  metadata: Meta
  containers?: { usage?: Usage }[]
}

interface NodeMetrics {
  metadata: Meta
  usage?: Usage
}

interface Node {
  metadata: Meta
  status?: { allocatable?: Usage }
}

interface Row {
  name: string
  /** Cores and bytes. */
  cpu: number
  memory: number
  mostCpu: number | undefined
  mostMemory: number | undefined
}

export function top(cluster: Cluster): ReadTool {
  return defineRead({
    name: 'k8s_top',
    description: 'CPU and memory that pods or nodes use now, beside their limits.',
    input: z.object({
      kind: z.enum(['pods', 'nodes']).optional(),
      namespace: input.namespace,
      match: input.match,
    }),
    rights: [
      { group: 'metrics.k8s.io', resource: 'pods', verbs: ['list'] },
      { group: 'metrics.k8s.io', resource: 'nodes', verbs: ['list'] },
      { group: '', resource: 'pods', verbs: ['list'] },
      { group: '', resource: 'nodes', verbs: ['list'] },
    ],
    summary: ({ kind, namespace, match }) =>
      `usage of ${kind === 'nodes' ? 'nodes' : `pods in ${namespace ?? cluster.namespace}`}${input.matching(match)}`,
    async run({ kind = 'pods', namespace, match }, { signal, maxBytes }) {
      const rows =
        kind === 'nodes' ? await nodes(cluster, signal) : await pods(cluster, cluster.namespaceFor(namespace), signal)
      const table = {
        columnDefinitions: ['Name', 'CPU', 'of', 'Memory', 'of'].map((name) => ({ name })),
        rows: rows.toSorted((a, b) => b.memory - a.memory || b.cpu - a.cpu).map(cellsOf),
      }
      const empty = `No usage is known of ${kind} here: they do not run, or have not been measured yet.`
      return renderTable(table, { empty, rest: 'Narrow down with match.', match, maxBytes })
    },
  })
}

async function pods(cluster: Cluster, namespace: string, signal: AbortSignal): Promise<Row[]> {
  const [measured, { items }] = await Promise.all([
    metrics<PodMetrics>(cluster, `/apis/metrics.k8s.io/v1beta1/namespaces/${namespace}/pods`, { signal }),
    allItems<Pod>(cluster, paths.pods(namespace), { signal }),
  ])
  const limits = new Map(items.map((pod) => [pod.metadata.name, limitsOf(pod)]))
  return measured.map(({ metadata: { name }, containers = [] }) => ({
    name,
    cpu: sum(containers.map(({ usage }) => amount(usage?.cpu))),
    memory: sum(containers.map(({ usage }) => amount(usage?.memory))),
    mostCpu: limits.get(name)?.cpu,
    mostMemory: limits.get(name)?.memory,
  }))
}

/** A pod is limited when each of its containers is. */
function limitsOf({ spec }: Pod): { cpu: number | undefined; memory: number | undefined } {
  const of = (resource: 'cpu' | 'memory') => {
    const limits = (spec?.containers ?? []).map(({ resources }) => resources?.limits?.[resource])
    return limits.length > 0 && limits.every((limit) => limit !== undefined) ? sum(limits.map(amount)) : undefined
  }
  return { cpu: of('cpu'), memory: of('memory') }
}

async function nodes(cluster: Cluster, signal: AbortSignal): Promise<Row[]> {
  const [measured, { items }] = await Promise.all([
    metrics<NodeMetrics>(cluster, '/apis/metrics.k8s.io/v1beta1/nodes', { signal }),
    allItems<Node>(cluster, paths.nodes, { signal }),
  ])
  const allocatable = new Map(items.map(({ metadata, status }) => [metadata.name, status?.allocatable]))
  return measured.map(({ metadata: { name }, usage }) => {
    const most = allocatable.get(name)
    return {
      name,
      cpu: amount(usage?.cpu),
      memory: amount(usage?.memory),
      mostCpu: amountOf(most?.cpu),
      mostMemory: amountOf(most?.memory),
    }
  })
}

async function metrics<Item>(cluster: Cluster, path: string, options: RequestOptions): Promise<Item[]> {
  try {
    return (await allItems<Item>(cluster, path, options)).items
  } catch (error) {
    if (error instanceof ClusterError && error.status === 404)
      throw new Error(
        'The cluster has no metrics server, so nobody measures usage. k8s_get_pod shows requests and limits.',
        {
          cause: error,
        },
      )
    if (error instanceof ClusterError && error.status === 503)
      throw new Error(
        'The metrics server does not answer. k8s_get kind=APIService name=v1beta1.metrics.k8s.io says why.',
        {
          cause: error,
        },
      )
    throw error
  }
}

const amount = (quantity: string | undefined): number => amountOf(quantity) ?? 0

const sum = (amounts: number[]): number => amounts.reduce((total, amount) => total + amount, 0)

const cellsOf = ({ name, cpu, memory, mostCpu, mostMemory }: Row): { cells: string[] } => ({
  cells: [name, `${Math.round(cpu * 1000)}m`, share(cpu, mostCpu), `${mebibytes(memory)}Mi`, share(memory, mostMemory)],
})

const mebibytes = (bytes: number): number => Math.round(bytes / 1024 ** 2)

const share = (used: number, most: number | undefined): string =>
  most === undefined ? 'no limit' : most === 0 ? '0' : `${Math.round((100 * used) / most)}%`
