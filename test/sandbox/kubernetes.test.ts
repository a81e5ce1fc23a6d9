import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import {
  ApiException,
  AppsV1Api,
  AuthorizationV1Api,
  AutoscalingV2Api,
  CoreV1Api,
  KubeConfig,
  PatchStrategy,
  setHeaderOptions,
} from '@kubernetes/client-node'
import { createSandboxCluster, type SandboxClusterOptions } from '../../sandbox/kubernetes/index.ts'
import { createManualClock } from './manual-clock.ts'

const mergePatch = setHeaderOptions('Content-Type', PatchStrategy.MergePatch)
const strategicPatch = setHeaderOptions('Content-Type', PatchStrategy.StrategicMergePatch)
const jsonPatch = setHeaderOptions('Content-Type', PatchStrategy.JsonPatch)
const shopApi = { namespace: 'shop', name: 'api' }

async function setup(t: TestContext, options: SandboxClusterOptions = {}) {
  const clock = createManualClock()
  const cluster = createSandboxCluster({ clock, ...options })
  t.after(() => cluster.close())
  const url = await cluster.listen()
  const kubeConfig = new KubeConfig()
  kubeConfig.loadFromString(cluster.kubeconfig())
  const apps = kubeConfig.makeApiClient(AppsV1Api)
  const core = kubeConfig.makeApiClient(CoreV1Api)
  const get = async (path: string, accept = 'application/json') => {
    const response = await fetch(url + path, { headers: { accept } })
    return { status: response.status, body: (await response.json()) as { message: string } }
  }
  const table = async (path: string) => {
    const { body } = await get(`${path}?includeObject=None`, 'application/json;as=Table;v=v1;g=meta.k8s.io')
    return body as unknown as { columnDefinitions: { name: string; priority: number }[]; rows: { cells: unknown[] }[] }
  }
  const podsOf = async (app: string) =>
    (await core.listNamespacedPod({ namespace: 'shop', labelSelector: `app=${app}` })).items
  const restart = (name: string) =>
    apps.patchNamespacedDeployment(
      { namespace: 'shop', name, body: restartPatch('2026-11-24T09:00:00Z') },
      strategicPatch,
    )
  return { clock, cluster, url, kubeConfig, apps, core, get, table, podsOf, restart }
}

function restartPatch(at: string) {
  return { spec: { template: { metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': at } } } } }
}

/** The Status body of the refusal of a call that must fail. */
async function refusal(call: Promise<unknown>) {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof ApiException, `expected a refusal, got ${error}`)
  return JSON.parse(error.body) as { code: number; reason: string; message: string }
}

test('a pod table has the columns and words that kubectl prints', async (t) => {
  const { table } = await setup(t)

  const { columnDefinitions, rows } = await table('/api/v1/namespaces/shop/pods')

  const shown = columnDefinitions.filter(({ priority }) => priority === 0).map(({ name }) => name)
  assert.deepEqual(shown, ['Name', 'Ready', 'Status', 'Restarts', 'Age'])
  const rowOf = (app: string) => rows.find(({ cells }) => String(cells[0]).startsWith(app))?.cells ?? []
  assert.deepEqual(rowOf('web').slice(1, 5), ['1/1', 'Running', '0', '9d'])
  assert.equal(rowOf('api')[2], 'CrashLoopBackOff')
  assert.match(String(rowOf('api')[3]), /^\d+ \(\S+ ago\)$/)
  assert.equal(rowOf('checkout')[2], 'ImagePullBackOff')
})

test('the logs of the crashing workload name the cause, and there is a previous run', async (t) => {
  const { core, podsOf } = await setup(t)
  const [pod] = await podsOf('api')
  const where = { namespace: 'shop', name: pod!.metadata!.name! }

  const log = await core.readNamespacedPodLog({ ...where, tailLines: 3 })
  const previous = await core.readNamespacedPodLog({ ...where, previous: true })

  assert.equal(log.trimEnd().split('\n').length, 3)
  assert.match(log, /no connection in the database pool/)
  assert.match(previous, /endpoint taken from cache/)
})

test('logs that do not exist are refused in the words of the kubelet', async (t) => {
  const { core, podsOf } = await setup(t)
  const [checkout] = await podsOf('checkout')
  const [web] = await podsOf('web')
  const names = { checkout: checkout!.metadata!.name!, web: web!.metadata!.name! }

  const waiting = await refusal(core.readNamespacedPodLog({ namespace: 'shop', name: names.checkout }))
  const noPrevious = await refusal(core.readNamespacedPodLog({ namespace: 'shop', name: names.web, previous: true }))

  assert.equal(waiting.code, 400)
  assert.equal(
    waiting.message,
    `container "checkout" in pod "${names.checkout}" is waiting to start: trying and failing to pull image`,
  )
  assert.equal(noPrevious.message, `previous terminated container "web" in pod "${names.web}" not found`)
})

test('a dry run shows the result and changes nothing', async (t) => {
  const { apps, cluster, clock, podsOf } = await setup(t)
  const version = cluster.objects.version()
  const before = await apps.readNamespacedDeployment(shopApi)

  const shown = await apps.patchNamespacedDeployment(
    { ...shopApi, body: restartPatch('now'), dryRun: 'All' },
    strategicPatch,
  )
  const scale = await apps.patchNamespacedDeploymentScale(
    { ...shopApi, body: { spec: { replicas: 7 } }, dryRun: 'All' },
    mergePatch,
  )

  assert.equal(shown.metadata?.generation, before.metadata!.generation! + 1)
  assert.equal(scale.spec?.replicas, 7)
  clock.advance(2000)
  assert.deepEqual(await apps.readNamespacedDeployment(shopApi), before)
  assert.equal(cluster.objects.version(), version)
  assert.equal((await podsOf('api')).length, 2)
})

test('a restart replaces the pods of api, which are well from then on', async (t) => {
  const { apps, clock, core, podsOf, restart } = await setup(t)
  const old = (await podsOf('api')).map(({ metadata }) => metadata?.uid)

  const patched = await restart('api')
  assert.ok(patched.status!.observedGeneration! < patched.metadata!.generation!)
  clock.advance(10_000)

  const { spec, status, metadata } = await apps.readNamespacedDeployment(shopApi)
  assert.equal(spec?.template.metadata?.annotations?.['kubectl.kubernetes.io/restartedAt'], '2026-11-24T09:00:00Z')
  assert.equal(status?.observedGeneration, metadata?.generation)
  assert.deepEqual([status?.updatedReplicas, status?.availableReplicas, status?.unavailableReplicas], [2, 2, undefined])
  assert.equal(status?.conditions?.find(({ type }) => type === 'Progressing')?.reason, 'NewReplicaSetAvailable')
  const pods = await podsOf('api')
  assert.ok(pods.every((pod) => !old.includes(pod.metadata?.uid)))
  clock.advance(30 * 60_000)
  assert.deepEqual(
    (await podsOf('api')).map((pod) => pod.status?.containerStatuses?.[0]?.restartCount),
    [0, 0],
  )
  const events = await core.listNamespacedEvent({
    namespace: 'shop',
    fieldSelector: 'involvedObject.kind=Deployment,involvedObject.name=api',
  })
  assert.ok(events.items.some(({ reason }) => reason === 'ScalingReplicaSet'))
})

test('a restart does not help checkout, the right image does', async (t) => {
  const { apps, clock, podsOf, restart } = await setup(t)

  await restart('checkout')
  clock.advance(60_000)

  const reasons = (await podsOf('checkout')).map((pod) => pod.status?.containerStatuses?.[0]?.state?.waiting?.reason)
  assert.deepEqual(reasons, ['ImagePullBackOff', 'ImagePullBackOff'])

  const containers = [{ name: 'checkout', image: 'registry.shop.example/checkout:2.8.0' }]
  const body = { spec: { template: { spec: { containers } } } }
  await apps.patchNamespacedDeployment({ namespace: 'shop', name: 'checkout', body }, strategicPatch)
  clock.advance(60_000)

  const { spec, status } = await apps.readNamespacedDeployment({ namespace: 'shop', name: 'checkout' })
  assert.equal(status?.availableReplicas, 2)
  assert.ok(spec?.template.spec?.containers[0]?.resources?.limits, 'what the patch does not name stays')
})

test('the queue grows until worker is scaled up, and shrinks then', async (t) => {
  const { apps, clock, core, podsOf } = await setup(t)
  const depth = async () => {
    const log = await core.readNamespacedPodLog({ namespace: 'shop', name: 'queue-0', tailLines: 1 })
    return Number(/ready=(\d+)/.exec(log)?.[1])
  }
  const first = await depth()
  clock.advance(60_000)
  const second = await depth()

  const where = { namespace: 'shop', name: 'worker' }
  const scale = await apps.readNamespacedDeploymentScale(where)
  await apps.replaceNamespacedDeploymentScale({ ...where, body: { ...scale, spec: { replicas: 2 } } })
  clock.advance(60_000)

  assert.ok(second > first)
  assert.equal((await podsOf('worker')).length, 2)
  assert.ok((await depth()) < second)
  await apps.patchNamespacedDeploymentScale({ ...where, body: { spec: { replicas: 0 } } }, mergePatch)
  clock.advance(10_000)
  assert.equal((await podsOf('worker')).length, 0)
})

test('a pod that is scaled away is killed once, and its event says so once', async (t) => {
  const { apps, clock, core } = await setup(t)

  await apps.patchNamespacedDeploymentScale(
    { namespace: 'shop', name: 'web', body: { spec: { replicas: 0 } } },
    mergePatch,
  )
  clock.advance(10_000)

  const { items } = await core.listNamespacedEvent({ namespace: 'shop', fieldSelector: 'reason=SuccessfulDelete' })
  const web = items.filter(({ message }) => message?.includes('web-'))
  assert.deepEqual(
    web.map(({ count }) => count),
    [1, 1],
  )
})

test('a scale of 0 leaves its field out, as the API server does', async (t) => {
  const { apps } = await setup(t)
  const where = { namespace: 'shop', name: 'worker' }

  const { spec } = await apps.readNamespacedDeploymentScale(where)
  const replaced = apps.patchNamespacedDeploymentScale(
    { ...where, body: [{ op: 'replace', path: '/spec/replicas', value: 2 }] },
    jsonPatch,
  )

  assert.deepEqual({ ...spec }, {})
  assert.equal((await refusal(replaced)).code, 422)
})

test('autoscalers can be listed', async (t) => {
  const { cluster, kubeConfig, table } = await setup(t)
  cluster.objects.create('horizontalpodautoscalers', {
    metadata: { name: 'web', namespace: 'shop' },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
      minReplicas: 2,
      maxReplicas: 6,
    },
    status: { currentReplicas: 2, desiredReplicas: 2 },
  })

  const { items } = await kubeConfig
    .makeApiClient(AutoscalingV2Api)
    .listNamespacedHorizontalPodAutoscaler({ namespace: 'shop' })

  assert.equal(items[0]?.spec?.maxReplicas, 6)
  const { rows } = await table('/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers')
  assert.deepEqual(rows[0]?.cells.slice(0, 2), ['web', 'Deployment/web'])
})

test('a change based on an old version is a conflict', async (t) => {
  const { apps, clock } = await setup(t)
  const stale = await apps.readNamespacedDeployment(shopApi)
  await apps.patchNamespacedDeployment({ ...shopApi, body: { metadata: { labels: { team: 'shop' } } } }, mergePatch)

  const body = { metadata: { resourceVersion: stale.metadata!.resourceVersion! }, spec: { replicas: 3 } }
  const { code, reason, message } = await refusal(apps.patchNamespacedDeployment({ ...shopApi, body }, mergePatch))

  assert.deepEqual([code, reason], [409, 'Conflict'])
  assert.match(message, /^Operation cannot be fulfilled on deployments\.apps "api": the object has been modified/)
  clock.advance(5000)
  assert.equal((await apps.readNamespacedDeployment(shopApi)).spec?.replicas, 2)
})

test('a label leaves the generation alone, a change of the spec raises it', async (t) => {
  const { apps } = await setup(t)
  const before = await apps.readNamespacedDeployment(shopApi)

  const labelled = await apps.patchNamespacedDeployment(
    { ...shopApi, body: { metadata: { labels: { team: 'shop' } } } },
    mergePatch,
  )
  const body = [
    { op: 'test', path: '/spec/replicas', value: 2 },
    { op: 'replace', path: '/spec/replicas', value: 3 },
  ]
  const scaled = await apps.patchNamespacedDeployment({ ...shopApi, body }, jsonPatch)

  assert.equal(labelled.metadata?.generation, before.metadata?.generation)
  assert.notEqual(labelled.metadata?.resourceVersion, before.metadata?.resourceVersion)
  assert.equal(scaled.metadata?.generation, before.metadata!.generation! + 1)
})

test('what cannot be is refused as the API server refuses it', async (t) => {
  const { apps, get } = await setup(t)

  const missing = await refusal(apps.readNamespacedDeployment({ namespace: 'shop', name: 'nope' }))
  const negative = await refusal(
    apps.patchNamespacedDeployment({ ...shopApi, body: { spec: { replicas: -1 } } }, mergePatch),
  )
  const selector = await get('/api/v1/namespaces/shop/pods?fieldSelector=spec.foo%3Dx')
  const unknown = await get('/api/v1/namespaces/shop/gadgets')

  assert.deepEqual([missing.code, missing.message], [404, 'deployments.apps "nope" not found'])
  assert.deepEqual(
    [negative.code, negative.message],
    [422, 'Deployment.apps "api" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0'],
  )
  assert.deepEqual([selector.status, selector.body.message], [400, 'field label not supported: spec.foo'])
  assert.deepEqual([unknown.status, unknown.body.message], [404, 'the server could not find the requested resource'])
})

test('a denied verb is forbidden, and the access review says so beforehand', async (t) => {
  const { apps, kubeConfig } = await setup(t, { deny: [{ verb: 'patch', resource: 'deployments', namespace: 'shop' }] })
  const authorization = kubeConfig.makeApiClient(AuthorizationV1Api)
  const review = async (resourceAttributes: object) => {
    const body = { spec: { resourceAttributes } }
    return (await authorization.createSelfSubjectAccessReview({ body })).status?.allowed
  }

  const { code, message } = await refusal(
    apps.patchNamespacedDeployment({ ...shopApi, body: restartPatch('now') }, strategicPatch),
  )

  const patch = { namespace: 'shop', verb: 'patch', group: 'apps', resource: 'deployments' }
  assert.equal(await review(patch), false)
  assert.equal(await review({ ...patch, subresource: 'scale' }), true)
  assert.equal(code, 403)
  assert.equal(
    message,
    'deployments.apps "api" is forbidden: User "system:serviceaccount:shop:kube-agent" cannot patch resource "deployments" in API group "apps" in the namespace "shop"',
  )
})

test('a cluster with a token answers nobody without it', async (t) => {
  const { core, get } = await setup(t, { token: 'sandbox-token' })

  const { status, body } = await get('/api/v1/pods')

  assert.deepEqual([status, body.message], [401, 'Unauthorized'])
  assert.ok((await core.listNamespace()).items.some(({ metadata }) => metadata?.name === 'shop'))
})

test('a list can be read in pages', async (t) => {
  const { core } = await setup(t)
  const whole = await core.listPodForAllNamespaces()

  const names: (string | undefined)[] = []
  let next: string | undefined
  do {
    const page = await core.listPodForAllNamespaces({ limit: 3, ...(next && { _continue: next }) })
    names.push(...page.items.map(({ metadata }) => metadata?.name))
    next = page.metadata?._continue
  } while (next)

  assert.deepEqual(
    names,
    whole.items.map(({ metadata }) => metadata?.name),
  )
})
