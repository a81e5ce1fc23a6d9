import type { Evidence, ObjectRef } from '../analyzer.ts'
import type { KindName } from '../kinds/index.ts'
import type { Meta } from '../kinds/meta.ts'
import { refOf, type Snapshot } from '../snapshot.ts'
import { fullName } from './phrases.ts'

/** An object as findings about it speak of it. */
export interface Subject {
  /** `PersistentVolumeClaim shop/data`. */
  title: string
  who: { object: ObjectRef; owner: ObjectRef }
  shows(path: string, value: string): Evidence
  /** The call that shows it whole. */
  get: string
}

export function subjectOf(kind: KindName, metadata: Meta, snapshot: Snapshot): Subject {
  const object = refOf(kind, metadata)
  return {
    title: `${kind} ${fullName(metadata)}`,
    who: { object, owner: snapshot.ownerOf(kind, metadata) },
    shows: (path, value) => ({ object, path, value }),
    get: `k8s_get kind=${kind} ${placeOf(metadata)}`,
  }
}

/** `name=api namespace=shop`, as tools take it. */
export const placeOf = ({ name, namespace }: { name: string; namespace?: string | undefined }): string =>
  `name=${name}${namespace === undefined ? '' : ` namespace=${namespace}`}`

/** For the `since` of a finding, where it is known. */
export const sinceOf = (time: string | undefined): { since?: string } => (time ? { since: time } : {})
