import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { amountOf } from '../../../src/tools/kubernetes/quantity.ts'

test('quantities can be compared whatever their suffix', () => {
  const amounts = {
    '400m': 0.4,
    '1': 1,
    '1.5Gi': 1.5 * 2 ** 30,
    '10k': 10_000,
    '1e3': 1_000,
    '2E': 2e18,
    '0.5': 0.5,
    '-1': -1,
  }

  assert.deepEqual(Object.fromEntries(Object.keys(amounts).map((one) => [one, amountOf(one)])), amounts)
})

test('what is no quantity has no amount', () => {
  for (const text of [undefined, '', 'x', '1 Gi', '1Xi', '..', '1constructor']) assert.equal(amountOf(text), undefined)
  fc.assert(
    fc.property(fc.string(), (text) => {
      assert.doesNotThrow(() => amountOf(text))
    }),
  )
})
