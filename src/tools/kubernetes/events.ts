import * as z from 'zod'
import { sentenceOf } from '../../text/sentence.ts'
import { contains, cutBytes, lastLines, oneLine } from '../output.ts'
import { defineRead, type ReadTool } from '../tool.ts'
import { timeAndAge } from './age.ts'
import type { Cluster } from './cluster.ts'
import * as input from './inputs.ts'
import { missingNamespace } from './not-found.ts'
import { type EventObject, paths } from './objects.ts'
import { allItems } from './pages.ts'

export function getEvents(cluster: Cluster): ReadTool {
  return defineRead({
    name: 'k8s_get_events',
    description: 'Recent events of a namespace, newest last.',
    input: z.object({ namespace: input.namespace, match: input.match, limit: input.optionalInteger(1, 200) }),
    rights: [{ group: '', resource: 'events', verbs: ['list'] }],
    summary: ({ namespace, match }) => `events in ${namespace ?? cluster.namespace}${input.matching(match)}`,
    async run({ namespace, match, limit = 40 }, { signal, maxBytes }) {
      const where = cluster.namespaceFor(namespace)
      const { items, isWhole } = await allItems<EventObject>(cluster, paths.events(where), { signal })
      if (items.length === 0)
        return (
          (await missingNamespace(cluster, where, signal)) ??
          `No events in namespace ${where} (they are kept for about an hour).`
        )
      const lines = renderEvents(items, cluster.now())
      const wanted = lines.filter((line) => contains(line, match))
      if (wanted.length === 0) return `None of ${lines.length} events contains ${JSON.stringify(match)}.`
      const partly = isWhole ? [] : [`… only ${items.length} events were read, not the whole list.`]
      return [...partly, newest(wanted, limit, maxBytes)].join('\n')
    },
  })
}

function newest(lines: string[], limit: number, maxBytes: number): string {
  const reserve = 120
  const kept = lastLines(lines.slice(-limit).join('\n'), Math.max(reserve, maxBytes - reserve))
  const older = lines.length - kept.text.split('\n').length
  if (older === 0) return kept.text
  return `… ${older} older ones. ${kept.cut > 0 ? 'Narrow down with match.' : 'Ask with a larger limit or with match.'}\n${kept.text}`
}

const mostOfObject = 10

/** The last events of an object, for descriptions. Says so when they cannot be read. */
export async function eventsOf(
  cluster: Cluster,
  namespace: string,
  { kind, name }: { kind: string; name: string },
  { signal, maxBytes }: { signal: AbortSignal; maxBytes: number },
): Promise<string> {
  try {
    const { items } = await allItems<EventObject>(cluster, paths.events(namespace), {
      signal,
      query: { fieldSelector: `involvedObject.kind=${kind},involvedObject.name=${name}` },
    })
    const lines = renderEvents(items, cluster.now())
    return lines.length > 0 ? lastLines(lines.slice(-mostOfObject).join('\n'), maxBytes).text : 'none in the last hour'
  } catch (error) {
    signal.throwIfAborted()
    return `could not be read: ${sentenceOf(error)}`
  }
}

/** One line for equal events, in the order of the last time each was seen. */
function renderEvents(events: EventObject[], now: number): string[] {
  const groups = new Map<string, { at: string; count: number; line: string }>()
  for (const event of events) {
    const { kind = '?', name = '?' } = event.involvedObject ?? {}
    const message = oneLine(event.message ?? event.note ?? '')
    const about = `${event.type ?? 'Normal'} ${event.reason ?? ''} ${kind}/${name}`
    const key = `${about}: ${event.type === 'Warning' ? withoutGenerated(message) : message}`
    const group = groups.get(key)
    const at = timeOf(event)
    const isNewer = !group || at >= group.at
    groups.set(key, {
      line: isNewer ? `${about}: ${cutBytes(message, 400)}` : group.line,
      count: (group?.count ?? 0) + (event.series?.count ?? event.count ?? 1),
      at: isNewer ? at : group.at,
    })
  }
  return [...groups.values()]
    .sort((a, b) => (a.at === b.at ? 0 : a.at < b.at ? -1 : 1))
    .map(({ at, count, line }) => `${timeAndAge(at, now)} ${line}${count > 1 ? ` (${count} times)` : ''}`)
}

/** A controller that fails again and again names another pod each time: the letters of generated names, and what the API server combined. */
const withoutGenerated = (message: string): string =>
  message
    .replace(/^\(combined from similar events\): /, '')
    .replaceAll(/-[bcdfghjklmnpqrstvwxz2456789]{5}(?![a-z0-9])/g, '-*')

/** Two event APIs, two places for the time. */
const timeOf = (event: EventObject): string =>
  (
    event.series?.lastObservedTime ??
    event.lastTimestamp ??
    event.eventTime ??
    event.firstTimestamp ??
    event.metadata?.creationTimestamp ??
    ''
  ).replace(/\.\d+Z$/, 'Z')
