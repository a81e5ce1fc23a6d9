import * as z from 'zod'
import type { Kind } from '../kinds.ts'
import { conditions, Meta, maybe, strings } from './meta.ts'

const Event = z.object({
  metadata: Meta,
  type: maybe(z.string()),
  reason: maybe(z.string()),
  message: maybe(z.string()),
  count: maybe(z.number()),
  series: maybe(z.object({ count: maybe(z.number()), lastObservedTime: maybe(z.string()) })),
  eventTime: maybe(z.string()),
  firstTimestamp: maybe(z.string()),
  lastTimestamp: maybe(z.string()),
  involvedObject: maybe(
    z.object({
      kind: maybe(z.string()),
      namespace: maybe(z.string()),
      name: maybe(z.string()),
      uid: maybe(z.string()),
      fieldPath: maybe(z.string()),
    }),
  ),
})

const Namespace = z.object({
  metadata: Meta,
  status: maybe(z.object({ phase: maybe(z.string()), conditions })),
})

const Node = z.object({
  metadata: Meta,
  spec: maybe(
    z.object({
      unschedulable: maybe(z.boolean()),
      taints: maybe(z.array(z.object({ key: z.string(), effect: maybe(z.string()), timeAdded: maybe(z.string()) }))),
    }),
  ),
  status: maybe(z.object({ conditions, nodeInfo: maybe(z.object({ kubeletVersion: maybe(z.string()) })) })),
})

const ResourceQuota = z.object({
  metadata: Meta,
  status: maybe(z.object({ hard: maybe(strings), used: maybe(strings) })),
})

const LimitRange = z.object({
  metadata: Meta,
  spec: maybe(
    z.object({
      limits: maybe(
        z.array(
          z.object({
            type: maybe(z.string()),
            min: maybe(strings),
            max: maybe(strings),
            default: maybe(strings),
            maxLimitRequestRatio: maybe(strings),
          }),
        ),
      ),
    }),
  ),
})

export const clusterKinds = {
  Event: { api: '/api/v1', resource: 'events', namespaced: true, schema: Event },
  Namespace: { api: '/api/v1', resource: 'namespaces', namespaced: false, schema: Namespace },
  Node: { api: '/api/v1', resource: 'nodes', namespaced: false, schema: Node },
  ResourceQuota: { api: '/api/v1', resource: 'resourcequotas', namespaced: true, schema: ResourceQuota },
  LimitRange: { api: '/api/v1', resource: 'limitranges', namespaced: true, schema: LimitRange },
} satisfies Record<string, Kind>
