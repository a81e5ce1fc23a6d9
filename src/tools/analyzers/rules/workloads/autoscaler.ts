import type { Analyzer, Evidence, Finding } from '../../analyzer.ts'
import type { ObjectOf } from '../../kinds/index.ts'
import { refOf, type Snapshot } from '../../snapshot.ts'
import { conditionOf, hasLasted, minute } from '../age.ts'
import { fullName } from '../phrases.ts'
import { missingRequests, missingTarget, type Scaler, scalingKinds, type Utilization } from './scaling.ts'
import { because } from './trouble.ts'

type Autoscaler = ObjectOf<'HorizontalPodAutoscaler'>

const inactiveGrace = 5 * minute
const limitedGrace = 15 * minute

export const autoscaler: Analyzer = {
  name: 'HorizontalPodAutoscaler',
  finds: 'autoscalers without target, metrics or requests, or at their limit',
  core: false,
  reads: ['HorizontalPodAutoscaler', ...scalingKinds],
  inspect: (snapshot) =>
    snapshot
      .list('HorizontalPodAutoscaler')
      .filter(({ metadata }) => !metadata.deletionTimestamp)
      .flatMap((one) => {
        const missing = missingTarget(scalerOf(one, snapshot))
        if (missing.length > 0) return missing
        return [
          ...missingRequests(scalerOf(one, snapshot), utilizationsOf(one)),
          ...inactive(one, 'AbleToScale', snapshot),
          ...inactive(one, 'ScalingActive', snapshot),
          ...limited(one, snapshot),
        ]
      }),
}

const scalerOf = (one: Autoscaler, snapshot: Snapshot): Scaler => ({
  ...refsOf(one, snapshot),
  target: one.spec?.scaleTargetRef,
  snapshot,
})

const utilizationsOf = ({ spec }: Autoscaler): Utilization[] =>
  (spec?.metrics ?? []).flatMap(({ type, resource, containerResource }) => {
    const metric = type === 'ContainerResource' ? containerResource : resource
    if (metric?.target?.type !== 'Utilization' || !metric.name) return []
    return [{ resource: metric.name, container: containerResource?.container }]
  })

function inactive(one: Autoscaler, type: 'AbleToScale' | 'ScalingActive', snapshot: Snapshot): Finding[] {
  const condition = conditionOf(one.status?.conditions, type)
  // ScalingDisabled: the target is scaled to zero.
  if (condition?.status !== 'False' || condition.reason === 'ScalingDisabled') return []
  if (!hasLasted(condition.lastTransitionTime, inactiveGrace, snapshot)) return []
  return [
    {
      ...refsOf(one, snapshot),
      reason: condition.reason ?? type,
      severity: 'warning',
      confidence: 'high',
      text: `HorizontalPodAutoscaler ${fullName(one.metadata)} does not scale: condition ${type} is False with reason ${condition.reason ?? 'unknown'}${because(condition.message)}.`,
      ...(condition.lastTransitionTime && { since: condition.lastTransitionTime }),
      evidence: [
        at(one, `status.conditions[${type}].reason`, condition.reason ?? 'not set'),
        at(one, `status.conditions[${type}].message`, condition.message ?? 'not set'),
        ...countsOf(one),
      ],
      next: lookAt(one),
      field: 'spec.metrics',
    },
  ]
}

function limited(one: Autoscaler, snapshot: Snapshot): Finding[] {
  const { spec, status, metadata } = one
  const condition = conditionOf(status?.conditions, 'ScalingLimited')
  if (condition?.status !== 'True' || !hasLasted(condition.lastTransitionTime, limitedGrace, snapshot)) return []
  const isIdle = condition.reason === 'TooFewReplicas' && status?.desiredReplicas === (spec?.minReplicas ?? 1)
  if (isIdle) return []
  return [
    {
      ...refsOf(one, snapshot),
      reason: condition.reason ?? 'ScalingLimited',
      severity: 'info',
      confidence: 'high',
      text: `HorizontalPodAutoscaler ${fullName(metadata)} would scale further than it may${because(condition.message)}.`,
      ...(condition.lastTransitionTime && { since: condition.lastTransitionTime }),
      evidence: [at(one, 'status.conditions[ScalingLimited].reason', condition.reason ?? 'not set'), ...countsOf(one)],
      next: lookAt(one),
      field: 'spec.maxReplicas',
    },
  ]
}

const countsOf = (one: Autoscaler): Evidence[] => [
  at(one, 'spec.minReplicas', String(one.spec?.minReplicas ?? 1)),
  at(one, 'spec.maxReplicas', String(one.spec?.maxReplicas ?? 'not set')),
  at(one, 'status.currentReplicas', String(one.status?.currentReplicas ?? 0)),
  at(one, 'status.desiredReplicas', String(one.status?.desiredReplicas ?? 0)),
]

const lookAt = ({ metadata }: Autoscaler): string =>
  `k8s_get kind=HorizontalPodAutoscaler name=${metadata.name} namespace=${metadata.namespace}`

const refsOf = ({ metadata }: Autoscaler, snapshot: Snapshot): Pick<Finding, 'object' | 'owner'> => ({
  object: refOf('HorizontalPodAutoscaler', metadata),
  owner: snapshot.ownerOf('HorizontalPodAutoscaler', metadata),
})

const at = ({ metadata }: Autoscaler, path: string, value: string): Evidence => ({
  object: refOf('HorizontalPodAutoscaler', metadata),
  path,
  value,
})
