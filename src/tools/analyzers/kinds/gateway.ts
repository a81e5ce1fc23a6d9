import * as z from 'zod'
import type { Kind } from '../kinds.ts'
import { conditions, LabelSelector, list, Meta, maybe, number, text } from './meta.ts'

/** A reference to another object. Missing parts have defaults that depend on the place. */
const Reference = z.object({
  group: text,
  kind: text,
  namespace: text,
  name: z.string(),
  port: number,
  sectionName: text,
})
export type Reference = z.output<typeof Reference>

const GatewayClass = z.object({
  metadata: Meta,
  spec: maybe(z.object({ controllerName: text })),
  status: maybe(z.object({ conditions })),
})

const Listener = z.object({
  name: z.string(),
  hostname: text,
  port: number,
  tls: maybe(z.object({ certificateRefs: list(Reference) })),
  allowedRoutes: maybe(z.object({ namespaces: maybe(z.object({ from: text, selector: maybe(LabelSelector) })) })),
})
export type Listener = z.output<typeof Listener>

const Gateway = z.object({
  metadata: Meta,
  spec: maybe(z.object({ gatewayClassName: text, listeners: list(Listener) })),
  status: maybe(
    z.object({
      conditions,
      addresses: list(z.object({ value: text })),
      listeners: list(z.object({ name: text, conditions })),
    }),
  ),
})

const HTTPRoute = z.object({
  metadata: Meta,
  spec: maybe(
    z.object({
      parentRefs: list(Reference),
      rules: list(z.object({ backendRefs: list(Reference) })),
    }),
  ),
  status: maybe(z.object({ parents: list(z.object({ parentRef: maybe(Reference), conditions })) })),
})

const ReferenceGrant = z.object({
  metadata: Meta,
  spec: maybe(
    z.object({
      from: list(z.object({ group: text, kind: text, namespace: text })),
      to: list(z.object({ group: text, kind: text, name: text })),
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
