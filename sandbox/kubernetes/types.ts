/** The parts of the Kubernetes objects that the sandbox reads or writes, as JSON has them. */

export interface Metadata {
  name: string
  namespace?: string
  generateName?: string
  uid: string
  resourceVersion: string
  generation?: number
  creationTimestamp: string
  deletionTimestamp?: string
  labels?: Record<string, string>
  annotations?: Record<string, string>
  ownerReferences?: OwnerReference[]
}

export interface OwnerReference {
  apiVersion: string
  kind: string
  name: string
  uid: string
  controller: boolean
  blockOwnerDeletion: boolean
}

export interface KubernetesObject {
  apiVersion: string
  kind: string
  metadata: Metadata
}

export interface Container {
  name: string
  image: string
  ports?: { name?: string; containerPort: number; protocol?: string }[]
  env?: { name: string; value?: string; valueFrom?: unknown }[]
  resources?: { requests?: Record<string, string>; limits?: Record<string, string> }
  volumeMounts?: { name: string; mountPath: string }[]
}

export interface PodTemplate {
  metadata: { labels: Record<string, string>; annotations?: Record<string, string> }
  spec: PodSpec
}

export interface PodSpec {
  containers: Container[]
  volumes?: { name: string; [source: string]: unknown }[]
  nodeName?: string
  restartPolicy?: string
  serviceAccountName?: string
}

export interface Terminated {
  containerID: string
  exitCode: number
  reason: string
  startedAt: string
  finishedAt: string
}

export interface ContainerState {
  running?: { startedAt: string }
  waiting?: { reason: string; message?: string }
  terminated?: Terminated
}

export interface ContainerStatus {
  name: string
  image: string
  imageID: string
  containerID?: string
  ready: boolean
  started: boolean
  restartCount: number
  state: ContainerState
  lastState: ContainerState
}

export interface Condition {
  type: string
  status: 'True' | 'False'
  reason?: string
  message?: string
  lastUpdateTime?: string
  lastTransitionTime: string
}

export interface Pod extends KubernetesObject {
  spec: PodSpec
  status: {
    phase: 'Pending' | 'Running'
    conditions: Condition[]
    hostIP?: string
    podIP?: string
    startTime?: string
    containerStatuses?: ContainerStatus[]
  }
}

export interface LabelSelector {
  matchLabels: Record<string, string>
}

export interface Deployment extends KubernetesObject {
  spec: {
    replicas: number
    selector: LabelSelector
    template: PodTemplate
    strategy: { type: 'RollingUpdate' | 'Recreate'; rollingUpdate?: { maxUnavailable: string; maxSurge: string } }
    revisionHistoryLimit: number
    progressDeadlineSeconds: number
    paused?: boolean
  }
  status: {
    observedGeneration?: number
    replicas?: number
    updatedReplicas?: number
    readyReplicas?: number
    availableReplicas?: number
    unavailableReplicas?: number
    conditions?: Condition[]
  }
}

export interface ReplicaSet extends KubernetesObject {
  spec: { replicas: number; selector: LabelSelector; template: PodTemplate }
  status: { replicas: number; readyReplicas?: number; availableReplicas?: number; observedGeneration: number }
}

export interface StatefulSet extends KubernetesObject {
  spec: { replicas: number; serviceName: string; selector: LabelSelector; template: PodTemplate }
  status: { replicas: number; readyReplicas: number; availableReplicas: number; observedGeneration: number }
}

export interface DaemonSet extends KubernetesObject {
  spec: { selector: LabelSelector; template: PodTemplate }
  status: {
    desiredNumberScheduled: number
    currentNumberScheduled: number
    numberReady: number
    updatedNumberScheduled: number
    numberAvailable: number
    observedGeneration: number
  }
}

export interface Service extends KubernetesObject {
  spec: {
    type: string
    clusterIP: string
    selector?: Record<string, string>
    ports: { name?: string; port: number; targetPort: number; protocol: string }[]
  }
}

export interface HorizontalPodAutoscaler extends KubernetesObject {
  spec: {
    scaleTargetRef: { apiVersion: string; kind: string; name: string }
    minReplicas: number
    maxReplicas: number
  }
  status: { currentReplicas: number; desiredReplicas: number }
}

export interface ConfigMap extends KubernetesObject {
  data: Record<string, string>
}

export interface Secret extends KubernetesObject {
  type: string
  data: Record<string, string>
}

export interface Namespace extends KubernetesObject {
  status: { phase: string }
}

export interface Node extends KubernetesObject {
  status: {
    conditions: Condition[]
    addresses: { type: string; address: string }[]
    nodeInfo: {
      kubeletVersion: string
      osImage: string
      kernelVersion: string
      architecture: string
      containerRuntimeVersion: string
    }
    capacity: Record<string, string>
    allocatable: Record<string, string>
  }
}

export interface PersistentVolumeClaim extends KubernetesObject {
  spec: {
    accessModes: string[]
    resources: { requests: { storage: string } }
    storageClassName?: string
    volumeName?: string
    volumeMode: string
  }
  status: { phase: string; capacity?: { storage: string } }
}

export interface Event extends KubernetesObject {
  involvedObject: {
    kind: string
    namespace?: string
    name: string
    uid: string
    apiVersion: string
    fieldPath?: string
  }
  type: 'Normal' | 'Warning'
  reason: string
  message: string
  source: { component: string; host?: string }
  firstTimestamp: string
  lastTimestamp: string
  count: number
  eventTime: null
  reportingComponent: string
  reportingInstance: string
}
