import type { Analyzer, Evidence, Finding } from '../../analyzer.ts'
import type { ObjectOf } from '../../kinds/index.ts'
import { refOf, type Snapshot } from '../../snapshot.ts'
import { conditionOf, isNew } from '../age.ts'
import { merged } from '../merge.ts'
import { about, fullName, listed } from '../phrases.ts'
import { faultOf } from './gateway-class.ts'

/** Gateways without a class, not taken up, or not set up. */
export const gateway: Analyzer = {
  name: 'Gateway',
  finds: 'gateways without their class, not accepted or not programmed',
  core: false,
  reads: ['Gateway', 'GatewayClass'],
  inspect: (snapshot) =>
    merged(
      snapshot.list('Gateway').flatMap((one) => {
        const missing = missingClass(one, snapshot)
        return missing.length > 0 ? missing : notProgrammed(one, snapshot)
      }),
    ),
}

type Gateway = ObjectOf<'Gateway'>

function missingClass({ metadata, spec }: Gateway, snapshot: Snapshot): Finding[] {
  const name = spec?.gatewayClassName
  if (name === undefined || isNew(metadata, snapshot) || !snapshot.isKnown('GatewayClass')) return []
  if (snapshot.find('GatewayClass', undefined, name)) return []
  const others = snapshot.list('GatewayClass').map((one) => one.metadata.name)
  const object = refOf('Gateway', metadata)
  return [
    {
      ...about('Gateway', metadata, snapshot),
      reason: 'MissingGatewayClass',
      severity: 'warning',
      confidence: 'high',
      text: `Gateway ${fullName(metadata)} names the GatewayClass ${name}, which does not exist.`,
      ...(metadata.creationTimestamp !== undefined && { since: metadata.creationTimestamp }),
      evidence: [
        { object, path: 'spec.gatewayClassName', value: name },
        { object, path: 'GatewayClass', value: others.length > 0 ? `there is ${listed(others, 10)}` : 'there is none' },
      ],
      next: 'k8s_list kind=GatewayClass',
      field: 'spec.gatewayClassName',
    },
  ]
}

function notProgrammed(one: Gateway, snapshot: Snapshot): Finding[] {
  const { metadata, status } = one
  for (const type of ['Accepted', 'Programmed']) {
    // Older controllers know the first only.
    if (type === 'Programmed' && !conditionOf(status?.conditions, type)) continue
    const fault = faultOf(metadata, status?.conditions, type, snapshot)
    if (!fault) continue
    // Addresses are only there once it has been set up.
    const wasServing = type === 'Programmed' && (status?.addresses ?? []).length > 0
    return [
      {
        ...about('Gateway', metadata, snapshot),
        reason: `GatewayNot${type}`,
        severity: wasServing ? 'critical' : 'warning',
        confidence: 'high',
        text: `Gateway ${fullName(metadata)} is not ${type.toLowerCase()} (${fault.reason}).`,
        ...(fault.since !== undefined && { since: fault.since }),
        evidence: [
          { object: refOf('Gateway', metadata), path: `status.conditions[${type}]`, value: fault.value },
          ...listenerEvidence(one),
        ],
        next: `k8s_get kind=Gateway namespace=${metadata.namespace} name=${metadata.name}`,
      },
    ]
  }
  return []
}

/** What listeners say against themselves. `Conflicted` and its like are bad when True. */
const listenerEvidence = ({ metadata, status }: Gateway): Evidence[] =>
  (status?.listeners ?? []).flatMap(({ name, conditions = [] }) =>
    conditions
      .filter(({ type, status: state }) => state !== (type === 'Conflicted' ? 'False' : 'True'))
      .slice(0, 1)
      .map(({ type, reason, message }) => ({
        object: refOf('Gateway', metadata),
        path: `status.listeners[${name}].conditions[${type}]`,
        value: [reason, message].filter(Boolean).join(' '),
      })),
  )
