import type { Analyzer, Finding } from '../../analyzer.ts'
import type { ObjectOf } from '../../kinds/index.ts'
import type { Snapshot } from '../../snapshot.ts'
import { hasLasted, isNew, minute } from '../age.ts'
import { sinceOf, subjectOf } from '../subject.ts'

const grace = 10 * minute

export const clusterServiceVersion: Analyzer = {
  name: 'ClusterServiceVersion',
  finds: 'OLM operators whose installation failed or does not finish',
  core: false,
  reads: ['ClusterServiceVersion'],
  inspect: (snapshot) => snapshot.list('ClusterServiceVersion').flatMap((version) => unfinished(version, snapshot)),
}

function unfinished({ metadata, status }: ObjectOf<'ClusterServiceVersion'>, snapshot: Snapshot): Finding[] {
  const phase = status?.phase || 'not set'
  const since = status?.lastTransitionTime ?? metadata.creationTimestamp
  if (phase === 'Succeeded' || isCopy(metadata) || isNew(metadata, snapshot)) return []
  // Installing, replacing and the like take their time; Failed does not get better by waiting.
  if (phase !== 'Failed' && !hasLasted(since, grace, snapshot)) return []
  const { who, title, shows, get } = subjectOf('ClusterServiceVersion', metadata, snapshot)
  const missing = (status?.requirementStatus ?? []).filter(({ status: state }) => !met.has(state ?? 'Present'))
  return [
    {
      ...who,
      reason: 'OperatorNotInstalled',
      severity: 'warning',
      confidence: 'high',
      text: `${title} is in phase ${phase}${status?.reason ? ` (${status.reason})` : ''}.`,
      ...sinceOf(since),
      evidence: [
        shows('status.phase', phase),
        ...(status?.message ? [shows('status.message', status.message)] : []),
        ...missing
          .slice(0, 3)
          .map((one) => shows(`status.requirementStatus[${one.kind}/${one.name}]`, one.message || String(one.status))),
      ],
      next: get,
      field: 'status.phase',
    },
  ]
}

const met = new Set(['Present', 'Satisfied'])

/** OLM shows an operator in every namespace that it watches; what is wrong is said once, where it is installed. */
const isCopy = ({ labels = {} }: { labels?: Record<string, string> | undefined }): boolean => 'olm.copiedFrom' in labels
