import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  addReply,
  addResult,
  createSession,
  forgetOldTurns,
  openCalls,
  type Session,
  withdrawOpenCalls,
} from '../../src/agent/session.ts'
import { ownText } from '../../src/text/outside.ts'
import { assertValid, calls, says } from '../helpers/model.ts'
import { restart } from './fixtures.ts'
import { agent, bob } from './harness.ts'

test('a call has one result, in the order of the calls, whatever comes later', () => {
  const session = createSession()
  addReply(session, calls(['look', { name: 'a' }], ['look', { name: 'b' }]))
  const [a, b] = openCalls(session)

  addResult(session, b!, ownText('second'))
  addResult(session, a!, ownText('first'))
  addResult(session, a!, ownText('first, again'))

  assert.deepEqual(
    session.messages.slice(1).map((message) => message.content),
    ['first', 'second'],
  )
})

/** A turn of a question, a call with its result, and an answer. */
function turn(session: Session, number: number, size: number): void {
  session.messages.push({ role: 'user', content: `question ${number}` })
  addReply(session, calls(['look', { name: 'a' }]))
  for (const call of openCalls(session)) addResult(session, call, ownText('x'.repeat(size)))
  addReply(session, says(`answer ${number}`))
}

test('a session that grew too long forgets its oldest turns, each as a whole', () => {
  const session = createSession()
  for (let number = 0; number < 40; number++) turn(session, number, 40_000)

  forgetOldTurns(session)

  assert.ok(JSON.stringify(session.messages).length <= 1_100_000)
  assert.equal(session.messages[0]?.role, 'user')
  assert.match(JSON.stringify(session.messages), /answer 39/)
  assertValid([{ role: 'system', content: '' }, ...session.messages])
})

test('a session of ordinary length forgets nothing', () => {
  const session = createSession()
  for (let number = 0; number < 40; number++) turn(session, number, 1_000)
  const before = structuredClone(session)

  forgetOldTurns(session)

  assert.deepEqual(session, before)
})

test('who ends a request cannot end a change that had started: its outcome stays unknown', async () => {
  const { session, advance } = agent({ tools: [restart()], deps: {} })
  session.messages.push({ role: 'user', content: 'restart api' })
  addReply(session, calls(['restart', { name: 'api' }]))
  await advance()
  session.approvals[0]!.state = { kind: 'used', by: [bob], startedAt: 1 }

  withdrawOpenCalls(session, { kind: 'stop' })

  assert.equal(session.approvals[0]?.state.kind, 'lost')
  assert.match(String(session.messages.at(-1)?.content), /outcome is unknown/)
})
