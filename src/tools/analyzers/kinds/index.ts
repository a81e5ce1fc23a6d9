import { clusterKinds } from './cluster.ts'
import { extensionKinds } from './extensions.ts'
import { gatewayKinds } from './gateway.ts'
import type { Meta } from './meta.ts'
import { networkKinds } from './network.ts'
import { policyKinds } from './policy.ts'
import type { Kept, Shape } from './shape.ts'
import { storageKinds } from './storage.ts'
import { workloadKinds } from './workloads.ts'

/** A kind as analyzers see it: which list it comes from, and the fields that are kept of each object. */
export interface Kind {
  /** `/api/v1` or `/apis/apps/v1`; several for an API that has moved, the newest first. */
  api: string | string[]
  /** Plural, as in paths and in RBAC rules. */
  resource: string
  namespaced: boolean
  /** Strips everything that no analyzer reads, and says what is missing. Fields are optional: servers and controllers differ. */
  schema: Shape<{ metadata: Meta }>
  /** Only names and labels are asked for, so that contents never arrive. */
  metadataOnly?: boolean
  /** Only these are asked for, where the API server can select them: `type=kubernetes.io/tls`. */
  fieldSelector?: string
}

/** Every kind that can be in a snapshot. */
export const kinds = {
  ...workloadKinds,
  ...networkKinds,
  ...policyKinds,
  ...gatewayKinds,
  ...storageKinds,
  ...clusterKinds,
  ...extensionKinds,
}
export type KindName = keyof typeof kinds
export type ObjectOf<Name extends KindName> = Kept<(typeof kinds)[Name]['schema']>
