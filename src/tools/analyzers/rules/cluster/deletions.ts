import { type KindName, kinds } from '../../kinds/index.ts'
import type { Meta } from '../../kinds/meta.ts'
import type { Snapshot } from '../../snapshot.ts'

export interface Deletion {
  kind: KindName
  metadata: Meta
  finalizers: string[]
}

/** Every object of the snapshot that is being deleted and waits for its finalizers. */
export const deletionsIn = (snapshot: Snapshot): Deletion[] =>
  objectKinds.flatMap((kind) =>
    snapshot.list(kind).flatMap(({ metadata }: { metadata: Meta }) => {
      const { deletionTimestamp, finalizers = [] } = metadata
      return deletionTimestamp !== undefined && finalizers.length > 0 ? [{ kind, metadata, finalizers }] : []
    }),
  )

// TlsSecret is a second look at Secrets.
const objectKinds = (Object.keys(kinds) as KindName[]).filter((kind) => kind !== 'Event' && kind !== 'TlsSecret')
