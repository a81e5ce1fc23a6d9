import * as z from 'zod'
import type { Kind } from '../kinds.ts'
import { Condition, conditions, flag, LabelSelector, list, Meta, maybe, number, text } from './meta.ts'
import { PodSpec, PodTemplate } from './pod-spec.ts'

const Terminated = z.object({
  reason: text,
  message: text,
  exitCode: number,
  signal: number,
  startedAt: text,
  finishedAt: text,
})
export type Terminated = z.output<typeof Terminated>

const ContainerStatus = z.object({
  name: z.string(),
  ready: flag,
  started: flag,
  restartCount: number,
  state: maybe(
    z.object({
      waiting: maybe(z.object({ reason: text, message: text })),
      running: maybe(z.object({ startedAt: text })),
      terminated: maybe(Terminated),
    }),
  ),
  lastState: maybe(z.object({ terminated: maybe(Terminated) })),
})
export type ContainerStatus = z.output<typeof ContainerStatus>
const statuses = list(ContainerStatus)

const Pod = z.object({
  metadata: Meta,
  spec: maybe(PodSpec),
  status: maybe(
    z.object({
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
const rolloutConditions = list(Condition.extend({ lastUpdateTime: text }))

const Deployment = z.object({
  metadata: Meta,
  spec: maybe(
    z.object({
      replicas: number,
      paused: flag,
      progressDeadlineSeconds: number,
      selector: maybe(LabelSelector),
      template: maybe(PodTemplate),
    }),
  ),
  status: maybe(z.object({ ...replicaStatus, conditions: rolloutConditions })),
})

const ReplicaSet = z.object({
  metadata: Meta,
  spec: maybe(z.object({ replicas: number, selector: maybe(LabelSelector) })),
  status: maybe(z.object(replicaStatus)),
})

const StatefulSet = z.object({
  metadata: Meta,
  spec: maybe(
    z.object({
      replicas: number,
      serviceName: text,
      podManagementPolicy: text,
      ordinals: maybe(z.object({ start: number })),
      selector: maybe(LabelSelector),
      template: maybe(PodTemplate),
      volumeClaimTemplates: list(
        z.object({ metadata: maybe(Meta), spec: maybe(z.object({ storageClassName: text })) }),
      ),
    }),
  ),
  status: maybe(z.object({ ...replicaStatus, currentRevision: text, updateRevision: text })),
})

const DaemonSet = z.object({
  metadata: Meta,
  spec: maybe(z.object({ selector: maybe(LabelSelector), template: maybe(PodTemplate) })),
  status: maybe(
    z.object({
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

const JobSpec = z.object({
  suspend: flag,
  backoffLimit: number,
  completions: number,
  template: maybe(PodTemplate),
})

const Job = z.object({
  metadata: Meta,
  spec: maybe(JobSpec),
  status: maybe(
    z.object({
      active: number,
      succeeded: number,
      failed: number,
      startTime: text,
      conditions,
    }),
  ),
})

const CronJob = z.object({
  metadata: Meta,
  spec: maybe(
    z.object({
      schedule: text,
      timeZone: text,
      suspend: flag,
      concurrencyPolicy: text,
      startingDeadlineSeconds: number,
      jobTemplate: maybe(z.object({ spec: maybe(JobSpec) })),
    }),
  ),
  status: maybe(
    z.object({
      active: list(z.object({ name: text })),
      lastScheduleTime: text,
      lastSuccessfulTime: text,
    }),
  ),
})

const ScaleTarget = z.object({ apiVersion: text, kind: text, name: text })

const HorizontalPodAutoscaler = z.object({
  metadata: Meta,
  spec: maybe(
    z.object({
      minReplicas: number,
      maxReplicas: number,
      scaleTargetRef: maybe(ScaleTarget),
      metrics: list(
        z.object({
          type: text,
          resource: maybe(z.object({ name: text, target: maybe(z.object({ type: text })) })),
          containerResource: maybe(
            z.object({
              name: text,
              container: text,
              target: maybe(z.object({ type: text })),
            }),
          ),
        }),
      ),
    }),
  ),
  status: maybe(
    z.object({
      observedGeneration: number,
      currentReplicas: number,
      desiredReplicas: number,
      conditions,
    }),
  ),
})

const amount = z.union([z.number(), z.string()])

const PodDisruptionBudget = z.object({
  metadata: Meta,
  spec: maybe(z.object({ minAvailable: maybe(amount), maxUnavailable: maybe(amount), selector: maybe(LabelSelector) })),
  status: maybe(
    z.object({
      observedGeneration: number,
      disruptionsAllowed: number,
      currentHealthy: number,
      desiredHealthy: number,
      expectedPods: number,
      conditions,
    }),
  ),
})

const ScaledObject = z.object({
  metadata: Meta,
  spec: maybe(
    z.object({
      scaleTargetRef: maybe(ScaleTarget),
      triggers: list(
        z.object({
          type: text,
          metricType: text,
          metadata: maybe(z.object({ containerName: text })),
        }),
      ),
    }),
  ),
  status: maybe(z.object({ conditions })),
})

const Named = z.object({ metadata: Meta })

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
