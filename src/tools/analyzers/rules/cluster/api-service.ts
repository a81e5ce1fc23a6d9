import type { Analyzer, Finding, ObjectRef } from '../../analyzer.ts'
import type { ObjectOf } from '../../kinds/index.ts'
import { refOf, type Snapshot } from '../../snapshot.ts'
import { conditionOf, hasLasted, minute } from '../age.ts'
import { merged } from '../merge.ts'
import { about, fullName } from '../phrases.ts'

/** APIs that another server should answer for and does not. While one is away, no namespace can be deleted. */
export const apiService: Analyzer = {
  name: 'APIService',
  finds: 'an aggregated API whose service does not answer',
  core: true,
  reads: ['APIService', 'HorizontalPodAutoscaler', 'Namespace'],
  inspect: (snapshot) => merged(snapshot.list('APIService').flatMap((one) => unavailable(one, snapshot))),
}

type APIService = ObjectOf<'APIService'>

function unavailable(one: APIService, snapshot: Snapshot): Finding[] {
  const { metadata, spec, status } = one
  const available = conditionOf(status?.conditions, 'Available')
  if (!spec?.service || !available || available.status === 'True') return []
  const since = available.lastTransitionTime ?? metadata.creationTimestamp
  if (!hasLasted(since, 2 * minute, snapshot)) return []
  const object = refOf('APIService', metadata)
  const affects = [...scalersWithout(one, snapshot), ...namespacesWaitingFor(one, snapshot)]
  const service = fullName({ namespace: spec.service.namespace, name: spec.service.name ?? '' })
  return [
    {
      ...about('APIService', metadata, snapshot),
      reason: 'APIServiceUnavailable',
      severity: affects.length > 0 ? 'critical' : 'warning',
      confidence: 'high',
      text: `APIService ${metadata.name} is not available (${available.reason ?? available.status}): the Service ${service} does not answer, and no namespace can be deleted meanwhile.`,
      ...(since !== undefined && { since }),
      evidence: [
        {
          object,
          path: 'status.conditions[Available]',
          value: [available.status, available.reason, available.message].filter(Boolean).join(' '),
        },
        { object, path: 'spec.service', value: service },
      ],
      ...(affects.length > 0 && { affects }),
      next: `k8s_list_pods namespace=${spec.service.namespace}, then k8s_get kind=Service namespace=${spec.service.namespace} name=${spec.service.name}`,
      field: 'spec.service',
    },
  ]
}

/** Autoscalers that cannot compute because their metrics come from here. */
function scalersWithout({ spec }: APIService, snapshot: Snapshot): ObjectRef[] {
  const reasons = metricsReasons[spec?.group ?? ''] ?? []
  return snapshot.list('HorizontalPodAutoscaler').flatMap(({ metadata, status }) => {
    const active = conditionOf(status?.conditions, 'ScalingActive')
    const suffers = active?.status === 'False' && reasons.includes(active.reason ?? '')
    return suffers ? [refOf('HorizontalPodAutoscaler', metadata)] : []
  })
}

const metricsReasons: Record<string, string[]> = {
  'metrics.k8s.io': ['FailedGetResourceMetric', 'FailedGetContainerResourceMetric'],
  'custom.metrics.k8s.io': ['FailedGetPodsMetric', 'FailedGetObjectMetric'],
  'external.metrics.k8s.io': ['FailedGetExternalMetric'],
}

/** Namespaces whose deletion stands still, because what is in them cannot be listed. */
function namespacesWaitingFor({ spec }: APIService, snapshot: Snapshot): ObjectRef[] {
  return snapshot.list('Namespace').flatMap(({ metadata, status }) => {
    const failure = conditionOf(status?.conditions, 'NamespaceDeletionDiscoveryFailure')
    const waits = failure?.status === 'True' && failure.message?.includes(`${spec?.group}/${spec?.version}`)
    // Finalizers are a trouble of its own.
    const isHeld = conditionOf(status?.conditions, 'NamespaceFinalizersRemaining')?.status === 'True'
    return metadata.deletionTimestamp && waits && !isHeld ? [refOf('Namespace', metadata)] : []
  })
}
