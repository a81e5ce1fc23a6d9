import assert from 'node:assert/strict'
import { copyFile, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { JsonReport } from '../../src/tools/analyzers/json.ts'
import { type Ended, run } from '../commands/program.ts'
import { type Asked, type ModelServer, says, startModelServer } from '../helpers/model-server.ts'
import { until } from './lib/matrix-person.ts'
import { type Kubernetes, startKubernetes } from './lib/servers.ts'
import { openTerminal } from './lib/tmux.ts'

/** Two workloads that crash and cannot pull: two distinct findings that last. */
const broken = ['broken-crashloop-missing-env', 'broken-imagepull-tag-not-found']
const faults = ['CrashLoopBackOff', 'ImagePullBackOff']
const launcher = fileURLToPath(new URL('../../bin/kube-agent.js', import.meta.url))

let kubernetes: Kubernetes
let model: ModelServer
let folder: string

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kube-agent-options-'))
  kubernetes = await startKubernetes()
  model = await startModelServer(answerAbout)
  await kubernetes.apply(...broken)
  await kubernetes.settled(...broken)
  await until(
    async () => (await reportOf(...everywhere)).problems === faults.length,
    () => 'both faults to be found',
    300_000,
  )
})

after(async () => {
  await model?.close()
  await kubernetes?.[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

/** Names the first pod that it was told, in the language it was told to use. */
function answerAbout({ messages }: Asked) {
  const [pod = 'nothing'] = /pod-[0-9a-f]{6,}|(?<=Pod )[a-z0-9-]+/.exec(String(messages[1]?.content)) ?? []
  return says(/Korean/.test(String(messages[0]?.content)) ? `${pod} 를 보세요.` : `Look at ${pod}.`)
}

const everywhere = ['-A', '--filter', 'Pod']

interface Given {
  dataDir?: string
  kubeconfig?: string
  modelName?: string
}

const envOf = ({ dataDir = join(folder, 'data'), kubeconfig, modelName = 'test-model' }: Given) => ({
  KUBECONFIG: kubeconfig ?? kubernetes.kubeconfig,
  KUBE_AGENT_LLM_URL: model.url,
  KUBE_AGENT_LLM_MODEL: modelName,
  KUBE_AGENT_DATA_DIR: dataDir,
})

const cleanups: (() => unknown)[] = []
after(() => Promise.all(cleanups.map((clean) => clean())))
/** What `run` puts away after its test is put away at the end. */
const keeper = { after: (clean: () => unknown) => void cleanups.push(clean) } as unknown as TestContext

/** `kube-agent analyze` as a user runs it. Whatever happens, nobody is shown a stack. */
async function analyze(args: string[], given: Given = {}): Promise<Ended> {
  const ended = await run(keeper, ['analyze', ...args], envOf(given))
  assert.doesNotMatch(ended.stdout + ended.stderr, /\n\s+at .*:\d+|\[object|undefined/)
  return ended
}

async function reportOf(...args: string[]): Promise<JsonReport> {
  return JSON.parse((await analyze([...args, '-o', 'json'])).stdout) as JsonReport
}

/** How many times the model was asked meanwhile. */
async function askedDuring<Result>(work: () => Promise<Result>): Promise<[count: number, result: Result]> {
  const before = model.asked.length
  const result = await work()
  return [model.asked.length - before, result]
}

test('--explain asks once for each distinct finding; language and model belong to what is kept', async () => {
  const dataDir = join(folder, 'explained')
  const explained = (...more: string[]) => analyze([...everywhere, '--explain', ...more], { dataDir })

  const [first, { stdout }] = await askedDuring(() => explained())
  const [again] = await askedDuring(() => explained('-o', 'json'))
  const [korean, inKorean] = await askedDuring(() => explained('--language', 'ko'))
  const [other] = await askedDuring(() =>
    analyze([...everywhere, '--explain'], { dataDir, modelName: 'another-model' }),
  )

  assert.deepEqual([first, again, korean, other], [2, 0, 2, 2])
  assert.match(stdout, /in the words of test-model:\n +Look at checkout-api-\S+\./)
  assert.match(inKorean.stdout, /checkout-api-\S+ 를 보세요\./)
  assert.equal((await readdir(join(dataDir, 'explanations'))).length, 6)
})

test('--anonymize: no name of the cluster is in any request, and the answers come back with the names', async () => {
  const from = model.asked.length
  const { stdout } = await analyze([...everywhere, '--explain', '--anonymize', '-o', 'json'], {
    dataDir: join(folder, 'anonymous'),
  })

  const told = JSON.stringify(model.asked.slice(from).map(({ messages }) => messages))
  assert.equal(model.asked.length - from, 2)
  const names = await namesOfCluster()
  assert.ok(names.includes('payments') && names.some((name) => /^checkout-api-.+-/.test(name)))
  assert.deepEqual(
    names.filter((name) => new RegExp(`(?<![a-z0-9])${name}(?![a-z0-9])`).test(told)),
    [],
  )
  assert.match(told, /Deployment namespace-\w{6}\/deployment-\w{6}\\ncritical CrashLoopBackOff/)
  assert.match(told, /status\.containerStatuses\[\S+\]\.state\.waiting\.reason: CrashLoopBackOff/)
  const { results } = JSON.parse(stdout) as JsonReport
  assert.match(results[0]?.details ?? '', /^Look at checkout-api-\S+\.$/)
  assert.ok(results.every(({ error }) => error.every(({ Sensitive }) => Sensitive.length === 0)))
})

/** Namespaces, workloads, pods, nodes, containers and images of what is broken. */
async function namesOfCluster(): Promise<string[]> {
  const list = JSON.parse(await kubernetes.kubectl('get', 'pods,deployments,nodes', '-A', '-o', 'json')) as {
    items: {
      metadata: { name: string; namespace?: string }
      spec: { containers?: { name: string; image: string }[] }
    }[]
  }
  const names = list.items.flatMap(({ metadata, spec }) => [
    metadata.name,
    metadata.namespace ?? '',
    ...(spec.containers ?? []).flatMap(({ name, image }) => [name, ...image.replace(/:[^/]*$/, '').split('/')]),
  ])
  return [...new Set(names)].filter(Boolean)
}

test('--with-doc adds what the cluster’s own schema says, --with-stat what each analyzer took', async () => {
  const { results } = await reportOf(...everywhere, '--with-doc')
  const { stdout } = await analyze(['-A', '--with-doc', '--with-stat'])

  const docs = results.flatMap(({ error }) => error.map(({ KubernetesDoc }) => KubernetesDoc))
  assert.deepEqual(
    docs.map((text) => /^(?:List of containers|Container image name)/.test(text)),
    [true, true],
  )
  assert.match(stdout, /spec\.containers\.image, as the cluster documents it:\n +Container image name/)
  assert.match(stdout, /\nPod +\d+\.\d ms {2}2 findings\n/)
})

test('the report as JSON has the keys of K8sGPT, in its types, and ours beside them', async () => {
  const { results, ...report } = await reportOf(...everywhere)

  assert.deepEqual([report.provider, report.status, report.problems, report.errors], ['', 'ProblemDetected', 2, []])
  const [result] = results
  assert.deepEqual(Object.keys(result!), ['kind', 'name', 'error', 'details', 'parentObject'])
  assert.match(
    `${result?.kind} ${result?.name} ${result?.parentObject}`,
    /^Pod payments\/\S+ Deployment\/checkout-api$/,
  )
  assert.deepEqual(Object.keys(result!.error[0]!).slice(0, 3), ['Text', 'KubernetesDoc', 'Sensitive'])
})

test('--fail-on tells scripts by the exit code how bad it is', async () => {
  const codes = await Promise.all(
    [
      ['-n', 'payments', '--fail-on', 'error'],
      ['-n', 'storefront', '--fail-on', 'error'],
      ['-n', 'storefront', '--fail-on', 'warning'],
      ['-n', 'storefront'],
    ].map(async (args) => (await analyze(args)).code),
  )

  assert.deepEqual(codes, [3, 0, 3, 0])
})

test('a rule of one’s own in the configuration is an analyzer beside the others', async () => {
  const file = join(folder, 'rules.yaml')
  await writeFile(
    file,
    `analyzers:
  - name: NoTeam
    kind: Deployment
    when: '!object.metadata.?labels.?team.hasValue()'
    text: 'Deployment \${object.metadata.namespace}/\${object.metadata.name} has no label team.'
    severity: warning
  - name: ManyEnvironment
    kind: deployments.apps
    when: object.spec.template.spec.containers.exists(c, c.?env.orValue([]).size() > 100)
    text: never
`,
  )
  await kubernetes.kubectl('-n', 'storefront', 'label', 'deployment', 'web', 'team=blue')
  const { stdout, code } = await run(
    keeper,
    ['--config', file, 'analyze', '-A', '--filter', 'NoTeam,ManyEnvironment'],
    envOf({}),
  )
  await kubernetes.kubectl('-n', 'storefront', 'label', 'deployment', 'web', 'team-')

  assert.match(stdout, /warning NoTeam: Deployment payments\/checkout-api has no label team\./)
  assert.doesNotMatch(stdout, /storefront|ManyEnvironment|Could not check/)
  assert.equal(code, 0)
})

test('the analyzer Log shows the lines of the last run that look like errors', async () => {
  const { stdout } = await analyze(['-n', 'payments', '--filter', 'Log'])

  assert.match(stdout, /info LogErrors: Container checkout-api of pod payments\/checkout-api-\S+ wrote/)
  assert.match(stdout, /log\[checkout-api\]: panic: DATABASE_URL is not set/)
})

test('--interactive: somebody at a terminal chooses a finding, asks, goes back and leaves with Ctrl+C', async (t) => {
  const env = { PATH: process.env.PATH ?? '', HOME: folder, ...envOf({ dataDir: join(folder, 'talk') }) }
  const command = `${process.execPath} ${launcher} analyze -n payments --filter Pod --interactive --anonymize`
  const terminal = await openTerminal(t, { command, env, columns: 160 })

  await terminal.shows(/Which one\? \(1 to 1, q ends\)/)
  await terminal.type('1')
  await terminal.press('Enter')
  await terminal.shows(/Question\? \(nothing: back to the list\)/)
  await terminal.type('what is wrong with checkout-api?')
  await terminal.press('Enter')
  await terminal.shows(/test-model: Look at checkout-api-\S+\./)
  await terminal.press('Enter')
  await terminal.shows(/Which one\?[\s\S]*Which one\?/)
  await terminal.press('C-c')

  assert.match(await terminal.shows(/\nexit code \d+$/), /\nexit code 0$/)
  assert.match(String(model.asked.at(-1)?.messages.at(-1)?.content), /^what is wrong with deployment-\w{6}\?$/)
})

test('an unknown filter, namespace and label selector are told with the way out', async () => {
  const filter = await analyze(['--filter', 'Podd'])
  const namespace = await analyze(['-n', 'nowhere'])
  const labels = await analyze(['--label-selector', 'a=b=c'])

  assert.match(filter.stderr, /^error: There is no analyzer Podd; did you mean Pod\? Analyzers: core, all, /)
  assert.match(namespace.stdout, /Could not check:\n {2}There is no namespace nowhere\./)
  assert.match(labels.stderr, /^error: .*a=b=c/)
  assert.deepEqual([filter.code, namespace.code, labels.code], [2, 0, 2])
})

/** A kubeconfig for somebody who has this token and no other rights than it gives. */
async function kubeconfigWith(token: string, name: string): Promise<string> {
  const path = join(folder, name)
  await copyFile(kubernetes.kubeconfig, path)
  const config = (...args: string[]) => kubernetes.kubectl('--kubeconfig', path, 'config', ...args)
  await config('set-credentials', 'somebody', `--token=${token}`)
  const [cluster = ''] = (await config('get-clusters')).trim().split('\n').slice(1)
  await config('set-context', 'theirs', `--cluster=${cluster}`, '--user=somebody')
  await config('use-context', 'theirs')
  return path
}

test('a namespace without access is not well: each kind is named with the right that is missing', async () => {
  await kubernetes.kubectl('-n', 'payments', 'create', 'serviceaccount', 'guest')
  const token = (await kubernetes.kubectl('-n', 'payments', 'create', 'token', 'guest')).trim()
  const kubeconfig = await kubeconfigWith(token, 'guest')

  const { stdout } = await analyze(['-n', 'payments', '-o', 'json'], { kubeconfig })
  const { code } = await analyze(['-n', 'payments', '--fail-on', 'error'], { kubeconfig })

  const report = JSON.parse(stdout) as JsonReport
  assert.equal(report.status, 'Incomplete')
  const pods = report.unchecked.find(({ kind }) => kind === 'Pod')
  assert.equal(pods?.reason, 'forbidden')
  assert.match(pods?.message ?? '', /cannot list resource "pods".*in the namespace "payments".*Role has to allow it/)
  assert.equal(code, 3)
})

test('a token that is not accepted any more, and a server that is away, are told once, not once for each kind', async () => {
  const expired = await analyze(['-A'], { kubeconfig: await kubeconfigWith('not-a-token', 'expired') })
  const away = join(folder, 'away')
  await copyFile(kubernetes.kubeconfig, away)
  const [cluster = ''] = (await kubernetes.kubectl('config', 'get-clusters')).trim().split('\n').slice(1)
  await kubernetes.kubectl('--kubeconfig', away, 'config', 'set-cluster', cluster, '--server=https://127.0.0.1:1')
  const unreachable = await analyze(['-A'], { kubeconfig: away })

  for (const [{ stdout }, reason] of [
    [expired, /does not accept the credentials any more \(401\)/],
    [unreachable, /The API server 127\.0\.0\.1:1 cannot be reached \(ECONNREFUSED\)/],
  ] as const) {
    const [title, line = '', ...rest] = stdout.trim().split('\n')
    assert.equal(title, 'Could not check:')
    assert.match(line, reason)
    assert.match(rest.join('\n'), /^\n0 critical, 0 warning, 0 info, \d+ not checked\.$/)
  }
})

test('objects of a megabyte, events about nothing and objects without spec and status are borne', async () => {
  const big = join(folder, 'big')
  await writeFile(big, 'x'.repeat(1_000_000))
  await kubernetes.kubectl('create', 'namespace', 'odd')
  for (let index = 0; index < 20; index++)
    await kubernetes.kubectl('-n', 'odd', 'create', 'configmap', `big-${index}`, `--from-file=${big}`)
  const path = join(folder, 'odd.yaml')
  await writeFile(path, oddObjects)
  await kubernetes.kubectl('create', '-f', path)
  await kubernetes.kubectl('wait', '--for=condition=Established', 'crd/scaledobjects.keda.sh')
  const bare = 'apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: {namespace: odd, name: '
  await writeFile(path, `${bare}bare}\n---\n${bare}twisted}\nspec: 5\nstatus: [1]\n`)
  await kubernetes.kubectl('create', '-f', path)

  const { stdout } = await analyze(['-A', '--filter', 'all', '-o', 'json'])

  const report = JSON.parse(stdout) as JsonReport
  assert.deepEqual(report.unchecked, [])
  const large = report.results.filter(({ error }) => error.some(({ rule }) => rule === 'LargeConfigMap'))
  assert.equal(large.length, 20)
})

const oddObjects = `apiVersion: v1
kind: Event
metadata: {name: about-nothing, namespace: default}
involvedObject: {}
type: Warning
reason: Nothing
count: 50
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: scaledobjects.keda.sh}
spec:
  group: keda.sh
  names: {kind: ScaledObject, plural: scaledobjects, singular: scaledobject, listKind: ScaledObjectList}
  scope: Namespaced
  versions:
    - name: v1alpha1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
`
