import type { Analyzer, Evidence, Finding } from '../../analyzer.ts'
import type { ObjectOf } from '../../kinds/index.ts'
import type { Condition, Meta } from '../../kinds/meta.ts'
import { refOf, type Snapshot } from '../../snapshot.ts'
import { hasLasted, minute } from '../age.ts'
import { placeOf, subjectOf } from '../subject.ts'
import { type Deletion, deletionsIn } from './deletions.ts'

type Namespace = ObjectOf<'Namespace'>

const stuckAfter = 15 * minute
/** Until then nothing is said, even if the namespace's controller already tells what it waits for. */
const slowAfter = 2 * minute

export const namespace: Analyzer = {
  name: 'Namespace',
  finds: 'namespaces that do not finish terminating, and what holds them',
  core: true,
  reads: ['Namespace', 'ConfigMap', 'PersistentVolumeClaim', 'Pod', 'Service'],
  inspect: (snapshot) => snapshot.list('Namespace').flatMap((one) => terminating(one, snapshot)),
}

function terminating({ metadata, status }: Namespace, snapshot: Snapshot): Finding[] {
  const since = metadata.deletionTimestamp
  const obstacles = (status?.conditions ?? []).filter(
    (condition) => obstacleTypes.includes(condition.type) && condition.status === 'True',
  )
  if (since === undefined || !hasLasted(since, obstacles.length > 0 ? slowAfter : stuckAfter, snapshot)) return []
  const { who, title, shows, get } = subjectOf('Namespace', metadata, snapshot)
  const waiting = deletionsIn(snapshot).filter((deletion) => deletion.metadata.namespace === metadata.name)
  const [first] = waiting
  const worst = obstacleTypes.flatMap((type) => obstacles.filter((condition) => condition.type === type))
  return [
    {
      ...who,
      reason: 'NamespaceTerminating',
      severity: hasLasted(since, stuckAfter, snapshot) ? 'warning' : 'info',
      confidence: 'high',
      text: `${title} is Terminating and cannot finish${obstaclesText(worst, metadata)}.`,
      since,
      evidence: [
        ...worst.slice(0, 2).map(({ type, message }) => shows(`status.conditions[${type}]`, message ?? 'True')),
        ...waiting.slice(0, 3).map(finalizersOf),
        shows('metadata.deletionTimestamp', since),
      ],
      next: first ? `k8s_get kind=${first.kind} ${placeOf(first.metadata)}` : get,
      affects: waiting.map((one) => refOf(one.kind, one.metadata)),
      field: 'status.conditions',
    },
  ]
}

// The first that holds says most: what cannot be asked or deleted at all, then who holds on, then what is left.
const obstacleTypes = [
  'NamespaceDeletionDiscoveryFailure',
  'NamespaceDeletionGroupVersionParsingFailure',
  'NamespaceDeletionContentFailure',
  'NamespaceFinalizersRemaining',
  'NamespaceContentRemaining',
]

function obstaclesText([worst]: Condition[], { finalizers = [] }: Meta): string {
  if (worst) return `: ${(worst.message ?? worst.type).replace(/\.$/, '')}`
  return finalizers.length > 0 ? `: it has the finalizers ${finalizers.join(', ')}` : ''
}

const finalizersOf = ({ kind, metadata, finalizers }: Deletion): Evidence => ({
  object: refOf(kind, metadata),
  path: 'metadata.finalizers',
  value: finalizers.join(', '),
})
