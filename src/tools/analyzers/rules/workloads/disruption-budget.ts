import type { Analyzer, Evidence, Finding } from '../../analyzer.ts'
import type { ObjectOf } from '../../kinds/index.ts'
import { matchesSelector } from '../../kinds/meta.ts'
import { refOf, type Snapshot } from '../../snapshot.ts'
import { isWell } from '../affected.ts'
import { conditionOf, hasLasted, minute } from '../age.ts'
import { counted, distinct, fullName, listed } from '../phrases.ts'
import { templateKinds, templatesAreKnown, templatesOf } from '../templates.ts'
import { because } from './trouble.ts'

type Budget = ObjectOf<'PodDisruptionBudget'>
type Pod = ObjectOf<'Pod'>

/** A budget with the pods that it counts. */
interface Case {
  budget: Budget
  pods: Pod[]
  snapshot: Snapshot
}

const grace = 10 * minute

export const disruptionBudget: Analyzer = {
  name: 'PodDisruptionBudget',
  finds: 'budgets that allow no eviction, match no pod, or overlap',
  core: false,
  reads: ['PodDisruptionBudget', 'Pod', 'Node', ...templateKinds],
  inspect(snapshot) {
    const podsIn = Map.groupBy(snapshot.list('Pod'), ({ metadata }) => metadata.namespace ?? '')
    const cases = snapshot
      .list('PodDisruptionBudget')
      .filter((budget) => !budget.metadata.deletionTimestamp && isObserved(budget))
      .map((budget) => ({ budget, pods: podsOf(budget, podsIn.get(budget.metadata.namespace ?? '') ?? []), snapshot }))
    return [...cases.flatMap(faultsOf), ...overlapping(cases)]
  },
}

const isObserved = ({ metadata, status }: Budget): boolean =>
  status !== undefined && (status.observedGeneration ?? 0) >= (metadata.generation ?? 0)

/** An empty selector selects all; none at all selects nothing. */
function podsOf({ spec }: Budget, pods: Pod[]): Pod[] {
  const selector = spec?.selector
  if (!selector) return []
  return pods.filter(({ metadata, status }) => !isOver(status?.phase) && matchesSelector(selector, metadata.labels))
}

const isOver = (phase: string | undefined): boolean => phase === 'Succeeded' || phase === 'Failed'

function faultsOf(one: Case): Finding[] {
  const { status } = one.budget
  if (conditionOf(status?.conditions, 'DisruptionAllowed')?.reason === 'SyncFailed') return [syncFailed(one)]
  if ((status?.expectedPods ?? 0) === 0) return matchesNothing(one)
  if ((status?.disruptionsAllowed ?? 0) > 0) return []
  if ((status?.currentHealthy ?? 0) < (status?.desiredHealthy ?? 0)) return unhealthy(one)
  return neverAllows(one)
}

function syncFailed({ budget }: Case): Finding {
  const condition = conditionOf(budget.status?.conditions, 'DisruptionAllowed')
  return {
    ...base(budget),
    reason: 'SyncFailed',
    severity: 'warning',
    text: `PodDisruptionBudget ${fullName(budget.metadata)} cannot be worked out, so no pod of it may be evicted${because(condition?.message)}.`,
    ...(condition?.lastTransitionTime && { since: condition.lastTransitionTime }),
    evidence: [at(budget, 'status.conditions[DisruptionAllowed].message', condition?.message ?? 'not set')],
    next: lookAt(budget),
    field: 'spec.selector',
  }
}

function matchesNothing({ budget, pods, snapshot }: Case): Finding[] {
  const { metadata, spec } = budget
  if (pods.length > 0 || !hasLasted(metadata.creationTimestamp, grace, snapshot)) return []
  if (!snapshot.isKnown('Pod', metadata.namespace) || isForSleepers(budget, snapshot)) return []
  const selector = JSON.stringify(spec?.selector ?? null)
  return [
    {
      ...base(budget),
      reason: 'NoPods',
      severity: 'info',
      text: `The selector of PodDisruptionBudget ${fullName(metadata)} matches no pod in its namespace.`,
      evidence: [at(budget, 'spec.selector', selector), at(budget, 'status.expectedPods', '0')],
      next: `k8s_list_pods namespace=${metadata.namespace}`,
      field: 'spec.selector',
    },
  ]
}

/** What is scaled to zero, or runs at times, has no pods now. */
function isForSleepers({ metadata, spec }: Budget, snapshot: Snapshot): boolean {
  if (!templatesAreKnown(snapshot, metadata.namespace)) return true
  return templatesOf(snapshot).some(
    ({ namespace, labels }) =>
      namespace === metadata.namespace && spec?.selector !== undefined && matchesSelector(spec.selector, labels),
  )
}

/** The pods carry the fault; the budget only says that nodes cannot be drained because of it. */
function unhealthy({ budget, pods, snapshot }: Case): Finding[] {
  const { metadata, status } = budget
  const since = conditionOf(status?.conditions, 'DisruptionAllowed')?.lastTransitionTime ?? metadata.creationTimestamp
  if (!hasLasted(since, grace, snapshot)) return []
  const names = pods.filter((pod) => !isWell(pod)).map((pod) => pod.metadata.name)
  return [
    {
      ...base(budget),
      reason: 'InsufficientPods',
      severity: 'info',
      text: `PodDisruptionBudget ${fullName(metadata)} allows no eviction: ${status?.currentHealthy ?? 0} of ${counted(status?.desiredHealthy ?? 0, 'pod')} that it asks for are healthy.`,
      ...(since !== undefined && { since }),
      evidence: [...countsOf(budget), ...(names.length > 0 ? [at(budget, 'unhealthy pods', listed(names))] : [])],
      next: names[0] ? `k8s_get_pod name=${names[0]} namespace=${metadata.namespace}` : lookAt(budget),
      field: 'status.currentHealthy',
    },
  ]
}

/** Every pod is healthy and still none may go. That hurts when a node with such pods is being emptied. */
function neverAllows(one: Case): Finding[] {
  const { budget } = one
  const { metadata, spec, status } = budget
  const isStrict = isZero(spec?.maxUnavailable) || (status?.desiredHealthy ?? 0) >= (status?.expectedPods ?? 0)
  if (!isStrict) return []
  const nodes = drainedNodes(one)
  const rule =
    spec?.maxUnavailable === undefined
      ? `minAvailable ${spec?.minAvailable ?? 'not set'}`
      : `maxUnavailable ${spec.maxUnavailable}`
  return [
    {
      ...base(budget),
      reason: 'NoDisruptionAllowed',
      severity: nodes.length > 0 ? 'warning' : 'info',
      text: `PodDisruptionBudget ${fullName(metadata)} can never allow an eviction: ${rule} of ${counted(status?.expectedPods ?? 0, 'pod')}${nodes.length > 0 ? `, so node ${listed(nodes)}, which is cordoned, cannot be drained` : ''}.`,
      evidence: [
        at(
          budget,
          spec?.maxUnavailable === undefined ? 'spec.minAvailable' : 'spec.maxUnavailable',
          String(spec?.maxUnavailable ?? spec?.minAvailable ?? 'not set'),
        ),
        ...countsOf(budget),
        ...nodes
          .slice(0, 3)
          .map((name) => ({ object: { kind: 'Node', name }, path: 'spec.unschedulable', value: 'true' })),
      ],
      next: `${lookAt(budget)}; lower minAvailable with k8s_apply, or run more replicas`,
      field: 'spec',
    },
  ]
}

const isZero = (amount: number | string | undefined): boolean => amount === 0 || amount === '0' || amount === '0%'

const drainedNodes = ({ pods, snapshot }: Case): string[] =>
  distinct(pods.flatMap(({ spec }) => spec?.nodeName ?? [])).filter(
    (name) => snapshot.find('Node', undefined, name)?.spec?.unschedulable,
  )

/** A pod in two budgets cannot be evicted at all: the API server refuses to choose. */
function overlapping(cases: Case[]): Finding[] {
  const budgetsOf = new Map<Pod, Budget[]>()
  for (const { budget, pods } of cases)
    for (const pod of pods) budgetsOf.set(pod, [...(budgetsOf.get(pod) ?? []), budget])
  const groups = Map.groupBy(
    [...budgetsOf].filter(([, budgets]) => budgets.length > 1),
    ([, budgets]) => `${budgets[0]?.metadata.namespace}/${budgets[0]?.metadata.name}`,
  )
  return [...groups.values()].map((group) => {
    const [first, budgets] = group[0]!
    const names = budgets.map(({ metadata }) => metadata.name)
    return {
      ...base(budgets[0]!),
      reason: 'SeveralBudgets',
      severity: 'warning',
      text: `PodDisruptionBudgets ${listed(names)} count the same ${counted(group.length, 'pod')}, so ${group.length === 1 ? 'it cannot' : 'none of them can'} be evicted.`,
      evidence: [
        ...budgets.slice(0, 3).map((budget) => at(budget, 'spec.selector', JSON.stringify(budget.spec?.selector))),
        {
          object: refOf('Pod', first.metadata),
          path: 'metadata.labels',
          value: JSON.stringify(first.metadata.labels ?? {}),
        },
      ],
      next: `k8s_list kind=PodDisruptionBudget namespace=${first.metadata.namespace}`,
      field: 'spec.selector',
    }
  })
}

const countsOf = (budget: Budget): Evidence[] =>
  (['disruptionsAllowed', 'currentHealthy', 'desiredHealthy', 'expectedPods'] as const).map((count) =>
    at(budget, `status.${count}`, String(budget.status?.[count] ?? 0)),
  )

const lookAt = ({ metadata }: Budget): string =>
  `k8s_get kind=PodDisruptionBudget name=${metadata.name} namespace=${metadata.namespace}`

function base({ metadata }: Budget): Pick<Finding, 'object' | 'owner' | 'confidence'> {
  const object = refOf('PodDisruptionBudget', metadata)
  return { object, owner: object, confidence: 'high' }
}

const at = ({ metadata }: Budget, path: string, value: string): Evidence => ({
  object: refOf('PodDisruptionBudget', metadata),
  path,
  value,
})
