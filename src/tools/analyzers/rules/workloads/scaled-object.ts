import type { Analyzer, Finding } from '../../analyzer.ts'
import type { ObjectOf } from '../../kinds/index.ts'
import { refOf, type Snapshot } from '../../snapshot.ts'
import { conditionOf, isNew } from '../age.ts'
import { fullName } from '../phrases.ts'
import { missingRequests, missingTarget, type Scaler, scalingKinds, type Utilization } from './scaling.ts'
import { because } from './trouble.ts'

type ScaledObject = ObjectOf<'ScaledObject'>

/** KEDA's autoscaler. It makes a HorizontalPodAutoscaler, whose faults have this one as their owner. */
export const scaledObject: Analyzer = {
  name: 'ScaledObject',
  finds: 'KEDA objects without target, requests or working triggers',
  core: false,
  reads: ['ScaledObject', 'Event', ...scalingKinds],
  inspect: (snapshot) =>
    snapshot
      .list('ScaledObject')
      .filter(({ metadata }) => !metadata.deletionTimestamp && !isNew(metadata, snapshot))
      .flatMap((one) => {
        const missing = missingTarget(scalerOf(one, snapshot))
        if (missing.length > 0) return missing
        return [...missingRequests(scalerOf(one, snapshot), utilizationsOf(one)), ...notReady(one, snapshot)]
      }),
}

const scalerOf = ({ metadata, spec }: ScaledObject, snapshot: Snapshot): Scaler => ({
  object: refOf('ScaledObject', metadata),
  owner: snapshot.ownerOf('ScaledObject', metadata),
  target: spec?.scaleTargetRef && { ...spec.scaleTargetRef, kind: spec.scaleTargetRef.kind ?? 'Deployment' },
  snapshot,
})

const utilizationsOf = ({ spec }: ScaledObject): Utilization[] =>
  (spec?.triggers ?? []).flatMap(({ type, metricType, metadata }) =>
    (type === 'cpu' || type === 'memory') && (metricType ?? 'Utilization') === 'Utilization'
      ? [{ resource: type, container: metadata?.containerName }]
      : [],
  )

/** KEDA's events outlive what they tell, so they only explain a condition, unless there is none. */
function notReady(one: ScaledObject, snapshot: Snapshot): Finding[] {
  const { metadata, status } = one
  const ready = conditionOf(status?.conditions, 'Ready')
  if (ready?.status === 'True') return []
  const event = snapshot.eventsOf('ScaledObject', metadata)[0]
  const warning = event?.type === 'Normal' ? undefined : event
  if (ready?.status !== 'False' && !warning) return []
  const object = refOf('ScaledObject', metadata)
  return [
    {
      object,
      owner: snapshot.ownerOf('ScaledObject', metadata),
      reason: ready?.reason ?? warning?.reason ?? 'NotReady',
      severity: 'warning',
      confidence: ready ? 'high' : 'medium',
      text: `ScaledObject ${fullName(metadata)} does not scale${because(ready?.message ?? warning?.message)}.`,
      evidence: [
        ...(ready ? [{ object, path: 'status.conditions[Ready].status', value: ready.status }] : []),
        ...(ready?.message ? [{ object, path: 'status.conditions[Ready].message', value: ready.message }] : []),
        ...(warning ? [{ object, path: `event/${warning.reason}`, value: warning.message ?? '' }] : []),
      ],
      next: `k8s_get kind=ScaledObject name=${metadata.name} namespace=${metadata.namespace}`,
      field: 'spec.triggers',
    },
  ]
}
