import type { Analyzer, Evidence, Finding } from '../../analyzer.ts'
import type { Condition } from '../../kinds/meta.ts'
import { refOf } from '../../snapshot.ts'
import { conditionOf, hasLasted, minute } from '../age.ts'
import { fullName } from '../phrases.ts'
import { type Availability, isDown, replicasOf } from './availability.ts'
import { because } from './trouble.ts'

const denialGrace = minute

/** Only whether pods can be made: what becomes of them is told by the pods and by the Deployment. */
export const replicaSet: Analyzer = {
  name: 'ReplicaSet',
  finds: 'pods that may not be made, and why',
  core: true,
  reads: ['ReplicaSet', 'Deployment'],
  inspect: (snapshot) =>
    snapshot.list('ReplicaSet').flatMap((one) => {
      const { metadata, spec, status } = one
      const failure = conditionOf(status?.conditions, 'ReplicaFailure')
      if (failure?.status !== 'True' || spec?.replicas === 0 || metadata.deletionTimestamp) return []
      if (!hasLasted(failure.lastTransitionTime, denialGrace, snapshot)) return []
      const object = refOf('ReplicaSet', metadata)
      return [
        creationDenied({
          object,
          owner: snapshot.ownerOf('ReplicaSet', metadata),
          failure,
          availability: replicasOf(one),
          evidence: [
            { object, path: 'spec.replicas', value: String(spec?.replicas ?? 1) },
            { object, path: 'status.replicas', value: String(status?.replicas ?? 0) },
          ],
          next: `k8s_get kind=ReplicaSet name=${metadata.name} namespace=${metadata.namespace}`,
        }),
      ]
    }),
}

/** The same fault, whether it is seen at the ReplicaSet or at its Deployment. */
export function creationDenied({
  object,
  owner,
  failure,
  availability,
  evidence,
  next,
}: Pick<Finding, 'object' | 'owner' | 'evidence' | 'next'> & {
  failure: Condition
  availability: Availability
}): Finding {
  const condition = (path: 'reason' | 'message'): Evidence[] =>
    failure[path] ? [{ object, path: `status.conditions[ReplicaFailure].${path}`, value: failure[path] }] : []
  return {
    object,
    owner,
    reason: failure.reason ?? 'FailedCreate',
    severity: isDown(availability) ? 'critical' : 'warning',
    confidence: 'high',
    text: `${object.kind} ${fullName(object)} cannot make its pods${because(failure.message)}.`,
    ...(failure.lastTransitionTime && { since: failure.lastTransitionTime }),
    evidence: [...condition('reason'), ...condition('message'), ...evidence],
    next,
    field: 'status.conditions',
  }
}
