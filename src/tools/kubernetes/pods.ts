import * as z from 'zod'
import { firstLines, renderTable } from '../output.ts'
import { defineTool, type Tool, type ToolContext } from '../tool.ts'
import type { Cluster } from './cluster.ts'
import { describePod } from './describe.ts'
import { eventsOf } from './events.ts'
import * as input from './inputs.ts'
import { missingNamespace, notFound } from './not-found.ts'
import { type Pod, paths } from './objects.ts'
import { allRows } from './pages.ts'

export function listPods(cluster: Cluster): Tool {
  return defineTool({
    name: 'k8s_list_pods',
    description: 'List pods with status, restarts and age.',
    input: z.object({ namespace: input.namespace, match: input.match }),
    effect: 'read',
    summary: ({ namespace, match }) =>
      `pods in ${namespace ?? cluster.namespace}${match === undefined ? '' : ` with ${JSON.stringify(match)}`}`,
    async run({ namespace, match }, { signal, maxBytes }) {
      const where = cluster.namespaceFor(namespace)
      const table = await allRows(cluster, paths.pods(where), { signal })
      const missing = table.rows.length === 0 ? await missingNamespace(cluster, where, signal) : undefined
      return renderTable(table, {
        empty: missing ?? `No pods in namespace ${where}.`,
        rest: 'Narrow down with match, or ask for one with k8s_get_pod.',
        match,
        maxBytes,
      })
    },
  })
}

export function getPod(cluster: Cluster): Tool {
  return defineTool({
    name: 'k8s_get_pod',
    description: 'One pod: conditions, containers with state and last state, recent events.',
    input: z.object({ name: input.name, namespace: input.namespace }),
    effect: 'read',
    summary: ({ name, namespace }) => `pod ${namespace ?? cluster.namespace}/${name}`,
    async run({ name, namespace }, context) {
      const { signal, maxBytes } = context
      const where = cluster.namespaceFor(namespace)
      const pod = await readPod(cluster, where, name, context)
      const events = await eventsOf(cluster, where, { kind: 'Pod', name }, { signal, maxBytes: maxBytes * 0.4 })
      const end = `\n\nEvents:\n${events}`
      return firstLines(describePod(pod, cluster.now()), maxBytes - Buffer.byteLength(end)) + end
    },
  })
}

export function readPod(cluster: Cluster, namespace: string, name: string, { signal }: ToolContext): Promise<Pod> {
  return notFound(cluster.get<Pod>(paths.pod(namespace, name), { signal }), cluster, 'Pod', namespace, name, signal)
}
