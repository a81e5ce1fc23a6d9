import type { Kind } from './index.ts'
import { conditions, LabelSelector, Meta } from './meta.ts'
import { type Kept, list, maybe, number, object, string, text } from './shape.ts'

/** A reference to another object. Missing parts have defaults that depend on the place. */
const Reference = object({
  group: text,
  kind: text,
  namespace: text,
  name: string,
  port: number,
  sectionName: text,
})
export type Reference = Kept<typeof Reference>

const GatewayClass = object({
  metadata: Meta,
  spec: maybe(object({ controllerName: text })),
  status: maybe(object({ conditions })),
})

const Listener = object({
  name: string,
  hostname: text,
  port: number,
  tls: maybe(object({ certificateRefs: list(Reference) })),
  allowedRoutes: maybe(object({ namespaces: maybe(object({ from: text, selector: maybe(LabelSelector) })) })),
})
export type Listener = Kept<typeof Listener>

const Gateway = object({
  metadata: Meta,
  spec: maybe(object({ gatewayClassName: text, listeners: list(Listener) })),
  status: maybe(
    object({
      conditions,
      addresses: list(object({ value: text })),
      listeners: list(object({ name: text, conditions })),
    }),
  ),
})

const HTTPRoute = object({
  metadata: Meta,
  spec: maybe(
    object({
      parentRefs: list(Reference),
      rules: list(object({ backendRefs: list(Reference) })),
    }),
  ),
  status: maybe(object({ parents: list(object({ parentRef: maybe(Reference), conditions })) })),
})

const ReferenceGrant = object({
  metadata: Meta,
  spec: maybe(
    object({
      from: list(object({ group: text, kind: text, namespace: text })),
      to: list(object({ group: text, kind: text, name: text })),
    }),
  ),
})

const group = '/apis/gateway.networking.k8s.io'
const api = [`${group}/v1`, `${group}/v1beta1`]

export const gatewayKinds = {
  GatewayClass: { api, resource: 'gatewayclasses', namespaced: false, schema: GatewayClass },
  Gateway: { api, resource: 'gateways', namespaced: true, schema: Gateway },
  HTTPRoute: { api, resource: 'httproutes', namespaced: true, schema: HTTPRoute },
  ReferenceGrant: { api, resource: 'referencegrants', namespaced: true, schema: ReferenceGrant },
} satisfies Record<string, Kind>
