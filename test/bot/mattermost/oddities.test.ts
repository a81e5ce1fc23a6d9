import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RoomId } from '../../../src/bot/platform.ts'
import { openOps, roomId, startAccount } from './account.ts'

test('fifty other emoji under a prompt leave no room for the marks, and the prompt stands nevertheless', async (t) => {
  const { server, alice, ops } = await openOps(t)
  const { chat, log } = await startAccount(t, server)
  const { message } = await chat.open(roomId(ops), { id: 'p-1', markdown: 'May I?' })
  const post = message.split('|')[2] ?? ''
  for (let index = 0; index < 50; index++) server.react(alice, post, `custom_${index}`)

  await chat.offer(message)

  assert.deepEqual(server.reactionsOf(post, server.bot), [])
  assert.match(log.join(''), /too_many_reactions.*the marks could not be offered/)
  assert.equal(chat.health().state, 'ready')
})

test('a name that was given to somebody else carries no right: the id behind it is the first one', async (t) => {
  const { server, bob, ops } = await openOps(t)
  const { chat, gets } = await startAccount(t, server)
  const approver = await chat.user('@bob')
  const { message } = await chat.open(roomId(ops), { id: 'p-1', markdown: 'May I?' })
  const post = message.split('|')[2] ?? ''

  server.changeUser(bob, { username: 'robert' })
  const other = server.user('bob')
  server.join(ops, bob, other)
  server.react(other, post, 'white_check_mark')
  await gets((event) => event.kind === 'mark')

  assert.deepEqual(
    (await chat.votes(message)).map(({ from }) => from === approver),
    [false],
  )
})

test('a person who is deactivated is not listened to any more, and is no member', async (t) => {
  const { server, alice, bob, ops } = await openOps(t)
  const { chat, hears, texts } = await startAccount(t, server)
  server.say(alice, ops, 'hello')
  const { from } = await hears('hello')

  server.changeUser(alice, { delete_at: 1 })
  server.say(alice, ops, '@opsbot restart web')
  server.say(bob, ops, 'end')
  await hears('end')

  assert.deepEqual(texts(), ['hello', 'end'])
  assert.equal(await chat.isMember(roomId(ops), from), false)
})

test('removed from the team, the bot is told of each channel that went with it, and not of private conversations', async (t) => {
  const { server, alice, bob, ops } = await openOps(t)
  const [other, direct] = [server.channel([alice, bob]), server.channel([alice], { type: 'D' })]
  const { received, hears, gets } = await startAccount(t, server)
  for (const [channel, text] of [
    [ops, 'here'],
    [other, 'there'],
    [direct, 'between us'],
  ] as const) {
    server.say(alice, channel, text)
    await hears(text)
  }

  server.leaveTeam()
  await gets((event) => event.kind === 'left' && event.room === roomId(other))
  server.say(alice, direct, 'still there?')
  await hears('still there?')

  const left = received.flatMap((event): RoomId[] => (event.kind === 'left' ? [event.room] : []))
  assert.deepEqual(left.toSorted(), [roomId(ops), roomId(other)].toSorted())
})

test('a post that the server is still making for an earlier try is waited for, and stands once', async (t) => {
  const { server, ops } = await openOps(t)
  const { chat } = await startAccount(t, server)
  const pending = JSON.stringify({ id: 'api.post.deduplicate_create_post.pending', message: 'Rejected post' })
  const answers = [{ status: 500, body: pending }]
  server.interfere((line) => (line === 'POST /posts' ? answers.shift() : undefined))

  await chat.open(roomId(ops), { id: 'p-1', markdown: 'once' })

  assert.equal(server.sent(ops).filter(({ message }) => message === 'once').length, 1)
})
