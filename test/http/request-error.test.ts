import assert from 'node:assert/strict'
import { test } from 'node:test'
import { askedWait, isAway, isLimited, RequestError } from '../../src/http/request-error.ts'

const kindOf = (error: unknown) => (isAway(error) ? 'away' : isLimited(error) ? 'limiting' : 'final')

const statuses: [status: number, what: string, own: string, foreign: string][] = [
  [0, 'no answer', 'away', 'away'],
  [200, 'an answer of success that cannot be read', 'final', 'away'],
  [302, 'a redirect', 'final', 'away'],
  [400, 'a bad request', 'final', 'final'],
  [401, 'no valid token', 'final', 'final'],
  [403, 'no permission', 'final', 'final'],
  [404, 'nothing there', 'final', 'away'],
  [408, 'a request that took too long', 'away', 'away'],
  [410, 'something gone', 'final', 'final'],
  [413, 'too much', 'final', 'final'],
  [429, 'too many requests', 'limiting', 'limiting'],
  [500, 'a server in trouble', 'away', 'away'],
  [502, 'a proxy without a server', 'away', 'away'],
  [503, 'a server that is not ready', 'away', 'away'],
  [504, 'a proxy that waited in vain', 'away', 'away'],
  [529, 'a status that no specification has', 'away', 'away'],
]

for (const [status, what, own, foreign] of statuses)
  test(`${status}, ${what}: ${own} when the server says it, ${foreign} when something in front of it does`, () => {
    const said = (isForeign: boolean) => new RequestError('no', { status, code: 'CODE', isForeign })

    assert.deepEqual([kindOf(said(false)), kindOf(said(true))], [own, foreign])
  })

test('an error that is of no request says nothing about the server', () => {
  const foreign = Object.assign(new Error('no'), { status: 503, code: 'CODE', retryAfterMs: 5 })

  assert.deepEqual(
    [isAway(foreign), isLimited(foreign), askedWait(foreign), askedWait(undefined)],
    [false, false, undefined, undefined],
  )
})
