import * as z from 'zod'
import type { Kind } from '../kinds.ts'
import { conditions, flag, LabelSelector, list, Meta, maybe, number, strings, text } from './meta.ts'
import { certificatesIn } from './pem.ts'

const Service = z.object({
  metadata: Meta,
  spec: maybe(
    z.object({
      type: text,
      clusterIP: text,
      selector: maybe(strings),
      publishNotReadyAddresses: flag,
      ports: list(
        z.object({ name: text, port: number, protocol: text, targetPort: maybe(z.union([z.number(), z.string()])) }),
      ),
    }),
  ),
})

const EndpointSlice = z.object({
  metadata: Meta,
  endpoints: list(
    z.object({
      conditions: maybe(z.object({ ready: flag, serving: flag, terminating: flag })),
      targetRef: maybe(z.object({ kind: text, name: text })),
    }),
  ),
})

const IngressBackend = z.object({
  service: maybe(z.object({ name: text, port: maybe(z.object({ name: text, number })) })),
})
export type IngressBackend = z.output<typeof IngressBackend>

const Ingress = z.object({
  metadata: Meta,
  spec: maybe(
    z.object({
      ingressClassName: text,
      defaultBackend: maybe(IngressBackend),
      tls: list(z.object({ hosts: list(z.string()), secretName: text })),
      rules: list(
        z.object({
          host: text,
          http: maybe(z.object({ paths: list(z.object({ path: text, backend: maybe(IngressBackend) })) })),
        }),
      ),
    }),
  ),
  status: maybe(z.object({ loadBalancer: maybe(z.object({ ingress: list(z.object({ ip: text, hostname: text })) })) })),
})

const IngressClass = z.object({ metadata: Meta, spec: maybe(z.object({ controller: text })) })

const NetworkPolicy = z.object({ metadata: Meta, spec: maybe(z.object({ podSelector: maybe(LabelSelector) })) })

/** What is in a ConfigMap, without the contents. */
const ConfigMap = z
  .object({ metadata: Meta, data: maybe(strings), binaryData: maybe(strings) })
  .transform(({ metadata, data = {}, binaryData = {} }) => ({
    metadata,
    keys: [...Object.keys(data), ...Object.keys(binaryData)],
    bytes:
      sum(Object.entries(data), ([key, value]) => Buffer.byteLength(key) + Buffer.byteLength(value)) +
      sum(Object.entries(binaryData), ([key, value]) => Buffer.byteLength(key) + base64Bytes(value)),
  }))

/** Of a TLS Secret only what its certificates say; the key does not get past this line. */
const TlsSecret = z
  .object({ metadata: Meta, data: maybe(z.object({ 'tls.crt': text })) })
  .transform(({ metadata, data }) => ({ metadata, certificates: certificatesIn(data?.['tls.crt'] ?? '') }))

/** cert-manager's wish for a certificate. */
const Certificate = z.object({
  metadata: Meta,
  spec: maybe(z.object({ secretName: text, dnsNames: list(z.string()) })),
  status: maybe(z.object({ conditions, notAfter: text, renewalTime: text })),
})

const sum = <Item>(items: Item[], size: (item: Item) => number): number =>
  items.reduce((total, item) => total + size(item), 0)

const base64Bytes = (value: string): number => Math.floor((value.replace(/=+$/, '').length * 3) / 4)

const networking = '/apis/networking.k8s.io/v1'

export const networkKinds = {
  Service: { api: '/api/v1', resource: 'services', namespaced: true, schema: Service },
  EndpointSlice: {
    api: '/apis/discovery.k8s.io/v1',
    resource: 'endpointslices',
    namespaced: true,
    schema: EndpointSlice,
  },
  Ingress: { api: networking, resource: 'ingresses', namespaced: true, schema: Ingress },
  IngressClass: { api: networking, resource: 'ingressclasses', namespaced: false, schema: IngressClass },
  NetworkPolicy: { api: networking, resource: 'networkpolicies', namespaced: true, schema: NetworkPolicy },
  ConfigMap: { api: '/api/v1', resource: 'configmaps', namespaced: true, schema: ConfigMap },
  Secret: {
    api: '/api/v1',
    resource: 'secrets',
    namespaced: true,
    schema: z.object({ metadata: Meta }),
    metadataOnly: true,
  },
  TlsSecret: {
    api: '/api/v1',
    resource: 'secrets',
    namespaced: true,
    schema: TlsSecret,
    fieldSelector: 'type=kubernetes.io/tls',
  },
  Certificate: { api: '/apis/cert-manager.io/v1', resource: 'certificates', namespaced: true, schema: Certificate },
} satisfies Record<string, Kind>
