import type { Right } from '../tool.ts'
import type { Cluster } from './cluster.ts'
import { type Meta, paths, type Workload } from './objects.ts'
import { allItems } from './pages.ts'
import type { Rolled } from './workload.ts'

type Template = NonNullable<NonNullable<Workload['spec']>['template']>

/** A template that a workload had or has. */
export interface Revision {
  number: number
  createdAt: string
  /** Why, as the author noted it. */
  cause?: string
  template: Template
  isCurrent: boolean
}

/** What `revisionsOf` reads. */
export const revisionRights: Right[] = [
  { group: 'apps', resource: 'replicasets', verbs: ['list'] },
  { group: 'apps', resource: 'controllerrevisions', verbs: ['list'] },
]

interface ReplicaSet {
  metadata: Meta
  spec?: { template?: Template }
}

interface ControllerRevision {
  metadata: Meta
  revision?: number
  data?: { spec?: { template?: Template & { $patch?: string } } }
}

const revisionAnnotation = 'deployment.kubernetes.io/revision'
const causeAnnotation = 'kubernetes.io/change-cause'

/** The revisions that the cluster still keeps, oldest first. */
export async function revisionsOf(
  cluster: Cluster,
  { kind, object }: Rolled,
  signal: AbortSignal,
): Promise<Revision[]> {
  const revisions =
    kind === 'Deployment'
      ? await ofReplicaSets(cluster, object.metadata, signal)
      : await ofControllerRevisions(cluster, { kind, object }, signal)
  return revisions.sort((a, b) => a.number - b.number)
}

async function ofReplicaSets(cluster: Cluster, owner: Meta, signal: AbortSignal): Promise<Revision[]> {
  const { items } = await allItems<ReplicaSet>(cluster, paths.replicaSets(owner.namespace ?? ''), { signal })
  const current = owner.annotations?.[revisionAnnotation]
  return items
    .filter(({ metadata, spec }) => isOwnedBy(metadata, owner) && spec?.template)
    .map(({ metadata, spec }) => {
      const number = metadata.annotations?.[revisionAnnotation]
      return revision(Number(number ?? 0), metadata, spec?.template ?? {}, number !== undefined && number === current)
    })
}

async function ofControllerRevisions(
  cluster: Cluster,
  { kind, object }: Rolled,
  signal: AbortSignal,
): Promise<Revision[]> {
  const path = paths.controllerRevisions(object.metadata.namespace ?? '')
  const { items } = await allItems<ControllerRevision>(cluster, path, { signal })
  const own = items.filter(({ metadata, data }) => isOwnedBy(metadata, object.metadata) && data?.spec?.template)
  const newest = Math.max(...own.map((one) => one.revision ?? 0))
  return own.map((one) => {
    const isCurrent =
      kind === 'StatefulSet' ? one.metadata.name === object.status?.updateRevision : one.revision === newest
    return revision(one.revision ?? 0, one.metadata, one.data?.spec?.template ?? {}, isCurrent)
  })
}

const revision = (number: number, { annotations, creationTimestamp }: Meta, template: Template, isCurrent: boolean) => {
  const cause = annotations?.[causeAnnotation]
  return { number, createdAt: creationTimestamp ?? '', template: plain(template), isCurrent, ...(cause && { cause }) }
}

const isOwnedBy = ({ ownerReferences = [] }: Meta, owner: Meta): boolean =>
  ownerReferences.some(({ uid, controller }) => controller && uid !== undefined && uid === owner.uid)

/** The template as its author wrote it: without what the controller adds to its copy. */
function plain({ $patch: _patch, metadata, ...template }: Template & { $patch?: string }): Template {
  const { 'pod-template-hash': _hash, ...labels } = metadata?.labels ?? {}
  const { creationTimestamp: _created, ...meta } = (metadata ?? {}) as Meta
  return { metadata: { ...meta, labels }, ...template } as Template
}

/** `web=registry.corp/shop/web:1.4.2`, one for each container. */
export const imagesOf = ({ spec }: Template): string =>
  (spec?.containers ?? []).map(({ name, image }) => `${name}=${image ?? 'no image'}`).join(', ')
