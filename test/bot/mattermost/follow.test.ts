import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import { Agent } from 'undici'
import { createAccount, createPositions, openOps, startAccount, threadId, until } from './account.ts'

test('what was edited before the first start is not heard at the second one either', async (t) => {
  const { server, alice, ops } = await openOps(t)
  const old = server.say(alice, ops, 'restart everything')
  server.say(alice, ops, 'what a day')
  server.edit(old, '@opsbot restart everything')
  const positions = createPositions()
  const first = await startAccount(t, server, { positions })
  await first.chat.close()

  const { hears, texts } = await startAccount(t, server, { positions })
  server.say(alice, ops, '@opsbot how is web?')

  await hears('how is web?')
  assert.deepEqual(texts(), ['how is web?'])
})

test('more posts than two pages hold, missed while away, arrive in order, once each', async (t) => {
  const { server, alice, ops } = await openOps(t)
  const positions = createPositions()
  const before = await startAccount(t, server, { positions })
  server.say(alice, ops, 'before')
  await before.hears('before')
  await before.chat.close()
  const said = Array.from({ length: 450 }, (_, index) => `missed ${index}`)
  for (const text of said) server.say(alice, ops, text)

  const { texts } = await startAccount(t, server, { positions })

  assert.deepEqual(texts(), said)
})

test('a channel in which nothing had been said is read from its beginning', async (t) => {
  const { server, alice, bob } = await openOps(t)
  const positions = createPositions()
  const empty = server.channel([alice, bob])
  const before = await startAccount(t, server, { positions })
  await before.chat.close()
  const said = Array.from({ length: 250 }, (_, index) => `missed ${index}`)
  for (const text of said) server.say(alice, empty, text)

  const { texts } = await startAccount(t, server, { positions })

  assert.deepEqual(texts(), said)
})

test('posts of the same moment are all read, also where a page ends between them', async (t) => {
  const { server, alice, ops } = await openOps(t)
  const positions = createPositions()
  const before = await startAccount(t, server, { positions })
  server.say(alice, ops, 'before')
  await before.hears('before')
  await before.chat.close()
  const said = Array.from({ length: 420 }, (_, index) => `missed ${index}`)
  for (const [index, text] of said.entries()) {
    if (index % 50 === 40) server.standStill(20)
    server.say(alice, ops, text)
  }

  const { texts } = await startAccount(t, server, { positions })

  assert.deepEqual(texts().toSorted(), said.toSorted())
})

test('a server that does not know the last post any more does not look like one where nothing happened', async (t) => {
  const { server, alice, ops } = await openOps(t)
  const positions = createPositions()
  const before = await startAccount(t, server, { positions })
  server.say(alice, ops, 'before')
  await before.hears('before')
  await before.chat.close()
  server.posts.splice(0)
  server.say(alice, ops, 'after')

  const { texts } = await startAccount(t, server, { positions })

  assert.deepEqual(texts(), ['after'])
})

test('a short break is made up for by the server, a long one by reading', async (t) => {
  const { server, alice, ops } = await openOps(t)
  const { hears, texts, isReady } = await startAccount(t, server)

  server.cut(true)
  server.say(alice, ops, 'in the short break')
  server.mend()
  await hears('in the short break')
  assert.deepEqual(server.handshakes, ['fresh', 'resumed'])

  server.cut(true)
  server.say(alice, ops, 'in the long break')
  server.forget()
  server.mend()
  await hears('in the long break')
  await isReady()
  assert.deepEqual(texts(), ['in the short break', 'in the long break'])
  assert.deepEqual(server.handshakes, ['fresh', 'resumed', 'fresh'])
})

test('an event that got lost on its way is noticed by its number, and read', async (t) => {
  const { server, alice, ops } = await openOps(t)
  const { hears, texts } = await startAccount(t, server)

  server.loseEvent()
  server.say(alice, ops, 'lost')
  server.say(alice, ops, 'next')

  await hears('next')
  assert.deepEqual(texts(), ['lost', 'next'])
})

test('a connection that went silent is given up and made anew', async (t) => {
  const { server, alice, ops } = await openOps(t)
  const { hears } = await startAccount(t, server, { pingMs: 50 })

  server.hold()
  server.say(alice, ops, 'hello?')

  await hears('hello?')
})

test('an event that could not be kept comes again, and nothing overtakes it', async (t) => {
  const { server, alice, ops } = await openOps(t)
  let failures = 2
  const { hears, texts, isReady } = await startAccount(t, server, {
    before(event) {
      if (event.kind === 'message' && event.text === 'second' && failures-- > 0) throw new Error('disk full')
    },
  })

  for (const text of ['first', 'second', 'third']) server.say(alice, ops, text)
  await hears('third')

  assert.deepEqual(texts(), ['first', 'second', 'third'])
  await isReady()
})

test('a process that ended before its position moved gets the message again, with the same id', async (t) => {
  const { server, alice, ops } = await openOps(t)
  const positions = createPositions()
  const first = await startAccount(t, server, { positions })
  server.say(alice, ops, 'old')
  await first.hears('old')
  const old = new Map(positions.entries)
  server.say(alice, ops, '@opsbot restart web')
  await first.hears('restart web')
  await first.chat.close()
  for (const [key, value] of old) positions.entries.set(key, value)

  const second = await startAccount(t, server, { positions })

  assert.deepEqual(
    second.received.filter(({ id }) => id === first.received.at(-1)?.id),
    [first.received.at(-1)],
  )
})

test('a revoked token turns health red for good, though the socket stays open and answers', async (t) => {
  const { server } = await openOps(t)
  const { chat, isReady } = await startAccount(t, server, { pingMs: 20 })
  await isReady()

  server.revoke()

  await until(
    () => chat.health().state === 'revoked',
    () => JSON.stringify(chat.health()),
  )
})

test('a token that was never good is said in a sentence, without the token', async (t) => {
  const { server } = await openOps(t)
  const { chat, start } = createAccount(t, server, { token: 'wrong-token-of-26-letters' })

  await assert.rejects(start(), (error: Error) => {
    assert.match(error.message, /KUBE_AGENT_MATTERMOST_TOKEN/)
    assert.doesNotMatch(error.message, /wrong-token/)
    return true
  })
  assert.equal(chat.health().state, 'revoked')
})

test('a server behind a path of its own is found there, by its socket too', async (t) => {
  const { server, alice, ops } = await openOps(t, { prefix: '/team/chat' })
  const { hears, chat } = await startAccount(t, server, { url: `${server.url}/` })

  const root = server.say(alice, ops, '@opsbot hello')
  await hears('hello')
  await chat.post(threadId(ops, root), { id: 'answer', markdown: 'hello' })

  assert.deepEqual(
    server.sent(ops).map(({ message, root_id }) => [message, root_id]),
    [['hello', root]],
  )
})

test('requests and the socket go through the connections that trust the configured certificates', async (t) => {
  const { server, alice, ops } = await openOps(t)
  const { port } = new URL(server.url)
  const dispatcher = new Agent({
    connect(_options, callback) {
      const socket = connect(Number(port), '127.0.0.1', () => callback(null, socket))
    },
  })
  t.after(() => dispatcher.destroy())

  const { hears } = await startAccount(t, server, { url: 'http://chat.corp.invalid', dispatcher })
  server.say(alice, ops, '@opsbot hello')

  await hears('hello')
})

test('a server that is away at the start is waited for', async (t) => {
  const { server, alice, ops } = await openOps(t)
  let failures = 3
  server.interfere(() => (failures-- > 0 ? { status: 502, body: '<html>Bad Gateway</html>' } : undefined))

  const { hears } = await startAccount(t, server)
  server.say(alice, ops, '@opsbot hello')

  await hears('hello')
})
