import type { Kind } from './index.ts'
import { conditions, LabelSelector, Meta } from './meta.ts'
import { certificatesIn } from './pem.ts'
import { flag, type Kept, list, made, maybe, number, numberOrText, object, strings, text, texts } from './shape.ts'

const Service = object({
  metadata: Meta,
  spec: maybe(
    object({
      type: text,
      clusterIP: text,
      selector: strings,
      publishNotReadyAddresses: flag,
      ports: list(object({ name: text, port: number, protocol: text, targetPort: numberOrText })),
    }),
  ),
})

const EndpointSlice = object({
  metadata: Meta,
  endpoints: list(
    object({
      conditions: maybe(object({ ready: flag, serving: flag, terminating: flag })),
      targetRef: maybe(object({ kind: text, name: text })),
    }),
  ),
})

const IngressBackend = object({
  service: maybe(object({ name: text, port: maybe(object({ name: text, number })) })),
})
export type IngressBackend = Kept<typeof IngressBackend>

const Ingress = object({
  metadata: Meta,
  spec: maybe(
    object({
      ingressClassName: text,
      defaultBackend: maybe(IngressBackend),
      tls: list(object({ hosts: texts, secretName: text })),
      rules: list(
        object({
          host: text,
          http: maybe(object({ paths: list(object({ path: text, backend: maybe(IngressBackend) })) })),
        }),
      ),
    }),
  ),
  status: maybe(object({ loadBalancer: maybe(object({ ingress: list(object({ ip: text, hostname: text })) })) })),
})

const IngressClass = object({ metadata: Meta, spec: maybe(object({ controller: text })) })

const NetworkPolicy = object({ metadata: Meta, spec: maybe(object({ podSelector: maybe(LabelSelector) })) })

/** What is in a ConfigMap, without the contents. */
const ConfigMap = made(
  object({ metadata: Meta, data: strings, binaryData: strings }),
  ({ metadata, data = {}, binaryData = {} }) => ({
    metadata,
    keys: [...Object.keys(data), ...Object.keys(binaryData)],
    bytes:
      sum(Object.entries(data), ([key, value]) => Buffer.byteLength(key) + Buffer.byteLength(value)) +
      sum(Object.entries(binaryData), ([key, value]) => Buffer.byteLength(key) + base64Bytes(value)),
  }),
)

/** Keeps only what the certificates of a TLS Secret say; the key does not get past this line. */
const TlsSecret = made(object({ metadata: Meta, data: maybe(object({ 'tls.crt': text })) }), ({ metadata, data }) => ({
  metadata,
  certificates: certificatesIn(data?.['tls.crt'] ?? ''),
}))

/** cert-manager's wish for a certificate. */
const Certificate = object({
  metadata: Meta,
  spec: maybe(object({ secretName: text, dnsNames: texts })),
  status: maybe(object({ conditions, notAfter: text, renewalTime: text })),
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
    schema: object({ metadata: Meta }),
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
