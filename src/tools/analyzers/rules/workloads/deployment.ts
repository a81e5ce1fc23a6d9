import type { Analyzer, Evidence, Finding } from '../../analyzer.ts'
import type { ObjectOf } from '../../kinds/index.ts'
import { refOf, type Snapshot } from '../../snapshot.ts'
import { isWell } from '../affected.ts'
import { conditionOf, hasLasted, minute, second } from '../age.ts'
import { fullName, latest } from '../phrases.ts'
import { isDown, replicasOf, unreadySince } from './availability.ts'
import { creationDenied } from './replica-set.ts'
import { because, quoted } from './trouble.ts'

type Deployment = ObjectOf<'Deployment'>

const denialGrace = minute
const usualDeadline = 600

export const deployment: Analyzer = {
  name: 'Deployment',
  finds: 'rollouts past their deadline, missing replicas, pods that may not be made',
  core: true,
  reads: ['Deployment', 'ReplicaSet', 'Pod'],
  inspect: (snapshot) =>
    snapshot
      .list('Deployment')
      .filter((one) => !one.metadata.deletionTimestamp && isObserved(one))
      .flatMap((one) => [...denied(one, snapshot), ...(stalled(one) ?? unavailable(one, snapshot) ?? [])]),
}

/** Until the controller has seen the newest spec its status is about another one. */
const isObserved = ({ metadata, status }: Deployment): boolean =>
  status !== undefined && (status.observedGeneration ?? 0) >= (metadata.generation ?? 0)

function denied(one: Deployment, snapshot: Snapshot): Finding[] {
  const failure = conditionOf(one.status?.conditions, 'ReplicaFailure')
  if (failure?.status !== 'True' || one.spec?.replicas === 0) return []
  if (!hasLasted(failure.lastTransitionTime, denialGrace, snapshot)) return []
  return [
    creationDenied({
      ...base(one),
      failure,
      availability: replicasOf(one),
      evidence: countsOf(one),
      next: `k8s_get_deployment name=${one.metadata.name} namespace=${one.metadata.namespace}`,
    }),
  ]
}

function stalled(one: Deployment): Finding[] | undefined {
  const progressing = conditionOf(one.status?.conditions, 'Progressing')
  // A denied pod is told by itself, and a paused rollout does not count its time.
  if (progressing?.status !== 'False' || one.spec?.replicas === 0) return undefined
  if (progressing.reason === 'FailedCreate' || progressing.reason === 'DeploymentPaused') return undefined
  const reason = progressing.reason ?? 'NotProgressing'
  return [
    {
      ...base(one),
      reason,
      severity: isDown(replicasOf(one)) ? 'critical' : 'warning',
      text: `The rollout of Deployment ${fullName(one.metadata)} does not get on: condition Progressing is False with reason ${reason}${because(progressing.message)}.`,
      ...sinceOf(progressing.lastTransitionTime),
      evidence: [at(one, 'status.conditions[Progressing].reason', reason), ...countsOf(one)],
      next: `k8s_list_pods namespace=${one.metadata.namespace} match=${one.metadata.name}; k8s_rollout_undo name=${one.metadata.name} namespace=${one.metadata.namespace} goes back to the revision before`,
      field: 'status.conditions',
    },
  ]
}

function unavailable(one: Deployment, snapshot: Snapshot): Finding[] | undefined {
  const { spec, status, metadata } = one
  const { wanted, available } = replicasOf(one)
  if (available >= wanted || spec?.paused || isTold(one)) return undefined
  const since = shortSince(one, snapshot)
  const deadline = (spec?.progressDeadlineSeconds ?? usualDeadline) * second
  if (!hasLasted(since, deadline, snapshot)) return undefined
  return [
    {
      ...base(one),
      reason: 'ReplicasUnavailable',
      severity: available === 0 ? 'critical' : 'warning',
      text: `Deployment ${fullName(metadata)} has ${available} of ${wanted} replicas available.`,
      ...sinceOf(since),
      evidence: [
        ...countsOf(one),
        at(one, 'status.conditions[Available].message', quoted(conditionOf(status?.conditions, 'Available')?.message)),
      ].filter(({ value }) => value !== ''),
      next: `k8s_list_pods namespace=${metadata.namespace} match=${metadata.name}`,
      field: 'status.availableReplicas',
    },
  ]
}

const isTold = ({ status }: Deployment): boolean => conditionOf(status?.conditions, 'ReplicaFailure')?.status === 'True'

/** Since the last thing that changed: a step of the rollout, or a pod that got ready or unready. */
function shortSince({ metadata, status }: Deployment, snapshot: Snapshot): string | undefined {
  const unready = snapshot.podsOf(refOf('Deployment', metadata)).filter((pod) => !isWell(pod))
  return (
    latest(
      status?.conditions?.find(({ type }) => type === 'Progressing')?.lastUpdateTime,
      conditionOf(status?.conditions, 'Available')?.lastTransitionTime,
      ...unready.map(unreadySince),
    ) ?? metadata.creationTimestamp
  )
}

function countsOf(one: Deployment): Evidence[] {
  const { status } = one
  const { wanted, available } = replicasOf(one)
  return [
    at(one, 'spec.replicas', String(wanted)),
    at(one, 'status.readyReplicas', String(status?.readyReplicas ?? 0)),
    at(one, 'status.availableReplicas', String(available)),
    at(one, 'status.updatedReplicas', String(status?.updatedReplicas ?? 0)),
  ]
}

const sinceOf = (since: string | undefined): { since?: string } => (since === undefined ? {} : { since })

function base({ metadata }: Deployment): Pick<Finding, 'object' | 'owner' | 'confidence'> {
  const object = refOf('Deployment', metadata)
  return { object, owner: object, confidence: 'high' }
}

const at = ({ metadata }: Deployment, path: string, value: string): Evidence => ({
  object: refOf('Deployment', metadata),
  path,
  value,
})
