import type { Analyzer, Finding } from '../../analyzer.ts'
import type { ObjectOf } from '../../kinds/index.ts'
import type { Condition, Meta } from '../../kinds/meta.ts'
import { refOf, type Snapshot } from '../../snapshot.ts'
import { conditionOf, hasLasted, minute } from '../age.ts'
import { latest } from '../phrases.ts'

/** Classes that no controller has taken up; their Gateways suffer with them. */
export const gatewayClass: Analyzer = {
  name: 'GatewayClass',
  finds: 'classes that no controller accepts',
  core: false,
  reads: ['GatewayClass', 'Gateway'],
  inspect: (snapshot) => snapshot.list('GatewayClass').flatMap((one) => notAccepted(one, snapshot)),
}

function notAccepted({ metadata, spec, status }: ObjectOf<'GatewayClass'>, snapshot: Snapshot): Finding[] {
  const fault = faultOf(metadata, status?.conditions, 'Accepted', snapshot)
  if (!fault) return []
  const object = refOf('GatewayClass', metadata)
  const gateways = snapshot.list('Gateway').filter((gateway) => gateway.spec?.gatewayClassName === metadata.name)
  return [
    {
      object,
      owner: object,
      reason: 'GatewayClassNotAccepted',
      severity: 'warning',
      confidence: 'high',
      text: `GatewayClass ${metadata.name} is not accepted by ${spec?.controllerName ? `its controller ${spec.controllerName}` : 'any controller'} (${fault.reason}).`,
      ...(fault.since !== undefined && { since: fault.since }),
      evidence: [
        { object, path: 'status.conditions[Accepted]', value: fault.value },
        { object, path: 'spec.controllerName', value: spec?.controllerName ?? 'not set' },
      ],
      ...(gateways.length > 0 && { affects: gateways.map((gateway) => refOf('Gateway', gateway.metadata)) }),
      next: `k8s_get kind=GatewayClass name=${metadata.name}, then look whether a controller with this name runs: k8s_list_pods`,
      field: 'spec.controllerName',
    },
  ]
}

export interface Fault {
  reason: string
  /** Status, reason and message. */
  value: string
  since: string | undefined
}

/**
 * A condition that is not True two minutes after it should be. One that was observed of an older generation says nothing yet; the
 * placeholder of 1970 that Gateway API objects are born with counts from their creation.
 */
export function faultOf(
  { creationTimestamp, generation = 0 }: Meta,
  conditions: Condition[] | undefined,
  type: string,
  snapshot: Snapshot,
): Fault | undefined {
  const condition = conditionOf(conditions, type)
  if (condition?.status === 'True') return undefined
  if (condition?.observedGeneration !== undefined && condition.observedGeneration < generation) return undefined
  const since = latest(condition?.lastTransitionTime, creationTimestamp)
  if (!hasLasted(since, 2 * minute, snapshot)) return undefined
  return {
    reason: condition?.reason ?? 'no condition',
    value: condition ? [condition.status, condition.reason, condition.message].filter(Boolean).join(' ') : 'not set',
    since,
  }
}
