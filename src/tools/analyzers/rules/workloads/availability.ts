import type { ObjectRef } from '../../analyzer.ts'
import type { KindName, ObjectOf } from '../../kinds/index.ts'
import type { Snapshot } from '../../snapshot.ts'
import { conditionOf } from '../age.ts'

/** How many pods of a workload serve, of how many that should. */
export interface Availability {
  wanted: number
  available: number
}

type Replicated = ObjectOf<'Deployment' | 'ReplicaSet' | 'StatefulSet'>

/** The kinds that `availabilityOf` asks. */
export const availabilityKinds = ['Deployment', 'ReplicaSet', 'StatefulSet', 'DaemonSet'] satisfies KindName[]

/** `undefined` for kinds that have no such numbers, and for what was not read. */
export function availabilityOf({ kind, namespace, name }: ObjectRef, snapshot: Snapshot): Availability | undefined {
  if (kind === 'DaemonSet') {
    const status = snapshot.find(kind, namespace, name)?.status
    return status && { wanted: status.desiredNumberScheduled ?? 0, available: status.numberAvailable ?? 0 }
  }
  if (kind !== 'Deployment' && kind !== 'ReplicaSet' && kind !== 'StatefulSet') return undefined
  const found = snapshot.find(kind, namespace, name)
  return found && replicasOf(found)
}

/** Absent replicas are one; absent counts are none. */
export const replicasOf = ({ spec, status }: Replicated): Availability => ({
  wanted: spec?.replicas ?? 1,
  available: status?.availableReplicas ?? 0,
})

/** Whether there is a workload of which nothing serves although something should. */
export const isDown = (availability: Availability | undefined): boolean =>
  availability !== undefined && availability.wanted > 0 && availability.available === 0

export const isServed = (availability: Availability | undefined): boolean =>
  availability !== undefined && availability.available >= availability.wanted

/** Whether a Deployment's rollout has run into its deadline. */
export function hasGivenUp({ kind, namespace, name }: ObjectRef, snapshot: Snapshot): boolean {
  if (kind !== 'Deployment') return false
  const conditions = snapshot.find(kind, namespace, name)?.status?.conditions
  return conditionOf(conditions, 'Progressing')?.status === 'False'
}

/** When a pod that does not serve stopped serving, or was made. */
export const unreadySince = ({ metadata, status }: ObjectOf<'Pod'>): string | undefined =>
  conditionOf(status?.conditions, 'Ready')?.lastTransitionTime ?? metadata.creationTimestamp
