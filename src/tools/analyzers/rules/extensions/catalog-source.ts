import type { Analyzer, Finding } from '../../analyzer.ts'
import type { ObjectOf } from '../../kinds/index.ts'
import type { Snapshot } from '../../snapshot.ts'
import { hasLasted, isNew, minute } from '../age.ts'
import { sinceOf, subjectOf } from '../subject.ts'

const grace = 2 * minute

export const catalogSource: Analyzer = {
  name: 'CatalogSource',
  finds: 'OLM catalogs that are not connected',
  core: false,
  reads: ['CatalogSource'],
  inspect: (snapshot) => snapshot.list('CatalogSource').flatMap((source) => disconnected(source, snapshot)),
}

function disconnected({ metadata, spec, status }: ObjectOf<'CatalogSource'>, snapshot: Snapshot): Finding[] {
  const connection = status?.connectionState
  const state = connection?.lastObservedState
  if (!state || state === 'READY' || isNew(metadata, snapshot)) return []
  if (!hasLasted(connection?.lastConnect, grace, snapshot)) return []
  const { who, title, shows, get } = subjectOf('CatalogSource', metadata, snapshot)
  const source = spec?.image ?? connection?.address ?? spec?.address
  return [
    {
      ...who,
      reason: 'CatalogNotReady',
      severity: 'warning',
      confidence: 'high',
      text: `${title} is not connected: its last state is ${state}.`,
      ...sinceOf(connection?.lastConnect),
      evidence: [
        shows('status.connectionState.lastObservedState', state),
        ...(status?.message ? [shows('status.message', status.message)] : []),
        ...(source ? [shows('spec.image', source)] : []),
      ],
      next: get,
      field: 'status.connectionState',
    },
  ]
}
