import * as z from 'zod'
import { lastLines } from '../output.ts'
import { defineTool, type Tool } from '../tool.ts'
import type { Cluster } from './cluster.ts'
import * as input from './inputs.ts'
import { type Pod, paths } from './objects.ts'
import { readPod } from './pods.ts'

export function getPodLogs(cluster: Cluster): Tool {
  return defineTool({
    name: 'k8s_get_pod_logs',
    description: 'Last log lines of a pod; previous=true for the container before its last restart.',
    input: z.object({
      name: input.name,
      namespace: input.namespace,
      container: input.container,
      tail: input.optionalInteger(1, 2_000),
      previous: input.flag,
    }),
    effect: 'read',
    summary: ({ name, namespace, previous }) =>
      `${previous ? 'previous logs' : 'logs'} of ${namespace ?? cluster.namespace}/${name}`,
    async run({ name, namespace, container, tail = 100, previous = false }, context) {
      const where = cluster.namespaceFor(namespace)
      const pod = await readPod(cluster, where, name, context)
      const chosen = chooseContainer(pod, container)
      const text = await cluster.text(paths.log(where, name), {
        signal: context.signal,
        query: {
          container: chosen.name,
          tailLines: tail,
          limitBytes: 1_000_000,
          previous: previous ? 'true' : undefined,
        },
      })
      if (text.trim() === '') return `${chosen.note}The log is empty.`
      const last = lastLines(text, context.maxBytes)
      const cut = last.cut > 0 ? `… ${last.cut} earlier lines were cut; ask with a smaller tail.\n` : ''
      return `${chosen.note}${cut}${last.text}`
    },
  })
}

/** The named container, else the one the pod marks as its default, else its first; says so when there was a choice. */
function chooseContainer(pod: Pod, wanted: string | undefined): { name: string; note: string } {
  const names = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])].map(
    (container) => container.name,
  )
  if (wanted !== undefined) {
    if (!names.includes(wanted))
      throw new Error(`Pod ${pod.metadata.name} has no container ${wanted}. Containers: ${names.join(', ')}.`)
    return { name: wanted, note: '' }
  }
  const marked = pod.metadata.annotations?.['kubectl.kubernetes.io/default-container']
  const name = names.find((one) => one === marked) ?? names[0] ?? ''
  return {
    name,
    note: names.length > 1 ? `Container ${name} (others: ${names.filter((one) => one !== name).join(', ')}).\n` : '',
  }
}
