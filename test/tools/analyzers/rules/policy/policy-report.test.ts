import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clusterPolicyReport, policyReport } from '../../../../../src/tools/analyzers/rules/policy/policy-report.ts'
import { bearsDamage } from '../../damage.ts'
import { meta, snapshotOf } from '../../snapshot.ts'

const result = (policy: string, outcome: string, more: object = {}) => ({
  policy,
  rule: 'check',
  result: outcome,
  severity: 'medium',
  message: 'validation error',
  ...more,
})

const report = (name: string, subject: string, results: object[], namespace = 'shop') => ({
  metadata: meta(name, { namespace }),
  scope: { kind: 'Deployment', namespace, name: subject },
  results,
})

test('what breaks a policy is one finding with its count, over all reports of a namespace', () => {
  const reports = [
    report('r1', 'api', [result('require-limits', 'fail'), result('no-latest', 'pass')]),
    report('r2', 'web', [result('require-limits', 'fail'), result('no-latest', 'warn')]),
    report('r3', 'web', [result('require-limits', 'fail')], 'bank'),
  ]

  const findings = policyReport.inspect(snapshotOf({ PolicyReport: reports }))

  assert.deepEqual(
    findings.map(({ text, owner }) => [owner.name, text]),
    [
      ['bank', 'Policy require-limits is broken 1 time by Deployment bank/web.'],
      ['shop', 'Policy require-limits is broken 2 times by Deployment shop/api and Deployment shop/web.'],
    ],
  )
  assert.equal(findings[1]?.severity, 'info')
})

test('the finding is the same when reports are written anew under other names', () => {
  const keyOf = (name: string) => {
    const [finding] = policyReport.inspect(snapshotOf({ PolicyReport: [report(name, 'api', [result('p', 'fail')])] }))
    return [finding?.owner, finding?.reason]
  }

  assert.deepEqual(keyOf('r1'), keyOf('r9'))
})

test('severe policies are warnings, however the severity is written', () => {
  const severityOf = (severity: string | undefined) => {
    const reports = [{ metadata: { name: 'c1' }, results: [result('p', 'fail', { severity })] }]
    return clusterPolicyReport.inspect(snapshotOf({ ClusterPolicyReport: reports }))[0]?.severity
  }

  assert.equal(severityOf('critical'), 'warning')
  assert.equal(severityOf('HIGH'), 'warning')
  assert.equal(severityOf('low'), 'info')
  assert.equal(severityOf(undefined), 'info')
})

test('older reports name their objects in each result', () => {
  const resources = [{ kind: 'Pod', namespace: 'shop', name: 'api-1-a' }]
  const reports = [{ metadata: meta('r1'), results: [result('p', 'fail', { resources })] }]

  const [finding] = policyReport.inspect(snapshotOf({ PolicyReport: reports }))

  assert.deepEqual(finding?.object, resources[0])
})

test('damaged reports never make it throw', () => {
  bearsDamage(policyReport, {
    PolicyReport: [report('r1', 'api', [result('p', 'fail', { resources: [{ kind: 'Pod' }] })])],
  })
})
