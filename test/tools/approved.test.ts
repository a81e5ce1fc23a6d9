import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RequestError } from '../../src/http/request-error.ts'
import { Unreachable } from '../../src/http/unreachable.ts'
import { UnusableAnswer } from '../../src/http/unusable-answer.ts'
import { type Fate, fateOfRequest, sendApproved } from '../../src/tools/approved.ts'
import { OutcomeUnknown, type Preview } from '../../src/tools/tool.ts'

const path = '/api/v1/repos/acme/shop'
const approved: Preview = {
  request: { method: 'DELETE', path, contentType: 'application/json', body: '{}' },
  diff: '',
  affects: [],
  version: 'v1',
}

/** Sends the approved request there; what was sent, and what came of it. */
async function outcome(send: () => Promise<string>, { to = path, fate }: { to?: string; fate?: Fate } = {}) {
  const sent: Preview['request'][] = []
  const sending = sendApproved(
    approved,
    to,
    (request) => {
      sent.push(request)
      return send()
    },
    fate === undefined ? fateOfRequest : () => fate,
  )
  return { sent, outcome: await sending.catch((error: unknown) => error) }
}

test('what was approved is sent as it was shown', async () => {
  assert.deepEqual(await outcome(async () => 'done'), { sent: [approved.request], outcome: 'done' })
})

test('what was approved for one object is not sent for another', async () => {
  const { sent, outcome: error } = await outcome(async () => 'done', { to: '/api/v1/repos/acme/other' })

  assert.deepEqual(sent, [])
  assert.match(String(error), /goes to another object than this call names/)
})

const answered = (status: number) => new RequestError(`It answered ${status}.`, { status, code: '' })
const fates: [string, unknown, Fate][] = [
  ['a refusal', answered(403), 'not done'],
  ['a conflict', answered(409), 'not done'],
  ['a redirect', answered(301), 'not done'],
  ['a limit', answered(429), 'not done'],
  ['an error of the server', answered(500), 'unknown'],
  ['a proxy that gives up', answered(504), 'unknown'],
  [
    'no connection',
    new Unreachable('Away.', { cause: Object.assign(new Error(), { code: 'ECONNREFUSED' }) }),
    'not done',
  ],
  ['credentials that cannot be had', new Unreachable('Away.', { mayHaveArrived: false }), 'not done'],
  [
    'an answer that was lost',
    new Unreachable('Away.', { cause: Object.assign(new Error(), { code: 'EPIPE' }) }),
    'unknown',
  ],
  ['silence of an unknown cause', new Unreachable('Away.', {}), 'unknown'],
  ['an answer of no use', new UnusableAnswer('A login page.'), 'unknown'],
  ['a time limit', new DOMException('too long', 'TimeoutError'), 'unknown'],
  ['anything else', new Error('odd'), 'unknown'],
]

for (const [what, error, fate] of fates)
  test(`after ${what} a change is ${fate === 'unknown' ? 'perhaps done' : fate}; it is sent once`, async () => {
    const { sent, outcome: thrown } = await outcome(() => Promise.reject(error))

    assert.equal(fateOfRequest(error), fate)
    assert.equal(sent.length, 1)
    if (fate === 'not done') assert.equal(thrown, error)
    else {
      assert.ok(thrown instanceof OutcomeUnknown)
      assert.match(thrown.message, /^Whether it was done is unknown: .* Read the current state first\.$/)
      assert.equal(thrown.cause, error)
    }
  })

test('a change that somebody overtook is not done, and says what happened meanwhile', async () => {
  const error = answered(409)

  const { outcome: thrown } = await outcome(() => Promise.reject(error), {
    fate: { overtaken: 'the branch has moved' },
  })

  assert.ok(thrown instanceof Error && !(thrown instanceof OutcomeUnknown))
  assert.equal(thrown.message, 'Not done: the branch has moved after the approval was asked for. Look at it again.')
  assert.equal(thrown.cause, error)
})
