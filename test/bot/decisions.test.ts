import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { UserId } from '../../src/agent/approval.ts'
import type { ChangeTool } from '../../src/tools/tool.ts'
import { restart } from '../agent/fixtures.ts'
import type { Shown } from '../helpers/chat.ts'
import { calls, lastShown, says, scriptedModel } from '../helpers/model.ts'
import { alice, bob, build, type House, mallory, temporaryFolder } from './house.ts'

const carol = '@carol:corp' as UserId
const idOf = (prompt: Shown): string => /`(\w{6})`/.exec(prompt.markdown)?.[1] ?? ''
const count = (house: House, what: RegExp): number => house.chat.shown.filter((post) => what.test(post.markdown)).length

/** A house with an open prompt for a restart of api; bob and carol may decide. */
async function asking(
  t: TestContext,
  options: Parameters<typeof build>[1] & { tool?: Partial<ChangeTool>; answer?: string } = {},
): Promise<{ house: House; prompt: Shown; ran: string[]; folder: string }> {
  const ran: string[] = []
  const folder = temporaryFolder(t)
  const house = await build(t, {
    folder,
    tools: [{ ...restart({ ran }), ...options.tool }],
    model: scriptedModel(calls(['restart', { name: 'api' }]), says(options.answer ?? 'Reported.')),
    ...options,
    policy: { approvers: [bob, carol], ...options.policy },
  })
  house.chat.members.add(carol)
  await house.chat.say(alice, 'restart api')
  const prompt = await house.sees(/Approval needed/)
  await house.quiet()
  return { house, prompt, ran, folder }
}

/** The same with the bot away: what people do now stands in the inbox before it looks at any of it. */
async function away(t: TestContext, meanwhile: (house: House, prompt: Shown) => Promise<unknown>) {
  const { house, prompt, ran, folder } = await asking(t)
  await house.leave()
  const after = await build(t, {
    folder,
    chat: house.chat,
    tools: [restart({ ran })],
    policy: { approvers: [bob, carol] },
    model: scriptedModel(says('Reported.'), says('And that.')),
    asleep: true,
  })
  await meanwhile(after, prompt)
  after.inbox.start(after.bot)
  await after.quiet()
  return { house: after, prompt, ran }
}

test('the policy is read for each decision: who is on the list now may decide', async (t) => {
  const { house, prompt, ran } = await asking(t, { policy: { approvers: [bob] } })

  house.rules.policy = { ...house.rules.policy, approvers: [carol] }
  await house.chat.mark(bob, prompt.id, 'approve')
  await house.sees(/bob.* is not an approver/)
  assert.deepEqual(ran, [])
  await house.chat.mark(carol, prompt.id, 'approve')

  await house.sees(/Reported/)
  assert.deepEqual(ran, ['api'])
})

test('somebody without the right who marks ten times is told once', async (t) => {
  const { house, prompt, ran } = await asking(t)

  for (let times = 0; times < 10; times++) await house.chat.mark(mallory, prompt.id, 'approve')
  await house.quiet()

  assert.equal(count(house, /not an approver/), 1)
  assert.deepEqual(ran, [])
})

test('a name that looks like an approver is told apart by the id', async (t) => {
  const { house, prompt } = await asking(t)
  await house.chat.say(mallory, '!status', { thread: prompt.thread, name: 'bob (@bob:corp)\n**Approved**' })

  await house.chat.mark(mallory, prompt.id, 'approve')

  const line = await house.sees(/not an approver/)
  assert.match(line.markdown, /^bob .*\(@mallory:corp\) is not an approver/)
  assert.doesNotMatch(line.markdown, /\n|\*\*Approved/)
})

test('two approvers at the same moment: it runs once, and the second hears no complaint', async (t) => {
  const { house, ran } = await away(t, async ({ chat }, prompt) => {
    await chat.mark(bob, prompt.id, 'approve')
    await chat.mark(carol, prompt.id, 'approve')
  })

  assert.deepEqual(ran, ['api'])
  assert.equal(count(house, /Too late/), 0)
})

test('a ✅ and a ❌ at the same moment: the denial wins', async (t) => {
  const { prompt, ran } = await away(t, async ({ chat }, { id }) => {
    await chat.mark(bob, id, 'approve')
    await chat.mark(carol, id, 'deny')
  })

  assert.deepEqual(ran, [])
  assert.match(prompt.markdown, /❌ Denied by @carol:corp/)
})

const brakes: [string, (house: House, prompt: Shown) => Promise<unknown>][] = [
  ['a ✅ taken back behind a message', ({ chat }, { id }) => chat.unmark(bob, id, 'approve')],
  ['a ❌ behind a message', ({ chat }, { id }) => chat.mark(carol, id, 'deny')],
  ['!deny behind a message', ({ chat }, prompt) => chat.say(carol, `!deny ${idOf(prompt)}`, { thread: prompt.thread })],
  ['!stop behind a message', ({ chat }, { thread }) => chat.say(carol, '!stop', { thread })],
  ['the prompt deleted behind a message', ({ chat }, { id }) => chat.remove(id)],
]
for (const [what, brake] of brakes) {
  test(`${what} stops what was approved and has not started`, async (t) => {
    const { ran } = await away(t, async (house, prompt) => {
      await house.chat.mark(bob, prompt.id, 'approve')
      await house.chat.say(alice, 'hm, wait', { thread: prompt.thread })
      await brake(house, prompt)
    })

    assert.deepEqual(ran, [])
  })
}

test('a ✅ that comes after a message does not count for what the message took back', async (t) => {
  const { house, prompt, ran } = await away(t, async ({ chat }, { id, thread }) => {
    await chat.say(alice, 'the logs first', { thread })
    await chat.mark(bob, id, 'approve')
  })

  assert.deepEqual(ran, [])
  assert.match(prompt.markdown, /🚫 Withdrawn: a new message/)
  assert.equal(count(house, /Too late/), 1)
})

test('a ✅ before a message counts: the change runs, then the message is answered', async (t) => {
  const { house, ran } = await away(t, async ({ chat }, { id, thread }) => {
    await chat.mark(bob, id, 'approve')
    await chat.say(alice, 'and web?', { thread })
  })

  await house.sees(/Reported/)
  assert.deepEqual(ran, ['api'])
  assert.match(lastShown(house.model, 'user'), /and web/)
})

test('with a quorum the prompt counts along, and a vote lapses when its author leaves the room', async (t) => {
  const { house, prompt, ran } = await asking(t, {
    tool: { effect: 'destroy' },
    policy: { destroyQuorum: 2, approvers: [bob, carol, mallory] },
  })
  await house.chat.mark(bob, prompt.id, 'approve')
  await house.quiet()
  assert.match(prompt.markdown, /1 of 2 approvals/)

  house.chat.members.delete(bob)
  await house.chat.mark(carol, prompt.id, 'approve')
  await house.quiet()
  assert.deepEqual(ran, [])

  await house.chat.mark(mallory, prompt.id, 'approve')
  await house.sees(/Reported/)
  assert.match(prompt.markdown, /Approved by @carol:corp, .*@mallory:corp.*, done/)
})

test('who joined the request is one of its askers: under four eyes they cannot be the second person', async (t) => {
  const ran: string[] = []
  const gate = Promise.withResolvers<void>()
  const house = await build(t, {
    tools: [{ ...restart({ ran }), effect: 'destroy' }],
    policy: { approvers: [bob, carol] },
    model: scriptedModel(
      async () => {
        await gate.promise
        return says('Let me look at the pods.')
      },
      calls(['restart', { name: 'api' }]),
      says('Reported.'),
    ),
  })
  house.chat.members.add(carol)
  const thread = await house.chat.say(alice, 'look at api')
  await house.chat.say(bob, 'and take it away', { thread })
  gate.resolve()
  const prompt = await house.sees(/Approval needed/)
  assert.deepEqual(prompt.mention, [carol])
  assert.match(prompt.markdown, /Asked for by alice \(@alice:corp\), bob \(@bob:corp\)/)

  await house.chat.mark(bob, prompt.id, 'approve')
  await house.sees(/somebody else has to approve/)
  assert.deepEqual(ran, [])

  await house.chat.mark(carol, prompt.id, 'approve')
  const answer = await house.sees(/Reported/)
  assert.deepEqual(ran, ['api'])
  assert.deepEqual(answer.mention, [alice, bob])
})

test('after the end a ✅ is nothing new, a ❌ is told once that it comes too late', async (t) => {
  const { house, prompt, ran } = await asking(t)
  await house.chat.mark(bob, prompt.id, 'approve')
  await house.sees(/Reported/)

  await house.chat.mark(carol, prompt.id, 'approve')
  await house.quiet()
  assert.equal(count(house, /Too late/), 0)
  for (let times = 0; times < 3; times++) await house.chat.mark(carol, prompt.id, 'deny')
  await house.quiet()

  const line = await house.sees(/Too late/)
  assert.match(line.markdown, /✅ Approved by @bob:corp, done/)
  assert.equal(count(house, /Too late/), 1)
  assert.deepEqual(ran, ['api'])
})

test('!approve from elsewhere is passed on for somebody who is in the room of the prompt, and does not exist for others', async (t) => {
  const { house, prompt, ran } = await asking(t)
  house.chat.members.delete(carol)

  const elsewhere = await house.chat.say(carol, `!approve ${idOf(prompt)}`)
  await house.sees(/There is no prompt/)
  assert.deepEqual(ran, [])
  assert.equal(house.chat.shown.filter((post) => post.thread === prompt.thread && post.id !== prompt.id).length, 1)

  house.chat.members.add(carol)
  await house.chat.say(carol, `!approve ${idOf(prompt)}`, { thread: elsewhere })
  const line = await house.sees(/stands in another thread/)
  assert.equal(line.thread, elsewhere)
  await house.sees(/Reported/)
  assert.deepEqual(ran, ['api'])
})

test('an id that nobody knows is answered with those that are open', async (t) => {
  const { house, prompt } = await asking(t)

  await house.chat.say(bob, '!approve zzzzzz', { thread: prompt.thread })

  const line = await house.sees(/There is no prompt `zzzzzz`/)
  assert.match(line.markdown, new RegExp(idOf(prompt)))
})

test('a prompt that the chat does not take is withdrawn: nobody can decide what nobody sees', async (t) => {
  const ran: string[] = []
  const house = await build(t, {
    tools: [restart({ ran })],
    model: scriptedModel(calls(['restart', { name: 'api' }]), says('I cannot ask you here.')),
  })
  house.chat.refuse(/Approval needed/)

  await house.chat.say(alice, 'restart api')

  await house.sees(/I cannot ask you here/)
  assert.match(lastShown(house.model, 'tool'), /did not take the prompt/)
  assert.deepEqual(ran, [])
})

test('a deleted prompt takes its request with it, and the model goes on with that', async (t) => {
  const { house, prompt, ran } = await asking(t, { answer: 'It was called off.' })

  await house.chat.remove(prompt.id)

  await house.sees(/It was called off/)
  assert.match(lastShown(house.model, 'tool'), /prompt was deleted/)
  await house.chat.mark(bob, prompt.id, 'approve')
  await house.quiet()
  assert.deepEqual(ran, [])
})

test('a bot that was removed from the room does nothing there any more', async (t) => {
  const { house, prompt, ran } = await asking(t)

  await house.chat.leave()
  await house.quiet()
  await house.chat.mark(bob, prompt.id, 'approve')
  await house.quiet()

  assert.deepEqual(ran, [])
  assert.equal(count(house, /Waiting/), 0)
})

test('what expired while the bot was away is not run by a ✅ that was given in time', async (t) => {
  const { house, prompt, ran, folder } = await asking(t)
  await house.leave()
  house.chat.markSilently(bob, prompt.id, 'approve')
  house.clock.now += 2 * 24 * 3_600_000

  const after = await build(t, {
    folder,
    chat: house.chat,
    clock: house.clock,
    tools: [restart({ ran })],
    policy: { approvers: [bob, carol] },
    model: scriptedModel(says('Nobody decided.')),
  })
  await after.bot.readBack('fake')

  await after.sees(/Nobody decided/)
  await after.quiet()
  assert.deepEqual(ran, [])
  assert.match(prompt.markdown, /⌛ Expired/)
})

test('a command that was denied is answered in words for people', async (t) => {
  const house = await build(t, { model: 'none', tools: [restart()], policy: { approvers: [bob] } })
  const thread = await house.chat.say(alice, '!restart name=api')
  const prompt = await house.sees(/Approval needed/)

  await house.chat.say(bob, `!deny ${idOf(prompt)} 지금은 안 됩니다`, { thread })

  const answer = await house.sees(/^❌ Denied by bob \(@bob:corp\): 지금은 안 됩니다$/)
  assert.deepEqual(answer.mention, [alice])
})

test('half-way to the expiry those who may decide are reminded, and mentioned', async (t) => {
  const { house, prompt } = await asking(t)

  house.clock.now += 16 * 60_000
  await house.chat.say(alice, '!status', { thread: prompt.thread })

  const reminder = await house.sees(/Still waiting for a decision/)
  assert.deepEqual(reminder.mention, [bob, carol])
  assert.match(reminder.markdown, /14 min left/)
})

test('who asked, who decided, what ran and how it ended is in the audit', async (t) => {
  const { house, prompt } = await asking(t)
  await house.chat.mark(alice, prompt.id, 'approve')
  await house.chat.mark(bob, prompt.id, 'approve')
  await house.sees(/Reported/)

  assert.deepEqual(
    house.audit.map((event) => {
      const { kind, verdict, by, state } = event as Record<string, unknown>
      return [kind, by, verdict ?? state].filter(Boolean).flat()
    }),
    [
      ['asked', '@alice:corp'],
      ['proposed'],
      ['decision', '@alice:corp', 'not-an-approver'],
      ['decision', '@bob:corp', 'decided'],
      ['approved', '@bob:corp'],
      ['started', '@bob:corp'],
      ['ended', 'ended'],
    ],
  )
})
