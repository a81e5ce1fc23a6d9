import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPositions, messageId, openOps, roomId, startAccount, threadId } from './account.ts'
import type { FakeMattermost } from './server.ts'

const marksIn = (received: { kind: string }[]) =>
  received.flatMap((event) => {
    const { mark, withdrawn, from } = event as { mark?: string; withdrawn?: boolean; from?: string }
    return event.kind === 'mark' ? [`${withdrawn ? 'un' : ''}${mark} ${from}`] : []
  })

test('a message names its thread, its author and what was said, and a reply the thread of its root', async (t) => {
  const { server, alice, bob, ops } = await openOps(t)
  const { hears } = await startAccount(t, server)

  const root = server.say(alice, ops, 'Hello @OpsBot, how is web?')
  const reply = server.say(bob, ops, 'and api', { root_id: root })

  const message = await hears('Hello @OpsBot, how is web?')
  assert.deepEqual(
    { ...message, at: 0 },
    {
      kind: 'message',
      id: messageId(ops, root),
      thread: threadId(ops, root),
      room: roomId(ops),
      from: `mattermost:${alice}`,
      name: 'alice',
      text: 'Hello @OpsBot, how is web?',
      addressed: true,
      at: 0,
    },
  )
  const answer = await hears('and api')
  assert.deepEqual([answer.id, answer.thread, answer.addressed], [messageId(ops, reply), threadId(ops, root), false])
})

test('what nobody of flesh and blood has said is not listened to, nor outsiders, but for those whom the configuration names', async (t) => {
  const { server, alice, ops } = await openOps(t)
  const guest = server.user('guest', { roles: 'system_guest' })
  const named = server.user('named', { roles: 'system_guest' })
  const remote = server.user('remote', { remote_id: 'elsewhere' })
  const gone = server.user('gone', { delete_at: 1 })
  const otherBot = server.user('otherbot', { is_bot: true })
  const { hears, texts } = await startAccount(t, server, { isNamed: (person) => person === `mattermost:${named}` })

  for (const [author, more] of [
    [guest, {}],
    [remote, {}],
    [gone, {}],
    [otherBot, {}],
    [alice, { props: { from_bot: 'true' } }],
    [alice, { props: { from_webhook: 'true', override_username: 'alice' } }],
    [alice, { type: 'system_add_to_channel' }],
    [server.bot, {}],
  ] as const)
    server.say(author, ops, '@opsbot restart web', more)
  server.say(named, ops, '@opsbot from the guest')
  await hears('from the guest')

  assert.deepEqual(texts(), ['from the guest'])
})

test('of two in a channel the other needs no mention, of three each does', async (t) => {
  const { server, alice, bob } = await openOps(t)
  const [two, direct, group] = [
    server.channel([alice]),
    server.channel([alice], { type: 'D' }),
    server.channel([alice, bob], { type: 'G' }),
  ]
  const { hears } = await startAccount(t, server)

  server.say(alice, two, 'in two')
  server.say(alice, direct, 'in private')
  server.say(alice, group, 'in a group')

  assert.equal((await hears('in two')).addressed, true)
  assert.equal((await hears('in private')).addressed, true)
  assert.equal((await hears('in a group')).addressed, false)
})

test('a mention added by an edit is heard under the id of the post; an edit long after is not', async (t) => {
  const { server, alice, ops } = await openOps(t)
  const { hears, texts } = await startAccount(t, server)
  const post = server.say(alice, ops, 'restart web')
  const old = server.say(alice, ops, 'old', { create_at: Date.now() - 60 * 60_000 })

  server.edit(old, '@opsbot old')
  server.edit(post, '@opsbot restart web!')

  assert.equal((await hears('restart web!')).id, messageId(ops, post))
  assert.deepEqual(texts(), ['restart web', 'old', 'restart web!'])
})

test('marks are heard in every spelling of theirs, set and taken back, and others never', async (t) => {
  const { server, alice, bob, ops } = await openOps(t)
  const { gets, received } = await startAccount(t, server)
  const prompt = server.say(server.bot, ops, 'May I?')

  for (const emoji of ['+1', 'thumbsup', 'eyes', 'white_check_mark']) server.react(bob, prompt, emoji)
  server.react(server.bot, prompt, 'x')
  server.unreact(bob, prompt, 'white_check_mark')
  server.react(alice, prompt, 'x')

  await gets((event) => event.kind === 'mark' && event.mark === 'deny')
  assert.deepEqual(marksIn(received), [
    `approve mattermost:${bob}`,
    `unapprove mattermost:${bob}`,
    `deny mattermost:${alice}`,
  ])
})

test('a mark that is set once more where it stands is the same mark', async (t) => {
  const { server, alice, bob, ops } = await openOps(t)
  const { chat, gets, received } = await startAccount(t, server)
  const prompt = server.say(server.bot, ops, 'May I?')
  await chat.votes(messageId(ops, prompt))

  server.react(bob, prompt, 'white_check_mark')
  server.react(bob, prompt, 'white_check_mark')
  server.react(alice, prompt, 'x')
  await gets((event) => event.kind === 'mark' && event.mark === 'deny')

  assert.deepEqual(marksIn(received), [`approve mattermost:${bob}`, `deny mattermost:${alice}`])
})

test('marks set and taken back while the connection was broken are told after it', async (t) => {
  const { server, alice, bob, ops } = await openOps(t)
  const { chat, gets, received } = await startAccount(t, server)
  const [kept, dropped] = [server.say(server.bot, ops, 'May I?'), server.say(server.bot, ops, 'And this?')]
  server.react(bob, dropped, 'white_check_mark')
  await chat.votes(messageId(ops, kept))
  await chat.votes(messageId(ops, dropped))
  await gets((event) => event.kind === 'mark')

  server.cut(true)
  server.react(bob, kept, 'white_check_mark')
  server.react(alice, kept, 'x')
  server.unreact(bob, dropped, 'white_check_mark')
  server.forget()
  server.mend()

  await gets((event) => event.kind === 'mark' && event.withdrawn)
  assert.deepEqual(marksIn(received).toSorted(), [
    `approve mattermost:${bob}`,
    `approve mattermost:${bob}`,
    `deny mattermost:${alice}`,
    `unapprove mattermost:${bob}`,
  ])
})

for (const isAway of [false, true]) {
  test(`a deleted post is told${isAway ? ', also when it went while we were away' : ''}`, async (t) => {
    const { server, alice, ops } = await openOps(t)
    const positions = createPositions()
    const first = await startAccount(t, server, { positions })
    const post = server.say(alice, ops, 'hello')
    await first.hears('hello')
    if (isAway) await first.chat.close()

    server.remove(post)

    const { gets } = isAway ? await startAccount(t, server, { positions }) : first
    const gone = await gets((event) => event.kind === 'gone')
    assert.deepEqual(gone, { kind: 'gone', id: gone.id, message: messageId(ops, post), room: roomId(ops) })
  })
}

const endings: Record<string, (server: FakeMattermost, channel: string) => void> = {
  'removed from a channel': (server, channel) => server.leave(channel, server.bot),
  'in a channel that is archived': (server, channel) => server.archive(channel),
}
for (const [what, end] of Object.entries(endings))
  for (const isAway of [false, true])
    test(`the bot is ${what}${isAway ? ' while it is away' : ''}: it is told once`, async (t) => {
      const { server, alice, ops } = await openOps(t)
      const positions = createPositions()
      const first = await startAccount(t, server, { positions })
      server.say(alice, ops, 'hello')
      await first.hears('hello')
      if (isAway) await first.chat.close()

      end(server, ops)

      const account = isAway ? await startAccount(t, server, { positions }) : first
      const left = await account.gets((event) => event.kind === 'left')
      assert.equal(left.room, roomId(ops))
      await account.chat.close()
      const { received } = await startAccount(t, server, { positions })
      assert.deepEqual(received, [])
    })

test('brought into a channel while away, the bot hears what was said to it since, and nothing before', async (t) => {
  const { server, alice, bob, ops } = await openOps(t)
  const positions = createPositions()
  const before = await startAccount(t, server, { positions })
  server.say(alice, ops, 'hello')
  await before.hears('hello')
  await before.chat.close()
  const later = server.channel([alice, bob])
  server.leave(later, server.bot)
  server.say(alice, later, '@opsbot long ago')
  server.join(later, alice)
  server.say(alice, later, '@opsbot how is web?')

  const { texts } = await startAccount(t, server, { positions })

  assert.deepEqual(texts(), ['how is web?'])
})
