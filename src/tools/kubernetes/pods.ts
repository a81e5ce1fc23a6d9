import * as z from 'zod'
import { renderTable } from '../output.ts'
import { defineTool, type Tool, type ToolContext } from '../tool.ts'
import type { Cluster } from './cluster.ts'
import { describePod } from './describe.ts'
import { eventsOf } from './events.ts'
import * as input from './inputs.ts'
import { notFound } from './not-found.ts'
import { type Pod, paths } from './objects.ts'

export function listPods(cluster: Cluster): Tool {
  return defineTool({
    name: 'k8s_list_pods',
    description: 'List pods with status, restarts and age.',
    input: z.object({ namespace: input.namespace }),
    effect: 'read',
    summary: ({ namespace }) => `pods in ${namespace ?? cluster.namespace}`,
    async run({ namespace }, { signal, maxBytes }) {
      const where = cluster.namespaceFor(namespace)
      const table = await cluster.table(paths.pods(where), { signal, query: { limit: 500 } })
      return renderTable(table, {
        empty: `No pods in namespace ${where}.`,
        rest: 'Ask for one with k8s_get_pod.',
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
      const where = cluster.namespaceFor(namespace)
      const pod = await readPod(cluster, where, name, context)
      const events = await eventsOf(cluster, where, [{ kind: 'Pod', name }], context.signal)
      return `${describePod(pod)}\n\nEvents:\n${events}`
    },
  })
}

export function readPod(cluster: Cluster, namespace: string, name: string, { signal }: ToolContext): Promise<Pod> {
  return notFound(cluster.get<Pod>(paths.pod(namespace, name), { signal }), cluster, 'Pod', namespace, name, signal)
}
