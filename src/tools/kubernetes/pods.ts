import * as z from 'zod'
import { firstLines } from '../output.ts'
import { defineRead, type ReadTool, type ToolContext } from '../tool.ts'
import type { Cluster } from './cluster.ts'
import { describePod } from './describe.ts'
import { eventsOf } from './events.ts'
import * as input from './inputs.ts'
import { notFound } from './not-found.ts'
import { type Pod, paths } from './objects.ts'

export function getPod(cluster: Cluster): ReadTool {
  return defineRead({
    name: 'k8s_get_pod',
    description: 'One pod: conditions, state of its containers, events.',
    input: z.object({ name: input.name, namespace: input.namespace }),
    rights: [
      { group: '', resource: 'pods', verbs: ['get', 'list'] },
      { group: '', resource: 'events', verbs: ['list'] },
    ],
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
