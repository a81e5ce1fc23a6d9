import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clusterCatalog } from '../../../../../src/tools/analyzers/rules/extensions/cluster-catalog.ts'
import { bearsDamage } from '../../damage.ts'
import { ago, snapshotOf } from '../../snapshot.ts'
import { condition } from '../../workloads.ts'

const inspect = (...catalogs: object[]) => clusterCatalog.inspect(snapshotOf({ ClusterCatalog: catalogs }))

const digest = 'quay.io/operatorhubio/catalog@sha256:8b4f'

const catalog = ({
  ref = 'quay.io/operatorhubio/catalog:latest',
  resolved = digest as string | null,
  conditions = well,
  spec = {},
  age = ago(1, 'h'),
} = {}) => ({
  metadata: { name: 'operatorhubio', generation: 2, creationTimestamp: age },
  spec: { source: { type: 'Image', image: { ref } }, ...spec },
  status: { conditions, ...(resolved && { resolvedSource: { type: 'Image', image: { ref: resolved } } }) },
})

const well: object[] = [
  condition('Serving', 'True', { reason: 'Available' }),
  condition('Progressing', 'True', { reason: 'Succeeded' }),
]

test('a catalog that serves is well', () => {
  assert.deepEqual(inspect(catalog()), [])
})

test('a catalog that is not served, or that OLM tries again and again, is reported with the message', () => {
  const findings = inspect(
    catalog({
      conditions: [
        condition('Serving', 'False', { reason: 'Unavailable' }),
        condition('Progressing', 'True', { reason: 'Retrying', message: 'unauthorized: access denied' }),
      ],
    }),
  )

  assert.deepEqual(
    findings.map(({ reason }) => reason),
    ['ServingUnavailable', 'ProgressingRetrying'],
  )
  assert.equal(findings[1]?.text, 'ClusterCatalog operatorhubio has Progressing=True (Retrying).')
  assert.ok(findings[1]?.evidence.some(({ value }) => value === 'unauthorized: access denied'))
})

test('an image that is not resolved to a digest is reported', () => {
  assert.match(inspect(catalog({ resolved: null }))[0]?.text ?? '', /has not resolved its image/)
  assert.match(inspect(catalog({ resolved: 'quay.io/x/y:1' }))[0]?.text ?? '', /without a digest/)
})

test('only what is no image reference is called one', () => {
  const references = ['catalog', 'registry:5000/a/b_c:v1', digest.replace('8b4f', 'a'.repeat(64)), 'localhost/x']

  for (const ref of references) assert.deepEqual(inspect(catalog({ ref })), [])
  assert.equal(inspect(catalog({ ref: 'quay.io/UPPER case' }))[0]?.reason, 'InvalidImageReference')
})

test('a catalog that is switched off, new, or whose condition is of an older generation, is left alone', () => {
  const down = [condition('Serving', 'False', { reason: 'Unavailable' })]
  const stale = [condition('Serving', 'False', { observedGeneration: 1 })]
  const young = [condition('Serving', 'False', { lastTransitionTime: ago(1) })]

  const findings = inspect(
    catalog({ conditions: down, spec: { availabilityMode: 'Unavailable' } }),
    catalog({ conditions: down, age: ago(20, 's') }),
    catalog({ conditions: stale }),
    catalog({ conditions: young }),
  )

  assert.deepEqual(findings, [])
})

test('damaged catalogs never make it throw', () => {
  bearsDamage(clusterCatalog, {
    ClusterCatalog: [catalog({ ref: 'A B', resolved: null, conditions: [condition('Serving', 'False')] })],
  })
})
