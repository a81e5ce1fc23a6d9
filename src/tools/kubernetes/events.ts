import * as z from 'zod'
import { cutLines } from '../output.ts'
import { defineTool, type Tool } from '../tool.ts'
import type { Cluster } from './cluster.ts'
import * as input from './inputs.ts'
import { type EventObject, type List, paths } from './objects.ts'

export function getEvents(cluster: Cluster): Tool {
  return defineTool({
    name: 'k8s_get_events',
    description: 'Recent events of a namespace, newest last; equal ones are counted.',
    input: z.object({ namespace: input.namespace, limit: input.optionalInteger(1, 200) }),
    effect: 'read',
    summary: ({ namespace }) => `events in ${namespace ?? cluster.namespace}`,
    async run({ namespace, limit = 40 }, { signal, maxBytes }) {
      const where = cluster.namespaceFor(namespace)
      const list = await cluster.get<List<EventObject>>(paths.events(where), { signal, query: { limit: 2_000 } })
      const rows = renderEvents(list.items ?? [])
      if (rows.length === 0) return `No events in namespace ${where} (they are kept for about an hour).`
      const kept = cutLines(rows.slice(-limit).toReversed(), maxBytes).toReversed()
      return rows.length > kept.length
        ? `… ${rows.length - kept.length} older ones; ask with a larger limit.\n${kept.join('\n')}`
        : kept.join('\n')
    },
  })
}

/** The last events of an object or its parts, for descriptions. Says so when they cannot be read. */
export async function eventsOf(
  cluster: Cluster,
  namespace: string,
  objects: { kind: string; name: string }[],
  signal: AbortSignal,
): Promise<string> {
  try {
    const lists = await Promise.all(
      objects.map(({ kind, name }) =>
        cluster.get<List<EventObject>>(paths.events(namespace), {
          signal,
          query: { fieldSelector: `involvedObject.kind=${kind},involvedObject.name=${name}`, limit: 200 },
        }),
      ),
    )
    const rows = renderEvents(lists.flatMap((list) => list.items ?? []))
    return rows.length > 0 ? rows.slice(-10).join('\n') : 'none in the last hour'
  } catch (error) {
    signal.throwIfAborted()
    return `could not be read: ${error instanceof Error ? error.message : String(error)}`
  }
}

/** One line for equal events, in the order of the last time each was seen. */
function renderEvents(events: EventObject[]): string[] {
  const groups = new Map<string, { at: string; count: number; line: string }>()
  for (const event of events) {
    const object = event.involvedObject
      ? `${event.involvedObject.kind ?? '?'}/${event.involvedObject.name ?? '?'}`
      : '?'
    const line = `${event.type ?? 'Normal'} ${event.reason ?? ''} ${object}: ${(event.message ?? event.note ?? '').replaceAll(/\s+/g, ' ').slice(0, 400)}`
    const group = groups.get(line) ?? { at: '', count: 0, line }
    const at = timeOf(event)
    groups.set(line, {
      line,
      count: group.count + (event.series?.count ?? event.count ?? 1),
      at: at > group.at ? at : group.at,
    })
  }
  return [...groups.values()]
    .sort((a, b) => (a.at < b.at ? -1 : 1))
    .map(({ at, count, line }) => `${at || 'unknown time'} ${line}${count > 1 ? ` (${count} times)` : ''}`)
}

const timeOf = (event: EventObject): string =>
  (
    event.series?.lastObservedTime ??
    event.lastTimestamp ??
    event.eventTime ??
    event.firstTimestamp ??
    event.metadata?.creationTimestamp ??
    ''
  ).replace(/\.\d+Z$/, 'Z')
