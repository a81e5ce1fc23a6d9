import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createHomeserver, type Homeserver } from '../../helpers/homeserver.ts'
import { alice, bob, createAccount, createPositions, messageId, sent, startAccount, until } from './account.ts'

const mention = (server: Homeserver) => ({ 'm.mentions': { user_ids: [server.bot.user] } })

for (const count of [40, 250]) {
  test(`${count} messages missed while away arrive in order, once each, with the mark among them`, async (t) => {
    const server = await createHomeserver(t)
    const room = server.room(alice, [server.bot.user, bob])
    const positions = createPositions()
    const before = await startAccount(t, server, { positions })
    await before.chat.close()
    const said = Array.from({ length: count }, (_, index) => `missed ${index}`)
    const prompt = server.say(server.bot.user, room, 'May I?')
    for (const text of said) server.say(alice, room, text)
    server.react(bob, room, prompt, '✅')
    for (const text of ['and', 'then', 'more']) server.say(alice, room, text)

    const { texts, received } = await startAccount(t, server, { positions })

    assert.deepEqual(texts(), [...said, 'and', 'then', 'more'])
    assert.deepEqual(
      received.filter((event) => event.kind === 'mark').map(({ message, from, mark }) => [message, from, mark]),
      [[messageId(room, prompt), bob, 'approve']],
    )
  })
}

test('of more messages than can be read back the newest arrive, and the room is told', async (t) => {
  const server = await createHomeserver(t)
  const room = server.room(alice, [server.bot.user, bob])
  const positions = createPositions()
  const before = await startAccount(t, server, { positions })
  await before.chat.close()
  for (let index = 0; index < 1_200; index++) server.say(alice, room, `missed ${index}`)

  const { texts } = await startAccount(t, server, { positions })
  const remark = await until(
    () => sent(server, room)[0],
    () => 'the remark',
  )

  assert.equal(texts().at(-1), 'missed 1199')
  assert.equal(texts().length, 1_050)
  assert.match(String(remark.content.body), /read back only the newest/)
})

test('history that the server has deleted counts as lost and does not stop the rest', async (t) => {
  const server = await createHomeserver(t)
  const room = server.room(alice, [server.bot.user, bob])
  const positions = createPositions()
  const before = await startAccount(t, server, { positions })
  await before.chat.close()
  for (let index = 0; index < 60; index++) server.say(alice, room, `missed ${index}`)
  server.interfere((_, path) =>
    path.endsWith('/messages')
      ? { status: 400, body: '{"errcode":"M_INVALID_PARAM","error":"unknown token"}' }
      : undefined,
  )

  const { texts } = await startAccount(t, server, { positions })

  assert.equal(texts().length, 50)
  await until(
    () => sent(server, room)[0],
    () => 'the remark',
  )
})

test('an event that could not be kept comes again, and those before it at least once', async (t) => {
  const server = await createHomeserver(t)
  const room = server.room(alice, [server.bot.user, bob])
  let failures = 2
  const { hears, texts, chat } = await startAccount(t, server, {
    before(event) {
      if (event.kind === 'message' && event.text === 'second' && failures-- > 0) throw new Error('disk full')
    },
  })

  server.say(alice, room, 'first')
  server.say(alice, room, 'second')
  server.say(alice, room, 'third')
  await hears('third')

  assert.deepEqual([...new Set(texts())], ['first', 'second', 'third'])
  assert.equal(chat.health().state, 'ready')
})

test('a process that ended before its position moved gets everything again', async (t) => {
  const server = await createHomeserver(t)
  const room = server.room(alice, [server.bot.user, bob])
  const positions = createPositions()
  const first = await startAccount(t, server, { positions })
  const old = new Map(positions.entries)
  server.say(alice, room, 'restart web')
  await first.hears('restart web')
  await first.chat.close()
  positions.entries.clear()
  for (const [key, value] of old) positions.entries.set(key, value)

  const second = await startAccount(t, server, { positions })

  assert.deepEqual(second.texts(), ['restart web'])
  assert.deepEqual(second.received, first.received)
})

test('a position that could not be written is written with the next try', async (t) => {
  const server = await createHomeserver(t)
  const room = server.room(alice, [server.bot.user, bob])
  const positions = createPositions()
  const first = await startAccount(t, server, { positions })
  positions.failing = /:position$/
  server.say(alice, room, 'one')
  await first.hears('one')
  server.say(alice, room, 'two')
  await first.hears('two')
  await until(
    () => JSON.parse(positions.entries.get('matrix:@bot:hs.test:position') ?? '').ids?.length === 2,
    () => 'the position',
  )
  await first.chat.close()

  const second = await startAccount(t, server, { positions })

  assert.deepEqual(second.texts(), [])
})

test('an old event that a server shows again is not delivered again, also after hundreds of others and a restart', async (t) => {
  const server = await createHomeserver(t)
  const room = server.room(alice, [server.bot.user, bob])
  const positions = createPositions()
  const first = await startAccount(t, server, { positions })
  const old = server.say(alice, room, 'restart web')
  for (let index = 0; index < 700; index++) server.say(alice, room, `talk ${index}`)
  await first.hears('talk 699')
  await first.chat.close()
  const again = server.events(room).find((event) => event.event_id === old)
  const body = JSON.stringify({
    next_batch: 's9',
    rooms: { join: { [room]: { timeline: { events: [again, again] } } } },
  })
  server.interfere((_, path) => (path.endsWith('/sync') ? { status: 200, body } : undefined))

  const second = await startAccount(t, server, { positions })
  server.interfere(() => undefined)
  server.say(alice, room, 'end')
  await second.hears('end')

  assert.deepEqual(second.texts(), ['end'])
})

test('a part of the answer that makes no sense does not hide the rest', async (t) => {
  const server = await createHomeserver(t)
  const room = server.room(alice, [server.bot.user, bob])
  const { hears } = await startAccount(t, server)
  const events = [7, { type: 'm.room.message' }]
  const said = {
    type: 'm.room.message',
    event_id: '$said',
    sender: bob,
    content: { body: 'hello' },
    origin_server_ts: 1,
  }
  const join = {
    '!a:hs.test': { timeline: { events, limited: 'perhaps' } },
    '!b:hs.test': { state: 7 },
    [room]: { timeline: { events: [...events, said], limited: null, prev_batch: 9 }, state: { events: 'none' } },
  }
  const body = JSON.stringify({ next_batch: 's4', rooms: { join } })
  server.interfere((_, path) => (path.endsWith('/sync') ? { status: 200, body } : undefined))
  server.cut()

  await hears('hello')
  server.interfere(() => undefined)
})

test('members who changed inside a gap are known from the state beside it', async (t) => {
  const server = await createHomeserver(t)
  const room = server.room(alice, [server.bot.user, bob])
  const positions = createPositions()
  const first = await startAccount(t, server, { positions })
  server.say(alice, room, 'hi')
  await first.hears('hi')
  await first.chat.close()
  server.member(bob, room, bob, 'leave')
  for (let index = 0; index < 60; index++) server.say(alice, room, `missed ${index}`)

  const second = await startAccount(t, server, { positions })

  assert.equal((await second.hears('missed 59')).addressed, true, 'two people are left')
})

test('what was said before we came into a room is not for us, whether or not the server tells our membership', async (t) => {
  for (const tells of [true, false]) {
    const server = await createHomeserver(t)
    if (!tells) server.hideMembership()
    const { hears, texts } = await startAccount(t, server)
    const room = server.room(alice, [bob])
    server.say(alice, room, 'Ops Bot: restart everything', mention(server))
    server.member(alice, room, server.bot.user, 'invite')
    await until(
      () => server.membership(room, server.bot.user) === 'join',
      () => 'the join',
    )
    server.say(alice, room, 'Ops Bot: how is web?', mention(server))

    await hears('how is web?')
    assert.deepEqual(texts(), ['how is web?'])
  }
})

test('a server that has forgotten our position gets asked anew, silently, and goes on', async (t) => {
  const server = await createHomeserver(t)
  const room = server.room(alice, [server.bot.user, bob])
  const positions = createPositions()
  await positions.set('matrix:@bot:hs.test:position', { since: 'snonsense', ids: ['$a'], blocks: 0 })
  server.say(alice, room, 'Ops Bot: old', mention(server))

  const { hears, texts } = await startAccount(t, server, { positions })
  server.say(alice, room, 'new')

  await hears('new')
  assert.deepEqual(texts(), ['new'])
})

test('a proxy that answers for a dead server makes us wait, not forget or lose', async (t) => {
  const html = '<html><h1>502 Bad Gateway</h1></html>'
  for (const status of [502, 404, 200, 400]) {
    const server = await createHomeserver(t)
    const room = server.room(alice, [server.bot.user, bob])
    const { chat, hears, texts } = await startAccount(t, server)
    server.interfere(() => ({ status, body: html }))
    server.cut()
    await until(
      () => chat.health().state === 'down',
      () => 'red health',
    )
    server.say(alice, room, 'are you there?')
    server.interfere(() => undefined)

    await hears('are you there?')
    assert.deepEqual(texts(), ['are you there?'], `after ${status}`)
    await until(
      () => chat.health().state === 'ready',
      () => 'green health',
    )
  }
})

test('a server that is away at the start is waited for', async (t) => {
  const server = await createHomeserver(t)
  const room = server.room(alice, [server.bot.user, bob])
  const account = createAccount(t, server)
  server.interfere(() => ({ status: 503, body: 'starting' }))
  const starting = account.start()
  await until(
    () => account.chat.health().state === 'down',
    () => 'red health',
  )

  server.interfere(() => undefined)
  await starting

  server.say(alice, room, 'hello')
  await account.hears('hello')
})

test('a token that is revoked turns health red with the way out, and nothing is asked again in a hurry', async (t) => {
  const server = await createHomeserver(t)
  server.room(alice, [server.bot.user, bob])
  const { chat, log } = await startAccount(t, server)

  server.revoke()
  await until(
    () => chat.health().state === 'revoked',
    () => 'red health',
  )

  const health = chat.health()
  assert.ok(health.state === 'revoked' && health.detail.includes('KUBE_AGENT_MATRIX_TOKEN'))
  assert.doesNotMatch(log.join(''), /syt_secret_token/)
  const asked = server.requests.filter((request) => request.endsWith('/sync')).length
  await chat.close()
  assert.equal(server.requests.filter((request) => request.endsWith('/sync')).length, asked)
})

test('what people write into ids, relations and mentions cannot stop the stream', async (t) => {
  const server = await createHomeserver(t)
  const room = server.room(alice, [server.bot.user, bob])
  const { hears } = await startAccount(t, server)
  const wild = ['$'.padEnd(30_000, 'x'), '$\ud800', '$/../..', '', 7, null, { event_id: '$x' }, ['$x']]

  for (const id of wild) {
    server.say(alice, room, 'reply', { 'm.relates_to': { 'm.in_reply_to': { event_id: id } } })
    server.say(alice, room, 'edit', {
      'm.relates_to': { rel_type: 'm.replace', event_id: id },
      'm.new_content': { body: 'Ops Bot: x', ...mention(server) },
    })
    server.say(alice, room, 'thread', { 'm.relates_to': { rel_type: 'm.thread', event_id: id } })
    server.send(alice, room, 'm.reaction', { 'm.relates_to': { rel_type: 'm.annotation', event_id: id, key: '✅' } })
    server.send(alice, room, 'm.room.redaction', { redacts: id })
    server.say(alice, room, 'mentions', { 'm.mentions': { user_ids: id } })
    server.say(alice, room, 'html', { format: 'org.matrix.custom.html', formatted_body: `<a href="${id}">x</a>` })
    server.send(alice, room, 'm.room.message', { body: id, msgtype: id })
    server.send(alice, room, 'm.room.member', { membership: id, displayname: id }, '@carol:hs.test')
  }
  server.say(alice, room, 'still here?')

  await hears('still here?')
})
