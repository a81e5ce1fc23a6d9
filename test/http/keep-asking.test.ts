import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keepAsking } from '../../src/http/keep-asking.ts'
import { RequestError } from '../../src/http/request-error.ts'

const refused = (status: number) => new RequestError(`refused with ${status}`, { status, code: 'CODE' })

/** A server that refuses with these errors, one after another, and then answers. */
function setup(...errors: Error[]) {
  const closing = new AbortController()
  const waits: { failures: number; error: unknown }[] = []
  const left = [...errors]
  const attempt = async () => {
    const error = left.shift()
    if (error) throw error
    return 'answer'
  }
  const waitAfter = (failures: number, error: unknown) => {
    waits.push({ failures, error })
    return 0
  }
  return { attempt, waits, left, closing, patience: { closing: closing.signal, waitAfter } }
}

test('a server that is away or limits us is asked until it answers, after the waits of the caller', async () => {
  const errors = [refused(0), refused(429), refused(502)]
  const { attempt, waits, patience } = setup(...errors)

  assert.equal(await keepAsking(attempt, patience), 'answer')
  assert.deepEqual(
    waits,
    errors.map((error, index) => ({ failures: index + 1, error })),
  )
})

test('what the server says otherwise is thrown at once', async () => {
  const { attempt, waits, patience } = setup(refused(403))

  await assert.rejects(keepAsking(attempt, patience), /refused with 403/)
  assert.deepEqual(waits, [])
})

test('an error that is of no request is thrown at once', async () => {
  const { attempt, patience } = setup(new TypeError('a mistake of ours'))

  await assert.rejects(keepAsking(attempt, patience), TypeError)
})

test('after so many tries the last refusal is thrown', async () => {
  const { attempt, waits, left, patience } = setup(refused(502), refused(503), refused(504))

  await assert.rejects(keepAsking(attempt, { ...patience, tries: 2 }), /refused with 503/)
  assert.deepEqual([waits.length, left.length], [1, 1])
})

test('the end cuts a wait short, and the next refusal is the last', { timeout: 10_000 }, async () => {
  const { attempt, left, closing, patience } = setup(refused(502), refused(503), refused(504))
  const waitAfter = () => {
    queueMicrotask(() => closing.abort())
    return 600_000
  }

  await assert.rejects(keepAsking(attempt, { ...patience, waitAfter }), /refused with 503/)
  assert.equal(left.length, 1)
})
