import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Analysis, analyze, type Finding } from './lib/analyze.ts'
import { until } from './lib/matrix-person.ts'
import { type Kubernetes, startKubernetes } from './lib/servers.ts'

const folder = fileURLToPath(new URL('./rigs/kubernetes/scenarios', import.meta.url))

interface Scenario {
  name: string
  isBroken: boolean
  namespace: string
  isClusterWide: boolean
  /** `Deployment/checkout-api`: what the truth beside the scenario names, without what is missing. */
  objects: string[]
}

/** What has to be said about the objects, in our reasons' words. */
const expected: Record<string, RegExp> = {
  'broken-config-error-missing-secret': /CreateContainerConfigError|MissingSecret/,
  'broken-crashloop-missing-env': /CrashLoopBackOff/,
  'broken-cronjob-never-fires': /NeverFires|Schedule/,
  'broken-cronjob-suspended-forgotten': /Suspended/,
  'broken-daemonset-matches-no-node': /NoMatchingNode/,
  'broken-dns-down': /DNS/i,
  'broken-hpa-missing-target': /FailedGetScale|Target/,
  'broken-hpa-no-metrics': /FailedGetResourceMetric|Request/,
  'broken-imagepull-no-credentials': /ImagePullBackOff|ErrImagePull|PullSecret/,
  'broken-imagepull-tag-not-found': /ImagePullBackOff|ErrImagePull/,
  'broken-ingress-missing-class': /IngressClass/,
  'broken-ingress-missing-tls-secret': /Secret/,
  'broken-init-container-crash': /CrashLoopBackOff/,
  'broken-job-backoff-limit': /BackoffLimitExceeded/,
  'broken-limitrange-rejects': /FailedCreate|LimitRange|ReplicaFailure/,
  'broken-namespace-stuck-terminating': /Terminating|Finalizer/,
  'broken-node-disk-pressure': /DiskPressure/,
  'broken-node-notready': /NotReady|NodeStatusUnknown/,
  'broken-oomkilled': /OOMKilled/,
  'broken-pdb-blocks-drain': /Disruption/,
  'broken-pending-insufficient-cpu': /Unschedulable/,
  'broken-pending-pvc-unbound': /Pending|StorageClass|Unschedulable/,
  'broken-pending-untolerated-taint': /Unschedulable/,
  'broken-quota-exceeded': /FailedCreate|Quota|ReplicaFailure/,
  'broken-rolebinding-missing-role': /Role/,
  'broken-rollout-progress-deadline': /ProgressDeadlineExceeded|Unhealthy/,
  'broken-service-selector-mismatch': /Selector|NoEndpoints|NoPods/,
  'broken-serviceaccount-missing': /ServiceAccount|FailedCreate/,
  'broken-sidecar-failing': /CrashLoopBackOff/,
  'broken-statefulset-missing-headless-service': /Service/,
  'broken-tls-certificate-expired': /Expired/,
  'broken-webhook-missing-service': /Service/,
}

let cluster: Kubernetes
const scenarios = readdirSync(folder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => read(entry.name))
const table: string[] = []

function read(name: string): Scenario {
  const truth = readFileSync(`${folder}/${name}/truth.txt`, 'utf8')
  const value = (key: string) => new RegExp(`^${key}: (.*)$`, 'm').exec(truth)?.[1] ?? ''
  return {
    name,
    isBroken: value('verdict') === 'broken',
    namespace: value('namespace'),
    isClusterWide: value('scope') === 'cluster',
    objects: [...value('objects').matchAll(/([A-Z]\w+\/[\w.-]+)(?! \(missing\))/g)].map((match) => match[1] ?? ''),
  }
}

before(async () => {
  cluster = await startKubernetes({ addons: true })
})

after(async () => {
  await cluster?.[Symbol.asyncDispose]()
  console.log(table.join('\n'))
})

/** Findings of some weight: a hint of low severity on something healthy is no alarm. */
const alarms = ({ findings }: Analysis) => findings.filter((finding) => finding.severity !== 'info')

test('an empty cluster with its system components has nothing to report', async () => {
  const found = await analyze(cluster.kubeconfig)

  assert.deepEqual(
    found.findings.map(({ key, text }) => `${key}: ${text}`),
    [],
  )
  assert.equal(found.status, 'OK')
})

test('a pod that was created seconds ago is left alone', async () => {
  await cluster.apply('healthy-pod-just-created')

  const found = await analyze(cluster.kubeconfig)

  assert.deepEqual(found.findings, [])
})

test('each broken scenario gives the right finding with evidence, and no healthy look-alike gives any', async (t) => {
  const here = scenarios.filter(({ isClusterWide, name }) => !isClusterWide && name !== 'healthy-pod-just-created')
  await cluster.apply(...here.map(({ name }) => name))
  await cluster.settled(...here.map(({ name }) => name))

  // Some faults only count after minutes of grace, by the cluster's own times.
  const found = await until(
    async () => {
      const analysis = await analyze(cluster.kubeconfig)
      return here.every((scenario) => !scenario.isBroken || rightFinding(scenario, analysis)) && analysis
    },
    () => 'every broken scenario to be found',
    300_000,
  ).catch(() => analyze(cluster.kubeconfig))

  for (const scenario of here) await t.test(scenario.name, () => judge(scenario, found))
  const namespaces = here.map(({ namespace }) => namespace)
  const elsewhere = alarms(found).filter(({ namespace }) => namespace !== undefined && !namespaces.includes(namespace))
  assert.deepEqual(
    elsewhere.map(({ key, text }) => `${key}: ${text}`),
    [],
  )
})

test('a cluster without DNS', async (t) => {
  const down = scenarios.filter(({ isClusterWide }) => isClusterWide)
  await cluster.apply(...down.map(({ name }) => name))
  await cluster.settled(...down.map(({ name }) => name))

  const found = await analyze(cluster.kubeconfig)

  for (const scenario of down) await t.test(scenario.name, () => judge(scenario, found))
})

test('equal states give equal bytes', async () => {
  const [first, second] = [await analyze(cluster.kubeconfig), await analyze(cluster.kubeconfig)]

  const keys = (analysis: Analysis) => analysis.findings.map(({ key }) => key)
  assert.deepEqual(keys(first), keys(second))
})

function judge(scenario: Scenario, found: Analysis): void {
  const { name, isBroken, objects } = scenario
  const there = aboutScenario(scenario, found)
  const said = there.map(({ severity, rule }) => `${severity} ${rule}`).join(', ')
  if (!isBroken) {
    table.push(`${there.length === 0 ? 'ok  ' : 'FAIL'} ${name.padEnd(46)} ${said || 'nothing'}`)
    assert.deepEqual(there, [])
    return
  }
  const right = rightFinding(scenario, found)
  table.push(`${right ? 'ok  ' : 'FAIL'} ${name.padEnd(46)} ${said || 'nothing'}`)
  assert.ok(right, `none of ${objects.join(', ')} has ${expected[name]}: ${JSON.stringify(there, null, 1)}`)
  assert.ok(right.evidence.length > 0, 'a finding without evidence')
}

const rightFinding = (scenario: Scenario, found: Analysis): Finding | undefined =>
  aboutScenario(scenario, found).find(
    ({ key, object, rule, text }) =>
      scenario.objects.some((one) => isAbout(one, key, object)) && expected[scenario.name]?.test(`${rule} ${text}`),
  )

/** Findings in its namespace, or about objects without one that its truth names. */
const aboutScenario = ({ namespace, objects }: Scenario, { findings }: Analysis): Finding[] =>
  findings.filter(
    (finding) =>
      finding.namespace === namespace ||
      (finding.namespace === undefined && objects.some((one) => isAbout(one, finding.key, finding.object))) ||
      objects.some((one) => isAbout(one, finding.key, []) && finding.namespace === 'kube-system'),
  )

/** `Deployment/web` is what the finding is about: its object, its owner, or what it affects. */
function isAbout(object: string, key: string, about: string[]): boolean {
  const [kind, name] = object.split('/')
  return key.split('/')[0] === kind && key.split('/')[2] === name ? true : about.includes(object)
}
