import assert from 'node:assert/strict'
import { test } from 'node:test'
import { disruptionBudget as analyzer } from '../../../../../src/tools/analyzers/rules/workloads/disruption-budget.ts'
import { bearsDamage } from '../../damage.ts'
import { ago, meta, snapshotOf } from '../../snapshot.ts'
import { condition, deployment, pod, podWith } from '../../workloads.ts'

type Objects = Parameters<typeof snapshotOf>[0]

const budget = (more: { name?: string; metadata?: object; spec?: object; status?: object } = {}) => ({
  metadata: meta(more.name ?? 'api', more.metadata),
  spec: { minAvailable: 1, selector: { matchLabels: { app: 'api' } }, ...more.spec },
  status: {
    observedGeneration: 1,
    disruptionsAllowed: 1,
    currentHealthy: 2,
    desiredHealthy: 1,
    expectedPods: 2,
    ...more.status,
  },
})

const pods = [pod({ name: 'api-1-a' }), pod({ name: 'api-1-b' })]
const node = (unschedulable: boolean) => ({ metadata: { name: 'worker-1' }, spec: { unschedulable } })

const inspect = (budgets: object[], more: Objects = {}) =>
  analyzer.inspect(
    snapshotOf({
      PodDisruptionBudget: budgets,
      Pod: pods,
      Node: [node(false)],
      Deployment: [],
      StatefulSet: [],
      DaemonSet: [],
      Job: [],
      CronJob: [],
      ...more,
    }),
  )

const strict = budget({ spec: { minAvailable: 2 }, status: { disruptionsAllowed: 0, desiredHealthy: 2 } })

test('a budget that can never allow an eviction is a hint, and a warning while a node is being emptied', () => {
  const [finding] = inspect([strict])

  assert.equal(finding?.reason, 'NoDisruptionAllowed')
  assert.equal(finding.severity, 'info')
  assert.match(finding.text, /minAvailable 2 of 2 pods\.$/)
  assert.equal(inspect([strict], { Node: [node(true)] })[0]?.severity, 'warning')
  assert.match(inspect([strict], { Node: [node(true)] })[0]!.text, /node worker-1, which is cordoned/)
})

test('maxUnavailable of nothing allows nothing', () => {
  for (const maxUnavailable of [0, '0%'])
    assert.match(
      inspect([budget({ spec: { minAvailable: undefined, maxUnavailable }, status: { disruptionsAllowed: 0 } })])[0]!
        .text,
      /maxUnavailable 0/,
    )
})

test('a budget that is used up at the moment is doing its work', () => {
  const used = budget({
    status: {
      disruptionsAllowed: 0,
      currentHealthy: 1,
      conditions: [condition('DisruptionAllowed', 'False', { reason: 'InsufficientPods' })],
    },
  })

  assert.deepEqual(inspect([used]), [])
})

test('too few healthy pods are a hint that names them, after ten minutes', () => {
  const lacking = (lastTransitionTime: string) =>
    budget({
      status: {
        disruptionsAllowed: 0,
        currentHealthy: 0,
        conditions: [condition('DisruptionAllowed', 'False', { lastTransitionTime })],
      },
    })

  const [finding] = inspect([lacking(ago(11))], { Pod: [podWith({})] })

  assert.equal(finding?.reason, 'InsufficientPods')
  assert.equal(finding.severity, 'info')
  assert.ok(finding.evidence.some(({ value }) => value === 'api-1-a'))
  assert.deepEqual(inspect([lacking(ago(9))], { Pod: [podWith({})] }), [])
})

const empty = { expectedPods: 0, currentHealthy: 0, desiredHealthy: 0, disruptionsAllowed: 0 }

test('a selector that matches no pod is a hint', () => {
  const astray = budget({
    spec: { selector: { matchExpressions: [{ key: 'app', operator: 'In', values: ['apis'] }] } },
    status: empty,
  })

  assert.equal(inspect([astray])[0]?.reason, 'NoPods')
  assert.match(inspect([astray])[0]!.evidence[0]!.value, /apis/)
})

test('a budget for pods that sleep, or that are still being made, is in order', () => {
  const asleep = deployment({ spec: { replicas: 0 } })

  assert.deepEqual(inspect([budget({ status: empty })], { Pod: [], Deployment: [asleep] }), [])
  assert.deepEqual(inspect([budget({ metadata: { creationTimestamp: ago(5) }, status: empty })], { Pod: [] }), [])
})

test('a budget that cannot be worked out is a warning, wherever its condition stands', () => {
  const failed = condition('DisruptionAllowed', 'False', {
    reason: 'SyncFailed',
    message: 'found no controllers for pod "x"',
  })

  const [finding] = inspect([
    budget({ status: { disruptionsAllowed: 0, conditions: [condition('Other', 'True'), failed] } }),
  ])

  assert.equal(finding?.reason, 'SyncFailed')
  assert.match(finding.text, /found no controllers/)
})

test('a pod in two budgets cannot be evicted at all', () => {
  const [finding, ...others] = inspect([budget(), budget({ name: 'everything', spec: { selector: {} } })])

  assert.equal(finding?.reason, 'SeveralBudgets')
  assert.match(finding.text, /api and everything count the same 2 pods, so none of them can be evicted/)
  assert.deepEqual(others, [])
})

test('budgets of two namespaces do not share pods', () => {
  const elsewhere = budget({ metadata: { namespace: 'other' }, spec: { selector: {} } })

  assert.deepEqual(inspect([budget(), elsewhere]), [])
})

test('a good budget, an unseen one, and one without status give nothing', () => {
  assert.deepEqual(inspect([budget()]), [])
  assert.deepEqual(inspect([budget({ metadata: { generation: 2 }, status: { disruptionsAllowed: 0 } })]), [])
  assert.deepEqual(inspect([{ metadata: meta('api') }]), [])
})

test('damaged budgets never make it throw', () => {
  bearsDamage(analyzer, {
    PodDisruptionBudget: [strict, budget({ name: 'everything', spec: { selector: {} }, status: empty })],
    Pod: pods,
    Node: [node(true)],
    Deployment: [],
    StatefulSet: [],
    DaemonSet: [],
    Job: [],
    CronJob: [],
  })
})
