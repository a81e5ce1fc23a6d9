import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { type Clock, timestamp } from '../clock.ts'
import type {
  ConfigMap,
  DaemonSet,
  Deployment,
  Event,
  HorizontalPodAutoscaler,
  KubernetesObject,
  Metadata,
  Namespace,
  Node,
  PersistentVolumeClaim,
  Pod,
  ReplicaSet,
  Secret,
  Service,
  StatefulSet,
} from './types.ts'

export interface Kinds {
  configmaps: ConfigMap
  daemonsets: DaemonSet
  deployments: Deployment
  events: Event
  horizontalpodautoscalers: HorizontalPodAutoscaler
  namespaces: Namespace
  nodes: Node
  persistentvolumeclaims: PersistentVolumeClaim
  pods: Pod
  replicasets: ReplicaSet
  secrets: Secret
  services: Service
  statefulsets: StatefulSet
}

export type Resource = keyof Kinds

export interface ResourceKind {
  group: '' | 'apps' | 'autoscaling'
  version: string
  kind: string
  singular: string
  short: string[]
  namespaced: boolean
}

export const resources: Record<Resource, ResourceKind> = {
  configmaps: { group: '', version: 'v1', kind: 'ConfigMap', singular: 'configmap', short: ['cm'], namespaced: true },
  events: { group: '', version: 'v1', kind: 'Event', singular: 'event', short: ['ev'], namespaced: true },
  namespaces: { group: '', version: 'v1', kind: 'Namespace', singular: 'namespace', short: ['ns'], namespaced: false },
  nodes: { group: '', version: 'v1', kind: 'Node', singular: 'node', short: ['no'], namespaced: false },
  persistentvolumeclaims: {
    group: '',
    version: 'v1',
    kind: 'PersistentVolumeClaim',
    singular: 'persistentvolumeclaim',
    short: ['pvc'],
    namespaced: true,
  },
  pods: { group: '', version: 'v1', kind: 'Pod', singular: 'pod', short: ['po'], namespaced: true },
  secrets: { group: '', version: 'v1', kind: 'Secret', singular: 'secret', short: [], namespaced: true },
  services: { group: '', version: 'v1', kind: 'Service', singular: 'service', short: ['svc'], namespaced: true },
  daemonsets: {
    group: 'apps',
    version: 'v1',
    kind: 'DaemonSet',
    singular: 'daemonset',
    short: ['ds'],
    namespaced: true,
  },
  deployments: {
    group: 'apps',
    version: 'v1',
    kind: 'Deployment',
    singular: 'deployment',
    short: ['deploy'],
    namespaced: true,
  },
  replicasets: {
    group: 'apps',
    version: 'v1',
    kind: 'ReplicaSet',
    singular: 'replicaset',
    short: ['rs'],
    namespaced: true,
  },
  horizontalpodautoscalers: {
    group: 'autoscaling',
    version: 'v2',
    kind: 'HorizontalPodAutoscaler',
    singular: 'horizontalpodautoscaler',
    short: ['hpa'],
    namespaced: true,
  },
  statefulsets: {
    group: 'apps',
    version: 'v1',
    kind: 'StatefulSet',
    singular: 'statefulset',
    short: ['sts'],
    namespaced: true,
  },
}

/** `v1`, `apps/v1`: as objects name their API. */
export function apiVersionOf(resource: Resource): string {
  const { group, version } = resources[resource]
  return group === '' ? version : `${group}/${version}`
}

/** `deployments.apps`, `pods`: as error messages name a resource. */
export function qualified(resource: Resource): string {
  const { group } = resources[resource]
  return group === '' ? resource : `${resource}.${group}`
}

/** What a caller says about a new object; the store fills in the rest. */
export type Draft<R extends Resource> = Omit<Kinds[R], 'apiVersion' | 'kind' | 'metadata'> & {
  metadata: Partial<Metadata> & { name: string }
}

/** Everything in the cluster. An object that was handed out is never altered: a change puts a new one in its place. */
export interface Objects {
  /** Sorted by namespace and name. */
  list<R extends Resource>(resource: R, namespace?: string): Kinds[R][]
  find<R extends Resource>(resource: R, namespace: string | undefined, name: string): Kinds[R] | undefined
  create<R extends Resource>(resource: R, draft: Draft<R>): Kinds[R]
  /** Edits a copy and stores it under a new resourceVersion; an edit without effect stores nothing. No-op if the object is gone. */
  change<R extends Resource>(resource: R, object: Kinds[R], edit: (copy: Kinds[R]) => void): Kinds[R]
  remove(resource: Resource, object: KubernetesObject): void
  /** The resourceVersion of the newest change. */
  version(): string
}

export function createObjects(clock: Clock): Objects {
  const stored = new Map<Resource, Map<string, KubernetesObject>>(
    (Object.keys(resources) as Resource[]).map((resource) => [resource, new Map()]),
  )
  let version = 1000

  const objects: Objects = {
    list<R extends Resource>(resource: R, namespace?: string) {
      const all = [...stored.get(resource)!.entries()]
      const chosen = all.filter(([, { metadata }]) => namespace === undefined || metadata.namespace === namespace)
      return chosen.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object) as Kinds[R][]
    },
    find<R extends Resource>(resource: R, namespace: string | undefined, name: string) {
      return stored.get(resource)!.get(key(namespace, name)) as Kinds[R] | undefined
    },
    create<R extends Resource>(resource: R, draft: Draft<R>) {
      const { kind } = resources[resource]
      const metadata = {
        uid: randomUUID(),
        creationTimestamp: timestamp(clock.now()),
        ...draft.metadata,
        resourceVersion: String(++version),
      }
      const object = { kind, apiVersion: apiVersionOf(resource), ...draft, metadata } as unknown as Kinds[R]
      stored.get(resource)!.set(key(metadata.namespace, metadata.name), object)
      return object
    },
    change<R extends Resource>(resource: R, object: Kinds[R], edit: (copy: Kinds[R]) => void) {
      const current = objects.find(resource, object.metadata.namespace, object.metadata.name)
      if (current?.metadata.uid !== object.metadata.uid) return object
      // Objects are JSON; this is the fastest copy of such small ones.
      const copy = JSON.parse(JSON.stringify(current)) as Kinds[R]
      edit(copy)
      if (isDeepStrictEqual(copy, current)) return current
      copy.metadata.resourceVersion = String(++version)
      stored.get(resource)!.set(key(copy.metadata.namespace, copy.metadata.name), copy)
      return copy
    },
    remove(resource, object) {
      version++
      stored.get(resource)!.delete(key(object.metadata.namespace, object.metadata.name))
    },
    version: () => String(version),
  }
  return objects
}

// A slash cannot occur in a name, so two objects never share a key.
function key(namespace: string | undefined, name: string): string {
  return `${namespace ?? ''}/${name}`
}
