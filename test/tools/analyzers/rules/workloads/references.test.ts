import assert from 'node:assert/strict'
import { test } from 'node:test'
import { foldConsequences } from '../../../../../src/tools/analyzers/fold.ts'
import { pod as podAnalyzer } from '../../../../../src/tools/analyzers/rules/workloads/pod.ts'
import { references as analyzer } from '../../../../../src/tools/analyzers/rules/workloads/references.ts'
import { bearsDamage } from '../../damage.ts'
import { ago, meta, snapshotOf } from '../../snapshot.ts'
import { condition, deployment, event, pod, podWith, replicaSet, template } from '../../workloads.ts'

type Objects = Parameters<typeof snapshotOf>[0]

const nothing: Objects = {
  Secret: [],
  ConfigMap: [],
  ServiceAccount: [],
  PersistentVolumeClaim: [],
  PriorityClass: [],
  RuntimeClass: [],
  Pod: [],
  Event: [],
  Deployment: [],
  ReplicaSet: [replicaSet()],
  StatefulSet: [],
  DaemonSet: [],
  Job: [],
  CronJob: [],
}

const inspect = (objects: Objects) => analyzer.inspect(snapshotOf({ ...nothing, ...objects }))

/** A Deployment without pods, of which the pods would have this spec. */
const asking = (spec: object) => deployment({ spec: { template: template(spec) }, status: { availableReplicas: 0 } })

const fromSecret = (name: string, more: object = {}) => ({
  containers: [
    { name: 'app', env: [{ name: 'PASSWORD', valueFrom: { secretKeyRef: { name, key: 'password', ...more } } }] },
  ],
})

const waitingFor = (name: string) =>
  podWith({ state: { waiting: { reason: 'CreateContainerConfigError', message: `secret "${name}" not found` } } })

test('every way to name something is looked at', () => {
  const spec = {
    serviceAccountName: 'robot',
    priorityClassName: 'urgent',
    runtimeClassName: 'gvisor',
    imagePullSecrets: [{ name: 'registry' }],
    initContainers: [{ name: 'migrate', envFrom: [{ configMapRef: { name: 'settings' } }] }],
    containers: [{ name: 'app', envFrom: [{ secretRef: { name: 'token' } }] }],
    volumes: [
      { name: 'data', persistentVolumeClaim: { claimName: 'data' } },
      { name: 'all', projected: { sources: [{ configMap: { name: 'themes' } }, { secret: { name: 'keys' } }] } },
      { name: 'tls', secret: { secretName: 'tls' } },
    ],
  }

  const findings = inspect({ Deployment: [asking(spec)] })

  assert.deepEqual(
    findings.map(({ reason, text }) => [reason, text.match(/names (.*), which/)?.[1]]),
    [
      ['MissingServiceAccount', 'ServiceAccount robot'],
      ['MissingPriorityClass', 'PriorityClass urgent'],
      ['MissingRuntimeClass', 'RuntimeClass gvisor'],
      ['MissingImagePullSecret', 'Secret registry'],
      ['MissingConfigMap', 'ConfigMaps settings and themes'],
      ['MissingSecret', 'Secrets token, keys and tls'],
      ['MissingPersistentVolumeClaim', 'PersistentVolumeClaim data'],
    ],
  )
})

test('a template without pods is a hint, pods that wait make it a warning', () => {
  const missing = { Deployment: [asking(fromSecret('db'))] }

  assert.equal(inspect(missing)[0]?.severity, 'info')
  assert.equal(inspect({ ...missing, Pod: [waitingFor('db')] })[0]?.severity, 'warning')
  assert.match(
    inspect({ ...missing, Pod: [waitingFor('db')] })[0]!.text,
    /Secret db, which does not exist; 1 pod waits for it\.$/,
  )
})

test('it shows the field, what the pod says, and names that may have been meant', () => {
  const [finding] = inspect({
    Deployment: [asking(fromSecret('billing-db'))],
    Pod: [waitingFor('billing-db')],
    Secret: [{ metadata: meta('billing-db-credentials') }, { metadata: meta('other') }],
  })

  assert.deepEqual(
    finding?.evidence.map(({ path, value }) => `${path} = ${value}`),
    [
      'spec.template.spec.containers[app].env[PASSWORD] = Secret/billing-db key password',
      'status.containerStatuses[app].state.waiting = CreateContainerConfigError: secret "billing-db" not found',
      'Secrets with a similar name = billing-db-credentials',
    ],
  )
})

test('the pods that wait are its consequence', () => {
  const snapshot = snapshotOf({ ...nothing, Deployment: [asking(fromSecret('db'))], Pod: [waitingFor('db')] })

  const findings = foldConsequences([...podAnalyzer.inspect(snapshot), ...analyzer.inspect(snapshot)])

  assert.deepEqual(
    findings.map(({ reason }) => reason),
    ['MissingSecret'],
  )
})

test('two missing things of one workload are both told', () => {
  const spec = {
    containers: [
      { name: 'app', envFrom: [{ secretRef: { name: 'token' } }] },
      { name: 'shipper', envFrom: [{ configMapRef: { name: 'settings' } }] },
    ],
  }
  const waiting = podWith(
    {},
    {
      status: {
        containerStatuses: [
          {
            name: 'app',
            state: { waiting: { reason: 'CreateContainerConfigError', message: 'secret "token" not found' } },
          },
          {
            name: 'shipper',
            state: { waiting: { reason: 'CreateContainerConfigError', message: 'configmap "settings" not found' } },
          },
        ],
      },
    },
  )

  const findings = foldConsequences(inspect({ Deployment: [asking(spec)], Pod: [waiting] }))

  assert.deepEqual(findings.map(({ reason }) => reason).sort(), ['MissingConfigMap', 'MissingSecret'])
})

test('a pod that waits for another name does not wait for this one', () => {
  assert.equal(inspect({ Deployment: [asking(fromSecret('db'))], Pod: [waitingFor('db-tls')] })[0]?.severity, 'info')
})

test('a refusal that names it makes it a warning', () => {
  const refused = replicaSet({
    status: {
      replicas: 0,
      conditions: [
        condition('ReplicaFailure', 'True', {
          reason: 'FailedCreate',
          message: 'error looking up service account shop/robot: serviceaccount "robot" not found',
        }),
      ],
    },
  })

  const [finding] = inspect({ Deployment: [asking({ serviceAccountName: 'robot' })], ReplicaSet: [refused] })

  assert.equal(finding?.severity, 'warning')
  assert.ok(finding.affects?.some(({ kind, name }) => kind === 'ReplicaSet' && name === 'api-1'))
})

test('a pull secret that nobody misses is a hint, since images may be public', () => {
  const spec = { imagePullSecrets: [{ name: 'registry' }] }
  const pulling = podWith({ state: { waiting: { reason: 'ImagePullBackOff', message: '401 Unauthorized' } } })
  const remark = event(
    'Pod',
    'api-1-a',
    'FailedToRetrieveImagePullSecret',
    'Unable to retrieve some image pull secrets (registry)',
  )

  assert.equal(inspect({ Deployment: [asking(spec)], Pod: [pod()], Event: [remark] })[0]?.severity, 'info')
  assert.equal(inspect({ Deployment: [asking(spec)], Pod: [pulling], Event: [remark] })[0]?.severity, 'warning')
})

test('a key that a ConfigMap lacks is told', () => {
  const spec = {
    volumes: [{ name: 'v', configMap: { name: 'settings', items: [{ key: 'a.yaml' }, { key: 'b.yaml' }] } }],
  }

  const [finding] = inspect({
    Deployment: [asking(spec)],
    ConfigMap: [{ metadata: meta('settings'), data: { 'a.yaml': '' } }],
  })

  assert.equal(finding?.reason, 'MissingConfigMapKey')
  assert.match(finding.text, /b\.yaml of settings/)
})

test('what is optional, given by the cluster, or there, is not missing', () => {
  const quiet = [
    fromSecret('db', { optional: true }),
    { serviceAccountName: 'default' },
    { volumes: [{ name: 'ca', projected: { sources: [{ configMap: { name: 'kube-root-ca.crt' } }] } }] },
    { volumes: [{ name: 'scratch', emptyDir: {} }] },
  ]

  for (const spec of quiet) assert.deepEqual(inspect({ Deployment: [asking(spec)] }), [])
  assert.deepEqual(inspect({ Deployment: [asking(fromSecret('db'))], Secret: [{ metadata: meta('db') }] }), [])
})

test('a Secret of another namespace does not help', () => {
  assert.equal(
    inspect({ Deployment: [asking(fromSecret('db'))], Secret: [{ metadata: meta('db', { namespace: 'other' }) }] })
      .length,
    1,
  )
})

test('Secrets that could not be read are not missing', () => {
  const { Secret: _, ...readable } = nothing
  const snapshot = snapshotOf({ ...readable, Deployment: [asking(fromSecret('db'))] }, [
    { kind: 'Secret', namespace: 'shop', gap: 'forbidden', message: 'no' },
  ])

  assert.deepEqual(analyzer.inspect(snapshot), [])
})

test('templates of CronJobs are looked at, those of finished Jobs are not', () => {
  const spec = { template: template(fromSecret('db')) }
  const cronJob = { metadata: meta('nightly'), spec: { jobTemplate: { spec } } }
  const done = { metadata: meta('once'), spec, status: { conditions: [condition('Complete', 'True')] } }

  assert.deepEqual(
    inspect({ CronJob: [cronJob] }).map(({ owner }) => owner.kind),
    ['CronJob'],
  )
  assert.deepEqual(inspect({ Job: [done] }), [])
})

test('pods of kinds without a known template are looked at themselves, as one', () => {
  const owner = [{ kind: 'Rollout', name: 'api', controller: true }]
  const pods = ['a', 'b'].map((name) => pod({ name, metadata: { ownerReferences: owner }, spec: fromSecret('db') }))

  const findings = inspect({ Pod: pods })

  assert.equal(findings.length, 1)
  assert.deepEqual(findings[0]?.owner, { kind: 'Rollout', namespace: 'shop', name: 'api' })
})

test('a workload of the last minute is given time', () => {
  const fresh = { ...asking(fromSecret('db')), metadata: meta('api', { creationTimestamp: ago(30, 's') }) }

  assert.deepEqual(inspect({ Deployment: [fresh] }), [])
})

test('damaged objects never make it throw', () => {
  bearsDamage(analyzer, {
    ...nothing,
    Deployment: [
      asking({
        ...fromSecret('db'),
        serviceAccountName: 'robot',
        volumes: [{ name: 'v', configMap: { name: 'settings', items: [{ key: 'a' }] } }],
      }),
    ],
    ConfigMap: [{ metadata: meta('settings'), data: {} }],
    Pod: [waitingFor('db')],
  })
})
