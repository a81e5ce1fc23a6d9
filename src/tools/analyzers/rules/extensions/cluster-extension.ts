import type { Analyzer, Finding } from '../../analyzer.ts'
import type { ObjectOf } from '../../kinds/index.ts'
import { isNew } from '../age.ts'
import { type Subject, subjectOf } from '../subject.ts'
import { failing } from './cluster-catalog.ts'

type Extension = ObjectOf<'ClusterExtension'>

export const clusterExtension: Analyzer = {
  name: 'ClusterExtension',
  finds: 'OLM extensions that are not installed or name no usable source',
  core: false,
  reads: ['ClusterExtension'],
  inspect: (snapshot) =>
    snapshot
      .list('ClusterExtension')
      .filter(({ metadata }) => !isNew(metadata, snapshot))
      .flatMap((extension) => {
        const subject = subjectOf('ClusterExtension', extension.metadata, snapshot)
        return [
          ...wrongSource(extension, subject),
          ...failing(extension, 'Installed', (one) => one.status === 'True', subject, snapshot),
          ...failing(extension, 'Progressing', (one) => goingOn.has(one.reason ?? ''), subject, snapshot),
        ]
      }),
}

const goingOn = new Set(['Succeeded', 'RollingOut'])
const policies = ['CatalogProvided', 'SelfCertified']

function wrongSource({ spec }: Extension, { who, title, shows, get }: Subject): Finding[] {
  const { sourceType, catalog } = spec?.source ?? {}
  const policy = catalog?.upgradeConstraintPolicy
  const wrong = [
    ...(sourceType !== undefined && sourceType !== 'Catalog'
      ? [{ path: 'spec.source.sourceType', value: sourceType, allowed: 'Catalog' }]
      : []),
    ...(policy !== undefined && !policies.includes(policy)
      ? [{ path: 'spec.source.catalog.upgradeConstraintPolicy', value: policy, allowed: policies.join(' or ') }]
      : []),
  ]
  const [first] = wrong
  if (!first) return []
  return [
    {
      ...who,
      reason: 'InvalidSource',
      severity: 'warning',
      confidence: 'high',
      text: `${title} has ${first.path} ${first.value}; it can be ${first.allowed}.`,
      evidence: wrong.map(({ path, value }) => shows(path, value)),
      next: get,
      field: first.path,
    },
  ]
}
