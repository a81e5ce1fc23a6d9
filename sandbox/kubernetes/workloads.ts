import { createHash, randomInt } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '../clock.ts'
import type { Recorder } from './events.ts'
import type { Kubelet } from './kubelet.ts'
import type { Draft, Objects } from './objects.ts'
import { deploymentStatus, maxSurge, maxUnavailable } from './rollout.ts'
import type {
  DaemonSet,
  Deployment,
  KubernetesObject,
  OwnerReference,
  Pod,
  PodTemplate,
  ReplicaSet,
  StatefulSet,
} from './types.ts'

const revisionAnnotation = 'deployment.kubernetes.io/revision'

/** The controllers: one call brings every workload one step closer to its spec. Call it again after each change. */
export function createWorkloads(objects: Objects, clock: Clock, record: Recorder, kubelet: Kubelet): () => void {
  const watched = new Set<string>()

  return function reconcile() {
    for (const deployment of objects.list('deployments')) reconcileDeployment(deployment)
    for (const set of objects.list('replicasets')) reconcileReplicaSet(set)
    for (const set of objects.list('statefulsets')) reconcileStatefulSet(set)
    for (const set of objects.list('daemonsets')) reconcileDaemonSet(set)
    for (const deployment of objects.list('deployments')) reportDeployment(deployment)
  }

  function reconcileDeployment(deployment: Deployment) {
    const current = currentReplicaSet(deployment)
    const old = replicaSetsOf(deployment).filter(({ metadata }) => metadata.uid !== current.metadata.uid)
    if (deployment.spec.strategy.type === 'Recreate') recreate(deployment, current, old)
    else roll(deployment, current, old)
  }

  function currentReplicaSet(deployment: Deployment): ReplicaSet {
    const sets = replicaSetsOf(deployment)
    const revision = String(Math.max(0, ...sets.map(revisionOf)) + 1)
    const found = sets.find((set) => isDeepStrictEqual(withoutHash(set.spec.template), deployment.spec.template))
    if (found && sets.every((set) => revisionOf(set) <= revisionOf(found))) return found
    const current = found
      ? objects.change('replicasets', found, (copy) => {
          copy.metadata.annotations = { ...copy.metadata.annotations, [revisionAnnotation]: revision }
        })
      : createReplicaSet(deployment, revision)
    objects.change('deployments', deployment, (copy) => {
      copy.metadata.annotations = { ...copy.metadata.annotations, [revisionAnnotation]: revision }
    })
    return current
  }

  function createReplicaSet(deployment: Deployment, revision: string): ReplicaSet {
    const { template } = deployment.spec
    const hash = { 'pod-template-hash': templateHash(template) }
    const labels = { ...template.metadata.labels, ...hash }
    return objects.create('replicasets', {
      metadata: {
        name: `${deployment.metadata.name}-${hash['pod-template-hash']}`,
        namespace: deployment.metadata.namespace!,
        generation: 1,
        labels,
        annotations: { [revisionAnnotation]: revision },
        ownerReferences: [ownedBy(deployment)],
      },
      spec: {
        replicas: 0,
        selector: { matchLabels: { ...deployment.spec.selector.matchLabels, ...hash } },
        template: { ...template, metadata: { ...template.metadata, labels } },
      },
      status: { replicas: 0, observedGeneration: 1 },
    })
  }

  function recreate(deployment: Deployment, current: ReplicaSet, old: ReplicaSet[]) {
    for (const set of old) scale(deployment, set, 0)
    if (old.every((set) => podsOf(set).length === 0)) scale(deployment, current, deployment.spec.replicas)
  }

  /** Never fewer than `replicas - maxUnavailable` available, never more than `replicas + maxSurge` in all. */
  function roll(deployment: Deployment, current: ReplicaSet, old: ReplicaSet[]) {
    const desired = deployment.spec.replicas
    const total = [current, ...old].reduce((sum, set) => sum + set.spec.replicas, 0)
    const room = desired + maxSurge(deployment) - total
    if (current.spec.replicas > desired) return scale(deployment, current, desired)
    const missing = Math.min(desired - current.spec.replicas, room)
    if (missing > 0) return scale(deployment, current, current.spec.replicas + missing)

    const fewest = desired - maxUnavailable(deployment)
    const unavailableNew = current.spec.replicas - availableOf(current)
    let removable = total - fewest - unavailableNew
    for (const set of old) {
      const broken = Math.min(removable, set.spec.replicas - availableOf(set))
      if (broken <= 0) continue
      scale(deployment, set, set.spec.replicas - broken)
      removable -= broken
    }
    let spare = [current, ...old].reduce((sum, set) => sum + availableOf(set), 0) - fewest
    for (const set of old.map((stale) => objects.find('replicasets', stale.metadata.namespace, stale.metadata.name)!)) {
      const surplus = Math.min(spare, removable, set.spec.replicas)
      if (surplus <= 0) continue
      scale(deployment, set, set.spec.replicas - surplus)
      spare -= surplus
      removable -= surplus
    }
  }

  function scale(deployment: Deployment, set: ReplicaSet, replicas: number) {
    const before = set.spec.replicas
    if (before === replicas) return
    objects.change('replicasets', set, (copy) => {
      copy.spec.replicas = replicas
      copy.metadata.generation = (copy.metadata.generation ?? 0) + 1
    })
    const direction = replicas > before ? 'up' : 'down'
    record(deployment, {
      type: 'Normal',
      reason: 'ScalingReplicaSet',
      message: `Scaled ${direction} replica set ${set.metadata.name} from ${before} to ${replicas}`,
      source: { component: 'deployment-controller' },
    })
  }

  function reconcileReplicaSet(set: ReplicaSet) {
    const pods = podsOf(set).filter(isStaying)
    const source = { component: 'replicaset-controller' }
    for (let index = pods.length; index < set.spec.replicas; index++) {
      const pod = createPod(set, `${set.metadata.name}-${randomSuffix()}`, set.spec.template)
      const message = `Created pod: ${pod.metadata.name}`
      record(set, { type: 'Normal', reason: 'SuccessfulCreate', message, source })
    }
    for (const pod of leastUseful(pods).slice(0, Math.max(0, pods.length - set.spec.replicas))) {
      // Stopping one brings the controllers round again, which may have stopped the next one by now.
      const current = objects.find('pods', pod.metadata.namespace, pod.metadata.name)
      if (!current || !isStaying(current)) continue
      kubelet.stop(current)
      const message = `Deleted pod: ${pod.metadata.name}`
      record(set, { type: 'Normal', reason: 'SuccessfulDelete', message, source })
    }
    const staying = podsOf(set).filter(isStaying)
    const ready = staying.filter(isReady).length
    objects.change('replicasets', set, (copy) => {
      copy.status = {
        replicas: staying.length,
        ...(ready > 0 && { readyReplicas: ready, availableReplicas: ready }),
        observedGeneration: copy.metadata.generation ?? 1,
      }
    })
  }

  function reconcileStatefulSet(set: StatefulSet) {
    for (let ordinal = 0; ordinal < set.spec.replicas; ordinal++) {
      const name = `${set.metadata.name}-${ordinal}`
      if (objects.find('pods', set.metadata.namespace, name)) continue
      createPod(set, name, set.spec.template)
      const message = `create Pod ${name} in StatefulSet ${set.metadata.name} successful`
      const source = { component: 'statefulset-controller' }
      record(set, { type: 'Normal', reason: 'SuccessfulCreate', message, source })
    }
    const pods = podsOf(set)
    objects.change('statefulsets', set, (copy) => {
      const observedGeneration = copy.metadata.generation ?? 1
      const ready = pods.filter(isReady).length
      copy.status = { replicas: pods.length, readyReplicas: ready, availableReplicas: ready, observedGeneration }
    })
  }

  function reconcileDaemonSet(set: DaemonSet) {
    const nodes = objects.list('nodes')
    const pods = podsOf(set)
    for (const { metadata } of nodes.filter((node) => !pods.some(({ spec }) => spec.nodeName === node.metadata.name))) {
      const template = { ...set.spec.template, spec: { ...set.spec.template.spec, nodeName: metadata.name } }
      createPod(set, `${set.metadata.name}-${randomSuffix()}`, template)
    }
    const ready = pods.filter(isReady).length
    objects.change('daemonsets', set, (copy) => {
      copy.status = {
        desiredNumberScheduled: nodes.length,
        currentNumberScheduled: pods.length,
        numberReady: ready,
        updatedNumberScheduled: pods.length,
        numberAvailable: ready,
        observedGeneration: copy.metadata.generation ?? 1,
      }
    })
  }

  function createPod(owner: KubernetesObject, name: string, template: PodTemplate): Pod {
    const draft: Draft<'pods'> = {
      metadata: {
        name,
        namespace: owner.metadata.namespace!,
        labels: template.metadata.labels,
        ...(template.metadata.annotations && { annotations: template.metadata.annotations }),
        ownerReferences: [ownedBy(owner)],
      },
      spec: { restartPolicy: 'Always', serviceAccountName: 'default', ...template.spec },
      status: { phase: 'Pending', conditions: [] },
    }
    const pod = objects.create('pods', draft)
    kubelet.run(pod)
    return pod
  }

  function reportDeployment(deployment: Deployment) {
    const status = deploymentStatus(deployment, currentReplicaSet(deployment), replicaSetsOf(deployment), clock.now())
    const reported = objects.change('deployments', deployment, (copy) => {
      copy.status = status
    })
    if (reported.status.conditions?.some(({ reason }) => reason === 'ReplicaSetUpdated')) watchDeadline(reported)
  }

  // Progress that does not come is news too, and no change announces it.
  function watchDeadline(deployment: Deployment) {
    const progressing = deployment.status.conditions?.find(({ type }) => type === 'Progressing')
    const deadline = Date.parse(progressing?.lastUpdateTime ?? '') + deployment.spec.progressDeadlineSeconds * 1000
    const key = `${deployment.metadata.uid}/${deadline}`
    if (watched.has(key)) return
    watched.add(key)
    clock.after(deadline - clock.now() + 1000, () => {
      watched.delete(key)
      const current = objects.find('deployments', deployment.metadata.namespace, deployment.metadata.name)
      if (current) reportDeployment(current)
    })
  }

  function replicaSetsOf(deployment: Deployment): ReplicaSet[] {
    return objects.list('replicasets', deployment.metadata.namespace).filter(isOwnedBy(deployment))
  }

  function podsOf(owner: KubernetesObject): Pod[] {
    return objects.list('pods', owner.metadata.namespace).filter(isOwnedBy(owner))
  }

  function availableOf(set: ReplicaSet): number {
    return podsOf(set).filter((pod) => isStaying(pod) && isReady(pod)).length
  }
}

export function isReady(pod: Pod): boolean {
  return pod.status.conditions.some(({ type, status }) => type === 'Ready' && status === 'True')
}

function isStaying(pod: Pod): boolean {
  return pod.metadata.deletionTimestamp === undefined
}

function isOwnedBy(owner: KubernetesObject) {
  return ({ metadata }: KubernetesObject) => metadata.ownerReferences?.some(({ uid }) => uid === owner.metadata.uid)
}

function ownedBy({ apiVersion, kind, metadata }: KubernetesObject): OwnerReference {
  return { apiVersion, kind, name: metadata.name, uid: metadata.uid, controller: true, blockOwnerDeletion: true }
}

function revisionOf(set: ReplicaSet): number {
  return Number(set.metadata.annotations?.[revisionAnnotation] ?? 0)
}

function withoutHash(template: PodTemplate): PodTemplate {
  const { 'pod-template-hash': _, ...labels } = template.metadata.labels
  return { ...template, metadata: { ...template.metadata, labels } }
}

/** Pods that are not ready go first, then the youngest. */
function leastUseful(pods: Pod[]): Pod[] {
  const born = (pod: Pod) => Date.parse(pod.metadata.creationTimestamp)
  return pods.toSorted((a, b) => Number(isReady(a)) - Number(isReady(b)) || born(b) - born(a))
}

// The letters Kubernetes uses in generated names: none that could spell a word.
const letters = 'bcdfghjklmnpqrstvwxz2456789'

function randomSuffix(): string {
  return Array.from({ length: 5 }, () => letters[randomInt(letters.length)]).join('')
}

function templateHash(template: PodTemplate): string {
  const digest = createHash('sha256').update(JSON.stringify(template)).digest()
  return Array.from(digest.subarray(0, 10), (byte) => letters[byte % letters.length]).join('')
}
