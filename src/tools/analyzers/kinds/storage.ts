import type { Kind } from './index.ts'
import { conditions, Meta } from './meta.ts'
import { maybe, object, strings, text } from './shape.ts'

const PersistentVolumeClaim = object({
  metadata: Meta,
  spec: maybe(
    object({
      storageClassName: text,
      volumeName: text,
      resources: maybe(object({ requests: maybe(object({ storage: text })) })),
    }),
  ),
  status: maybe(
    object({
      phase: text,
      capacity: maybe(object({ storage: text })),
      allocatedResourceStatuses: strings,
      conditions,
    }),
  ),
})

const PersistentVolume = object({
  metadata: Meta,
  spec: maybe(
    object({
      storageClassName: text,
      persistentVolumeReclaimPolicy: text,
      claimRef: maybe(object({ namespace: text, name: text })),
    }),
  ),
  status: maybe(
    object({
      phase: text,
      reason: text,
      message: text,
      lastPhaseTransitionTime: text,
    }),
  ),
})

const StorageClass = object({
  metadata: Meta,
  provisioner: text,
  volumeBindingMode: text,
})

export const storageKinds = {
  PersistentVolumeClaim: {
    api: '/api/v1',
    resource: 'persistentvolumeclaims',
    namespaced: true,
    schema: PersistentVolumeClaim,
  },
  PersistentVolume: { api: '/api/v1', resource: 'persistentvolumes', namespaced: false, schema: PersistentVolume },
  StorageClass: {
    api: '/apis/storage.k8s.io/v1',
    resource: 'storageclasses',
    namespaced: false,
    schema: StorageClass,
  },
} satisfies Record<string, Kind>
