/** The fields of Kubernetes objects that tools read. Everything may be missing: old servers, other controllers, half-written objects. */
export interface Meta {
  name: string
  namespace?: string
  uid?: string
  generation?: number
  labels?: Record<string, string>
  annotations?: Record<string, string>
  ownerReferences?: { kind: string; name: string; uid?: string; controller?: boolean }[]
  managedFields?: ManagedFields[]
  creationTimestamp?: string
  deletionTimestamp?: string
}

/** Who wrote to an object, and when last. */
export interface ManagedFields {
  manager?: string
  operation?: string
  subresource?: string
  time?: string
}

export interface Condition {
  type: string
  status: string
  reason?: string
  message?: string
  lastTransitionTime?: string
}

export interface Container {
  name: string
  image?: string
  env?: {
    name: string
    value?: string
    valueFrom?: {
      configMapKeyRef?: { name?: string; key: string }
      secretKeyRef?: { name?: string; key: string }
      fieldRef?: { fieldPath: string }
    }
  }[]
  envFrom?: { configMapRef?: { name?: string }; secretRef?: { name?: string } }[]
  resources?: { requests?: Record<string, string>; limits?: Record<string, string> }
  ports?: { containerPort: number; name?: string }[]
  livenessProbe?: Probe
  readinessProbe?: Probe
  startupProbe?: Probe
}

export interface Probe {
  httpGet?: { path?: string; port?: number | string; scheme?: string }
  tcpSocket?: { port?: number | string }
  grpc?: { port?: number }
  exec?: { command?: string[] }
  initialDelaySeconds?: number
  periodSeconds?: number
  timeoutSeconds?: number
  failureThreshold?: number
}

export interface PodSpec {
  nodeName?: string
  serviceAccountName?: string
  containers?: Container[]
  initContainers?: Container[]
}

export interface ContainerState {
  waiting?: { reason?: string; message?: string }
  running?: { startedAt?: string }
  terminated?: { reason?: string; exitCode?: number; message?: string; finishedAt?: string }
}

export interface ContainerStatus {
  name: string
  ready?: boolean
  started?: boolean
  restartCount?: number
  state?: ContainerState
  lastState?: ContainerState
}

export interface Pod {
  metadata: Meta
  spec?: PodSpec
  status?: {
    phase?: string
    reason?: string
    message?: string
    podIP?: string
    conditions?: Condition[]
    containerStatuses?: ContainerStatus[]
    initContainerStatuses?: ContainerStatus[]
  }
}

export interface ConfigMap {
  metadata: Meta
  data?: Record<string, string>
  binaryData?: Record<string, string>
}

export interface LabelSelector {
  matchLabels?: Record<string, string>
  matchExpressions?: { key: string; operator: string; values?: string[] }[]
}

export interface Deployment {
  metadata: Meta
  spec?: {
    replicas?: number
    paused?: boolean
    selector?: LabelSelector
    strategy?: { type?: string; rollingUpdate?: { maxSurge?: number | string; maxUnavailable?: number | string } }
    template?: { metadata?: { labels?: Record<string, string>; annotations?: Record<string, string> }; spec?: PodSpec }
  }
  status?: {
    observedGeneration?: number
    replicas?: number
    updatedReplicas?: number
    readyReplicas?: number
    availableReplicas?: number
    unavailableReplicas?: number
    conditions?: Condition[]
  }
}

/** What has pods: Deployment, StatefulSet, DaemonSet, Job. */
export interface Workload extends Deployment {
  status?: NonNullable<Deployment['status']> & {
    desiredNumberScheduled?: number
    updatedNumberScheduled?: number
    numberReady?: number
    numberAvailable?: number
    currentRevision?: string
    updateRevision?: string
  }
}

export interface EventObject {
  metadata: Meta
  type?: string
  reason?: string
  message?: string
  note?: string
  count?: number
  series?: { count?: number; lastObservedTime?: string }
  eventTime?: string
  firstTimestamp?: string
  lastTimestamp?: string
  involvedObject?: { kind?: string; name?: string; uid?: string }
}

export interface List<Item> {
  items?: Item[]
  metadata?: { continue?: string; remainingItemCount?: number }
}

export const paths = {
  namespaces: '/api/v1/namespaces',
  namespace: (name: string) => `/api/v1/namespaces/${name}`,
  pods: (namespace: string) => `/api/v1/namespaces/${namespace}/pods`,
  pod: (namespace: string, name: string) => `/api/v1/namespaces/${namespace}/pods/${name}`,
  log: (namespace: string, name: string) => `/api/v1/namespaces/${namespace}/pods/${name}/log`,
  events: (namespace: string) => `/api/v1/namespaces/${namespace}/events`,
  services: (namespace: string) => `/api/v1/namespaces/${namespace}/services`,
  configMaps: (namespace: string) => `/api/v1/namespaces/${namespace}/configmaps`,
  configMap: (namespace: string, name: string) => `/api/v1/namespaces/${namespace}/configmaps/${name}`,
  secrets: (namespace: string) => `/api/v1/namespaces/${namespace}/secrets`,
  deployments: (namespace: string) => `/apis/apps/v1/namespaces/${namespace}/deployments`,
  replicaSets: (namespace: string) => `/apis/apps/v1/namespaces/${namespace}/replicasets`,
  statefulSets: (namespace: string) => `/apis/apps/v1/namespaces/${namespace}/statefulsets`,
  daemonSets: (namespace: string) => `/apis/apps/v1/namespaces/${namespace}/daemonsets`,
  controllerRevisions: (namespace: string) => `/apis/apps/v1/namespaces/${namespace}/controllerrevisions`,
  jobs: (namespace: string) => `/apis/batch/v1/namespaces/${namespace}/jobs`,
  nodes: '/api/v1/nodes',
  node: (name: string) => `/api/v1/nodes/${name}`,
  deployment: (namespace: string, name: string) => `/apis/apps/v1/namespaces/${namespace}/deployments/${name}`,
  scale: (namespace: string, name: string) => `/apis/apps/v1/namespaces/${namespace}/deployments/${name}/scale`,
  autoscalers: (namespace: string) => `/apis/autoscaling/v2/namespaces/${namespace}/horizontalpodautoscalers`,
}

/** A label selector in the words of a query. */
export const selectorOf = ({ matchLabels, matchExpressions }: LabelSelector = {}): string =>
  [
    ...Object.entries(matchLabels ?? {}).map(([key, value]) => `${key}=${value}`),
    ...(matchExpressions ?? []).map(requirement),
  ].join(',')

function requirement({ key, operator, values = [] }: { key: string; operator: string; values?: string[] }): string {
  switch (operator) {
    case 'In':
      return `${key} in (${values.join(',')})`
    case 'NotIn':
      return `${key} notin (${values.join(',')})`
    case 'DoesNotExist':
      return `!${key}`
    default:
      return key
  }
}
