import assert from 'node:assert/strict'
import { test } from 'node:test'
import { codeOf, isDeadSocket, shortReason, whyNoAnswer } from '../../src/http/no-answer.ts'

const failed = (message: string, code?: unknown, cause?: unknown) =>
  Object.assign(new Error(message, { cause }), code !== undefined && { code })

const codes: [code: string, isDead: boolean][] = [
  ['UND_ERR_SOCKET', true],
  ['ECONNRESET', true],
  ['EPIPE', true],
  ['ECONNREFUSED', false],
  ['ENOTFOUND', false],
  ['EHOSTUNREACH', false],
  ['UND_ERR_CONNECT_TIMEOUT', false],
  ['UND_ERR_HEADERS_TIMEOUT', false],
  ['UND_ERR_BODY_TIMEOUT', false],
  ['UND_ERR_ABORTED', false],
  ['CERT_HAS_EXPIRED', false],
]

for (const [code, isDead] of codes)
  test(`after ${code} the connection ${isDead ? 'had died' : 'was not one that died'}`, () => {
    assert.equal(isDeadSocket(failed('no', code)), isDead)
    assert.equal(isDeadSocket(new TypeError('fetch failed', { cause: failed('no', code) })), isDead)
  })

test('the code of an error is its own, or that of the nearest cause that has one', () => {
  const deep = failed('a', undefined, failed('b', undefined, failed('c', 'ENOTFOUND')))

  assert.equal(codeOf(failed('a', 'EPIPE', failed('b', 'ENOTFOUND'))), 'EPIPE')
  assert.equal(codeOf(deep), 'ENOTFOUND')
  // That of a DOMException is a number.
  assert.equal(codeOf(AbortSignal.abort().reason), undefined)
  for (const nothing of [undefined, null, 'ENOTFOUND', { code: 'ENOTFOUND' }, new Error('a')])
    assert.equal(codeOf(nothing), undefined)
})

test('why there is no answer is said with the code, but for one that took too long', () => {
  const late = new DOMException('The operation was aborted due to timeout', 'TimeoutError')

  assert.equal(whyNoAnswer(failed('connect 10.0.0.1:443', 'ECONNREFUSED')), 'ECONNREFUSED connect 10.0.0.1:443')
  assert.equal(whyNoAnswer(failed('other side closed')), 'other side closed')
  assert.equal(whyNoAnswer(late), 'no answer in time')
  assert.equal(whyNoAnswer('odd'), 'odd')
})

test('in a sentence the code is enough, and a time limit is said in seconds', () => {
  const late = new DOMException('The operation was aborted due to timeout', 'TimeoutError')

  assert.equal(shortReason(failed('connect 10.0.0.1:443', 'ECONNREFUSED'), 30_000), 'ECONNREFUSED')
  assert.equal(shortReason(failed('other side closed'), 30_000), 'other side closed')
  assert.equal(shortReason(late, 30_000), 'no answer within 30 s')
})
