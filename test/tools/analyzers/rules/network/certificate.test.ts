import assert from 'node:assert/strict'
import { test } from 'node:test'
import { kinds } from '../../../../../src/tools/analyzers/kinds/index.ts'
import { certificate } from '../../../../../src/tools/analyzers/rules/network/certificate.ts'
import { days, expired, lasting, weeks } from '../../certificates.ts'
import { bearsDamage, type Objects } from '../../damage.ts'
import { ago, fitting, meta, now, snapshotOf } from '../../snapshot.ts'

const nothing: Objects = { TlsSecret: [], Ingress: [], Gateway: [], Certificate: [] }
const inspect = (objects: Objects, unread: Parameters<typeof snapshotOf>[1] = []) =>
  certificate.inspect(snapshotOf({ ...nothing, ...objects }, unread))
const facts = (...parameters: Parameters<typeof inspect>) =>
  inspect(...parameters).map(({ reason, severity }) => [reason, severity])

const secret = (certificate: string, more: object = {}) => ({
  metadata: meta('web-tls', more),
  type: 'kubernetes.io/tls',
  data: { 'tls.crt': certificate, 'tls.key': 'a2V5' },
})
const ingress = (...hosts: string[]) => ({ metadata: meta('web'), spec: { tls: [{ secretName: 'web-tls', hosts }] } })
const wish = (status: object, more: object = {}) => ({
  metadata: meta('web', more),
  spec: { secretName: 'web-tls' },
  status,
})
const inDays = (count: number) => new Date(now + count * 86_400_000).toISOString()

test('an expired certificate is critical where an Ingress shows it, else a hint', () => {
  const shown = inspect({ TlsSecret: [secret(expired)], Ingress: [ingress('shop.example')] })

  assert.deepEqual(
    shown.map(({ reason, severity, since }) => [reason, severity, since]),
    [['CertificateExpired', 'critical', '2026-01-31T00:00:00Z']],
  )
  assert.match(shown[0]!.text, /Ingress shop\/web.*2026-01-31/)
  assert.deepEqual(facts({ TlsSecret: [secret(expired)] }), [['CertificateExpired', 'info']])
})

test('one that ends within a month is a hint, within a week a warning', () => {
  assert.deepEqual(facts({ TlsSecret: [secret(weeks)] }), [['CertificateExpiresSoon', 'info']])
  assert.deepEqual(facts({ TlsSecret: [secret(days)] }), [['CertificateExpiresSoon', 'warning']])
  assert.deepEqual(facts({ TlsSecret: [secret(lasting)] }), [])
})

test('a chain ends with its first certificate', () => {
  const chain = Buffer.from([lasting, days].map((one) => Buffer.from(one, 'base64').toString()).join('')).toString(
    'base64',
  )

  assert.deepEqual(facts({ TlsSecret: [secret(chain)] }), [['CertificateExpiresSoon', 'warning']])
})

test('what cert-manager will renew in time is fine', () => {
  const status = { renewalTime: inDays(2), conditions: [{ type: 'Ready', status: 'True' }] }
  const gap = { kind: 'Certificate', gap: 'forbidden', message: 'no' } as const
  const kept = secret(days, { annotations: { 'cert-manager.io/certificate-name': 'web' } })

  assert.deepEqual(facts({ TlsSecret: [secret(days)], Certificate: [wish(status)] }), [])
  assert.deepEqual(facts({ TlsSecret: [kept] }, [gap]), [])
})

test('a renewal that is late is reported', () => {
  const status = { renewalTime: ago(2, 'd'), conditions: [{ type: 'Ready', status: 'True' }] }

  assert.deepEqual(facts({ Certificate: [wish(status)] }), [['CertificateNotRenewed', 'warning']])
})

test('a Certificate that is not ready gets a quarter of an hour', () => {
  const status = (lastTransitionTime: string) => ({
    conditions: [{ type: 'Ready', status: 'False', reason: 'Failed', message: 'order failed', lastTransitionTime }],
  })

  const [late] = inspect({ Certificate: [wish(status(ago(30)))] })

  assert.equal(late?.reason, 'CertificateNotReady')
  assert.match(late.evidence[0]!.value, /order failed/)
  assert.deepEqual(facts({ Certificate: [wish(status(ago(5)))] }), [])
})

test('hosts that the certificate is not for are reported at who shows it', () => {
  const hosts = ['shop.example', 'a.shop.example', 'a.b.shop.example', 'other.example']

  const [finding, ...others] = inspect({ TlsSecret: [secret(lasting)], Ingress: [ingress(...hosts)] })

  assert.deepEqual([finding?.reason, finding?.object.kind, others.length], ['HostNotCovered', 'Ingress', 0])
  assert.equal(finding!.evidence[0]?.value, 'a.b.shop.example and other.example')
})

test('a wildcard host needs the same wildcard', () => {
  assert.deepEqual(facts({ TlsSecret: [secret(lasting)], Ingress: [ingress('*.shop.example')] }), [])
  assert.deepEqual(facts({ TlsSecret: [secret(lasting)], Ingress: [ingress('*.example')] }), [
    ['HostNotCovered', 'warning'],
  ])
})

test('listeners of a Gateway show certificates too, of other namespaces as well', () => {
  const certificateRefs = [{ name: 'web-tls', namespace: 'shop' }]
  const listener = { name: 'https', hostname: 'other.example', tls: { certificateRefs } }
  const gateway = { metadata: meta('edge', { namespace: 'infra' }), spec: { listeners: [listener] } }

  const [finding] = inspect({ TlsSecret: [secret(lasting)], Gateway: [gateway] })

  assert.deepEqual(finding?.object, { kind: 'Gateway', namespace: 'infra', name: 'edge' })
})

test('a Secret without a certificate is a warning only where it is used', () => {
  const text = Buffer.from('no certificate').toString('base64')

  assert.deepEqual(facts({ TlsSecret: [secret(text)] }), [['UnreadableCertificate', 'info']])
  assert.deepEqual(facts({ TlsSecret: [secret('')], Ingress: [ingress()] }), [['UnreadableCertificate', 'warning']])
})

test('only TLS Secrets are asked for, and neither keys nor certificates are kept', () => {
  const kept = fitting('TlsSecret', secret(lasting))

  assert.equal(kinds.TlsSecret.fieldSelector, 'type=kubernetes.io/tls')
  assert.doesNotMatch(JSON.stringify(kept), /a2V5|BEGIN|MII/)
})

test('it answers whatever is missing or of another shape', () => {
  bearsDamage(certificate, {
    ...nothing,
    TlsSecret: [secret(expired), { ...secret(lasting), metadata: meta('other') }],
    Ingress: [ingress('shop.example', 'x.example')],
    Certificate: [wish({ renewalTime: ago(2, 'd'), conditions: [{ type: 'Ready', status: 'False' }] })],
  })
})
