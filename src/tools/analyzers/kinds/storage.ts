import * as z from 'zod'
import type { Kind } from '../kinds.ts'
import { conditions, Meta, maybe, strings } from './meta.ts'

const PersistentVolumeClaim = z.object({
  metadata: Meta,
  spec: maybe(
    z.object({
      storageClassName: maybe(z.string()),
      volumeName: maybe(z.string()),
      resources: maybe(z.object({ requests: maybe(z.object({ storage: maybe(z.string()) })) })),
    }),
  ),
  status: maybe(
    z.object({
      phase: maybe(z.string()),
      capacity: maybe(z.object({ storage: maybe(z.string()) })),
      allocatedResourceStatuses: maybe(strings),
      conditions,
    }),
  ),
})

const PersistentVolume = z.object({
  metadata: Meta,
  spec: maybe(
    z.object({
      storageClassName: maybe(z.string()),
      persistentVolumeReclaimPolicy: maybe(z.string()),
      claimRef: maybe(z.object({ namespace: maybe(z.string()), name: maybe(z.string()) })),
    }),
  ),
  status: maybe(
    z.object({
      phase: maybe(z.string()),
      reason: maybe(z.string()),
      message: maybe(z.string()),
      lastPhaseTransitionTime: maybe(z.string()),
    }),
  ),
})

const StorageClass = z.object({
  metadata: Meta,
  provisioner: maybe(z.string()),
  volumeBindingMode: maybe(z.string()),
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
