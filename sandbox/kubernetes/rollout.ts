import { timestamp } from '../clock.ts'
import type { Condition, Deployment, ReplicaSet } from './types.ts'

/** The status of a deployment, from its replica sets and what the status said before. */
export function deploymentStatus(
  deployment: Deployment,
  current: ReplicaSet,
  sets: ReplicaSet[],
  now: number,
): Deployment['status'] {
  const replicas = sum(sets, (set) => set.status.replicas)
  const available = sum(sets, (set) => set.status.availableReplicas ?? 0)
  const updated = current.status.replicas
  const unavailable = Math.max(0, sum(sets, (set) => set.spec.replicas) - available)
  const counts = {
    ...(replicas > 0 && { replicas }),
    ...(updated > 0 && { updatedReplicas: updated }),
    ...(available > 0 && { readyReplicas: available, availableReplicas: available }),
    ...(unavailable > 0 && { unavailableReplicas: unavailable }),
  }
  const conditions = [
    settle(deployment, availability(deployment, available), now),
    progress(deployment, current, { replicas, available, updated }, now),
  ]
  return { observedGeneration: deployment.metadata.generation ?? 1, ...counts, conditions }
}

export function maxUnavailable({ spec }: Deployment): number {
  return Math.floor(share(spec.strategy.rollingUpdate?.maxUnavailable, spec.replicas))
}

/** At least one where nothing may be missing: a rollout could never begin otherwise. */
export function maxSurge(deployment: Deployment): number {
  const surge = Math.ceil(share(deployment.spec.strategy.rollingUpdate?.maxSurge, deployment.spec.replicas))
  return surge === 0 && maxUnavailable(deployment) === 0 ? 1 : surge
}

function share(text: string | undefined, replicas: number): number {
  return text?.endsWith('%') ? (Number.parseInt(text, 10) / 100) * replicas : Number(text ?? 0)
}

function sum(sets: ReplicaSet[], count: (set: ReplicaSet) => number): number {
  return sets.reduce((total, set) => total + count(set), 0)
}

type News = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>

function availability(deployment: Deployment, available: number): News {
  if (available >= deployment.spec.replicas - maxUnavailable(deployment))
    return {
      type: 'Available',
      status: 'True',
      reason: 'MinimumReplicasAvailable',
      message: 'Deployment has minimum availability.',
    }
  return {
    type: 'Available',
    status: 'False',
    reason: 'MinimumReplicasUnavailable',
    message: 'Deployment does not have minimum availability.',
  }
}

interface Counts {
  replicas: number
  available: number
  updated: number
}

function progress(deployment: Deployment, current: ReplicaSet, counts: Counts, now: number): Condition {
  const set = `ReplicaSet "${current.metadata.name}"`
  const known = conditionOf(deployment, 'Progressing')
  const isSameRollout = known?.message?.startsWith(set) ?? false
  // A rollout that was completed stays completed when its pods break later.
  if (isSameRollout && known?.reason === 'NewReplicaSetAvailable') return known
  const { replicas, available, updated } = counts
  if ([replicas, available, updated].every((count) => count === deployment.spec.replicas)) {
    const message = `${set} has successfully progressed.`
    return settle(deployment, { type: 'Progressing', status: 'True', reason: 'NewReplicaSetAvailable', message }, now)
  }
  if (isSameRollout && known && !hasAdvanced(deployment, counts)) {
    if (now - Date.parse(known.lastUpdateTime ?? '') <= deployment.spec.progressDeadlineSeconds * 1000) return known
    const message = `${set} has timed out progressing.`
    return settle(
      deployment,
      { type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded', message },
      now,
    )
  }
  const message = `${set} is progressing.`
  const news: News = { type: 'Progressing', status: 'True', reason: 'ReplicaSetUpdated', message }
  return { ...settle(deployment, news, now), lastUpdateTime: timestamp(now) }
}

function hasAdvanced({ status }: Deployment, { available, updated }: Counts): boolean {
  return updated > (status.updatedReplicas ?? 0) || available > (status.availableReplicas ?? 0)
}

/** The condition as it was when nothing is new about it; its transition time moves only with its status. */
function settle(deployment: Deployment, news: News, now: number): Condition {
  const known = conditionOf(deployment, news.type)
  const isOld = known?.status === news.status && known.reason === news.reason && known.message === news.message
  if (isOld) return known
  const lastTransitionTime = known?.status === news.status ? known.lastTransitionTime : timestamp(now)
  return { ...news, lastUpdateTime: timestamp(now), lastTransitionTime }
}

function conditionOf(deployment: Deployment, type: string): Condition | undefined {
  return deployment.status.conditions?.find((condition) => condition.type === type)
}
