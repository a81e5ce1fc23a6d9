import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clusterDns } from '../../../../../src/tools/analyzers/rules/network/cluster-dns.ts'
import { bearsDamage, type Objects } from '../../damage.ts'
import { meta, snapshotOf } from '../../snapshot.ts'

const nothing: Objects = { Deployment: [], Service: [], EndpointSlice: [] }

const inspect = (objects: Objects, unread: Parameters<typeof snapshotOf>[1] = []) =>
  clusterDns.inspect(snapshotOf({ ...nothing, ...objects }, unread))

const labels = { 'k8s-app': 'kube-dns' }
const coredns = (replicas: number | undefined, name = 'coredns', namespace = 'kube-system') => ({
  metadata: meta(name, { namespace, labels }),
  spec: { replicas },
})
const service = { metadata: meta('kube-dns', { namespace: 'kube-system', labels }), spec: { selector: labels } }
const slice = (endpoints: object[]) => ({
  metadata: meta('kube-dns-1', { namespace: 'kube-system', labels: { 'kubernetes.io/service-name': 'kube-dns' } }),
  endpoints,
})

test('a DNS server scaled to 0 is critical: no name is resolved', () => {
  const [finding] = inspect({ Deployment: [coredns(0)], Service: [service], EndpointSlice: [slice([])] })

  assert.equal(finding?.severity, 'critical')
  assert.match(
    finding.text,
    /Deployment kube-system\/coredns is scaled to 0, and Service kube-dns has no ready endpoint/,
  )
  assert.deepEqual(finding.affects, [{ kind: 'Service', namespace: 'kube-system', name: 'kube-dns' }])
  assert.match(finding.next, /^k8s_scale_deployment name=coredns namespace=kube-system/)
})

test('it is not called critical when the endpoints could not be read', () => {
  const forbidden = { kind: 'EndpointSlice', gap: 'forbidden', message: '' } as const

  const [finding] = inspect({ Deployment: [coredns(0)], Service: [service] }, [forbidden])

  assert.equal(finding?.severity, 'warning')
  assert.equal(finding.confidence, 'medium')
})

test('a DNS server that has replicas, or that another has replaced, is well', () => {
  const answered = slice([{ conditions: { ready: true }, targetRef: { kind: 'Pod', name: 'dns-1' } }])

  assert.deepEqual(inspect({ Deployment: [coredns(2)], Service: [service] }), [])
  assert.deepEqual(inspect({ Deployment: [coredns(undefined)], Service: [service] }), [])
  assert.deepEqual(inspect({ Deployment: [coredns(0)], Service: [service], EndpointSlice: [answered] }), [])
  assert.deepEqual(inspect({ Deployment: [coredns(0), coredns(2, 'coredns-new')], Service: [service] }), [])
})

test('a workload of that name elsewhere is not the cluster’s', () => {
  assert.deepEqual(inspect({ Deployment: [coredns(0, 'coredns', 'lab')] }), [])
})

test('damaged servers never make it throw', () => {
  bearsDamage(clusterDns, { Deployment: [coredns(0)], Service: [service], EndpointSlice: [slice([{}])] })
})
