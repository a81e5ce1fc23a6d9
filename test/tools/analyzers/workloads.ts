import { ago, meta } from './snapshot.ts'

/** Objects as controllers and kubelets write them, for the workload `api` in namespace `shop`. */

const controlledBy = (kind: string, name: string) => [{ kind, name, controller: true, uid: `uid-${name}` }]

interface PodOptions {
  name?: string
  /** `Deployment` makes the pod one of ReplicaSet `api-1`. */
  owner?: 'Deployment' | 'StatefulSet' | 'DaemonSet' | 'Job' | 'none'
  metadata?: object
  spec?: object
  status?: object
}

/** A pod that runs and is ready. */
export function pod({ name = 'api-1-a', owner = 'Deployment', metadata, spec, status }: PodOptions = {}) {
  const owners = owner === 'Deployment' ? controlledBy('ReplicaSet', 'api-1') : controlledBy(owner, 'api')
  return {
    metadata: meta(name, { labels: { app: 'api' }, ...(owner !== 'none' && { ownerReferences: owners }), ...metadata }),
    spec: { nodeName: 'worker-1', containers: [{ name: 'app', image: 'acme/api:1' }], ...spec },
    status: {
      phase: 'Running',
      startTime: ago(1, 'h'),
      conditions: [condition('Ready', 'True'), condition('ContainersReady', 'True')],
      containerStatuses: [
        { name: 'app', ready: true, started: true, restartCount: 0, state: { running: { startedAt: ago(1, 'h') } } },
      ],
      ...status,
    },
  }
}

/** The same pod with another container status and not ready since 20 minutes. */
export const podWith = (containerStatus: object, more: PodOptions = {}) =>
  pod({
    ...more,
    status: {
      conditions: [condition('Ready', 'False', { lastTransitionTime: ago(20) })],
      containerStatuses: [{ name: 'app', ready: false, restartCount: 0, ...containerStatus }],
      ...more.status,
    },
  })

export const condition = (type: string, status: string, more: object = {}) => ({
  type,
  status,
  lastTransitionTime: ago(1, 'h'),
  ...more,
})

export const replicaSet = (more: { spec?: object; status?: object; metadata?: object } = {}) => ({
  metadata: meta('api-1', { ownerReferences: controlledBy('Deployment', 'api'), ...more.metadata }),
  spec: { replicas: 2, ...more.spec },
  status: { observedGeneration: 1, replicas: 2, readyReplicas: 2, availableReplicas: 2, ...more.status },
})

/** Two of two replicas serve. */
export const deployment = (more: { spec?: object; status?: object; metadata?: object } = {}) => ({
  metadata: meta('api', more.metadata),
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: 'api' } },
    template: template(),
    ...more.spec,
  },
  status: {
    observedGeneration: 1,
    replicas: 2,
    readyReplicas: 2,
    availableReplicas: 2,
    updatedReplicas: 2,
    ...more.status,
  },
})

export const template = (spec: object = {}) => ({
  metadata: { labels: { app: 'api' } },
  spec: { containers: [{ name: 'app', image: 'acme/api:1' }], ...spec },
})

export const event = (kind: string, name: string, reason: string, message: string, more: object = {}) => ({
  metadata: meta(`${name}.${reason}`),
  type: 'Warning',
  reason,
  message,
  count: 3,
  lastTimestamp: ago(1),
  involvedObject: { kind, namespace: 'shop', name, uid: `uid-${name}` },
  ...more,
})
