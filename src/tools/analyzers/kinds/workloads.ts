import type { Kind } from './index.ts'
import { conditionFields, conditions, LabelSelector, Meta } from './meta.ts'
import { PodSpec, PodTemplate } from './pod-spec.ts'
import { flag, type Kept, list, maybe, number, numberOrText, object, string, text } from './shape.ts'

const Terminated = object({
  reason: text,
  message: text,
  exitCode: number,
  signal: number,
  startedAt: text,
  finishedAt: text,
})
export type Terminated = Kept<typeof Terminated>

const ContainerStatus = object({
  name: string,
  ready: flag,
  started: flag,
  restartCount: number,
  state: maybe(
    object({
      waiting: maybe(object({ reason: text, message: text })),
      running: maybe(object({ startedAt: text })),
      terminated: maybe(Terminated),
    }),
  ),
  lastState: maybe(object({ terminated: maybe(Terminated) })),
})
export type ContainerStatus = Kept<typeof ContainerStatus>
const statuses = list(ContainerStatus)

const Pod = object({
  metadata: Meta,
  spec: maybe(PodSpec),
  status: maybe(
    object({
      phase: text,
      reason: text,
      message: text,
      startTime: text,
      conditions,
      containerStatuses: statuses,
      initContainerStatuses: statuses,
      ephemeralContainerStatuses: statuses,
    }),
  ),
})

const replicaStatus = {
  observedGeneration: number,
  replicas: number,
  readyReplicas: number,
  availableReplicas: number,
  updatedReplicas: number,
  conditions,
}

/** A rollout that gets on renews the time of its condition without a transition. */
const rolloutConditions = list(object({ ...conditionFields, lastUpdateTime: text }))

const Deployment = object({
  metadata: Meta,
  spec: maybe(
    object({
      replicas: number,
      paused: flag,
      progressDeadlineSeconds: number,
      selector: maybe(LabelSelector),
      template: maybe(PodTemplate),
    }),
  ),
  status: maybe(object({ ...replicaStatus, conditions: rolloutConditions })),
})

const ReplicaSet = object({
  metadata: Meta,
  spec: maybe(object({ replicas: number, selector: maybe(LabelSelector) })),
  status: maybe(object(replicaStatus)),
})

const StatefulSet = object({
  metadata: Meta,
  spec: maybe(
    object({
      replicas: number,
      serviceName: text,
      podManagementPolicy: text,
      ordinals: maybe(object({ start: number })),
      selector: maybe(LabelSelector),
      template: maybe(PodTemplate),
      volumeClaimTemplates: list(object({ metadata: maybe(Meta), spec: maybe(object({ storageClassName: text })) })),
    }),
  ),
  status: maybe(object({ ...replicaStatus, currentRevision: text, updateRevision: text })),
})

const DaemonSet = object({
  metadata: Meta,
  spec: maybe(object({ selector: maybe(LabelSelector), template: maybe(PodTemplate) })),
  status: maybe(
    object({
      observedGeneration: number,
      desiredNumberScheduled: number,
      currentNumberScheduled: number,
      updatedNumberScheduled: number,
      numberReady: number,
      numberAvailable: number,
      numberMisscheduled: number,
    }),
  ),
})

const JobSpec = object({
  suspend: flag,
  backoffLimit: number,
  completions: number,
  template: maybe(PodTemplate),
})

const Job = object({
  metadata: Meta,
  spec: maybe(JobSpec),
  status: maybe(
    object({
      active: number,
      succeeded: number,
      failed: number,
      startTime: text,
      conditions,
    }),
  ),
})

const CronJob = object({
  metadata: Meta,
  spec: maybe(
    object({
      schedule: text,
      timeZone: text,
      suspend: flag,
      concurrencyPolicy: text,
      startingDeadlineSeconds: number,
      jobTemplate: maybe(object({ spec: maybe(JobSpec) })),
    }),
  ),
  status: maybe(
    object({
      active: list(object({ name: text })),
      lastScheduleTime: text,
      lastSuccessfulTime: text,
    }),
  ),
})

const ScaleTarget = object({ apiVersion: text, kind: text, name: text })

const HorizontalPodAutoscaler = object({
  metadata: Meta,
  spec: maybe(
    object({
      minReplicas: number,
      maxReplicas: number,
      scaleTargetRef: maybe(ScaleTarget),
      metrics: list(
        object({
          type: text,
          resource: maybe(object({ name: text, target: maybe(object({ type: text })) })),
          containerResource: maybe(
            object({
              name: text,
              container: text,
              target: maybe(object({ type: text })),
            }),
          ),
        }),
      ),
    }),
  ),
  status: maybe(
    object({
      observedGeneration: number,
      currentReplicas: number,
      desiredReplicas: number,
      conditions,
    }),
  ),
})

const PodDisruptionBudget = object({
  metadata: Meta,
  spec: maybe(object({ minAvailable: numberOrText, maxUnavailable: numberOrText, selector: maybe(LabelSelector) })),
  status: maybe(
    object({
      observedGeneration: number,
      disruptionsAllowed: number,
      currentHealthy: number,
      desiredHealthy: number,
      expectedPods: number,
      conditions,
    }),
  ),
})

const ScaledObject = object({
  metadata: Meta,
  spec: maybe(
    object({
      scaleTargetRef: maybe(ScaleTarget),
      triggers: list(
        object({
          type: text,
          metricType: text,
          metadata: maybe(object({ containerName: text })),
        }),
      ),
    }),
  ),
  status: maybe(object({ conditions })),
})

const Named = object({ metadata: Meta })

const apps = '/apis/apps/v1'
const batch = '/apis/batch/v1'

export const workloadKinds = {
  Pod: { api: '/api/v1', resource: 'pods', namespaced: true, schema: Pod },
  Deployment: { api: apps, resource: 'deployments', namespaced: true, schema: Deployment },
  ReplicaSet: { api: apps, resource: 'replicasets', namespaced: true, schema: ReplicaSet },
  StatefulSet: { api: apps, resource: 'statefulsets', namespaced: true, schema: StatefulSet },
  DaemonSet: { api: apps, resource: 'daemonsets', namespaced: true, schema: DaemonSet },
  Job: { api: batch, resource: 'jobs', namespaced: true, schema: Job },
  CronJob: { api: batch, resource: 'cronjobs', namespaced: true, schema: CronJob },
  HorizontalPodAutoscaler: {
    api: '/apis/autoscaling/v2',
    resource: 'horizontalpodautoscalers',
    namespaced: true,
    schema: HorizontalPodAutoscaler,
  },
  PodDisruptionBudget: {
    api: '/apis/policy/v1',
    resource: 'poddisruptionbudgets',
    namespaced: true,
    schema: PodDisruptionBudget,
  },
  ScaledObject: { api: '/apis/keda.sh/v1alpha1', resource: 'scaledobjects', namespaced: true, schema: ScaledObject },
  PriorityClass: {
    api: '/apis/scheduling.k8s.io/v1',
    resource: 'priorityclasses',
    namespaced: false,
    schema: Named,
    metadataOnly: true,
  },
  RuntimeClass: {
    api: '/apis/node.k8s.io/v1',
    resource: 'runtimeclasses',
    namespaced: false,
    schema: Named,
    metadataOnly: true,
  },
} satisfies Record<string, Kind>
