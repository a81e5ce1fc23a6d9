import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { test } from 'node:test'
import { pause } from '../../src/http/pause.ts'

test('a pause ends early, and without an error, when it is aborted', { timeout: 10_000 }, async () => {
  const closing = new AbortController()
  const waiting = pause(600_000, closing.signal)

  closing.abort(new Error('closed'))

  assert.equal(await waiting, undefined)
})

test('there is no pause after the abort', { timeout: 10_000 }, async () => {
  assert.equal(await pause(600_000, AbortSignal.abort()), undefined)
})

test('many pauses on one signal leave nothing behind', async () => {
  const { signal } = new AbortController()

  for (let count = 0; count < 20; count++) await pause(0, signal)

  assert.deepEqual(getEventListeners(signal, 'abort'), [])
})

test('a wait longer than a timer can take is a long one, not one of a millisecond', async (t) => {
  const timers = t.mock.method(globalThis, 'setTimeout')
  const closing = new AbortController()

  const waiting = pause(999_999_999_000, closing.signal)

  assert.equal(timers.mock.calls[0]?.arguments[1], 2_147_483_647)
  closing.abort()
  await waiting
})
