import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { pino } from 'pino'
import { createTools } from '../../src/tools/index.ts'
import { createCluster } from '../../src/tools/kubernetes/cluster.ts'
import { healthOfTarget } from '../../src/tools/kubernetes/health.ts'
import { type ChangeTool, type Preview, Refusal, type Tool } from '../../src/tools/tool.ts'
import { until } from './lib/matrix-person.ts'
import { type Kubernetes, startKubernetes } from './lib/servers.ts'

const log = pino({ level: 'silent' })
const signal = new AbortController().signal
const namespace = 'tools'

let kubernetes: Kubernetes
let tools: Map<string, Tool>
let confined: Map<string, Tool>
let cluster: ReturnType<typeof createCluster>
let folder: string

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kube-agent-tools-'))
  kubernetes = await startKubernetes()
  const rules = { maxReplicas: 50 }
  const common = { kubeconfig: kubernetes.kubeconfig, namespace, log }
  cluster = createCluster({ ...common, namespaces: ['*'] })
  tools = createTools({ cluster, rules })
  confined = createTools({ cluster: createCluster({ ...common, namespaces: [namespace] }), rules })
  await kubernetes.kubectl('create', 'namespace', namespace)
  await put(deployment('api', { image: 'registry.corp/shop/api:1', replicas: 2 }))
  await put(set('StatefulSet', 'db', 'registry.corp/shop/db:1'))
  await put(set('DaemonSet', 'agent', 'registry.corp/shop/agent:1'))
  await rolledOut('api', 'db', 'agent')
})

after(async () => {
  await kubernetes?.[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

const kubectl = async (...args: string[]): Promise<string> =>
  (await kubernetes.kubectl('-n', namespace, ...args)).trim()

async function put(object: object): Promise<void> {
  const path = join(folder, 'object.json')
  await writeFile(path, JSON.stringify(object))
  await kubectl('apply', '-f', path)
}

const template = (name: string, image: string) => ({
  metadata: { labels: { app: name } },
  spec: { containers: [{ name: 'main', image, env: [{ name: 'DB_PASSWORD', value: 'hunter2' }] }] },
})

const deployment = (name: string, { image, replicas }: { image: string; replicas: number }) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name },
  spec: { replicas, selector: { matchLabels: { app: name } }, template: template(name, image) },
})

const set = (kind: string, name: string, image: string) => ({
  apiVersion: 'apps/v1',
  kind,
  metadata: { name },
  spec: {
    selector: { matchLabels: { app: name } },
    template: template(name, image),
    ...(kind === 'StatefulSet' && { serviceName: name, replicas: 1 }),
  },
})

const context = { signal, log, maxBytes: 14_000, thread: 'test' }
const tool = (name: string, of = tools): Tool => of.get(name) ?? assert.fail(`no tool ${name}`)
const change = (name: string, of = tools): ChangeTool => {
  const found = tool(name, of)
  return found.effect === 'read' ? assert.fail(`${name} only reads`) : found
}

function read(name: string, args: object): Promise<string> {
  const found = tool(name)
  return found.effect === 'read' ? found.run(found.input.parse(args), context) : assert.fail(`${name} does not read`)
}

const propose = async (name: string, args: object, of = tools): Promise<Preview> =>
  change(name, of).preflight(change(name, of).input.parse(args), context)

const carryOut = (name: string, args: object, approved: Preview): Promise<string> =>
  change(name).run(change(name).input.parse(args), approved, context)

async function refusal(call: Promise<unknown>): Promise<string> {
  const outcome = await call.then(
    (value) => assert.fail(`expected a refusal, got ${JSON.stringify(value)}`),
    (error: unknown) => error,
  )
  assert.ok(outcome instanceof Refusal, `expected a refusal, got ${outcome}`)
  return outcome.message
}

const rolledOut = (...names: string[]) =>
  until(
    async () => (await Promise.all(names.map((name) => read('k8s_rollout_status', { name })))).every(isDone),
    () => `${names.join(', ')} to be rolled out`,
    90_000,
  )

const isDone = (status: string): boolean => status.includes(' rolled out. ')

for (const { kind, name } of [
  { kind: 'Deployment', name: 'api' },
  { kind: 'StatefulSet', name: 'db' },
  { kind: 'DaemonSet', name: 'agent' },
])
  test(`a ${kind} is rolled back to the revision before, exactly as shown`, async () => {
    await kubectl('set', 'image', `${kind}/${name}`, `main=registry.corp/shop/${name}:2`)
    await rolledOut(name)

    const preview = await propose('k8s_rollout_undo', { name })
    const history = await read('k8s_rollout_history', { name })
    const result = await carryOut('k8s_rollout_undo', { name }, preview)

    assert.match(history, new RegExp(`revision 2 \\(current\\).*main=registry.corp/shop/${name}:2\nrevision 1;`))
    assert.match(preview.diff, new RegExp(`^-.*shop/${name}:2$[\\s\\S]*^\\+.*shop/${name}:1$`, 'm'))
    assert.equal(preview.diff.split('\n').filter((line) => /^[+-]/.test(line)).length, 2, preview.diff)
    assert.doesNotMatch(preview.diff, /hunter2/)
    assert.match(result, new RegExp(`shop/${name}:1`))
    const image = '{.spec.template.spec.containers[0].image}'
    assert.equal(await kubectl('get', `${kind}/${name}`, '-o', `jsonpath=${image}`), `registry.corp/shop/${name}:1`)
    await rolledOut(name)
    assert.ok(preview.watch && preview.watch !== 'none')
    assert.equal((await healthOfTarget(cluster, preview.watch, signal)).state, 'healthy')
  })

test('a rollback that somebody overtook does not run', async () => {
  await kubectl('set', 'image', 'deployment/api', 'main=registry.corp/shop/api:3')
  const preview = await propose('k8s_rollout_undo', { name: 'api' })
  await kubectl('set', 'image', 'deployment/api', 'main=registry.corp/shop/api:4')

  await assert.rejects(carryOut('k8s_rollout_undo', { name: 'api' }, preview), /was changed after the approval/)

  await rolledOut('api')
})

test('what cannot be rolled back is refused with what there is', async () => {
  assert.match(await refusal(propose('k8s_rollout_undo', { name: 'api', revision: 99 })), /keeps: 1?/)
  assert.match(await refusal(propose('k8s_rollout_undo', { name: 'apj' })), /k8s_list kind=deployments/)
  await kubectl('rollout', 'pause', 'deployment/api')
  assert.match(await refusal(propose('k8s_rollout_undo', { name: 'api' })), /is paused/)
  await kubectl('rollout', 'resume', 'deployment/api')
})

test('a template of the history hides values with secret names', async () => {
  const shown = await read('k8s_rollout_history', { name: 'db', revision: 3 })

  assert.match(shown, /name: DB_PASSWORD/)
  assert.doesNotMatch(shown, /hunter2/)
})

test('a pod is deleted once, and its workload is what is looked at afterwards', async () => {
  const name = (await kubectl('get', 'pods', '-l', 'app=api', '-o', 'jsonpath={.items[0].metadata.name}')) || ''

  const preview = await propose('k8s_delete_pod', { name })
  await carryOut('k8s_delete_pod', { name }, preview)

  assert.deepEqual(preview.watch, { kind: 'Deployment', namespace, name: 'api' })
  await until(
    async () => !(await kubectl('get', 'pods', '-o', 'name')).includes(name),
    () => `pod ${name} to be gone`,
    60_000,
  )
  await rolledOut('api')
  assert.equal((await healthOfTarget(cluster, preview.watch, signal)).state, 'healthy')
})

test('a new pod of the same name is left alone', async () => {
  const preview = await propose('k8s_delete_pod', { name: 'db-0' })
  const uid = () => kubectl('get', 'pod', 'db-0', '--ignore-not-found', '-o', 'jsonpath={.metadata.uid}')
  const old = await uid()
  await kubectl('delete', 'pod', 'db-0', '--wait=true')
  const fresh = await until(
    async () => {
      const now = await uid()
      return now !== '' && now !== old && now
    },
    () => 'a new db-0',
    60_000,
  )

  await assert.rejects(carryOut('k8s_delete_pod', { name: 'db-0' }, preview))

  assert.equal(await uid(), fresh)
})

test('a pod that nobody would make again is not deleted', async () => {
  await put({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'alone' }, spec: template('alone', 'x').spec })

  assert.match(await refusal(propose('k8s_delete_pod', { name: 'alone' })), /has no controller/)
})

test('a node is cordoned and uncordoned, and only by a bot that is open to all', async () => {
  const node = await kubectl('get', 'nodes', '-o', 'jsonpath={.items[0].metadata.name}')
  const unschedulable = () => kubectl('get', 'node', node, '-o', 'jsonpath={.spec.unschedulable}')

  const preview = await propose('k8s_cordon', { name: node })
  assert.match(preview.diff, /^\+ {2}unschedulable: true$/m)
  assert.equal(await unschedulable(), '')
  await carryOut('k8s_cordon', { name: node }, preview)

  assert.equal(await unschedulable(), 'true')
  assert.match(await refusal(propose('k8s_cordon', { name: node })), /cordoned already/)
  await carryOut('k8s_uncordon', { name: node }, await propose('k8s_uncordon', { name: node }))
  assert.equal(await unschedulable(), '')
  assert.match(await refusal(propose('k8s_cordon', { name: node }, confined)), /belongs to the whole cluster/)
  assert.match(await refusal(propose('k8s_cordon', { name: 'no-such' })), /no node no-such/)
})

test('an object is created as shown, then changed, and a field of somebody else is a conflict in words', async () => {
  const manifest = (mode: string) =>
    `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\ndata:\n  mode: ${mode}\n  answer: "yes"\n`

  const creation = await propose('k8s_apply', { manifest: manifest('calm') })
  const created = await carryOut('k8s_apply', { manifest: manifest('calm') }, creation)
  const change = await propose('k8s_apply', { manifest: manifest('quick') })
  await carryOut('k8s_apply', { manifest: manifest('quick') }, change)

  assert.equal(creation.version, 'absent')
  assert.match(created, /ConfigMap tools\/settings was created/)
  assert.match(change.diff, /^- {2}mode: calm$[\s\S]*^\+ {2}mode: quick$/m)
  assert.equal(await kubectl('get', 'configmap', 'settings', '-o', 'jsonpath={.data.mode} {.data.answer}'), 'quick yes')
  await kubectl('patch', 'configmap', 'settings', '--type=merge', '-p', '{"data":{"mode":"mine"}}')
  assert.match(await refusal(propose('k8s_apply', { manifest: manifest('slow') })), /Others own fields.*\.data\.mode/)
})

test('an apply that somebody overtook does not run', async () => {
  const manifest = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: overtaken\ndata:\n  a: "1"\n'
  await put({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'overtaken' }, data: { b: '1' } })
  const preview = await propose('k8s_apply', { manifest })
  await kubectl('patch', 'configmap', 'overtaken', '--type=merge', '-p', '{"data":{"b":"2"}}')

  await assert.rejects(carryOut('k8s_apply', { manifest }, preview), /was changed after the approval/)

  assert.equal(await kubectl('get', 'configmap', 'overtaken', '-o', 'jsonpath={.data.a}'), '')
})

test('what would be invalid, unknown, elsewhere or powerful is refused before anybody is asked', async () => {
  const refused = (manifest: string, of = tools) => refusal(propose('k8s_apply', { manifest }, of))
  const object = (apiVersion: string, kind: string, more = '') =>
    `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata:\n  name: x\n${more}`

  assert.match(await refused(object('v1', 'Secret')), /applies no Secret/)
  assert.match(await refused(object('rbac.authorization.k8s.io/v1', 'RoleBinding')), /applies no RoleBinding/)
  assert.match(await refused(object('apps/v1', 'Deploymint')), /Did you mean Deployment/)
  assert.match(await refused(object('apps/v1beta1', 'Deployment')), /apiVersion: apps\/v1, kind: Deployment/)
  assert.match(await refused(object('v1', 'ConfigMap', 'daata: {}\n')), /would not accept this.*daata/)
  assert.match(
    await refused('apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\n  namespace: default\n', confined),
    /not open to this bot/,
  )
  assert.match(await refused(object('storage.k8s.io/v1', 'CSIDriver'), confined), /belongs to the whole cluster/)
  assert.match(await refused(object('apps/v1', 'Deployment', 'spec:\n  replicas: 51\n')), /At most 50 replicas/)
})

test('without a metrics server usage is said not to be measured', async () => {
  await assert.rejects(read('k8s_top', {}), /has no metrics server/)
})

test('the timeline says who wrote what, what was rolled out, and leaves controllers out', async () => {
  const timeline = await read('k8s_what_changed', { since: 30 })

  assert.match(timeline, /Deployment api rolls out revision \d+: main=registry\.corp\/shop\/api:2/)
  assert.match(timeline, /ConfigMap settings created by kube-agent\n/)
  assert.match(timeline, /ConfigMap settings written by kubectl-patch/)
  assert.doesNotMatch(timeline, /kube-controller-manager|hunter2/)
  const times = timeline.split('\n').map((line) => line.slice(0, 20))
  assert.deepEqual(times, times.toSorted())
})

test('a namespace that does not exist has no timeline but a sentence', async () => {
  assert.match(
    await read('k8s_what_changed', { namespace: 'no-such-place', match: 'zzz' }),
    /no namespace no-such-place/,
  )
})
