import assert from 'node:assert/strict'
import { test } from 'node:test'
import { markOf } from '../../../src/bot/matrix/events.ts'
import { createHomeserver, type Homeserver } from '../../helpers/homeserver.ts'
import { alice, bob, createPositions, messageId, roomId, sent, startAccount, threadId, until } from './account.ts'

const carol = '@carol:hs.test'
const mention = (server: Homeserver) => ({ 'm.mentions': { user_ids: [server.bot.user] } })
const threaded = (root: string, repliedTo = root, isFallingBack = true) => ({
  'm.relates_to': {
    rel_type: 'm.thread',
    event_id: root,
    is_falling_back: isFallingBack,
    'm.in_reply_to': { event_id: repliedTo },
  },
})
const replying = (to: string) => ({ 'm.relates_to': { 'm.in_reply_to': { event_id: to } } })
const editing = (original: string, content: Record<string, unknown>) => ({
  'm.new_content': { msgtype: 'm.text', ...content },
  'm.relates_to': { rel_type: 'm.replace', event_id: original },
})

async function opsRoom(t: Parameters<typeof createHomeserver>[0]) {
  const server = await createHomeserver(t)
  const room = server.room(alice, [server.bot.user, bob])
  const account = await startAccount(t, server)
  return { server, room, ...account }
}

test('a message tells who said what, when, where, and whether it calls us', async (t) => {
  const { server, room, hears } = await opsRoom(t)

  const event = server.say(alice, room, 'Ops Bot: how is web?', mention(server))
  const plain = server.say(bob, room, 'lunch?')

  const at = server.events(room).find((one) => one.event_id === event)?.origin_server_ts
  assert.deepEqual(await hears('how is web?'), {
    kind: 'message',
    id: messageId(room, event),
    thread: threadId(room, event),
    room: roomId(room),
    from: alice,
    name: 'Alice',
    text: 'how is web?',
    addressed: true,
    at,
  })
  assert.equal((await hears('lunch?')).addressed, false)
  assert.equal((await hears('lunch?')).thread, threadId(room, plain))
})

test('in a room of two every message is for us, and none of it is taken for our name', async (t) => {
  const server = await createHomeserver(t)
  const room = server.room(alice, [server.bot.user])
  const { hears } = await startAccount(t, server)

  server.say(alice, room, 'bot crashed yesterday, why?')

  assert.equal((await hears('bot crashed yesterday, why?')).addressed, true)
})

test('the name that counts is the one that we have in this room, now', async (t) => {
  const { server, room, hears } = await opsRoom(t)

  server.send(server.bot.user, room, 'm.room.member', { membership: 'join', displayname: 'Otto' }, server.bot.user)
  server.say(alice, room, 'Ops Bot: one')
  server.say(alice, room, 'Otto: two')

  assert.equal((await hears('two')).addressed, true)
  assert.equal((await hears('Ops Bot: one')).addressed, false)
})

test('the thread of a message is found over replies and edits, also of what was never seen', async (t) => {
  const { server, room, hears } = await opsRoom(t)
  const root = server.say(alice, room, 'web is down')
  const inside = server.say(bob, room, 'since when?', threaded(root))

  server.say(alice, room, 'since noon', threaded(root, inside))
  server.say(alice, room, 'a real reply', threaded(root, inside, false))
  server.say(alice, room, 'from an old client', replying(inside))
  server.say(alice, room, 'to the main timeline', replying(root))

  assert.equal((await hears('since noon')).thread, threadId(room, root))
  assert.equal((await hears('a real reply')).thread, threadId(room, root))
  assert.equal((await hears('from an old client')).thread, threadId(room, root))
  assert.notEqual((await hears('to the main timeline')).thread, threadId(room, root))
})

test('a reply to a thread of before our start belongs to it', async (t) => {
  const server = await createHomeserver(t)
  const room = server.room(alice, [server.bot.user, bob])
  const root = server.say(alice, room, 'web is down')
  const inside = server.say(bob, room, 'since when?', threaded(root))
  const reply = server.say(bob, room, 'or since yesterday?', replying(inside))
  const { hears } = await startAccount(t, server)

  server.say(alice, room, 'noon', replying(reply))

  assert.equal((await hears('noon')).thread, threadId(room, root))
})

test('the quote of an old reply is not what was said', async (t) => {
  const { server, room, hears } = await opsRoom(t)
  const first = server.say(bob, room, 'drop the database')

  server.say(alice, room, `> <${bob}> drop the database\n> now\n\n> better not\nno`, replying(first))

  assert.equal((await hears('> better not\nno')).addressed, false)
})

test('notices, bridged machines, ourselves and deleted messages are not heard', async (t) => {
  const { server, room, hears, texts } = await opsRoom(t)

  server.say(alice, room, 'notice', { msgtype: 'm.notice', ...mention(server) })
  server.say('@_slack_alice:hs.test', room, 'bridge', mention(server))
  server.say(server.bot.user, room, 'myself', mention(server))
  server.say(alice, room, 'end')

  await hears('end')
  assert.deepEqual(texts(), ['end'])
})

test('an emote and the caption of a file are heard', async (t) => {
  const { server, room, hears } = await opsRoom(t)

  server.say(alice, room, 'pokes Ops Bot', { msgtype: 'm.emote', ...mention(server) })
  server.say(alice, room, '@bot what is this?', { msgtype: 'm.image', filename: 'x.png', url: 'mxc://a/b' })

  assert.equal((await hears('pokes Ops Bot')).addressed, true)
  assert.equal((await hears('what is this?')).addressed, true)
})

test('an edit that adds a mention is the original message with its new words', async (t) => {
  const { server, room, hears } = await opsRoom(t)
  const original = server.say(alice, room, 'restart web')

  server.say(alice, room, '* x', editing(original, { body: 'Ops Bot: restart web', ...mention(server) }))

  const heard = (await hears('restart web')).id
  assert.equal(heard, messageId(room, original))
  const edited = server.say(alice, room, 'Ops Bot: second', mention(server))
  server.say(alice, room, '* x', editing(edited, { body: 'Ops Bot: third', ...mention(server) }))
  assert.equal((await hears('third')).id, messageId(room, edited), 'known by its id, so not answered twice')
})

test('edits without a mention, by others, or of long ago say nothing', async (t) => {
  const { server, room, hears, texts } = await opsRoom(t)
  const old = server.say(alice, room, 'old')
  const original = server.say(alice, room, 'restart web')
  const event = server.events(room).find((one) => one.event_id === old)
  await hears('restart web')
  event!.origin_server_ts -= 3_600_000

  server.say(alice, room, '* x', editing(original, { body: 'restart api' }))
  server.say(bob, room, '* x', editing(original, { body: 'Ops Bot: delete web', ...mention(server) }))
  server.say(alice, room, '* x', editing(old, { body: 'Ops Bot: old', ...mention(server) }))
  server.say(alice, room, 'end')

  await hears('end')
  assert.deepEqual(texts(), ['old', 'restart web', 'end'])
})

test('the same mark in all its spellings counts; every other one means nothing', () => {
  for (const key of ['✅', '✅\uFE0F', ' ✅\uFE0E ', '✅🏽']) assert.equal(markOf(key), 'approve')
  assert.equal(markOf('❌\uFE0F'), 'deny')
  for (const key of [
    '👍',
    '✔️',
    '☑️',
    '',
    'constructor',
    '__proto__',
    'mxc://a/b',
    '✅✅',
    'white_check_mark',
    7,
    undefined,
  ])
    assert.equal(markOf(key), undefined)
})

test("a mark on somebody else's edit of a prompt is none on the prompt, whoever else edited it", async (t) => {
  const { server, room, received, gets } = await opsRoom(t)
  const prompt = server.say(server.bot.user, room, 'restart web?')
  const foreign = server.send(carol, room, 'm.room.message', editing(prompt, { body: 'harmless' }))
  const chained = server.send(server.bot.user, room, 'm.room.message', editing(foreign, { body: 'also harmless' }))

  server.react(bob, room, foreign, '✅')
  server.react(bob, room, chained, '✅')
  const mark = server.react(bob, room, prompt, '✅')
  await gets((event) => event.kind === 'mark' && event.id === messageId(room, mark))

  const marked = received.flatMap((event) => (event.kind === 'mark' ? [event.message] : []))
  assert.deepEqual(marked, [messageId(room, foreign), messageId(room, chained), messageId(room, prompt)])
})

test('a mark on a prompt, or on an edit of it, is told; our own and others are not', async (t) => {
  const { server, room, gets, received, hears } = await opsRoom(t)
  const prompt = server.say(server.bot.user, room, 'May I?')
  const edit = server.say(server.bot.user, room, '* x', editing(prompt, { body: 'May I? (1 vote)' }))

  server.react(server.bot.user, room, prompt, '✅')
  server.react(alice, room, prompt, '👍')
  const mark = server.react(bob, room, edit, '✅\uFE0F')
  await gets((event) => event.kind === 'mark')
  server.say(alice, room, 'end')
  await hears('end')

  assert.deepEqual(
    received.filter((event) => event.kind === 'mark'),
    [
      {
        kind: 'mark',
        id: messageId(room, mark),
        message: messageId(room, prompt),
        room: roomId(room),
        from: bob,
        mark: 'approve',
        withdrawn: false,
      },
    ],
  )
})

for (const by of [bob, alice])
  test(`a mark that ${by === bob ? 'its author' : 'a moderator'} deletes is withdrawn, also after a restart`, async (t) => {
    const server = await createHomeserver(t)
    const room = server.room(alice, [server.bot.user, bob])
    const positions = createPositions()
    const first = await startAccount(t, server, { positions })
    const prompt = server.say(server.bot.user, room, 'May I?')
    const mark = server.react(bob, room, prompt, '✅')
    await first.gets((event) => event.kind === 'mark')
    await first.chat.close()

    server.redact(by, room, mark)
    const second = await startAccount(t, server, { positions })

    assert.deepEqual(second.received, [
      {
        kind: 'mark',
        id: messageId(room, mark),
        message: messageId(room, prompt),
        room: roomId(room),
        from: bob,
        mark: 'approve',
        withdrawn: true,
      },
    ])
  })

test('a mark that was set and taken back while we were away is no mark', async (t) => {
  const server = await createHomeserver(t)
  const room = server.room(alice, [server.bot.user, bob])
  const positions = createPositions()
  const first = await startAccount(t, server, { positions })
  await first.chat.close()
  const prompt = server.say(server.bot.user, room, 'May I?')
  server.redact(bob, room, server.react(bob, room, prompt, '✅'))

  const second = await startAccount(t, server, { positions })

  assert.ok(!second.received.some((event) => event.kind === 'mark'))
})

test('the votes under a message are read over all pages, oldest first, without ours and without those taken back', async (t) => {
  const server = await createHomeserver(t)
  const people = Array.from({ length: 150 }, (_, index) => `@p${index}:hs.test`)
  const room = server.room(alice, [server.bot.user, bob, ...people])
  const prompt = server.say(server.bot.user, room, 'May I?')
  server.react(server.bot.user, room, prompt, '✅')
  server.redact(bob, room, server.react(bob, room, prompt, '❌'))
  server.react(bob, room, prompt, '👍')
  const given = people.map((person) => server.react(person, room, prompt, '✅'))
  const { chat } = await startAccount(t, server)

  const votes = await chat.votes(messageId(room, prompt))

  assert.deepEqual(
    votes,
    people.map((from, index) => ({ id: messageId(room, given[index] ?? ''), from, mark: 'approve' })),
  )
})

test('a vote that was read is known when it is withdrawn', async (t) => {
  const server = await createHomeserver(t)
  const room = server.room(alice, [server.bot.user, bob])
  const prompt = server.say(server.bot.user, room, 'May I?')
  const mark = server.react(bob, room, prompt, '✅')
  const { chat, gets } = await startAccount(t, server)
  const [vote] = await chat.votes(messageId(room, prompt))

  server.redact(bob, room, mark)

  const withdrawn = await gets((event) => event.kind === 'mark')
  assert.ok(withdrawn.kind === 'mark' && withdrawn.withdrawn && withdrawn.id === vote?.id)
})

test('a deleted prompt has no votes, nor has one that does not exist', async (t) => {
  const { server, room, chat } = await opsRoom(t)
  const prompt = server.say(server.bot.user, room, 'May I?')
  server.react(bob, room, prompt, '✅')
  server.redact(alice, room, prompt)

  assert.deepEqual(await chat.votes(messageId(room, prompt)), [])
  assert.deepEqual(await chat.votes(messageId(room, '$nothing')), [])
})

test('whether a person is in the room is asked anew each time', async (t) => {
  const { server, room, chat } = await opsRoom(t)
  assert.equal(await chat.isMember(roomId(room), bob as never), true)

  // The stream is cut off, so that only asking can tell.
  server.interfere((_, path) => (path.endsWith('/sync') ? { status: 502, body: '' } : undefined))
  server.member(alice, room, bob, 'ban')

  assert.equal(await chat.isMember(roomId(room), bob as never), false)
  assert.equal(await chat.isMember(roomId('!nowhere:hs.test'), bob as never), false)
})

test('a person who leaves is no longer counted', async (t) => {
  const server = await createHomeserver(t)
  const room = server.room(alice, [server.bot.user, bob, carol])
  const { hears } = await startAccount(t, server)
  server.say(alice, room, 'four of us')
  assert.equal((await hears('four of us')).addressed, false)

  server.member(carol, room, carol, 'leave')
  server.member(alice, room, bob, 'ban')
  server.say(alice, room, 'two of us')

  assert.equal((await hears('two of us')).addressed, true)
})

test('a message is acknowledged in its thread, and typing lasts while one thread is at work', async (t) => {
  const { server, room, chat } = await opsRoom(t)
  const root = server.say(alice, room, 'web is down')
  const inside = server.say(bob, room, 'since when?', threaded(root))
  const typing = () => server.requests.filter((request) => request.includes('/typing/')).length

  await chat.acknowledge(threadId(room, root), messageId(room, root))
  await chat.acknowledge(threadId(room, root), messageId(room, inside))
  await chat.working(threadId(room, root), true)
  await chat.working(threadId(room, inside), true)
  await chat.working(threadId(room, root), false)
  assert.equal(typing(), 1)
  await chat.working(threadId(room, inside), false)

  assert.deepEqual(server.receipts, [`${root} main`, `${inside} ${root}`])
  assert.equal(typing(), 2)
  assert.deepEqual(sent(server, room), [])
})

test('courtesies never fail', async (t) => {
  const { server, room, chat } = await opsRoom(t)
  server.interfere((method) => (method === 'GET' ? undefined : { status: 403, body: '{"errcode":"M_FORBIDDEN"}' }))

  await chat.acknowledge(threadId(room, '$a'), messageId(room, '$a'))
  await chat.working(threadId(room, '$a'), true)
  await chat.working(threadId(room, '$a'), false)
  await chat.offer(messageId(room, '$a'))

  await until(
    () => chat.health().state === 'ready',
    () => 'health',
  )
})
