import type { ObjectRef } from './analyzer.ts'
import { type Kind, type KindName, kinds, type ObjectOf } from './kinds/index.ts'
import type { Meta } from './kinds/meta.ts'

/** Why a kind is not (wholly) in a snapshot. `not-served`: the cluster has no such kind; that is no gap. */
export type Gap = 'forbidden' | 'unauthorized' | 'timeout' | 'unavailable' | 'error' | 'not-served'

export interface Unread {
  kind: KindName
  /** Missing when it was asked for in all namespaces, or when the kind has none. */
  namespace?: string
  gap: Gap
  /** A sentence with the way out. */
  message: string
}

/** The cluster at one moment, as far as it was read. Shared by all analyzers of a run, never changed. */
export interface Snapshot {
  /** The moment that every age is counted to, in milliseconds since the epoch. */
  readonly now: number
  /** In the order of namespace and name; empty when the kind was not read. */
  list<Name extends KindName>(kind: Name): ObjectOf<Name>[]
  find<Name extends KindName>(kind: Name, namespace: string | undefined, name: string): ObjectOf<Name> | undefined
  /**
   * Whether the kind was read wholly there. Only then does a `find` without result mean "does not exist"; otherwise say nothing:
   * the gap is reported by the run.
   */
  isKnown(kind: KindName, namespace?: string): boolean
  /** Events about this very object (kind and uid; by name only where an event has no uid), newest first. */
  eventsOf(kind: string, meta: Meta): ObjectOf<'Event'>[]
  /** The controller at the top of the chain of owners, as far as it can be followed; the object itself without one. */
  ownerOf(kind: string, meta: Meta): ObjectRef
  /** Pods whose chain of owners ends at (or goes through) this object. */
  podsOf(owner: ObjectRef): ObjectOf<'Pod'>[]
  readonly unread: Unread[]
}

export interface SnapshotContent {
  objects: { [Name in KindName]?: ObjectOf<Name>[] }
  unread: Unread[]
  now: number
  /** Where namespaced kinds were looked for; everywhere by default. */
  namespaces?: string[]
}

/** Puts what was read into an order in which it can be asked. */
export function createSnapshot({ objects, unread, now, namespaces = ['*'] }: SnapshotContent): Snapshot {
  const lists = new Map<KindName, ReadonlyArray<{ metadata: Meta }>>()
  const byName = new Map<string, { metadata: Meta }>()
  for (const kind of Object.keys(kinds) as KindName[]) {
    const list = [...((objects[kind] ?? []) as { metadata: Meta }[])].sort((a, b) =>
      compare(keyOf(a.metadata), keyOf(b.metadata)),
    )
    lists.set(kind, list)
    for (const object of list) byName.set(`${kind} ${keyOf(object.metadata)}`, object)
  }
  const events = indexEvents((objects.Event ?? []) as ObjectOf<'Event'>[])
  let pods: Map<string, ObjectOf<'Pod'>[]> | undefined

  const find = (kind: string, namespace: string | undefined, name: string) =>
    byName.get(`${kind} ${namespace ?? ''}/${name}`)

  const wasAsked = (kind: KindName, namespace: string | undefined) =>
    !isNamespaced(kind) || namespaces.includes('*') || (namespace !== undefined && namespaces.includes(namespace))

  /** From the object's own controller upwards. */
  function ownersOf(meta: Meta): ObjectRef[] {
    const owners: ObjectRef[] = []
    let current: Meta | undefined = meta
    while (current && owners.length < mostOwners) {
      const reference: NonNullable<Meta['ownerReferences']>[number] | undefined = current.ownerReferences?.find(
        (one) => one.controller,
      )
      if (!reference) break
      // An owner is in the namespace of what it owns, or in none: a Node owns its static pods.
      const namespace: string | undefined = isNamespaced(reference.kind) ? meta.namespace : undefined
      owners.push(refOf(reference.kind, { name: reference.name, namespace }))
      current = find(reference.kind, namespace, reference.name)?.metadata
    }
    return owners
  }

  function indexPods(): Map<string, ObjectOf<'Pod'>[]> {
    const index = new Map<string, ObjectOf<'Pod'>[]>()
    for (const pod of (lists.get('Pod') ?? []) as ObjectOf<'Pod'>[])
      for (const owner of ownersOf(pod.metadata)) {
        const known = index.get(refKey(owner))
        if (known) known.push(pod)
        else index.set(refKey(owner), [pod])
      }
    return index
  }

  return {
    now,
    unread,
    list: (kind) => (lists.get(kind) ?? []) as never,
    find: (kind, namespace, name) => find(kind, namespace, name) as never,
    isKnown: (kind, namespace) =>
      objects[kind] !== undefined &&
      wasAsked(kind, namespace) &&
      !unread.some((gap) => gap.kind === kind && (gap.namespace === undefined || gap.namespace === namespace)),
    eventsOf(kind, { uid, name, namespace }) {
      const byUid = uid === undefined ? [] : (events.get(`uid ${uid}`) ?? [])
      const unnamed = (events.get(`${kind} ${namespace ?? ''}/${name}`) ?? []).filter(
        (event) => !event.involvedObject?.uid,
      )
      return [...byUid.filter((event) => event.involvedObject?.kind === kind), ...unnamed].sort(
        (a, b) => timeOf(b) - timeOf(a),
      )
    },
    ownerOf: (kind, meta) => ownersOf(meta).at(-1) ?? refOf(kind, meta),
    podsOf: (owner) => (pods ??= indexPods()).get(refKey(owner)) ?? [],
  }
}

const mostOwners = 10

/** A kind that nobody here knows counts as namespaced, as most are. */
const isNamespaced = (kind: string): boolean =>
  !Object.hasOwn(kinds, kind) || (kinds[kind as KindName] as Kind).namespaced

export const refOf = (
  kind: string,
  { name, namespace }: { name: string; namespace?: string | undefined },
): ObjectRef => ({
  kind,
  name,
  ...(namespace !== undefined && { namespace }),
})

const refKey = ({ kind, namespace, name }: ObjectRef): string => `${kind} ${namespace ?? ''}/${name}`

const keyOf = ({ namespace, name }: { name: string; namespace?: string | undefined }): string =>
  `${namespace ?? ''}/${name}`

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

function indexEvents(list: ObjectOf<'Event'>[]): Map<string, ObjectOf<'Event'>[]> {
  const index = new Map<string, ObjectOf<'Event'>[]>()
  for (const event of list) {
    const { kind, namespace, name, uid } = event.involvedObject ?? {}
    const key = uid ? `uid ${uid}` : `${kind} ${namespace ?? ''}/${name}`
    const known = index.get(key)
    if (known) known.push(event)
    else index.set(key, [event])
  }
  return index
}

/** When an event was last seen, in milliseconds since the epoch: the newest of its four times. */
export function timeOf({ series, lastTimestamp, eventTime, firstTimestamp }: ObjectOf<'Event'>): number {
  return Math.max(
    0,
    ...[series?.lastObservedTime, lastTimestamp, eventTime, firstTimestamp]
      .map((time) => Date.parse(time ?? ''))
      .filter((time) => !Number.isNaN(time)),
  )
}
