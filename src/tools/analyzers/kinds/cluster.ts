import type { Kind } from './index.ts'
import { conditions, Meta } from './meta.ts'
import { flag, list, maybe, number, object, string, strings, text } from './shape.ts'

const Event = object({
  metadata: Meta,
  type: text,
  reason: text,
  message: text,
  count: number,
  series: maybe(object({ count: number, lastObservedTime: text })),
  eventTime: text,
  firstTimestamp: text,
  lastTimestamp: text,
  involvedObject: maybe(
    object({
      kind: text,
      namespace: text,
      name: text,
      uid: text,
      fieldPath: text,
    }),
  ),
})

const Namespace = object({
  metadata: Meta,
  status: maybe(object({ phase: text, conditions })),
})

const Node = object({
  metadata: Meta,
  spec: maybe(
    object({
      unschedulable: flag,
      taints: list(object({ key: string, effect: text, timeAdded: text })),
    }),
  ),
  status: maybe(object({ conditions, nodeInfo: maybe(object({ kubeletVersion: text })) })),
})

const ResourceQuota = object({
  metadata: Meta,
  status: maybe(object({ hard: strings, used: strings })),
})

const LimitRange = object({
  metadata: Meta,
  spec: maybe(
    object({
      limits: list(
        object({
          type: text,
          min: strings,
          max: strings,
          default: strings,
          maxLimitRequestRatio: strings,
        }),
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
