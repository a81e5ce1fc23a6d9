import assert from 'node:assert/strict'
import { test } from 'node:test'
import { configMap } from '../../../../../src/tools/analyzers/rules/workloads/config-map.ts'
import { bearsDamage, type Objects } from '../../damage.ts'
import { ago, meta, snapshotOf } from '../../snapshot.ts'

const nothing: Objects = {
  ConfigMap: [],
  Pod: [],
  Deployment: [],
  StatefulSet: [],
  DaemonSet: [],
  Job: [],
  CronJob: [],
}
const inspect = (objects: Objects, unread: Parameters<typeof snapshotOf>[1] = []) =>
  configMap.inspect(snapshotOf({ ...nothing, ...objects }, unread))
const reasons = (...parameters: Parameters<typeof inspect>) => inspect(...parameters).map(({ reason }) => reason)

const settings = ({ data = { color: 'green' }, ...more }: { data?: object; [field: string]: unknown } = {}) => ({
  metadata: meta('settings', { creationTimestamp: ago(2, 'd'), ...more }),
  data,
})
const template = (spec: object) => ({ metadata: {}, spec })
const mounted = { containers: [{ name: 'api' }], volumes: [{ name: 'v', configMap: { name: 'settings' } }] }

test('a ConfigMap that nothing refers to is a hint, without its contents', () => {
  const [finding, ...others] = inspect({ ConfigMap: [settings({ data: { color: 'very-secret-green' } })] })

  assert.deepEqual([finding?.reason, finding?.severity, others.length], ['UnusedConfigMap', 'info', 0])
  assert.doesNotMatch(JSON.stringify(finding), /very-secret-green/)
})

for (const [where, spec] of Object.entries({
  'a volume': mounted,
  'a projected volume': { volumes: [{ name: 'v', projected: { sources: [{ configMap: { name: 'settings' } }] } }] },
  envFrom: { containers: [{ name: 'api', envFrom: [{ configMapRef: { name: 'settings' } }] }] },
  'a variable of an init container': {
    initContainers: [
      { name: 'i', env: [{ name: 'C', valueFrom: { configMapKeyRef: { name: 'settings', key: 'color' } } }] },
    ],
  },
}))
  test(`${where} uses a ConfigMap`, () => {
    assert.deepEqual(reasons({ ConfigMap: [settings()], Pod: [{ metadata: meta('api-0'), spec }] }), [])
  })

test('templates that have no pods now use it as well', () => {
  const asleep = { metadata: meta('api'), spec: { replicas: 0, template: template(mounted) } }
  const nightly = { metadata: meta('nightly'), spec: { jobTemplate: { spec: { template: template(mounted) } } } }

  assert.deepEqual(reasons({ ConfigMap: [settings()], Deployment: [asleep] }), [])
  assert.deepEqual(reasons({ ConfigMap: [settings()], CronJob: [nightly] }), [])
})

test('use in another namespace is not use', () => {
  const elsewhere = { metadata: meta('api-0', { namespace: 'blog' }), spec: mounted }

  assert.deepEqual(reasons({ ConfigMap: [settings()], Pod: [elsewhere] }), ['UnusedConfigMap'])
})

test('ConfigMaps of the cluster, of controllers and of loaders at run time are excused', () => {
  const excused = [
    settings({ name: 'kube-root-ca.crt' }),
    settings({ namespace: 'kube-system' }),
    settings({ ownerReferences: [{ kind: 'Kafka', name: 'events' }] }),
    settings({ deletionTimestamp: ago(1) }),
    settings({ labels: { grafana_dashboard: '1' } }),
    settings({ labels: { 'k8sgpt.ai/dynamically-loaded': 'true' } }),
    settings({ annotations: { 'k8sgpt.ai/skip-usage-check': 'true' } }),
    settings({ data: {}, annotations: { 'control-plane.alpha.kubernetes.io/leader': '{}' } }),
  ]

  for (const one of excused) assert.deepEqual(reasons({ ConfigMap: [one] }), [])
})

test('a ConfigMap of today may still find its user', () => {
  assert.deepEqual(reasons({ ConfigMap: [settings({ creationTimestamp: ago(5, 'h') })] }), [])
})

test('an empty one that is used is a hint', () => {
  const user = { metadata: meta('api-0'), spec: mounted }

  assert.deepEqual(reasons({ ConfigMap: [settings({ data: {} })], Pod: [user] }), ['EmptyConfigMap'])
})

test('one that will soon be too large is a hint, counted in bytes', () => {
  const user = { metadata: meta('api-0'), spec: mounted }
  const large = settings({ data: { a: 'é'.repeat(480 * 1024) } })
  const binary = { ...settings(), binaryData: { a: Buffer.alloc(800 * 1024).toString('base64') } }

  assert.deepEqual(reasons({ ConfigMap: [large], Pod: [user] }), ['LargeConfigMap'])
  assert.deepEqual(reasons({ ConfigMap: [binary], Pod: [user] }), [])
})

test('nothing is called unused when its users could not be read', () => {
  assert.deepEqual(reasons({ ConfigMap: [settings()] }, [{ kind: 'Job', gap: 'forbidden', message: 'no' }]), [])
})

test('it answers whatever is missing or of another shape', () => {
  bearsDamage(configMap, { ...nothing, ConfigMap: [settings()], Pod: [{ metadata: meta('api-0'), spec: mounted }] })
})
