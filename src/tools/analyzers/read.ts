import PQueue from 'p-queue'
import { UnusableAnswer } from '../../http/unusable-answer.ts'
import { sentenceOf } from '../../text/sentence.ts'
import type { Cluster } from '../kubernetes/cluster.ts'
import { ClusterError, ClusterUnreachable } from '../kubernetes/errors.ts'
import { type Kind, type KindName, kinds, type ObjectOf } from './kinds/index.ts'
import { misfit } from './kinds/shape.ts'
import { createSnapshot, type Gap, type Snapshot, type Unread } from './snapshot.ts'

export interface ReadOptions {
  cluster: Pick<Cluster, 'get' | 'now'>
  kinds: Iterable<KindName>
  /** `['*']` for all. */
  namespaces: string[]
  /** Requests at the same time; 10. */
  maxConcurrency?: number
  signal: AbortSignal
}

interface Page {
  items: unknown[]
  metadata?: { continue?: string }
}

// Measured: larger pages cost memory, smaller ones time.
const pageSize = 250
const smallestPage = 10
const mostRestarts = 2

/**
 * Reads each kind once, page by page, and keeps of each page only the fields that analyzers read. What cannot be read becomes a
 * gap of the snapshot; this rejects only when `signal` is aborted.
 */
export async function readSnapshot(options: ReadOptions): Promise<Snapshot> {
  const { cluster, namespaces, maxConcurrency = 10, signal } = options
  const now = cluster.now()
  const objects: Partial<Record<KindName, unknown[]>> = {}
  const unread: Unread[] = []
  const queue = new PQueue({ concurrency: maxConcurrency })
  for (const name of longestFirst(options.kinds)) {
    const kind: Kind = kinds[name]
    const everywhere = !kind.namespaced || namespaces.includes('*')
    for (const namespace of everywhere ? [undefined] : new Set(namespaces))
      queue.add(async () => {
        const read = await readKind(name, kind, namespace, cluster, signal)
        if (read.objects) objects[name] = [...(objects[name] ?? []), ...read.objects]
        if (read.gap) unread.push({ kind: name, ...(namespace !== undefined && { namespace }), ...read.gap })
      })
  }
  await queue.onIdle()
  signal.throwIfAborted()
  return createSnapshot({ objects: objects as { [Name in KindName]?: ObjectOf<Name>[] }, unread, now, namespaces })
}

// A list is read page after page, so the whole takes as long as the longest of them: that one must not wait for its turn.
const long: KindName[] = ['Event', 'Pod', 'ReplicaSet', 'EndpointSlice', 'ConfigMap', 'Secret']

function longestFirst(names: Iterable<KindName>): KindName[] {
  const place = (name: KindName) => (long.includes(name) ? long.indexOf(name) : long.length)
  return [...new Set(names)].sort((a, b) => place(a) - place(b))
}

interface Read {
  /** Missing when nothing could be read; with a gap too: some of it. */
  objects?: unknown[]
  gap?: { gap: Gap; message: string }
}

async function readKind(
  name: KindName,
  kind: Kind,
  namespace: string | undefined,
  cluster: ReadOptions['cluster'],
  signal: AbortSignal,
): Promise<Read> {
  for (const api of [kind.api].flat()) {
    const place = namespace === undefined ? '' : `namespaces/${encodeURIComponent(namespace)}/`
    const path = `${api}/${place}${kind.resource}`
    try {
      return await readList(name, kind, path, cluster, signal)
    } catch (error) {
      if (signal.aborted) return {}
      const gap = gapOf(error)
      if (gap !== 'not-served') return { gap: { gap, message: `${name}: ${sentenceOf(error)}` } }
    }
  }
  return { gap: { gap: 'not-served', message: `${name} is not installed in this cluster.` } }
}

async function readList(
  name: KindName,
  { schema, metadataOnly = false, fieldSelector }: Kind,
  path: string,
  cluster: ReadOptions['cluster'],
  signal: AbortSignal,
): Promise<Read> {
  let objects: unknown[] = []
  let odd = 0
  await readPages(cluster, path, {
    metadataOnly,
    ...(fieldSelector && { fieldSelector }),
    signal,
    begin() {
      objects = []
      odd = 0
    },
    take(item) {
      const kept = schema(item)
      if (kept === misfit) odd++
      else objects.push(kept)
    },
  })
  if (odd === 0) return { objects }
  return {
    objects,
    gap: { gap: 'error', message: `${name}: ${odd} objects have no name or another shape than expected.` },
  }
}

/** What is done with a list while it is read, so that no page outlives the next one. */
export interface PagesOptions {
  metadataOnly?: boolean
  fieldSelector?: string
  signal: AbortSignal
  /** Before the first page, and again when the list has to be read anew. */
  begin(): void
  take(item: unknown): void
}

/** Reads a list to its end. Rejects with what the cluster says. */
export async function readPages(
  cluster: Pick<Cluster, 'get'>,
  path: string,
  { metadataOnly = false, fieldSelector, signal, begin, take }: PagesOptions,
): Promise<void> {
  let restarts = 0
  let limit = pageSize
  begin()
  for (let next: string | undefined = ''; next !== undefined; ) {
    try {
      const query = { limit, ...(fieldSelector && { fieldSelector }), ...(next && { continue: next }) }
      const page = pageOf(await cluster.get<unknown>(path, { signal, metadataOnly, query }))
      for (const item of page.items) take(item)
      next = page.metadata?.continue || undefined
    } catch (error) {
      // Objects of a megabyte each: fewer at a time.
      if (error instanceof UnusableAnswer && limit > smallestPage) {
        limit = Math.max(smallestPage, Math.floor(limit / 5))
        continue
      }
      // 410: the list changed too much since its first page, so it is read anew.
      if (!(error instanceof ClusterError) || error.status !== 410 || restarts >= mostRestarts) throw error
      restarts++
      begin()
      next = ''
    }
  }
}

/** Some servers write an empty list as null. Anything else that has no items is no list, and must not pass for an empty one. */
function pageOf(answer: unknown): Page {
  const { items, metadata } = (answer ?? {}) as { items?: unknown; metadata?: Page['metadata'] }
  if (items !== null && !Array.isArray(items)) throw new Error('the answer is no list of objects.')
  return { items: items ?? [], ...(metadata && { metadata }) }
}

/** Why something could not be read. */
export function gapOf(error: unknown): Gap {
  if (error instanceof ClusterUnreachable) return hasTimedOut(error) ? 'timeout' : 'unavailable'
  if (!(error instanceof ClusterError)) return 'error'
  switch (error.status) {
    case 401:
      return 'unauthorized'
    case 403:
      return 'forbidden'
    case 404:
      return 'not-served'
    case 429:
    case 503:
      return 'unavailable'
    case 408:
    case 504:
      return 'timeout'
    default:
      return 'error'
  }
}

const hasTimedOut = ({ cause }: ClusterUnreachable): boolean => cause instanceof Error && cause.name === 'TimeoutError'
