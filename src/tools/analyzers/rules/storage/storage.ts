import type { Analyzer, Evidence, Finding } from '../../analyzer.ts'
import type { ObjectOf } from '../../kinds/index.ts'
import { refOf, type Snapshot } from '../../snapshot.ts'
import { day, hasLasted } from '../age.ts'
import { type Subject, sinceOf, subjectOf } from '../subject.ts'

type Volume = ObjectOf<'PersistentVolume'>

/** Volumes and classes; claims have an analyzer of their own. */
export const storage: Analyzer = {
  name: 'Storage',
  finds: 'failed and released volumes, several default storage classes',
  core: false,
  reads: ['PersistentVolume', 'StorageClass'],
  inspect: (snapshot) => [
    ...snapshot.list('PersistentVolume').flatMap((volume) => {
      const subject = subjectOf('PersistentVolume', volume.metadata, snapshot)
      return [...failed(volume, subject), ...released(volume, subject, snapshot)]
    }),
    ...severalDefaults(snapshot),
  ],
}

/** The class that a claim or a volume names, in the field or in the annotation that came before it. `''`: explicitly none. */
export const classNameOf = ({ metadata, spec }: Volume | ObjectOf<'PersistentVolumeClaim'>): string | undefined =>
  metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? spec?.storageClassName

export const defaultClassesOf = (snapshot: Snapshot): ObjectOf<'StorageClass'>[] =>
  snapshot
    .list('StorageClass')
    .filter(({ metadata: { annotations = {} } }) => defaultMarks.some((mark) => annotations[mark] === 'true'))

const defaultMarks = ['storageclass.kubernetes.io/is-default-class', 'storageclass.beta.kubernetes.io/is-default-class']

function failed(volume: Volume, { who, title, shows }: Subject): Finding[] {
  const { metadata, status } = volume
  if (status?.phase !== 'Failed') return []
  const why = [status.reason, status.message].filter(Boolean).join(': ')
  return [
    {
      ...who,
      reason: 'VolumeFailed',
      severity: 'warning',
      confidence: 'high',
      text: `${title} is Failed${why && `: ${why}`}.`,
      ...sinceOf(status.lastPhaseTransitionTime),
      evidence: [
        shows('status.phase', 'Failed'),
        ...(why ? [shows('status.message', why)] : []),
        ...useOf(volume, shows),
      ],
      next: `k8s_get_events kind=PersistentVolume name=${metadata.name}`,
    },
  ]
}

function released(volume: Volume, { who, title, shows, get }: Subject, snapshot: Snapshot): Finding[] {
  const { metadata, spec, status } = volume
  if (status?.phase !== 'Released' || metadata.deletionTimestamp) return []
  const since = status.lastPhaseTransitionTime ?? metadata.creationTimestamp
  if (!hasLasted(since, day, snapshot)) return []
  return [
    {
      ...who,
      reason: 'VolumeReleased',
      severity: 'info',
      confidence: 'high',
      text: `${title} is Released with the reclaim policy ${spec?.persistentVolumeReclaimPolicy ?? 'Retain'}: its claim is gone, and no other can bind it.`,
      ...sinceOf(since),
      evidence: [shows('status.phase', 'Released'), ...useOf(volume, shows)],
      next: get,
      field: 'spec.persistentVolumeReclaimPolicy',
    },
  ]
}

function useOf({ spec }: Volume, shows: Subject['shows']): Evidence[] {
  const { namespace, name } = spec?.claimRef ?? {}
  return [
    shows('spec.persistentVolumeReclaimPolicy', spec?.persistentVolumeReclaimPolicy ?? 'not set'),
    ...(name ? [shows('spec.claimRef', `${namespace}/${name}`)] : []),
  ]
}

function severalDefaults(snapshot: Snapshot): Finding[] {
  const defaults = defaultClassesOf(snapshot)
  const [first] = defaults
  if (!first || defaults.length < 2) return []
  return [
    {
      ...subjectOf('StorageClass', first.metadata, snapshot).who,
      reason: 'SeveralDefaultStorageClasses',
      severity: 'info',
      confidence: 'high',
      text: `${defaults.length} StorageClasses are the default: ${defaults.map(({ metadata }) => metadata.name).join(', ')}.`,
      evidence: defaults.map(({ metadata }) => ({
        object: refOf('StorageClass', metadata),
        path: 'metadata.annotations[storageclass.kubernetes.io/is-default-class]',
        value: 'true',
      })),
      next: 'k8s_list kind=StorageClass',
    },
  ]
}
