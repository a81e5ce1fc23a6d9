import assert from 'node:assert/strict'
import { type KindName, kinds, type ObjectOf } from '../../../src/tools/analyzers/kinds/index.ts'
import { misfit } from '../../../src/tools/analyzers/kinds/shape.ts'
import { createSnapshot, type Snapshot, type Unread } from '../../../src/tools/analyzers/snapshot.ts'

export const now = Date.parse('2026-11-20T12:00:00Z')

/** A time before `now`, as Kubernetes writes it: `ago(5, 'min')`. */
export function ago(count: number, unit: 's' | 'min' | 'h' | 'd' = 'min'): string {
  const milliseconds = { s: 1_000, min: 60_000, h: 3_600_000, d: 86_400_000 }[unit]
  return new Date(now - count * milliseconds).toISOString().replace('.000Z', 'Z')
}

/** Name and namespace for an object, an hour old. */
export const meta = (name: string, more: object = {}) => ({
  name,
  namespace: 'shop',
  uid: `uid-${name}`,
  generation: 1,
  creationTimestamp: ago(1, 'h'),
  ...more,
})

/** Plain objects, as the API server would send them, as a snapshot. Kinds that are not named count as not read. */
export function snapshotOf(objects: { [Name in KindName]?: object[] }, unread: Unread[] = []): Snapshot {
  const parsed = Object.entries(objects).map(([kind, list]) => [
    kind,
    list.map((object) => fitting(kind as KindName, object)),
  ])
  return createSnapshot({ objects: Object.fromEntries(parsed), unread, now })
}

/** What is kept of an object of this kind; throws when it is none. */
export function fitting<Name extends KindName>(kind: Name, object: unknown): ObjectOf<Name> {
  const kept = kinds[kind].schema(object)
  assert.notEqual(kept, misfit, `no ${kind}: ${JSON.stringify(object)}`)
  return kept as ObjectOf<Name>
}
