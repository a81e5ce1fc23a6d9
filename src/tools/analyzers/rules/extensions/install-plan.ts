import type { Analyzer, Finding } from '../../analyzer.ts'
import type { ObjectOf } from '../../kinds/index.ts'
import type { Snapshot } from '../../snapshot.ts'
import { hasLasted, isNew, minute } from '../age.ts'
import { listed } from '../phrases.ts'
import { sinceOf, subjectOf } from '../subject.ts'

type Plan = ObjectOf<'InstallPlan'>

const grace = 10 * minute

export const installPlan: Analyzer = {
  name: 'InstallPlan',
  finds: 'OLM plans that failed, or wait for an approval by hand',
  core: false,
  reads: ['InstallPlan', 'Subscription'],
  inspect: (snapshot) =>
    snapshot
      .list('InstallPlan')
      .filter(
        (plan) => plan.status?.phase !== 'Complete' && !isNew(plan.metadata, snapshot) && !isSuperseded(plan, snapshot),
      )
      .flatMap((plan) => unfinished(plan, snapshot)),
}

/** Old plans stay behind; each Subscription of theirs names the one that counts. */
function isSuperseded({ metadata }: Plan, snapshot: Snapshot): boolean {
  const subscriptions = (metadata.ownerReferences ?? [])
    .filter(({ kind }) => kind === 'Subscription')
    .map(({ name }) => snapshot.find('Subscription', metadata.namespace, name)?.status?.installPlanRef?.name)
  return (
    subscriptions.length > 0 && subscriptions.every((current) => current !== undefined && current !== metadata.name)
  )
}

function unfinished({ metadata, spec, status }: Plan, snapshot: Snapshot): Finding[] {
  const phase = status?.phase || 'not set'
  const waitsForPeople = phase === 'RequiresApproval' || (spec?.approval === 'Manual' && !spec.approved)
  if (phase !== 'Failed' && !waitsForPeople && !hasLasted(metadata.creationTimestamp, grace, snapshot)) return []
  const { who, title, shows, get } = subjectOf('InstallPlan', metadata, snapshot)
  const message = status?.message ?? status?.conditions?.find((condition) => condition.status === 'False')?.message
  const versions = spec?.clusterServiceVersionNames ?? []
  return [
    {
      ...who,
      reason: waitsForPeople ? 'RequiresApproval' : 'InstallPlanUnfinished',
      severity: waitsForPeople ? 'info' : 'warning',
      confidence: 'high',
      text: `${title}${versions.length > 0 ? ` for ${listed(versions)}` : ''} is in phase ${phase}${waitsForPeople ? ' and waits for an approval by hand' : ''}.`,
      ...sinceOf(metadata.creationTimestamp),
      evidence: [
        shows('status.phase', phase),
        ...(message ? [shows('status.message', message)] : []),
        ...(waitsForPeople ? [shows('spec.approved', String(spec?.approved ?? false))] : []),
      ],
      next: get,
      field: 'status.phase',
    },
  ]
}
