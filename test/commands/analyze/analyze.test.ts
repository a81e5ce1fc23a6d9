// biome-ignore-all lint/suspicious/noTemplateCurlyInString: rules hold CEL in such places
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type ApiServer, pathOf, refuses, startApiServer } from '../../tools/analyzers/api-server.ts'
import { type Ended, folder, run, start, webEnv } from '../program.ts'

const shop = '/api/v1/namespaces/shop'

/** A pod that fell over a while ago and is not started again for now. */
const crashing = (name: string) => ({
  metadata: { name, namespace: 'shop', creationTimestamp: '2026-01-01T00:00:00Z' },
  spec: { containers: [{ name: 'app', image: 'registry.corp.example/shop/app:1' }] },
  status: {
    phase: 'Running',
    containerStatuses: [
      {
        name: 'app',
        ready: false,
        restartCount: 7,
        state: { waiting: { reason: 'CrashLoopBackOff' } },
        lastState: { terminated: { exitCode: 1, reason: 'Error', finishedAt: '2026-01-01T01:00:00Z' } },
      },
    ],
  },
})

/** An API server with namespace shop, in which there are these pods. */
async function house(t: TestContext, pods: object[] = []): Promise<ApiServer> {
  const server = await startApiServer(t)
  server.objects[shop] = []
  server.objects[`${shop}/pods`] = pods
  return server
}

const analyze = (t: TestContext, { kubeconfig }: { kubeconfig: string }, ...args: string[]): Promise<Ended> =>
  run(t, ['analyze', '-n', 'shop', ...args], { KUBECONFIG: kubeconfig, KUBE_AGENT_LLM_URL: 'none' })

function assertNoStack({ stdout, stderr }: Ended): void {
  assert.doesNotMatch(stdout + stderr, /^\s+at .*:\d+/m)
}

/** One readable error and nothing that could pass for a report. */
function assertRefused(ended: Ended, expected: RegExp): void {
  assertNoStack(ended)
  assert.match(ended.stderr, expected)
  assert.equal(ended.stdout, '')
  assert.equal(ended.code, 2)
}

test('a cluster in which nothing is wrong is told in words, and the command ends well', async (t) => {
  const { code, stdout, stderr } = await analyze(t, await house(t))

  assert.deepEqual([code, stdout, stderr], [0, 'No problems found.\n', ''])
})

test('findings alone are no failure of the command', async (t) => {
  const { code, stdout } = await analyze(t, await house(t, [crashing('api-1')]))

  assert.match(stdout, /^Pod shop\/api-1\n {2}\w+ CrashLoopBackOff: /)
  assert.match(stdout, /next: k8s_get_pod_logs/)
  assert.equal(code, 0)
})

test('--fail-on tells scripts by exit code 3 that something that bad was found, and nothing less', async (t) => {
  const server = await house(t, [crashing('api-1')])

  const [warning, error] = await Promise.all([
    analyze(t, server, '--fail-on', 'warning'),
    analyze(t, server, '--fail-on', 'error'),
  ])

  assert.deepEqual([warning.code, error.code], [3, 0])
})

test('--fail-on counts what could not be checked as bad', async (t) => {
  const server = await house(t)
  server.faults.push(refuses('/pods', 403, 'pods is forbidden: User "bot" cannot list resource "pods"'))

  const { code, stdout } = await analyze(t, server, '--fail-on', 'error')

  assert.match(stdout, /Could not check:\n.*Pod: No permission: pods is forbidden/)
  assert.equal(code, 3)
})

test('JSON is one document in K8sGPT’s shape, and standard error is quiet', async (t) => {
  const { stdout, stderr } = await analyze(t, await house(t, [crashing('api-1')]), '-o', 'json')

  const report = JSON.parse(stdout)
  assert.deepEqual([report.status, report.problems], ['ProblemDetected', 1])
  assert.deepEqual([report.results[0].kind, report.results[0].name], ['Pod', 'shop/api-1'])
  assert.match(report.results[0].error[0].Text, /Container app of pod shop\/api-1/)
  assert.equal(stderr, '')
})

test('what is not a terminal gets no colours', async (t) => {
  const { stdout } = await analyze(t, await house(t, [crashing('api-1')]))

  assert.doesNotMatch(stdout, new RegExp(String.fromCharCode(27)))
})

const wrong: [what: string, args: string[], expected: RegExp][] = [
  ['an unknown filter', ['--filter', 'Pdo'], /no analyzer Pdo; did you mean Pod\?.*PersistentVolumeClaim/],
  ['a filter that is nearly nothing', ['--filter', 'Banana'], /no analyzer Banana\. Analyzers: core, all/],
  ['a filter without a name', ['--filter', ','], /--filter names no analyzer/],
  ['a label selector that is none', ['--label-selector', 'app in x'], /"app in x" is no label selector/],
  ['an unknown format', ['-o', 'yaml'], /--output.*json/],
  ['an unknown severity', ['--fail-on', 'info'], /--fail-on.*error, warning/],
  ['too many requests at a time', ['--max-concurrency', '1000'], /from 1 to 100/],
  ['a word too many', ['pods'], /too many arguments/],
]
for (const [what, args, expected] of wrong) {
  test(`${what} is wrong use: a sentence and exit code 2`, async (t) => {
    assertRefused(await analyze(t, await house(t), ...args), expected)
  })
}

test('no cluster, or a kubeconfig that is not there, is a sentence with the way out and exit code 2', async (t) => {
  const none = await run(t, ['analyze'], { KUBE_AGENT_LLM_URL: 'none' })
  const missing = await run(t, ['analyze'], { KUBECONFIG: '/nowhere/config' })
  const context = await run(t, ['analyze', '--kube-context', 'prod'], { KUBECONFIG: (await house(t)).kubeconfig })

  assertRefused(none, /KUBECONFIG/)
  assertRefused(missing, /kubeconfig \/nowhere\/config cannot be read/)
  assertRefused(context, /no context prod.*test/)
})

test('a namespace without access is not well: each kind that was refused is named, with the right that is missing', async (t) => {
  const server = await house(t)
  server.faults.push((request, reply) => {
    const resource = pathOf(request).split('/').at(-1)
    return reply.code(403).send({ message: `${resource} is forbidden: User "bot" cannot list resource "${resource}"` })
  })

  const ended = await analyze(t, server, '--filter', 'Pod')

  assertNoStack(ended)
  assert.equal(ended.code, 0)
  assert.match(ended.stdout, /Could not check:/)
  assert.match(ended.stdout, /Pod: No permission: pods is .*The bot's Role has to allow it\./)
  assert.doesNotMatch(ended.stdout, /No problems/)
})

test('an expired token is told once with the way out, not once for each kind', async (t) => {
  const server = await house(t)
  server.faults.push((_request, reply) => reply.code(401).send({ kind: 'Status', message: 'Unauthorized' }))

  const ended = await analyze(t, server)

  assertNoStack(ended)
  assert.equal(ended.stdout.match(/does not accept the credentials any more/g)?.length, 1)
  assert.match(ended.stdout, /Could not check:/)
})

test('a cluster that cannot be reached is told once, and JSON is Incomplete', async (t) => {
  const kubeconfig = join(folder(t), 'kubeconfig')
  writeFileSync(kubeconfig, JSON.stringify(clientConfig('http://127.0.0.1:1')))

  const [words, data] = await Promise.all([analyze(t, { kubeconfig }), analyze(t, { kubeconfig }, '-o', 'json')])

  assertNoStack(words)
  assert.equal(words.stdout.match(/127\.0\.0\.1:1 cannot be reached/g)?.length, 1)
  assert.equal(JSON.parse(data.stdout).status, 'Incomplete')
  assert.equal(data.code, 0)
})

test('a namespace that is not there is told, although the server answers for it', async (t) => {
  const server = await startApiServer(t)
  server.objects[`${shop}/pods`] = []

  const { stdout } = await analyze(t, server, '--filter', 'Pod')

  assert.match(stdout, /There is no namespace shop\./)
})

/** A configuration file with this rule about pods. */
function ruleFile(t: TestContext, rule: object): string {
  const file = join(folder(t), 'config.yaml')
  const base = { name: 'NoTeam', kind: 'Pod', text: 'Pod ${object.metadata.name} says no team.' }
  writeFileSync(file, JSON.stringify({ analyzers: [{ ...base, ...rule }] }))
  return file
}

const noTeam = '!("team" in object.metadata.?labels.orValue({}))'

test('a rule of ones own runs by itself and by its name', async (t) => {
  const server = await house(t, [{ metadata: { name: 'api-1', namespace: 'shop' } }])
  server.faults.push((request) =>
    request.url === '/api' ? { items: [podsGroup] } : request.url === '/apis' ? { items: [] } : undefined,
  )
  const config = ruleFile(t, { when: noTeam })

  const [byItself, byName] = await Promise.all([
    analyze(t, server, '--config', config),
    analyze(t, server, '--config', config, '--filter', 'noteam', '--fail-on', 'warning'),
  ])

  for (const { stdout } of [byItself, byName]) assert.match(stdout, /warning NoTeam: Pod api-1 says no team\./)
  assert.equal(byName.code, 3)
})

const podsGroup = {
  metadata: { name: '' },
  versions: [{ version: 'v1', resources: [{ resource: 'pods', responseKind: { kind: 'Pod' }, scope: 'Namespaced' }] }],
}

test('a rule that cannot be is a configuration error that names it, for analyze and for serve', async (t) => {
  const server = await house(t)
  const config = ruleFile(t, { when: 'object.metadata.' })

  const expected = /The configuration is wrong:\n {2}- analyzers: rule NoTeam: when "object\.metadata\.": /

  assertRefused(await analyze(t, server, '--config', config), expected)
  const serving = start(t, ['serve', '--config', config], webEnv(t, { KUBE_AGENT_LOG_LEVEL: 'silent' }))
  const served = serving.listening.then(() => assert.fail('it serves with such a rule'))
  assertRefused(await Promise.race([serving.ended, served]), expected)
})

test('a rule with a key too many or a severity that is none is refused by the schema', async (t) => {
  const server = await house(t)

  const ended = await analyze(t, server, '--config', ruleFile(t, { when: noTeam, severity: 'bad', foo: 1 }))

  assertRefused(ended, /analyzers .*expected one of critical, warning, info/)
})

test('--with-stat tells what each analyzer took', async (t) => {
  const { stdout } = await analyze(t, await house(t), '--filter', 'Pod,Service', '--with-stat')

  assert.match(stdout, /^Pod +\d+\.\d ms +0 findings\nService +\d+\.\d ms/m)
})

const clientConfig = (server: string) => ({
  apiVersion: 'v1',
  kind: 'Config',
  'current-context': 'test',
  clusters: [{ name: 'test', cluster: { server, 'insecure-skip-tls-verify': true } }],
  users: [{ name: 'test', user: {} }],
  contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
})
