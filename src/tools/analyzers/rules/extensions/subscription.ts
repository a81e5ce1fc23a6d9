import type { Analyzer, Finding } from '../../analyzer.ts'
import type { ObjectOf } from '../../kinds/index.ts'
import type { Snapshot } from '../../snapshot.ts'
import { conditionOf, hasLasted, minute } from '../age.ts'
import { sinceOf, subjectOf } from '../subject.ts'

const resolveGrace = 5 * minute
const upgradeGrace = 15 * minute

export const subscription: Analyzer = {
  name: 'Subscription',
  finds: 'OLM subscriptions that failed, are not resolved, or have an upgrade waiting',
  core: false,
  reads: ['Subscription'],
  inspect: (snapshot) => snapshot.list('Subscription').flatMap((one) => inspect(one, snapshot)),
}

// True is bad for each of these.
const troubles = [
  'ResolutionFailed',
  'BundleUnpackFailed',
  'InstallPlanFailed',
  'CatalogSourcesUnhealthy',
  'InstallPlanMissing',
]

function inspect(one: ObjectOf<'Subscription'>, snapshot: Snapshot): Finding[] {
  const { metadata, spec, status } = one
  const { who, title, shows, get } = subjectOf('Subscription', metadata, snapshot)
  const trouble = troubles
    .map((type) => conditionOf(status?.conditions, type))
    .find((condition) => condition?.status === 'True')
  const since = trouble?.lastTransitionTime ?? status?.lastUpdated ?? metadata.creationTimestamp
  const verdict = judge(one, trouble !== undefined, since, snapshot)
  if (!verdict) return []
  return [
    {
      ...who,
      ...verdict,
      confidence: 'high',
      text: `${title} is in state ${status?.state || 'not set'}${trouble ? ` with ${trouble.type}=True` : ''}; installed is ${status?.installedCSV ?? 'nothing'}${
        status?.currentCSV && status.currentCSV !== status.installedCSV ? `, next is ${status.currentCSV}` : ''
      }.`,
      ...sinceOf(since),
      evidence: [
        shows('status.state', status?.state || 'not set'),
        ...(trouble ? [shows(`status.conditions[${trouble.type}]`, trouble.message ?? 'True')] : []),
        shows('spec.installPlanApproval', spec?.installPlanApproval ?? 'not set'),
      ],
      next: status?.installPlanRef?.name
        ? `k8s_get kind=InstallPlan name=${status.installPlanRef.name} namespace=${metadata.namespace}`
        : get,
      field: 'status.state',
    },
  ]
}

function judge(
  { spec, status }: ObjectOf<'Subscription'>,
  hasTrouble: boolean,
  since: string | undefined,
  snapshot: Snapshot,
): Pick<Finding, 'reason' | 'severity'> | undefined {
  const isManual = spec?.installPlanApproval === 'Manual'
  if (hasTrouble || status?.state === 'UpgradeFailed')
    return hasLasted(since, resolveGrace, snapshot) ? { reason: 'SubscriptionFailed', severity: 'warning' } : undefined
  if (!status?.state)
    return hasLasted(since, resolveGrace, snapshot)
      ? { reason: 'SubscriptionUnresolved', severity: 'warning' }
      : undefined
  if (status.state === 'UpgradeAvailable') return { reason: 'UpgradeAvailable', severity: 'info' }
  if (status.state !== 'UpgradePending') return undefined
  if (isManual) return { reason: 'UpgradePending', severity: 'info' }
  return hasLasted(since, upgradeGrace, snapshot) ? { reason: 'UpgradePending', severity: 'warning' } : undefined
}
