import type { ObjectRef } from '../analyzer.ts'
import type { ObjectOf } from '../kinds/index.ts'
import { refOf, type Snapshot } from '../snapshot.ts'
import { conditionOf } from './age.ts'

type Pod = ObjectOf<'Pod'>

/** Whether a pod takes part in its workload's work. One that has completed has nothing left to do. */
export const isWell = ({ status }: Pod): boolean =>
  status?.phase === 'Succeeded' || conditionOf(status?.conditions, 'Ready')?.status === 'True'

/**
 * These pods, and those of their workloads that suffer from nothing else: every pod of theirs that is not well is one of these.
 * A workload with a second trouble is left out, so that its own findings stay.
 */
export function affectedBy(pods: Pod[], snapshot: Snapshot): ObjectRef[] {
  const suffering = new Set(pods)
  const owners = new Map<string, ObjectRef>()
  for (const { metadata } of pods) {
    const owner = snapshot.ownerOf('Pod', metadata)
    if (owner.kind !== 'Pod') owners.set(`${owner.kind} ${owner.namespace ?? ''}/${owner.name}`, owner)
  }
  return [
    ...pods.map(({ metadata }) => refOf('Pod', metadata)),
    ...[...owners.values()].filter((owner) => snapshot.podsOf(owner).every((pod) => suffering.has(pod) || isWell(pod))),
  ]
}
