import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { findingId } from '../../../src/tools/analyzers/analyzer.ts'
import { toJson } from '../../../src/tools/analyzers/json.ts'
import { finding, gap, ref, report } from './findings.ts'
import { ago } from './snapshot.ts'

test('the report has the shape of K8sGPT, and our fields in small letters beside it', () => {
  const crash = finding({ object: ref('Pod', 'api-1'), since: ago(5) })

  const json = toJson(report([crash]), {
    provider: 'local',
    explanations: new Map([[findingId(crash), 'Error: it crashes.']]),
    docs: new Map([[findingId(crash), 'Details about the container.']]),
  })

  assert.deepEqual(json, {
    provider: 'local',
    status: 'ProblemDetected',
    problems: 1,
    results: [
      {
        kind: 'Pod',
        name: 'shop/api-1',
        error: [
          {
            Text: 'Container api has the state CrashLoopBackOff.',
            KubernetesDoc: 'Details about the container.',
            Sensitive: [],
            rule: 'CrashLoopBackOff',
            severity: 'critical',
            confidence: 'high',
            since: '2026-11-20T11:55:00Z',
            key: 'Deployment/shop/api/CrashLoopBackOff',
            evidence: crash.evidence,
            affects: [],
            next: 'k8s_get_pod_logs name=api-1 previous=true',
          },
        ],
        details: 'Error: it crashes.',
        parentObject: 'Deployment/api',
      },
    ],
    errors: [],
    unchecked: [],
    checkedAt: '2026-11-20T12:00:00.000Z',
  })
})

test('what is in no namespace is named by itself, and what owns itself has no parent', () => {
  const node = ref('Node', 'worker-1', null)

  const [result] = toJson(report([finding({ object: node, owner: node })])).results

  assert.equal(result?.name, 'worker-1')
  assert.equal(result?.parentObject, '')
})

test('equal states give equal bytes, in whatever order they were found', () => {
  const all = ['api', 'web', 'cart'].flatMap((name) =>
    ['CrashLoopBackOff', 'OOMKilled'].map((reason) => finding({ owner: ref('Deployment', name), reason })),
  )
  const expected = JSON.stringify(toJson(report(all)))

  fc.assert(
    fc.property(fc.shuffledSubarray(all, { minLength: all.length }), (shuffled) => {
      assert.equal(JSON.stringify(toJson(report(shuffled))), expected)
    }),
  )
})

test('a report is OK only when nothing was found and nothing was left out', () => {
  const status = (...given: Parameters<typeof toJson>) => toJson(...given).status

  assert.equal(status(report([])), 'OK')
  assert.equal(status(report([], { unchecked: [gap()] })), 'Incomplete')
  assert.equal(status(report([]), { errors: ['There is no analyzer Pdo.'] }), 'Incomplete')
  assert.equal(status(report([finding()], { unchecked: [gap()] })), 'ProblemDetected')
})

test('what could not be checked stands among the errors, after those of the request', () => {
  const json = toJson(report([], { unchecked: [gap()] }), { errors: ['There is no analyzer Pdo.'] })

  assert.deepEqual(json.errors, ['There is no analyzer Pdo.', gap().message])
  assert.deepEqual(json.unchecked, [gap()])
})

test('problems counts findings, results are one for each object', () => {
  const json = toJson(
    report([finding(), finding({ reason: 'OOMKilled' }), finding({ owner: ref('Deployment', 'web') })]),
  )

  assert.equal(json.problems, 3)
  assert.deepEqual(
    json.results.map(({ name, error }) => [name, error.map(({ rule }) => rule)]),
    [
      ['shop/api', ['CrashLoopBackOff', 'OOMKilled']],
      ['shop/web', ['CrashLoopBackOff']],
    ],
  )
})
