import assert from 'node:assert/strict'
import { test } from 'node:test'
import { podMonitor } from '../../../../../src/tools/analyzers/rules/extensions/pod-monitor.ts'
import { prometheusRule } from '../../../../../src/tools/analyzers/rules/extensions/prometheus-rule.ts'
import { serviceMonitor } from '../../../../../src/tools/analyzers/rules/extensions/service-monitor.ts'
import { bearsDamage, type Objects } from '../../damage.ts'
import { ago, meta, snapshotOf } from '../../snapshot.ts'
import { pod } from '../../workloads.ts'

const monitor = (spec: object = {}, metadata: object = {}) => ({
  metadata: meta('api', metadata),
  spec: { selector: { matchLabels: { app: 'api' } }, endpoints: [{ port: 'metrics' }], ...spec },
})

const service = (name: string, ports: string[], more: object = {}) => ({
  metadata: meta(name, { labels: { app: 'api' }, ...more }),
  spec: { ports: ports.map((port) => ({ name: port, port: 80 })) },
})

const inspect = (objects: Objects, unread: Parameters<typeof snapshotOf>[1] = []) =>
  serviceMonitor.inspect(
    snapshotOf({ Service: [], Namespace: [], Prometheus: [], PrometheusAgent: [], ...objects }, unread),
  )

test('a monitor that selects a Service with its port is well', () => {
  assert.deepEqual(inspect({ ServiceMonitor: [monitor()], Service: [service('api', ['http', 'metrics'])] }), [])
})

test('a monitor that selects no Service is a hint', () => {
  const elsewhere = service('api', ['metrics'], { namespace: 'bank' })

  const [finding] = inspect({ ServiceMonitor: [monitor()], Service: [elsewhere] })

  assert.equal(finding?.severity, 'info')
  assert.equal(finding.text, 'ServiceMonitor shop/api selects no Service.')
})

test('a monitor looks into the namespaces that it names', () => {
  const elsewhere = service('api', ['metrics'], { namespace: 'bank' })
  const selectors = [{ matchNames: ['bank'] }, { any: true }]

  for (const namespaceSelector of selectors)
    assert.deepEqual(inspect({ ServiceMonitor: [monitor({ namespaceSelector })], Service: [elsewhere] }), [])
})

test('a port that no selected Service has is a fault', () => {
  const [finding] = inspect({ ServiceMonitor: [monitor()], Service: [service('api', ['http'])] })

  assert.equal(finding?.severity, 'warning')
  assert.equal(finding.text, 'ServiceMonitor shop/api asks for the port metrics, which Service shop/api does not have.')
  assert.ok(finding.evidence.some(({ path, value }) => path === 'ports' && value === 'http'))
})

test('nothing is said about Services that could not be read, or of a new monitor', () => {
  const forbidden = { kind: 'Service', namespace: 'shop', gap: 'forbidden', message: '' } as const

  assert.deepEqual(inspect({ ServiceMonitor: [monitor()] }, [forbidden]), [])
  assert.deepEqual(inspect({ ServiceMonitor: [monitor({}, { creationTimestamp: ago(9) })] }), [])
})

const prometheus = (spec: object) => ({ metadata: meta('main', { namespace: 'monitoring' }), spec })
const served = { Service: [service('api', ['metrics'])] }

test('a monitor without the labels that Prometheus asks for is not taken up', () => {
  const asking = prometheus({
    serviceMonitorSelector: { matchLabels: { release: 'stack' } },
    serviceMonitorNamespaceSelector: {},
  })
  const labelled = monitor({}, { labels: { release: 'stack' } })

  const [finding] = inspect({ ServiceMonitor: [monitor()], Prometheus: [asking], ...served })

  assert.equal(finding?.reason, 'NotSelected')
  assert.match(finding.text, /taken up by none of monitoring\/main: no serviceMonitorSelector there matches/)
  assert.ok(finding.evidence.some(({ value }) => value === '{"release":"stack"}'))
  assert.deepEqual(inspect({ ServiceMonitor: [labelled], Prometheus: [asking], ...served }), [])
})

test('Prometheus takes up its own namespace, all, or those with labels', () => {
  const shop = { metadata: { name: 'shop', labels: { team: 'a' } } }
  const reasons = (spec: object) =>
    inspect({
      ServiceMonitor: [monitor()],
      Namespace: [shop],
      Prometheus: [prometheus({ serviceMonitorSelector: {}, ...spec })],
      ...served,
    }).map(({ reason }) => reason)

  assert.deepEqual(reasons({}), ['NotSelected'])
  assert.deepEqual(reasons({ serviceMonitorNamespaceSelector: {} }), [])
  assert.deepEqual(reasons({ serviceMonitorNamespaceSelector: { matchLabels: { team: 'a' } } }), [])
  assert.deepEqual(reasons({ serviceMonitorNamespaceSelector: { matchLabels: { team: 'b' } } }), ['NotSelected'])
})

test('where another server may take a monitor up, nothing is said', () => {
  const selectsNone = prometheus({})
  const agent = prometheus({ serviceMonitorSelector: {}, serviceMonitorNamespaceSelector: {} })
  const unreadAgent = { kind: 'PrometheusAgent', gap: 'forbidden', message: '' } as const
  const objects = { ServiceMonitor: [monitor()], Prometheus: [selectsNone], ...served }

  assert.equal(inspect(objects).length, 1)
  assert.deepEqual(inspect({ ...objects, Prometheus: [] }), [])
  assert.deepEqual(inspect({ ...objects, PrometheusAgent: [agent] }), [])
  assert.deepEqual(inspect(objects, [unreadAgent]), [])
})

const podMonitors = (objects: Objects) => podMonitor.inspect(snapshotOf({ Pod: [], Prometheus: [], ...objects }))
const podsToScrape = {
  ...monitor(),
  spec: { selector: { matchLabels: { app: 'api' } }, podMetricsEndpoints: [{ port: 'metrics' }] },
}

test('pod monitors look at pods and the ports of their containers', () => {
  const named = (name: string) =>
    pod({ spec: { containers: [{ name: 'app', ports: [{ name, containerPort: 9000 }] }] } })

  assert.deepEqual(podMonitors({ PodMonitor: [podsToScrape], Pod: [named('metrics')] }), [])
  assert.match(
    podMonitors({ PodMonitor: [podsToScrape], Pod: [named('http')] })[0]?.text ?? '',
    /the port metrics, which ReplicaSet api-1 does not have/,
  )
  assert.equal(podMonitors({ PodMonitor: [podsToScrape] })[0]?.text, 'PodMonitor shop/api selects no Pod.')
})

const rules = (...list: object[]) => ({ metadata: meta('alerts'), spec: { groups: [{ name: 'api', rules: list }] } })
const faultsOf = (...list: object[]) =>
  prometheusRule.inspect(snapshotOf({ PrometheusRule: [rules(...list)] })).map(({ text }) => text)

test('rules that Prometheus can read are well', () => {
  const list = [
    { alert: 'Down', expr: 'up{job="api",path=~"/(a|b)\\\\d+"} == 0 # (down' },
    { record: 'job:requests:rate5m', expr: 'sum by (job) (rate(requests_total[5m]))' },
    { alert: 'Quoted', expr: 'up{a="x\\"(y", b=`\\`}' },
    { alert: 'Always', expr: 1 },
  ]

  assert.deepEqual(faultsOf(...list), [])
})

test('rules that Prometheus cannot read are named with what is wrong', () => {
  const cases: [object, RegExp][] = [
    [{ alert: 'A', expr: 'sum(rate(x[5m])' }, /A lacks a \)/],
    [{ alert: 'A', expr: 'rate(x[5m}])' }, /A has a \} that closes nothing/],
    [{ alert: 'A', expr: 'up{job="api} == 0' }, /A has a quote that is not closed/],
    [{ alert: 'A', expr: 'up ==' }, /A ends with =/],
    [{ alert: 'A' }, /A has no expression/],
    [{ alert: 'A', record: 'b', expr: 'up' }, /both alert and record/],
    [{ expr: 'up' }, /number 1 of group api has neither alert nor record/],
    [{ record: 'job-rate', expr: 'up' }, /job-rate is no name of a metric/],
  ]

  for (const [rule, expected] of cases) assert.match(faultsOf(rule)[0] ?? '', expected)
})

test('a group that is there twice makes the file unreadable', () => {
  const twice = { metadata: meta('alerts'), spec: { groups: [{ name: 'api' }, { name: 'api' }] } }

  assert.match(
    prometheusRule.inspect(snapshotOf({ PrometheusRule: [twice] }))[0]?.text ?? '',
    /group api is there twice/,
  )
})

test('rules that no Prometheus and no ruler selects are not taken up', () => {
  const servers = { Prometheus: [prometheus({ ruleSelector: {} })], ThanosRuler: [] as object[], Namespace: [] }
  const ruler = prometheus({ ruleSelector: {}, ruleNamespaceSelector: {} })
  const reasons = (objects: Objects) =>
    prometheusRule.inspect(snapshotOf({ PrometheusRule: [rules()], ...objects })).map(({ reason }) => reason)

  assert.deepEqual(reasons(servers), ['NotSelected'])
  assert.deepEqual(reasons({ ...servers, ThanosRuler: [ruler] }), [])
})

test('damaged monitors and rules never make them throw', () => {
  const selecting = {
    Prometheus: [
      prometheus({ serviceMonitorSelector: { matchLabels: { a: 'b' } }, ruleSelector: {}, podMonitorSelector: {} }),
    ],
    Namespace: [{ metadata: { name: 'shop' } }],
  }
  bearsDamage(serviceMonitor, { ServiceMonitor: [monitor()], Service: [service('api', ['http'])], ...selecting })
  bearsDamage(podMonitor, { PodMonitor: [podsToScrape], Pod: [pod()], ...selecting })
  bearsDamage(prometheusRule, { PrometheusRule: [rules({ alert: 'A', expr: '(' }, { expr: 'x' })], ...selecting })
})
