import assert from 'node:assert/strict'
import { test } from 'node:test'
import { backOff, retryAfterMs, spread } from '../../src/http/waits.ts'

const now = Date.parse('2026-01-01T00:00:00Z')

const retryAfters: [what: string, value: string | string[] | null | undefined, ms: number | undefined][] = [
  ['seconds', '5', 5_000],
  ['no time at all', '0', 0],
  ['a fraction, as LiteLLM sends it', '37.482123', 37_482],
  ['as many seconds as nobody waits for', '999999999', 999_999_999_000],
  ['a date', 'Thu, 01 Jan 2026 00:10:00 GMT', 600_000],
  ['a date of the old form', 'Thursday, 01-Jan-26 00:10:00 GMT', 600_000],
  ['a date that has passed', 'Wed, 31 Dec 2025 00:00:00 GMT', 0],
  ['a negative number', '-5', undefined],
  ['a number beyond all times', '9'.repeat(30), undefined],
  ['a number of another form', '1e3', undefined],
  ['half a number', '5.', undefined],
  ['an amount with a unit', '5s', undefined],
  ['a word', 'soon', undefined],
  ['a weekday without a date', 'Thursday', undefined],
  ['nothing', '', undefined],
  ['two headers', ['5', '6'], undefined],
  ['no header, as undici has it', undefined, undefined],
  ['no header, as fetch has it', null, undefined],
]

for (const [what, value, ms] of retryAfters)
  test(`Retry-After with ${what} asks ${ms === undefined ? 'for nothing' : `to wait ${ms} ms`}`, () => {
    assert.equal(retryAfterMs(value, now), ms)
  })

test('each failure doubles the wait, up to the longest', () => {
  const waits = (options: Parameters<typeof backOff>[1]) =>
    [1, 2, 3, 5, 6, 7, 5_000].map((failures) => backOff(failures, options))

  assert.deepEqual(waits({ longestMs: 15_000 }), [500, 1_000, 2_000, 8_000, 15_000, 15_000, 15_000])
  assert.deepEqual(waits({ firstMs: 1_000, longestMs: 15_000 }), [1_000, 2_000, 4_000, 15_000, 15_000, 15_000, 15_000])
})

test('waits are spread by a fifth to both sides', (t) => {
  const extremes = [0, 0.5, 1].map((chance) => {
    t.mock.method(Math, 'random', () => chance)
    return Math.round(spread(1_000))
  })

  assert.deepEqual(extremes, [800, 1_000, 1_200])
})
