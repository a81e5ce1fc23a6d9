import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createHomeserver, type Homeserver } from '../../helpers/homeserver.ts'
import { alice, bob, createPositions, roomId, sent, startAccount, stranger, threadId, until } from './account.ts'

const encryption = { type: 'm.room.encryption', content: { algorithm: 'm.megolm.v1.aes-sha2' } }
const powers = (users: Record<string, number>) => ({
  type: 'm.room.power_levels',
  content: { users, state_default: 50 },
})
const isPublic = { type: 'm.room.join_rules', content: { join_rule: 'public' } }

const becomes = (server: Homeserver, room: string, membership: string) =>
  until(
    () => server.membership(room, server.bot.user) === membership,
    () => `${membership}, now ${server.membership(room, server.bot.user)}`,
  )

test('invites of allowed people are accepted, those of others declined', async (t) => {
  const server = await createHomeserver(t)
  await startAccount(t, server)
  const wanted = server.room(alice, [])
  const unwanted = server.room(stranger, [])

  server.member(stranger, unwanted, server.bot.user, 'invite')
  server.member(alice, wanted, server.bot.user, 'invite')

  await becomes(server, wanted, 'join')
  await becomes(server, unwanted, 'leave')
  assert.deepEqual(sent(server, unwanted), [])
})

test('an invite from before the start is seen', async (t) => {
  const server = await createHomeserver(t)
  const room = server.room(alice, [])
  server.member(alice, room, server.bot.user, 'invite')

  await startAccount(t, server)

  await becomes(server, room, 'join')
})

test('a join that the server limits or the process does not survive is made later', async (t) => {
  const server = await createHomeserver(t)
  const positions = createPositions()
  const first = await startAccount(t, server, { positions })
  const room = server.room(alice, [])
  const body = '{"errcode":"M_LIMIT_EXCEEDED","retry_after_ms":600000}'
  server.interfere((_, path) => (path.includes('/join/') ? { status: 429, body } : undefined))
  server.member(alice, room, server.bot.user, 'invite')
  await until(
    () => server.requests.some((request) => request.includes('/join/')),
    () => 'an attempt',
  )
  await first.chat.close()

  server.interfere(() => undefined)
  await startAccount(t, server, { positions })

  await becomes(server, room, 'join')
})

test('an encrypted room is declined at the invite', async (t) => {
  const server = await createHomeserver(t)
  await startAccount(t, server)
  const room = server.room(alice, [], { state: [encryption] })

  server.member(alice, room, server.bot.user, 'invite')

  await becomes(server, room, 'leave')
  assert.deepEqual(sent(server, room), [])
})

test('a room that becomes encrypted is told once and left, and nothing that waits is posted there in clear text', async (t) => {
  const server = await createHomeserver(t)
  const room = server.room(alice, [server.bot.user, bob])
  const { chat, gets } = await startAccount(t, server)
  const root = server.say(alice, room, 'Ops Bot: secrets?')
  // The room is still ours when the answer comes: leaving is refused for a while.
  let isLeavable = false
  const body = '{"errcode":"M_LIMIT_EXCEEDED","retry_after_ms":20}'
  server.interfere((_, path) => (path.endsWith('/leave') && !isLeavable ? { status: 429, body } : undefined))
  server.send(alice, room, 'm.room.encryption', encryption.content, '')
  await until(
    () => server.requests.some((request) => request.endsWith('/leave')),
    () => 'an attempt to leave',
  )

  const refused = { name: 'PostRefused', message: /encrypted/ }
  await assert.rejects(chat.post(threadId(room, root), { id: 'p1', markdown: 'the secret' }), refused)
  server.send(alice, room, 'm.room.encryption', {}, '')
  await assert.rejects(chat.open(roomId(room), { id: 'p2', markdown: 'the secret' }), refused)
  isLeavable = true

  await becomes(server, room, 'leave')
  await gets((event) => event.kind === 'left' && event.room === roomId(room))
  const bodies = sent(server, room).map(({ content }) => String(content.body))
  assert.equal(bodies.length, 1)
  assert.match(bodies[0] ?? '', /cannot read encrypted rooms/)
})

test('a room that became encrypted inside a gap is left too', async (t) => {
  const server = await createHomeserver(t)
  const room = server.room(alice, [server.bot.user, bob])
  const positions = createPositions()
  const first = await startAccount(t, server, { positions })
  await first.chat.close()
  server.send(alice, room, 'm.room.encryption', encryption.content, '')
  for (let index = 0; index < 1_300; index++) server.send(alice, room, 'm.room.encrypted', {})

  await startAccount(t, server, { positions })

  await becomes(server, room, 'leave')
})

test('a replaced room is followed when the next one points back; waiting work ends, new threads go there', async (t) => {
  const server = await createHomeserver(t)
  const room = server.room(alice, [server.bot.user, bob], { state: [powers({ [alice]: 100 })] })
  const { chat, gets } = await startAccount(t, server)
  const next = server.room(alice, [bob], { version: '12', predecessor: room, state: [isPublic] })

  server.send(alice, room, 'm.room.tombstone', { replacement_room: next }, '')
  await becomes(server, next, 'join')
  await gets((event) => event.kind === 'left' && event.room === roomId(room))
  await until(
    () => server.requests.filter((request) => request.includes('/state/m.room.create')).length > 1,
    () => 'the look at the predecessor',
  )
  const { thread } = await chat.open(await chat.room(room), { id: 'p1', markdown: 'a push' })

  assert.ok(thread.startsWith(roomId(next)))
  assert.equal(sent(server, next).length, 1)
})

test('a replacement that only invites is followed when somebody does, also after a restart', async (t) => {
  const server = await createHomeserver(t)
  const room = server.room(alice, [server.bot.user, bob], { state: [powers({ [alice]: 100 })] })
  const positions = createPositions()
  const first = await startAccount(t, server, { positions })
  const next = server.room(alice, [bob], { predecessor: room })
  server.send(alice, room, 'm.room.tombstone', { replacement_room: next }, '')
  await until(
    () => first.log.some((line) => line.includes('the homeserver refused')),
    () => 'the refusal',
  )
  await first.chat.close()
  const { chat } = await startAccount(t, server, { positions })

  server.member(alice, next, server.bot.user, 'invite')
  await until(
    () => [...positions.entries.keys()].some((key) => key.endsWith(`replaced:${room}`)),
    () => 'the replacement',
  )
  await chat.open(roomId(room), { id: 'p1', markdown: 'a push' })

  assert.equal(sent(server, next).length, 1)
})

test('a tombstone by somebody without the power moves nothing', async (t) => {
  const server = await createHomeserver(t)
  const room = server.room(alice, [server.bot.user, bob], { state: [powers({ [alice]: 100 })] })
  const { hears, log } = await startAccount(t, server)
  const next = server.room(bob, [], { predecessor: room, state: [isPublic] })

  server.send(bob, room, 'm.room.tombstone', { replacement_room: next }, '')
  server.say(alice, room, 'still here?')
  await hears('still here?')

  assert.equal(server.membership(next, server.bot.user), undefined)
  assert.match(log.join(''), /without the power/)
})

test('a creator of a version 12 room may replace it, though no number says so', async (t) => {
  const server = await createHomeserver(t)
  const room = server.room(alice, [server.bot.user, bob], { version: '12', state: [powers({})] })
  await startAccount(t, server)
  const next = server.room(alice, [], { version: '12', predecessor: room, state: [isPublic] })

  server.send(alice, room, 'm.room.tombstone', { replacement_room: next }, '')

  await becomes(server, next, 'join')
})

test('a replacement that does not point back is left; a room of ours that is named as one is kept', async (t) => {
  const server = await createHomeserver(t)
  const state = [powers({ [alice]: 100 })]
  const room = server.room(alice, [server.bot.user, bob], { state })
  const other = server.room(alice, [server.bot.user, bob], { state })
  const ours = server.room(bob, [server.bot.user])
  const foreign = server.room(bob, [], { state: [isPublic] })
  const { chat, log } = await startAccount(t, server)

  server.send(alice, room, 'm.room.tombstone', { replacement_room: foreign }, '')
  await becomes(server, foreign, 'leave')
  server.send(alice, other, 'm.room.tombstone', { replacement_room: ours }, '')
  await until(
    () => log.filter((line) => line.includes('does not point back')).length === 2,
    () => 'both warnings',
  )
  const { thread } = await chat.open(roomId(room), { id: 'p1', markdown: 'a push' })

  assert.ok(thread.startsWith(roomId(room)))
  assert.equal(server.membership(ours, server.bot.user), 'join')
})

test('a room whose server is broken does not keep us from the others for ever', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const server = await createHomeserver(t)
  await startAccount(t, server)
  const broken = server.room(alice, [])
  const good = server.room(alice, [])
  const body = '{"errcode":"M_UNKNOWN","error":"Failed to contact the other server"}'
  server.interfere((_, path) => (path.includes(`/join/${broken}`) ? { status: 502, body } : undefined))

  server.member(alice, broken, server.bot.user, 'invite')
  server.member(alice, good, server.bot.user, 'invite')
  const isJoined = () => server.membership(good, server.bot.user) === 'join'
  while (!isJoined()) {
    await new Promise((resolve) => setImmediate(resolve))
    t.mock.timers.tick(1_000)
  }

  assert.ok(isJoined())
})

test('a room that everybody else has left is left; one to which somebody came back is not', async (t) => {
  const server = await createHomeserver(t)
  const empty = server.room(alice, [server.bot.user])
  const revived = server.room(alice, [server.bot.user])
  const positions = createPositions()
  const first = await startAccount(t, server, { positions })
  await first.chat.close()
  server.say(alice, revived, 'bye')
  server.member(alice, revived, alice, 'leave')
  server.member(alice, revived, alice, 'join')
  server.say(alice, revived, 'back')

  const second = await startAccount(t, server, { positions })
  server.member(alice, empty, alice, 'leave')
  await becomes(server, empty, 'leave')

  assert.deepEqual(second.texts(), ['bye', 'back'])
  assert.equal(server.membership(revived, server.bot.user), 'join')
})

test('a configured room is found by alias or id; what is wrong with it is said', async (t) => {
  const server = await createHomeserver(t)
  const room = server.room(alice, [server.bot.user])
  const closed = server.room(alice, [])
  server.aliases.set('#ops:hs.test', room)
  const { chat } = await startAccount(t, server)

  assert.equal(await chat.room('#ops:hs.test'), roomId(room))
  assert.equal(await chat.room(room), roomId(room))
  await assert.rejects(chat.room('#none:hs.test'), /There is no room #none:hs.test/)
  await assert.rejects(chat.room('ops'), /ops is no Matrix room: give an alias/)
  await assert.rejects(chat.room(closed), /cannot join it.*Invite it there: \/invite @bot:hs.test/)
})

test('an encrypted room cannot be the configured one', async (t) => {
  const server = await createHomeserver(t)
  const room = server.room(alice, [], { state: [isPublic, encryption] })
  const { chat } = await startAccount(t, server)

  await assert.rejects(chat.room(room), /end-to-end encrypted, which is not supported yet/)
})

test('an alias that points elsewhere than last time is followed with a warning', async (t) => {
  const server = await createHomeserver(t)
  const [before, after] = [server.room(alice, [server.bot.user]), server.room(alice, [server.bot.user])]
  server.aliases.set('#ops:hs.test', before)
  const { chat, log } = await startAccount(t, server)
  await chat.room('#ops:hs.test')

  server.aliases.set('#ops:hs.test', after)

  assert.equal(await chat.room('#ops:hs.test'), roomId(after))
  assert.match(log.join(''), /the alias points to another room now/)
})
