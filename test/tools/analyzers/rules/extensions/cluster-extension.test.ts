import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clusterExtension } from '../../../../../src/tools/analyzers/rules/extensions/cluster-extension.ts'
import { bearsDamage } from '../../damage.ts'
import { ago, snapshotOf } from '../../snapshot.ts'
import { condition } from '../../workloads.ts'

const inspect = (...extensions: object[]) => clusterExtension.inspect(snapshotOf({ ClusterExtension: extensions }))

const well: object[] = [
  condition('Installed', 'True', { reason: 'Succeeded' }),
  condition('Progressing', 'True', { reason: 'Succeeded' }),
]

const extension = ({ conditions = well, source = {} as object, age = ago(1, 'h') } = {}) => ({
  metadata: { name: 'argocd', creationTimestamp: age },
  spec: {
    source: {
      sourceType: 'Catalog',
      catalog: { packageName: 'argocd', upgradeConstraintPolicy: 'CatalogProvided' },
      ...source,
    },
  },
  status: { conditions },
})

test('an installed extension is well, and so is one that rolls out', () => {
  const rolling = extension({ conditions: [condition('Progressing', 'True', { reason: 'RollingOut' })] })

  assert.deepEqual(inspect(extension(), rolling), [])
})

test('an extension that cannot be installed is reported with the message', () => {
  const message = 'no bundles found for package "argocd"'

  const findings = inspect(
    extension({
      conditions: [
        condition('Installed', 'False', { reason: 'Failed', message: 'No bundle installed' }),
        condition('Progressing', 'True', { reason: 'Retrying', message }),
      ],
    }),
  )

  assert.deepEqual(
    findings.map(({ reason, severity }) => [reason, severity]),
    [
      ['InstalledFailed', 'warning'],
      ['ProgressingRetrying', 'warning'],
    ],
  )
  assert.ok(findings[1]?.evidence.some(({ value }) => value === message))
})

test('a source or upgrade policy that OLM does not know is reported with those it knows', () => {
  const [policy] = inspect(extension({ source: { catalog: { upgradeConstraintPolicy: 'Whatever' } } }))
  const [type] = inspect(extension({ source: { sourceType: 'Bundle' } }))

  assert.match(policy?.text ?? '', /upgradeConstraintPolicy Whatever; it can be CatalogProvided or SelfCertified/)
  assert.match(type?.text ?? '', /sourceType Bundle; it can be Catalog/)
})

test('a new extension is left alone', () => {
  const conditions = [condition('Installed', 'False', { lastTransitionTime: ago(30, 's') })]

  assert.deepEqual(inspect(extension({ conditions, age: ago(30, 's') })), [])
})

test('damaged extensions never make it throw', () => {
  bearsDamage(clusterExtension, {
    ClusterExtension: [extension({ conditions: [condition('Installed', 'False')], source: { sourceType: 'x' } })],
  })
})
