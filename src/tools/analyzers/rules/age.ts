import type { Condition, Meta } from '../kinds/meta.ts'
import type { Snapshot } from '../snapshot.ts'

export const second = 1_000
export const minute = 60 * second
export const hour = 60 * minute
export const day = 24 * hour

/** Milliseconds since a time of the cluster; `undefined` for a missing or unreadable one. A clock ahead of ours gives 0. */
export function ageOf(time: string | undefined, { now }: Pick<Snapshot, 'now'>): number | undefined {
  const at = time === undefined ? Number.NaN : Date.parse(time)
  return Number.isNaN(at) ? undefined : Math.max(0, now - at)
}

/** Whether something has lasted at least this long. Without a known beginning it has. */
export function hasLasted(since: string | undefined, least: number, snapshot: Pick<Snapshot, 'now'>): boolean {
  return (ageOf(since, snapshot) ?? Number.POSITIVE_INFINITY) >= least
}

/** Objects of the last minute are still being made. */
export const isNew = (meta: Meta, snapshot: Pick<Snapshot, 'now'>): boolean =>
  !hasLasted(meta.creationTimestamp, minute, snapshot)

/** Conditions are looked up by type, never by place. */
export const conditionOf = (list: Condition[] | undefined, type: string): Condition | undefined =>
  list?.find((condition) => condition.type === type)
