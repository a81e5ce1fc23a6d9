import assert from 'node:assert/strict'
import { test } from 'node:test'
import { service } from '../../../../../src/tools/analyzers/rules/network/service.ts'
import { bearsDamage, type Objects } from '../../damage.ts'
import { ago, meta, snapshotOf } from '../../snapshot.ts'

const nothing: Objects = {
  Service: [],
  EndpointSlice: [],
  Pod: [],
  ReplicaSet: [],
  Deployment: [],
  StatefulSet: [],
  DaemonSet: [],
  Job: [],
  CronJob: [],
  Event: [],
}

const inspect = (objects: Objects, unread: Parameters<typeof snapshotOf>[1] = []) =>
  service.inspect(snapshotOf({ ...nothing, ...objects }, unread))

const api = (spec: object = {}, more: object = {}) => ({
  metadata: meta('api', more),
  spec: { selector: { app: 'api' }, ports: [{ name: 'http', port: 80, targetPort: 8080 }], ...spec },
})

const slice = (ready: boolean[], service = 'api') => ({
  metadata: meta(`${service}-x1`, { labels: { 'kubernetes.io/service-name': service } }),
  endpoints: ready.map((one, index) => ({
    conditions: { ready: one, serving: one, terminating: false },
    targetRef: { kind: 'Pod', name: `api-${index}` },
  })),
})

const ownedBy = (name: string) => ({
  ownerReferences: [{ kind: 'ReplicaSet', name: `${name}-1`, controller: true }],
})

interface PodOptions {
  ready?: boolean
  since?: string
  labels?: object
  spec?: object
  status?: object
}

const pod = (name: string, { ready = true, since = ago(30), labels = { app: 'api' }, ...more }: PodOptions = {}) => ({
  metadata: meta(name, { labels, ...ownedBy('api') }),
  spec: { containers: [{ name: 'api', ports: [{ name: 'http', containerPort: 8080 }] }] },
  status: {
    phase: 'Running',
    conditions: [{ type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: since, message: 'not so' }],
  },
  ...more,
})

const deployment = (replicas: number, more: object = {}, labels: object = { app: 'api' }) => ({
  metadata: meta('api', more),
  spec: { replicas, template: { metadata: { labels } } },
})

const replicaSet = {
  metadata: meta('api-1', { ownerReferences: [{ kind: 'Deployment', name: 'api', controller: true }] }),
}

test('a selector that matches nothing is reported with the label that comes close', () => {
  const stray = pod('api-0', { labels: { app: 'backend-api' } })

  const [finding, ...others] = inspect({ Service: [api()], Pod: [stray], EndpointSlice: [slice([])] })

  assert.deepEqual([finding?.reason, finding?.severity, others.length], ['SelectorMatchesNothing', 'warning', 0])
  assert.match(finding!.text, /app=api/)
  assert.ok(finding!.evidence.some(({ path, value }) => path === 'metadata.labels[app]' && value === 'backend-api'))
})

test('pods that share nothing with a selector are not offered as near misses', () => {
  const strangers = [
    pod('mail-0', { labels: { role: 'mail' } }),
    pod('web-0', { labels: { app: 'web', tier: 'front' } }),
  ]
  const picky = api({ selector: { app: 'api', tier: 'back', track: 'stable' } })

  const [finding] = inspect({ Service: [picky], Pod: strangers })

  assert.deepEqual(
    finding?.evidence.map(({ object }) => object.kind),
    ['Service'],
  )
})

test('a Service that was made just now may still be without pods', () => {
  const ports = [{ port: 80, targetPort: 'web' }]
  const young = api({ ports }, { creationTimestamp: ago(30, 's') })

  assert.deepEqual(inspect({ Service: [api({}, { creationTimestamp: ago(1) })] }), [])
  assert.deepEqual(inspect({ Service: [young], Pod: [pod('api-0')], EndpointSlice: [slice([true])] }), [])
})

test('a Service of a controller without pods is only a hint', () => {
  const owned = api({}, { ownerReferences: [{ kind: 'Route', name: 'api', controller: true }] })

  assert.deepEqual(
    inspect({ Service: [owned] }).map(({ severity }) => severity),
    ['info'],
  )
})

test('a workload that is scaled to zero may have a Service', () => {
  assert.deepEqual(inspect({ Service: [api()], Deployment: [deployment(0)] }), [])
})

test('a Service of one pod of a StatefulSet that is scaled to zero is fine', () => {
  const first = api({ selector: { app: 'api', 'statefulset.kubernetes.io/pod-name': 'api-0' } })

  assert.deepEqual(inspect({ Service: [first], StatefulSet: [deployment(0)] }), [])
})

test('cluster DNS must not be scaled to zero', () => {
  const labels = { 'k8s-app': 'kube-dns', 'kubernetes.io/cluster-service': 'true' }
  const dns = { metadata: meta('kube-dns', { namespace: 'kube-system', labels }), spec: api().spec }
  const coredns = deployment(0, { name: 'coredns', namespace: 'kube-system' })

  const [finding] = inspect({ Service: [dns], Deployment: [coredns] })

  assert.deepEqual([finding?.reason, finding?.severity], ['ClusterServiceScaledToZero', 'critical'])
  assert.deepEqual(finding?.owner, { kind: 'Deployment', namespace: 'kube-system', name: 'coredns' })
})

test('pods that are all not ready are the fault of their workload', () => {
  const pods = [pod('api-0', { ready: false }), pod('api-1', { ready: false })]

  const findings = inspect({
    Service: [api()],
    Pod: pods,
    ReplicaSet: [replicaSet],
    Deployment: [deployment(2)],
    EndpointSlice: [slice([false, false])],
  })

  assert.deepEqual(
    findings.map(({ reason, severity, owner }) => [reason, severity, owner.kind]),
    [['NoReadyEndpoints', 'warning', 'Deployment']],
  )
  assert.match(findings[0]!.text, /2 pods match its selector/)
})

test('a Service that has answered before and does no more is critical', () => {
  const conditions = [{ type: 'Available', status: 'False', lastTransitionTime: ago(5) }]

  const findings = inspect({
    Service: [api()],
    Pod: [pod('api-0', { ready: false, since: ago(5) })],
    ReplicaSet: [replicaSet],
    Deployment: [{ ...deployment(1), status: { conditions } }],
    EndpointSlice: [slice([false])],
  })

  assert.deepEqual(
    findings.map(({ severity }) => severity),
    ['critical'],
  )
})

test('pods that became unready a minute ago have time to come back', () => {
  const objects = {
    Service: [api()],
    Pod: [pod('api-0', { ready: false, since: ago(1) })],
    EndpointSlice: [slice([false])],
  }

  assert.deepEqual(inspect(objects), [])
})

test('two Services of one workload that is down are one finding', () => {
  const metrics = { ...api(), metadata: meta('api-metrics') }

  const findings = inspect({
    Service: [api(), metrics],
    Pod: [pod('api-0', { ready: false })],
    ReplicaSet: [replicaSet],
    Deployment: [deployment(1)],
    EndpointSlice: [slice([false]), slice([false], 'api-metrics')],
  })

  assert.equal(findings.length, 1)
  assert.match(findings[0]!.text, /the same holds for Service shop\/api-metrics/)
})

test('a workload that gets no pods leaves its Service without endpoints', () => {
  const findings = inspect({ Service: [api()], Deployment: [deployment(2)] })

  assert.deepEqual(
    findings.map(({ reason, owner }) => [reason, owner.kind]),
    [['NoReadyEndpoints', 'Deployment']],
  )
})

test('pods that have completed or are going away do not count', () => {
  const done = pod('api-0', { status: { phase: 'Succeeded' } })
  const going = pod('api-1')
  Object.assign(going.metadata, { deletionTimestamp: ago(1) })

  const [finding] = inspect({ Service: [api()], Pod: [done, going], EndpointSlice: [slice([])] })

  assert.equal(finding?.reason, 'SelectorMatchesNothing')
})

test('one unready pod among ready ones is a hint once its probes had their time', () => {
  const slow = pod('api-1', { ready: false, since: ago(5) })
  const spec = { containers: [{ name: 'api', readinessProbe: { failureThreshold: 60, periodSeconds: 10 } }] }
  const objects = { Service: [api()], EndpointSlice: [slice([true, false])] }

  const late = inspect({ ...objects, Pod: [pod('api-0'), slow] })
  const starting = inspect({ ...objects, Pod: [pod('api-0'), { ...slow, spec }] })

  assert.deepEqual(
    late.map(({ reason, severity }) => [reason, severity]),
    [['UnreadyEndpoints', 'info']],
  )
  assert.deepEqual(starting, [])
})

test('a pod with addresses of two families counts once, and as ready when one slice says so', () => {
  const six = { ...slice([false]), metadata: { ...slice([false]).metadata, name: 'api-z6' } }

  assert.deepEqual(inspect({ Service: [api()], Pod: [pod('api-0')], EndpointSlice: [slice([true]), six] }), [])
})

test('a named target port that no container has is reported', () => {
  const ports = [{ name: 'http', port: 80, targetPort: 'web' }]

  const findings = inspect({ Service: [api({ ports })], Pod: [pod('api-0')], EndpointSlice: [slice([true])] })

  assert.deepEqual(
    findings.map(({ reason, severity }) => [reason, severity]),
    [['UnknownTargetPort', 'warning']],
  )
  assert.match(findings[0]!.evidence.map(({ value }) => value).join(), /web.*http 8080/)
})

test('a named target port of a native sidecar is found', () => {
  const ports = [{ port: 80, targetPort: 'proxy' }]
  const spec = {
    containers: [{ name: 'api' }],
    initContainers: [{ name: 'proxy', restartPolicy: 'Always', ports: [{ name: 'proxy', containerPort: 1 }] }],
  }

  assert.deepEqual(
    inspect({ Service: [api({ ports })], Pod: [pod('api-0', { spec })], EndpointSlice: [slice([true])] }),
    [],
  )
})

test('a port number that no container declares is a hint, where all containers declare some', () => {
  const ports = [{ port: 80, targetPort: 9999 }]
  const silent = { containers: [{ name: 'api' }] }
  const ask = (one: object) =>
    inspect({ Service: [api({ ports })], Pod: [one], EndpointSlice: [slice([true])] }).map(({ reason, confidence }) => [
      reason,
      confidence,
    ])

  assert.deepEqual(ask(pod('api-0')), [['UndeclaredTargetPort', 'low']])
  assert.deepEqual(ask(pod('api-0', { spec: silent })), [])
})

test('endpoints that are kept by hand are fine, missing ones a hint', () => {
  const manual = api({ selector: undefined })

  const kept = inspect({ Service: [manual], EndpointSlice: [slice([true])] })
  const forgotten = inspect({ Service: [manual] })

  assert.deepEqual(kept, [])
  assert.deepEqual(
    forgotten.map(({ reason, severity }) => [reason, severity]),
    [['NoEndpoints', 'info']],
  )
})

test('external names and leader elections need no endpoints', () => {
  const external = api({ type: 'ExternalName', selector: undefined })
  const election = api({ selector: undefined }, { annotations: { 'control-plane.alpha.kubernetes.io/leader': '{}' } })

  assert.deepEqual(inspect({ Service: [external] }), [])
  assert.deepEqual(inspect({ Service: [election] }), [])
})

test('only warnings about the Service itself are its own, not those of a Deployment of the same name', () => {
  const event = (kind: string) => ({
    metadata: meta(`${kind}.1`),
    type: 'Warning',
    reason: `${kind}Failed`,
    message: 'no address left',
    involvedObject: { kind, namespace: 'shop', name: 'api', uid: kind === 'Service' ? 'uid-api' : 'uid-other' },
  })

  const findings = inspect({
    Service: [api()],
    Pod: [pod('api-0')],
    EndpointSlice: [slice([true])],
    Event: [event('Service'), event('Deployment')],
  })

  assert.deepEqual(
    findings.map(({ reason, severity }) => [reason, severity]),
    [['ServiceFailed', 'info']],
  )
})

test('nothing is concluded from pods or slices that could not be read', () => {
  const gap = (kind: 'Pod' | 'EndpointSlice' | 'Deployment') => [{ kind, gap: 'forbidden', message: 'no' } as const]

  assert.deepEqual(inspect({ Service: [api()] }, gap('Pod')), [])
  assert.deepEqual(inspect({ Service: [api()] }, gap('Deployment')), [])
  assert.deepEqual(inspect({ Service: [api({ selector: undefined })] }, gap('EndpointSlice')), [])
  assert.deepEqual(inspect({ Service: [api()], Pod: [pod('api-0')] }, gap('EndpointSlice')), [])
})

test('it answers whatever is missing or of another shape', () => {
  bearsDamage(service, {
    ...nothing,
    Service: [api(), api({ selector: undefined }, { name: 'manual' })],
    Pod: [pod('api-0', { ready: false }), pod('api-1')],
    ReplicaSet: [replicaSet],
    Deployment: [deployment(2)],
    EndpointSlice: [slice([true, false])],
    Event: [
      {
        metadata: meta('e'),
        type: 'Warning',
        reason: 'SyncLoadBalancerFailed',
        firstTimestamp: ago(3),
        involvedObject: { kind: 'Service', uid: 'uid-api', name: 'api' },
      },
    ],
  })
})
