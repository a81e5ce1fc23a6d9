import type { Analyzer, Finding } from '../../analyzer.ts'
import type { ObjectOf } from '../../kinds/index.ts'
import type { Condition, Meta } from '../../kinds/meta.ts'
import type { Snapshot } from '../../snapshot.ts'
import { conditionOf, hasLasted, isNew, minute } from '../age.ts'
import { type Subject, sinceOf, subjectOf } from '../subject.ts'

type Catalog = ObjectOf<'ClusterCatalog'>

const grace = 2 * minute

export const clusterCatalog: Analyzer = {
  name: 'ClusterCatalog',
  finds: 'OLM catalogs that are not served, not resolved, or name no image',
  core: false,
  reads: ['ClusterCatalog'],
  inspect: (snapshot) =>
    snapshot
      .list('ClusterCatalog')
      // Switched off by somebody: then it serves nothing on purpose.
      .filter(({ metadata, spec }) => !isNew(metadata, snapshot) && spec?.availabilityMode !== 'Unavailable')
      .flatMap((catalog) => {
        const subject = subjectOf('ClusterCatalog', catalog.metadata, snapshot)
        return [
          ...wrongImage(catalog, subject),
          ...unresolved(catalog, subject, snapshot),
          ...failing(catalog, 'Serving', (one) => one.status === 'True', subject, snapshot),
          ...failing(catalog, 'Progressing', (one) => one.reason === 'Succeeded', subject, snapshot),
        ]
      }),
}

function wrongImage({ spec }: Catalog, { who, title, shows, get }: Subject): Finding[] {
  const image = spec?.source?.image?.ref
  if (image === undefined || imageReference.test(image)) return []
  return [
    {
      ...who,
      reason: 'InvalidImageReference',
      severity: 'warning',
      confidence: 'high',
      text: `${title} names the image ${image}, which is no image reference.`,
      evidence: [shows('spec.source.image.ref', image)],
      next: get,
      field: 'spec.source.image.ref',
    },
  ]
}

// Host with an optional port, path in small letters, tag or digest.
const imageReference =
  /^(?:[a-zA-Z\d](?:[a-zA-Z\d.-]*[a-zA-Z\d])?(?::\d+)?\/)?[a-z\d]+(?:[._-]+[a-z\d]+)*(?:\/[a-z\d]+(?:[._-]+[a-z\d]+)*)*(?::\w[\w.-]{0,127})?(?:@[a-zA-Z\d+._-]+:[a-fA-F\d]{32,})?$/

function unresolved({ metadata, status }: Catalog, { who, title, shows, get }: Subject, snapshot: Snapshot): Finding[] {
  const image = status?.resolvedSource?.image?.ref
  if (image?.includes('@sha256:') || !hasLasted(metadata.creationTimestamp, grace, snapshot)) return []
  return [
    {
      ...who,
      reason: 'CatalogNotResolved',
      severity: 'warning',
      confidence: 'high',
      text: `${title} has ${image ? `resolved its image to ${image}, without a digest` : 'not resolved its image'}.`,
      evidence: [shows('status.resolvedSource.image.ref', image ?? 'not set')],
      next: get,
      field: 'status.resolvedSource',
    },
  ]
}

/** A condition of OLM's that is not as it should be, once its controller has had time to bring it about. */
export function failing(
  { metadata, status }: { metadata: Meta; status?: { conditions?: Condition[] | undefined } | undefined },
  type: string,
  isWell: (condition: Condition) => boolean,
  { who, title, shows, get }: Subject,
  snapshot: Snapshot,
): Finding[] {
  const condition = conditionOf(status?.conditions, type)
  if (!condition || isWell(condition) || isStale(condition, metadata)) return []
  if (!hasLasted(condition.lastTransitionTime, grace, snapshot)) return []
  return [
    {
      ...who,
      reason: `${type}${condition.reason ?? condition.status}`,
      severity: 'warning',
      confidence: 'high',
      text: `${title} has ${type}=${condition.status}${condition.reason ? ` (${condition.reason})` : ''}.`,
      ...sinceOf(condition.lastTransitionTime),
      evidence: [shows(`status.conditions[${type}]`, condition.message ?? condition.status)],
      next: get,
      field: 'status.conditions',
    },
  ]
}

const isStale = ({ observedGeneration }: Condition, { generation }: Meta): boolean =>
  observedGeneration !== undefined && generation !== undefined && observedGeneration < generation
