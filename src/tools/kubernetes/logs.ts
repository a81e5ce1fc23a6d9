import { stripVTControlCharacters } from 'node:util'
import * as z from 'zod'
import { contains, lastLines } from '../output.ts'
import { defineTool, type Tool } from '../tool.ts'
import type { Cluster } from './cluster.ts'
import * as input from './inputs.ts'
import { type Pod, paths } from './objects.ts'
import { readPod } from './pods.ts'

const mostLines = 2_000
const mostBytes = 4 * 1024 * 1024

export function getPodLogs(cluster: Cluster): Tool {
  return defineTool({
    name: 'k8s_get_pod_logs',
    description: 'Last log lines of a pod; previous=true for the container before its last restart.',
    input: z.object({
      name: input.name,
      namespace: input.namespace,
      container: input.container,
      match: input.match,
      tail: input.optionalInteger(1, mostLines),
      previous: input.flag,
    }),
    effect: 'read',
    summary: ({ name, namespace, previous, match }) =>
      `${previous ? 'previous logs' : 'logs'} of ${namespace ?? cluster.namespace}/${name}${match === undefined ? '' : ` with ${JSON.stringify(match)}`}`,
    async run({ name, namespace, container, match, tail, previous = false }, context) {
      const where = cluster.namespaceFor(namespace)
      const pod = await readPod(cluster, where, name, context)
      const chosen = chooseContainer(pod, container)
      const asked = { container: chosen.name, previous, tail: tail ?? (match === undefined ? 100 : mostLines) }
      const text = await readTail(cluster, paths.log(where, name), asked, context.signal)
      if (text.trim() === '') return chosen.note + whyEmpty(pod)
      return chosen.note + shown(text, match, context.maxBytes - Buffer.byteLength(chosen.note))
    },
  })
}

/**
 * The last lines. The server counts bytes from the first of them, so very long lines would push the newest out: then fewer are
 * asked for.
 */
async function readTail(
  cluster: Cluster,
  path: string,
  { container, previous, tail }: { container: string; previous: boolean; tail: number },
  signal: AbortSignal,
): Promise<string> {
  const text = await cluster.text(path, {
    signal,
    query: { container, tailLines: tail, limitBytes: mostBytes, previous: previous ? 'true' : undefined },
  })
  if (Buffer.byteLength(text) < mostBytes || tail === 1) return text
  return readTail(cluster, path, { container, previous, tail: Math.ceil(tail / 10) }, signal)
}

function shown(log: string, match: string | undefined, maxBytes: number): string {
  const text = stripVTControlCharacters(log)
  const lines = text.replace(/\n$/, '').split('\n')
  const wanted = lines.filter((line) => contains(line, match))
  if (wanted.length === 0) return `None of the last ${lines.length} lines contains ${JSON.stringify(match)}.`

  const found = match === undefined ? '' : `${wanted.length} of the last ${lines.length} lines contain it.\n`
  const reserve = 120
  const last = lastLines(wanted.join('\n'), Math.max(reserve, maxBytes - reserve))
  const way = match === undefined ? 'Narrow down with match or a smaller tail.' : 'Narrow down with a longer match.'
  const cut = last.cut > 0 ? `… ${last.cut} earlier lines were cut. ${way}\n` : ''
  return `${found}${cut}${last.text}`
}

/** The API server answers with nothing, not with an error, for a pod that no node has taken. */
const whyEmpty = ({ spec }: Pod): string =>
  spec?.nodeName ? 'The log is empty.' : 'There is no log yet: no node has taken the pod. See k8s_get_pod.'

/** The named container, else the one that is not well, else the one marked as default, else the first; says so when there was a choice. */
function chooseContainer(pod: Pod, wanted: string | undefined): { name: string; note: string } {
  const names = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])].map(
    (container) => container.name,
  )
  if (wanted !== undefined) {
    if (!names.includes(wanted))
      throw new Error(
        `Pod ${pod.metadata.namespace}/${pod.metadata.name} has no container ${wanted}. Containers: ${names.join(', ')}.`,
      )
    return { name: wanted, note: '' }
  }
  const unwell = unwellContainer(pod)
  const marked = pod.metadata.annotations?.['kubectl.kubernetes.io/default-container']
  const name = unwell ?? names.find((one) => one === marked) ?? names[0] ?? ''
  if (names.length < 2) return { name, note: '' }
  const others = names.filter((one) => one !== name).join(', ')
  return { name, note: `Container ${name}${unwell ? ', which is not well' : ''} (others: ${others}).\n` }
}

function unwellContainer({ status }: Pod): string | undefined {
  const statuses = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])]
  const failed = statuses.find(
    ({ state, lastState }) =>
      (state?.terminated?.exitCode ?? 0) !== 0 || (state?.waiting && (lastState?.terminated?.exitCode ?? 0) !== 0),
  )
  return failed?.name
}
