import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { UserId } from '../../src/agent/approval.ts'
import type { ChatPlatform } from '../../src/bot/platform.ts'
import { ConfigError } from '../../src/config/index.ts'
import { createPeople, type People } from '../../src/service/people.ts'

/** A chat that knows these names, by these ids. */
const chat = (known: Record<string, string>): ChatPlatform =>
  ({
    user: async (name: string) => known[name] ?? Promise.reject(new Error(`There is no ${name} here.`)),
  }) as unknown as ChatPlatform

async function resolve(people: People, chats: ChatPlatform[]): Promise<void> {
  await Promise.all(chats.map(people.learn))
  people.check()
}

const alice = '@alice:corp' as UserId
const bob = '@bob:corp' as UserId
const eve = '@eve:elsewhere' as UserId

test('approvers and users are the ids that the chats know them by, whichever chat it is', async () => {
  const people = createPeople({ approvers: ['@alice'], users: ['@bob'] })

  await resolve(people, [chat({ '@alice': 'id-1' }), chat({ '@alice': 'id-2', '@bob': 'id-3' })])

  assert.deepEqual(people.approvers, ['id-1', 'id-2'])
  assert.equal(people.mayTalk('id-3' as UserId), true)
  assert.equal(people.mayTalk('@bob' as UserId), false)
})

test('names that nobody has are all told at once, with the variable and the reason', async () => {
  const people = createPeople({ approvers: ['@alcie', '@bob'], users: ['@eev', '*:corp'] })

  await assert.rejects(resolve(people, [chat({ '@bob': '@bob:corp' })]), (error: ConfigError) => {
    assert.ok(error instanceof ConfigError)
    assert.deepEqual(error.problems, [
      'KUBE_AGENT_APPROVERS: There is no @alcie here.',
      'KUBE_AGENT_USERS: There is no @eev here.',
    ])
    return true
  })
})

test('without lists everybody may talk and invite; nobody may approve', async () => {
  const people = createPeople({ approvers: [], users: [] })
  await resolve(people, [])

  assert.deepEqual([people.mayTalk(eve), people.mayInvite(eve)], [true, true])
  assert.deepEqual(people.approvers, [])
})

test('with users only they and the approvers may talk, a pattern stands for a server', async () => {
  const people = createPeople({ approvers: [eve], users: ['*:corp'] })
  await resolve(people, [chat({ [eve]: eve })])

  assert.deepEqual([alice, bob, eve, '@alice:corp.evil' as UserId, '@x:y:corp' as UserId].map(people.mayTalk), [
    true,
    true,
    true,
    false,
    false,
  ])
})

test('with approvers alone everybody may talk, and only they may invite', async () => {
  const people = createPeople({ approvers: [alice], users: [] })
  assert.equal(people.mayInvite(eve), false, 'also before the names are known')

  await resolve(people, [chat({ [alice]: alice })])

  assert.deepEqual([people.mayTalk(eve), people.mayInvite(eve), people.mayInvite(alice)], [true, false, true])
})
