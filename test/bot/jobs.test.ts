import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ApprovalId } from '../../src/agent/approval.ts'
import { type BotJob, roleOf } from '../../src/bot/jobs/index.ts'
import type { Role } from '../../src/bot/jobs/kind.ts'
import type { MessageId, ThreadId } from '../../src/bot/platform.ts'
import type { TestSignal } from '../../src/signal.ts'
import { restart } from '../agent/fixtures.ts'
import { room } from '../helpers/chat.ts'
import { alice, bob, build } from './house.ts'

const thread = 'fake|root-9' as ThreadId
const approval = 'abc' as ApprovalId
const signal: TestSignal = {
  kind: 'test',
  source: 'gitea',
  id: 'test:1',
  repository: { id: 1, fullName: 'acme/shop', url: '', private: false, defaultBranch: 'main' },
}

let number = 0
const jobOf = (what: Pick<BotJob, 'kind' | 'data'>): BotJob => ({ id: `job-${number++}`, thread, ...what }) as BotJob

const message = (text: string): BotJob =>
  jobOf({
    kind: 'message',
    data: {
      kind: 'message',
      id: 'fake|root-9' as MessageId,
      thread,
      room,
      from: alice,
      name: 'Alice',
      text,
      addressed: true,
      at: 0,
    },
  })

const mark = (mark: 'approve' | 'deny', withdrawn = false): BotJob =>
  jobOf({ kind: 'mark', data: { approval, vote: { id: 'v', by: bob, mark }, withdrawn } })

const roles: [what: string, job: BotJob, role: Role][] = [
  ['a question', message('why is api down?'), 'speaks'],
  ['a tool command', message('!restart name=api'), 'speaks'],
  ['!status', message('!status'), 'asks-us'],
  ['an unknown command', message('!restrat'), 'asks-us'],
  ['!approve', message('!approve abc'), 'decides'],
  ['!deny', message('!deny abc'), 'calls-off'],
  ['!stop', message('!stop'), 'calls-off'],
  ['a ✅', mark('approve'), 'decides'],
  ['a ✅ taken back', mark('approve', true), 'decides'],
  ['a ❌', mark('deny'), 'calls-off'],
  ['a ❌ taken back', mark('deny', true), 'decides'],
  ['a deleted message', jobOf({ kind: 'gone', data: { message: 'fake|1' as MessageId } }), 'calls-off'],
  ['a room that was left', jobOf({ kind: 'left', data: {} }), 'calls-off'],
  ['a remark', jobOf({ kind: 'remark', data: { markdown: 'merged' } }), 'other'],
  ['a timer', jobOf({ kind: 'expire', data: { approval } }), 'other'],
  ['a signal', jobOf({ kind: 'signal', data: signal }), 'other'],
]
const meanings: Record<Role, string> = {
  speaks: 'begins or changes a request',
  'asks-us': 'asks the bot itself',
  decides: 'is a vote',
  'calls-off': 'calls something off',
  other: 'waits for its turn',
}
for (const [what, job, role] of roles) {
  test(`to a thread at work ${what} ${meanings[role]}`, () => {
    assert.equal(roleOf(job, new Map([['restart', restart()]])), role)
  })
}

test('what only goes on in a thread means nothing where there is none, what begins one begins it', async (t) => {
  const house = await build(t)

  await house.inbox.put(jobOf({ kind: 'remark', data: { markdown: '#5 was merged' } }))
  await house.inbox.put(jobOf({ kind: 'resume', data: {} }))
  await house.quiet()
  assert.equal(house.chat.shown.length, 0)
  await house.inbox.put(message('!status'))

  assert.equal((await house.sees(/fine/)).thread, thread)
  await house.inbox.put(jobOf({ kind: 'remark', data: { markdown: '#5 was merged' } }))
  await house.sees(/#5 was merged/)
})

test('a message that was set aside before it began its thread is said there; a signal and a timer without a thread nowhere', async (t) => {
  const house = await build(t)

  await house.bot.setAside(jobOf({ kind: 'signal', data: signal }), 'broken')
  await house.bot.setAside(jobOf({ kind: 'resume', data: {} }), 'broken')
  assert.equal(house.chat.shown.length, 0)
  await house.bot.setAside(message('hello'), 'broken')

  assert.equal((await house.sees(/set it aside: broken/)).thread, thread)
})
