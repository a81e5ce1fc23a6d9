import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ingress } from '../../../../../src/tools/analyzers/rules/network/ingress.ts'
import { bearsDamage, type Objects } from '../../damage.ts'
import { ago, meta, snapshotOf } from '../../snapshot.ts'

const web = (spec: object = {}, { status = {}, ...more }: { status?: object; [field: string]: unknown } = {}) => ({
  metadata: meta('web', more),
  spec: {
    ingressClassName: 'nginx',
    rules: [rule('shop.example', '/', { name: 'api', port: { number: 80 } })],
    ...spec,
  },
  status,
})

const rule = (host: string, path: string, service: object) => ({
  host,
  http: { paths: [{ path, pathType: 'Prefix', backend: { service } }] },
})

const nginx = { metadata: { name: 'nginx' }, spec: { controller: 'k8s.io/ingress-nginx' } }
const api = { metadata: meta('api'), spec: { ports: [{ name: 'http', port: 80 }] } }
const served = { loadBalancer: { ingress: [{ ip: '10.0.0.9' }] } }

const around: Objects = {
  Ingress: [],
  IngressClass: [nginx],
  Service: [api],
  Secret: [],
  Certificate: [],
  Deployment: [],
  DaemonSet: [],
}

const inspect = (objects: Objects, unread: Parameters<typeof snapshotOf>[1] = []) =>
  ingress.inspect(snapshotOf({ ...around, ...objects }, unread))
const reasons = (...parameters: Parameters<typeof inspect>) => inspect(...parameters).map(({ reason }) => reason)

test('an Ingress whose class, Service and Secret exist is fine', () => {
  const tls = [{ secretName: 'web-tls', hosts: ['shop.example'] }, { hosts: ['other.example'] }]

  assert.deepEqual(reasons({ Ingress: [web({ tls })], Secret: [{ metadata: meta('web-tls') }] }), [])
})

test('a class that does not exist is reported with those that do', () => {
  const [finding, ...others] = inspect({ Ingress: [web({ ingressClassName: 'traefik' })] })

  assert.deepEqual([finding?.reason, finding?.severity, others.length], ['MissingIngressClass', 'warning', 0])
  assert.match(finding!.evidence.map(({ value }) => value).join(), /traefik.*nginx/)
})

test('no class is a fault only where no class is the default and nobody serves it', () => {
  const bare = web({ ingressClassName: undefined })
  const annotations = { 'ingressclass.kubernetes.io/is-default-class': 'true' }

  assert.deepEqual(reasons({ Ingress: [bare] }), ['NoIngressClass'])
  assert.deepEqual(reasons({ Ingress: [bare], IngressClass: [{ metadata: { name: 'nginx', annotations } }] }), [])
  assert.deepEqual(reasons({ Ingress: [{ ...bare, status: served }] }), [])
})

test('a class in the old annotation needs no IngressClass where a controller serves it', () => {
  const annotations = { 'kubernetes.io/ingress.class': 'old' }
  const old = web({ ingressClassName: undefined }, { annotations })

  assert.deepEqual(reasons({ Ingress: [old] }), ['MissingIngressClass'])
  assert.deepEqual(reasons({ Ingress: [{ ...old, status: served }] }), [])
})

test('Google’s own classes need no IngressClass', () => {
  assert.deepEqual(reasons({ Ingress: [web({ ingressClassName: 'gce-internal' })] }), [])
})

test('all Services that do not exist are one finding, the default backend included', () => {
  const rules = [rule('shop.example', '/a', { name: 'gone', port: { number: 80 } })]
  const defaultBackend = { service: { name: 'fallback', port: { number: 80 } } }

  const findings = inspect({ Ingress: [web({ rules, defaultBackend })] })

  assert.deepEqual(
    findings.map(({ reason }) => reason),
    ['MissingService'],
  )
  assert.match(findings[0]!.text, /shop\.example\/a.*gone and fallback/)
})

test('a port that the Service does not have is reported with those it has', () => {
  const rules = [rule('shop.example', '/', { name: 'api', port: { name: 'grpc' } })]

  const [finding] = inspect({ Ingress: [web({ rules })] })

  assert.equal(finding?.reason, 'MissingServicePort')
  assert.ok(finding.evidence.some(({ object, value }) => object.kind === 'Service' && value === 'http'))
})

test('ports are found by name and by number, and not asked of external names', () => {
  const rules = [
    rule('a.example', '/', { name: 'api', port: { name: 'http' } }),
    rule('b.example', '/', { name: 'erp', port: { number: 443 } }),
  ]
  const erp = { metadata: meta('erp'), spec: { type: 'ExternalName', ports: [{ port: 80 }] } }

  assert.deepEqual(reasons({ Ingress: [web({ rules })], Service: [api, erp] }), [])
})

test('a backend that is no Service is left to its controller', () => {
  const rules = [{ http: { paths: [{ path: '/', backend: { resource: { kind: 'Bucket', name: 'static' } } }] } }]

  assert.deepEqual(reasons({ Ingress: [web({ rules })] }), [])
})

test('a TLS Secret that does not exist is reported with its hosts', () => {
  const tls = [{ secretName: 'web-tls', hosts: ['shop.example'] }]

  const [finding] = inspect({ Ingress: [web({ tls })] })

  assert.equal(finding?.reason, 'MissingTlsSecret')
  assert.match(finding.text, /shop\.example.*web-tls/)
})

test('a Secret that cert-manager is about to make is waited for, but not for ever', () => {
  const tls = [{ secretName: 'web-tls', hosts: ['shop.example'] }]
  const wish = (creationTimestamp: string) => ({
    metadata: meta('web', { creationTimestamp }),
    spec: { secretName: 'web-tls' },
    status: { conditions: [{ type: 'Ready', status: 'False', reason: 'DoesNotExist', message: 'order pending' }] },
  })

  const young = inspect({ Ingress: [web({ tls })], Certificate: [wish(ago(5))] })
  const old = inspect({ Ingress: [web({ tls })], Certificate: [wish(ago(40))] })

  assert.deepEqual(young, [])
  assert.ok(old[0]?.evidence.some(({ object, value }) => object.kind === 'Certificate' && /order pending/.test(value)))
})

test('an annotation for cert-manager gives a new Ingress time before there is a Certificate', () => {
  const tls = [{ secretName: 'web-tls', hosts: ['shop.example'] }]
  const annotations = { 'cert-manager.io/cluster-issuer': 'letsencrypt' }

  assert.deepEqual(reasons({ Ingress: [web({ tls }, { annotations, creationTimestamp: ago(5) })] }), [])
  assert.deepEqual(reasons({ Ingress: [web({ tls }, { annotations })] }), ['MissingTlsSecret'])
})

test('what could not be read is not missing', () => {
  const tls = [{ secretName: 'web-tls', hosts: ['shop.example'] }]
  const gap = (kind: 'Secret' | 'Service' | 'IngressClass') => [{ kind, gap: 'forbidden', message: 'no' } as const]

  assert.deepEqual(reasons({ Ingress: [web({ tls })] }, gap('Secret')), [])
  assert.deepEqual(reasons({ Ingress: [web()], Service: [] }, gap('Service')), [])
  assert.deepEqual(reasons({ Ingress: [web()], IngressClass: [] }, gap('IngressClass')), [])
})

test('the same host and path in two Ingresses of a class is a hint at the newer one', () => {
  const newer = { ...web(), metadata: meta('web-2', { namespace: 'blog', creationTimestamp: ago(10) }) }
  const services = [api, { ...api, metadata: meta('api', { namespace: 'blog' }) }]

  const findings = inspect({ Ingress: [web(), newer], Service: services })

  assert.deepEqual(
    findings.map(({ reason, severity, object }) => [reason, severity, object.name]),
    [['DoubleRoute', 'info', 'web-2']],
  )
})

test('canaries and Ingresses of other classes may share an address', () => {
  const annotations = { 'nginx.ingress.kubernetes.io/canary': 'true' }
  const canary = { ...web(), metadata: meta('canary', { annotations }) }
  const inside = { ...web({ ingressClassName: 'inside' }), metadata: meta('inside') }
  const classes = [nginx, { metadata: { name: 'inside' } }]

  assert.deepEqual(reasons({ Ingress: [web(), canary, inside], IngressClass: classes }), [])
})

test('a controller of the class that has no ready pod is the owner of the fault', () => {
  const spec = {
    template: { spec: { containers: [{ name: 'c', image: 'registry.k8s.io/ingress-nginx/controller:v1' }] } },
  }
  const controller = (readyReplicas: number) => ({
    metadata: meta('ingress-nginx', { namespace: 'ingress' }),
    spec,
    status: { readyReplicas },
  })

  const down = inspect({ Ingress: [web()], Deployment: [controller(0)] })
  const up = inspect({ Ingress: [web()], Deployment: [controller(1)] })

  assert.deepEqual(
    down.map(({ reason, owner }) => [reason, owner.name]),
    [['NoIngressController', 'ingress-nginx']],
  )
  assert.deepEqual(up, [])
})

test('nothing is said about a controller that cannot be seen', () => {
  assert.deepEqual(reasons({ Ingress: [web()] }), [])
})

test('it answers whatever is missing or of another shape', () => {
  bearsDamage(ingress, {
    ...around,
    Ingress: [
      web({ tls: [{ secretName: 'x', hosts: ['a'] }], ingressClassName: 'gone' }),
      { ...web(), metadata: meta('b') },
    ],
    Certificate: [{ metadata: meta('c'), spec: { secretName: 'x' } }],
    Deployment: [
      { metadata: meta('d'), spec: { template: { spec: { containers: [{ name: 'c', image: 'traefik' }] } } } },
    ],
  })
})
