import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  mutatingWebhookConfiguration,
  validatingWebhookConfiguration,
} from '../../../../../src/tools/analyzers/rules/policy/webhook.ts'
import { expired, lasting, weeks } from '../../certificates.ts'
import { bearsDamage, type Objects } from '../../damage.ts'
import { ago, meta, snapshotOf } from '../../snapshot.ts'

const nothing: Objects = {
  ValidatingWebhookConfiguration: [],
  MutatingWebhookConfiguration: [],
  Service: [],
  EndpointSlice: [],
  Namespace: [],
  Pod: [],
  ReplicaSet: [],
  Deployment: [],
  StatefulSet: [],
  DaemonSet: [],
  Job: [],
  Event: [],
}

const inspect = (objects: Objects, unread: Parameters<typeof snapshotOf>[1] = []) =>
  mutatingWebhookConfiguration.inspect(snapshotOf({ ...nothing, ...objects }, unread))

const webhook = (more: object = {}, clientConfig: object = {}) => ({
  name: 'inject.mesh.example',
  failurePolicy: 'Fail',
  rules: [{ apiGroups: ['x.example'], resources: ['things'], operations: ['CREATE'] }],
  clientConfig: { service: { namespace: 'mesh', name: 'injector' }, caBundle: lasting, ...clientConfig },
  ...more,
})
const configuration = (...webhooks: object[]) => ({ metadata: meta('injector', { namespace: undefined }), webhooks })

const injector = {
  metadata: meta('injector', { namespace: 'mesh' }),
  spec: { selector: { app: 'injector' }, ports: [{ port: 443 }] },
}
const slice = (ready: boolean) => ({
  metadata: meta('injector-1', { namespace: 'mesh', labels: { 'kubernetes.io/service-name': 'injector' } }),
  endpoints: [{ conditions: { ready }, targetRef: { kind: 'Pod', name: 'injector-0' } }],
})
const working: Objects = { Service: [injector], EndpointSlice: [slice(true)] }

const frontend = {
  ReplicaSet: [
    {
      metadata: meta('frontend-1', { ownerReferences: [{ kind: 'Deployment', name: 'frontend', controller: true }] }),
      spec: { replicas: 2 },
      status: {
        conditions: [
          {
            type: 'ReplicaFailure',
            status: 'True',
            message: 'failed calling webhook "inject.mesh.example": service "injector" not found',
          },
        ],
      },
    },
  ],
  Deployment: [{ metadata: meta('frontend') }],
}

test('a webhook whose Service answers is fine', () => {
  assert.deepEqual(inspect({ MutatingWebhookConfiguration: [configuration(webhook())], ...working }), [])
})

test('a Service that does not exist is critical when the webhook fails closed', () => {
  const ask = (failurePolicy: string | undefined) =>
    inspect({ MutatingWebhookConfiguration: [configuration(webhook({ failurePolicy }))] }).map(
      ({ reason, severity }) => [reason, severity],
    )

  assert.deepEqual(ask('Fail'), [['MissingService', 'critical']])
  assert.deepEqual(ask(undefined), [['MissingService', 'critical']])
  assert.deepEqual(ask('Ignore'), [['MissingService', 'warning']])
})

test('workloads that it keeps from getting pods are its consequence', () => {
  const [finding] = inspect({ MutatingWebhookConfiguration: [configuration(webhook())], ...frontend })

  assert.ok(finding?.affects?.some(({ kind, name }) => kind === 'Deployment' && name === 'frontend'))
  assert.ok(finding!.evidence.some(({ value }) => value.includes('not found')))
})

test('workloads that another webhook refuses are not its consequence', () => {
  const other = webhook({ name: 'other.mesh.example' })

  const [finding] = inspect({ MutatingWebhookConfiguration: [configuration(other)], ...frontend })

  assert.equal(finding?.reason, 'MissingService')
  assert.equal(finding.affects, undefined)
})

test('all webhooks of a configuration with the same trouble are one finding', () => {
  const ignored = webhook({ name: 'ignored.mesh.example', failurePolicy: 'Ignore' })

  const findings = inspect({ MutatingWebhookConfiguration: [configuration(ignored, webhook())] })

  assert.deepEqual(
    findings.map(({ severity }) => severity),
    ['critical'],
  )
  assert.match(findings[0]!.text, /inject\.mesh\.example and ignored\.mesh\.example/)
})

test('a Service without the port is reported with those it has', () => {
  const wrong = webhook({}, { service: { namespace: 'mesh', name: 'injector', port: 9443 } })

  const [finding] = inspect({ MutatingWebhookConfiguration: [configuration(wrong)], ...working })

  assert.equal(finding?.reason, 'MissingServicePort')
  assert.ok(finding.evidence.some(({ path, value }) => path === 'spec.ports' && value === '443'))
})

test('a Service without ready endpoints is the fault of the workload behind it', () => {
  const pod = (since: string) => ({
    metadata: meta('injector-0', {
      namespace: 'mesh',
      labels: { app: 'injector' },
      ownerReferences: [{ kind: 'DaemonSet', name: 'injector', controller: true }],
    }),
    status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'False', lastTransitionTime: since }] },
  })
  const ask = (since: string) =>
    inspect({
      MutatingWebhookConfiguration: [configuration(webhook())],
      Service: [injector],
      EndpointSlice: [slice(false)],
      Pod: [pod(since)],
    })

  assert.deepEqual(
    ask(ago(5)).map(({ reason, severity, owner }) => [reason, severity, owner.kind]),
    [['MutatingWebhookUnavailable', 'critical', 'DaemonSet']],
  )
  assert.deepEqual(ask(ago(1)), [])
})

test('one pod that is not ready does not matter while another is', () => {
  const both = { ...slice(true), endpoints: [...slice(false).endpoints, { conditions: { ready: true } }] }

  assert.deepEqual(
    inspect({ MutatingWebhookConfiguration: [configuration(webhook())], Service: [injector], EndpointSlice: [both] }),
    [],
  )
})

test('webhooks without rules are never called, and those with a url need no Service', () => {
  const idle = webhook({ rules: [] })
  const outside = webhook({}, { service: undefined, url: 'https://hooks.example' })

  assert.deepEqual(inspect({ MutatingWebhookConfiguration: [configuration(idle, outside)] }), [])
})

test('a CA bundle that is over, soon over, empty or no certificate is reported', () => {
  const ask = (caBundle: string) =>
    inspect({ MutatingWebhookConfiguration: [configuration(webhook({}, { caBundle }))], ...working }).map(
      ({ reason, severity }) => [reason, severity],
    )

  assert.deepEqual(ask(expired), [['CaBundleExpired', 'critical']])
  assert.deepEqual(ask(weeks), [['CaBundleExpiresSoon', 'info']])
  assert.deepEqual(ask(''), [['EmptyCaBundle', 'warning']])
  assert.deepEqual(ask(Buffer.from('Cg==').toString('base64')), [['UnreadableCaBundle', 'critical']])
})

test('an old root beside a new one in a bundle does no harm', () => {
  const both = Buffer.from([expired, lasting].map((one) => Buffer.from(one, 'base64').toString()).join('\n')).toString(
    'base64',
  )

  assert.deepEqual(
    inspect({ MutatingWebhookConfiguration: [configuration(webhook({}, { caBundle: both }))], ...working }),
    [],
  )
})

test('a long timeout is a hint where core resources wait for it', () => {
  const pods = [{ apiGroups: [''], resources: ['configmaps'], operations: ['UPDATE'] }]
  const ask = (more: object) =>
    inspect({ MutatingWebhookConfiguration: [configuration(webhook(more))], ...working }).map(({ reason }) => reason)

  assert.deepEqual(ask({ rules: pods, timeoutSeconds: 30 }), ['LongWebhookTimeout'])
  assert.deepEqual(ask({ rules: pods, timeoutSeconds: 5 }), [])
  assert.deepEqual(ask({ timeoutSeconds: 30 }), [])
  assert.deepEqual(ask({ rules: pods, timeoutSeconds: 30, failurePolicy: 'Ignore' }), [])
})

test('a webhook that its own pods need is a hint, unless its selectors spare them', () => {
  const rules = [{ apiGroups: [''], resources: ['pods'], operations: ['CREATE'] }]
  const Namespace = ['mesh', 'kube-system'].map((name) => ({ metadata: meta(name, { namespace: undefined }) }))
  const spared = {
    matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: ['mesh', 'kube-system'] }],
  }
  const ask = (more: object) =>
    inspect({ MutatingWebhookConfiguration: [configuration(webhook({ rules, ...more }))], Namespace, ...working }).map(
      ({ reason, severity }) => [reason, severity],
    )

  assert.deepEqual(ask({}), [['WebhookMatchesItsOwnNamespace', 'info']])
  assert.deepEqual(ask({ namespaceSelector: spared }), [])
  assert.deepEqual(ask({ objectSelector: { matchLabels: { inject: 'yes' } } }), [])
  assert.deepEqual(ask({ matchConditions: [{ name: 'not-ours' }] }), [])
})

test('validating configurations are looked at the same way, under their own name', () => {
  const objects = { ...nothing, ValidatingWebhookConfiguration: [configuration(webhook())] }

  const findings = validatingWebhookConfiguration.inspect(snapshotOf(objects))

  assert.deepEqual(
    findings.map(({ object }) => object.kind),
    ['ValidatingWebhookConfiguration'],
  )
})

test('what could not be read is neither missing nor without endpoints', () => {
  const objects = { MutatingWebhookConfiguration: [configuration(webhook())] }

  assert.deepEqual(inspect(objects, [{ kind: 'Service', gap: 'forbidden', message: 'no' }]), [])
  assert.deepEqual(
    inspect({ ...objects, Service: [injector] }, [{ kind: 'EndpointSlice', gap: 'forbidden', message: 'no' }]),
    [],
  )
})

test('it answers whatever is missing or of another shape', () => {
  const rules = [{ apiGroups: [''], resources: ['pods'], operations: ['CREATE'] }]
  bearsDamage(mutatingWebhookConfiguration, {
    ...nothing,
    ...frontend,
    MutatingWebhookConfiguration: [configuration(webhook({ rules }), webhook({}, { caBundle: expired }))],
    Namespace: [{ metadata: meta('mesh') }],
  })
  bearsDamage(mutatingWebhookConfiguration, {
    ...nothing,
    Service: [injector],
    MutatingWebhookConfiguration: [configuration(webhook({ rules }, { caBundle: expired }))],
    EndpointSlice: [slice(false)],
  })
})
