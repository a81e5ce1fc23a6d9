import type { Analyzer, Finding } from '../../analyzer.ts'
import type { Meta } from '../../kinds/meta.ts'
import { refOf, type Snapshot } from '../../snapshot.ts'
import { hasLasted, minute } from '../age.ts'
import { merged } from '../merge.ts'
import { fullName, listed } from '../phrases.ts'
import { claimUsers } from '../storage/persistent-volume-claim.ts'
import { placeOf, sinceOf, subjectOf } from '../subject.ts'
import { type Deletion, deletionsIn } from './deletions.ts'

const grace = 15 * minute

/** Objects whose deletion waits for somebody who does not come. Pods and namespaces have analyzers that say more. */
export const finalizer: Analyzer = {
  name: 'Finalizer',
  finds: 'objects that cannot be deleted because nobody takes their finalizers off',
  core: true,
  reads: [
    'ConfigMap',
    'CronJob',
    'DaemonSet',
    'Deployment',
    'Ingress',
    'Job',
    'Node',
    'PersistentVolume',
    'PersistentVolumeClaim',
    'Pod',
    'ReplicaSet',
    'Service',
    'StatefulSet',
  ],
  inspect: (snapshot) => merged(stuckIn(snapshot).map((group) => report(group, snapshot))),
}

/** In groups of one kind, namespace and finalizer list: a missing controller is one fault, however many objects wait for it. */
function stuckIn(snapshot: Snapshot): Deletion[][] {
  const stuck = deletionsIn(snapshot).filter(
    ({ kind, metadata }) =>
      kind !== 'Pod' && kind !== 'Namespace' && hasLasted(metadata.deletionTimestamp, grace, snapshot),
  )
  const keyOf = ({ kind, metadata, finalizers }: Deletion) => [kind, metadata.namespace, ...finalizers].join(' ')
  return [...Map.groupBy(stuck, keyOf).values()]
}

function report(group: Deletion[], snapshot: Snapshot): Finding {
  const [{ kind, metadata, finalizers }, ...others] = group as [Deletion, ...Deletion[]]
  const { who, title, get } = subjectOf(kind, metadata, snapshot)
  const [mounter, ...moreMounters] = finalizers.includes(claimProtection) ? mountersOf(group, snapshot) : []
  return {
    ...who,
    reason: 'FinalizerStuck',
    severity: 'warning',
    confidence: 'high',
    text: `${title}${others.length > 0 ? ` and ${others.length} more of this kind` : ''} cannot be deleted: nobody takes off ${listed(finalizers)}${
      mounter ? ` while ${listed([mounter, ...moreMounters].map(({ name }) => name))} mount it` : ''
    }.`,
    ...sinceOf(metadata.deletionTimestamp),
    evidence: group.slice(0, 3).flatMap((one) => [
      { object: refOf(kind, one.metadata), path: 'metadata.finalizers', value: finalizers.join(', ') },
      {
        object: refOf(kind, one.metadata),
        path: 'metadata.deletionTimestamp',
        value: one.metadata.deletionTimestamp ?? '',
      },
    ]),
    next: mounter ? `k8s_get_pod ${placeOf(mounter)}` : get,
    affects: others.map((one) => refOf(kind, one.metadata)),
    field: 'metadata.finalizers',
  }
}

const claimProtection = 'kubernetes.io/pvc-protection'

/** The pods that keep claims from going. */
function mountersOf(group: Deletion[], snapshot: Snapshot): Meta[] {
  const usersOf = claimUsers(snapshot)
  const names = new Set(group.map(({ metadata }) => fullName(metadata)))
  return snapshot
    .list('PersistentVolumeClaim')
    .filter(({ metadata }) => names.has(fullName(metadata)))
    .flatMap(usersOf)
    .map(({ metadata }) => metadata)
}
