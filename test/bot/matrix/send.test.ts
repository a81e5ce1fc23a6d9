import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Agent, type Dispatcher } from 'undici'
import { PostRefused } from '../../../src/bot/platform.ts'
import { createHomeserver, type Homeserver } from '../../helpers/homeserver.ts'
import { alice, bob, messageId, roomId, sent, startAccount, threadId, until } from './account.ts'

type Content = Record<string, unknown> & { body: string; 'm.new_content'?: { body: string } }

async function opsThread(t: TestContext, options: Parameters<typeof startAccount>[2] = {}) {
  const server = await createHomeserver(t)
  const room = server.room(alice, [server.bot.user, bob])
  const account = await startAccount(t, server, options)
  const root = server.say(alice, room, 'Ops Bot: how is web?')
  return { server, room, root, thread: threadId(room, root), ...account }
}

const contents = (server: Homeserver, room: string): Content[] =>
  sent(server, room).map(({ content }) => content as Content)
const shownText = (content: Content): string => content['m.new_content']?.body ?? content.body
const puts = (server: Homeserver): number =>
  server.requests.filter((one) => one.startsWith('PUT') && one.includes('/send/')).length

test('a post stands in its thread, behind the last message, and mentions whom it names', async (t) => {
  const { server, room, root, thread, chat } = await opsThread(t)

  const first = await chat.post(thread, { id: 'p1', markdown: 'looking', quiet: true })
  await chat.post(thread, { id: 'p2', markdown: '**fine**', mention: [alice as never, server.bot.user as never] })

  const [looking, fine] = contents(server, room)
  assert.equal(looking?.msgtype, 'm.notice')
  assert.deepEqual(looking?.['m.mentions'], {})
  assert.equal(fine?.msgtype, 'm.text')
  assert.equal(fine?.body, 'Alice:\n\nfine')
  assert.deepEqual(fine?.['m.mentions'], { user_ids: [alice] })
  assert.deepEqual(fine?.['m.relates_to'], {
    rel_type: 'm.thread',
    event_id: root,
    is_falling_back: true,
    'm.in_reply_to': { event_id: first.split('|')[2] },
  })
})

test('a new thread is opened once, and is the thread of what is posted into it', async (t) => {
  const { server, room, chat } = await opsThread(t)

  const { thread, message } = await chat.open(roomId(room), { id: 'push-1', markdown: 'a push' })
  const again = await chat.open(roomId(room), { id: 'push-1', markdown: 'a push' })
  await chat.post(thread, { id: 'p1', markdown: 'looking' })

  const [root, looking] = contents(server, room)
  assert.deepEqual(again, { thread, message })
  assert.equal(root?.['m.relates_to'], undefined)
  assert.equal((looking?.['m.relates_to'] as { event_id: string }).event_id, message.split('|')[2])
})

test('a text too long for an event goes as a file, with its beginning in the post', async (t) => {
  const { server, room, thread, chat } = await opsThread(t)
  const markdown = `# Report\n\n${'a line of a long report\n'.repeat(5_000)}`

  await chat.post(thread, { id: 'p1', markdown })
  await chat.post(thread, { id: 'p1', markdown })

  const [text, file, ...rest] = contents(server, room)
  assert.match(String(text?.body), /^Report\n\na line[\s\S]*…$/)
  assert.deepEqual(
    [file?.msgtype, file?.filename, (file?.info as { size: number }).size],
    ['m.file', 'message.md', markdown.length],
  )
  assert.equal((file?.['m.relates_to'] as { rel_type: string }).rel_type, 'm.thread')
  assert.deepEqual(rest, [])
  assert.ok(server.uploads.every((upload) => upload === markdown))
})

test('a file that goes along stands behind its post; one that the server does not take is named', async (t) => {
  const { server, room, thread, chat } = await opsThread(t)

  await chat.post(thread, { id: 'p1', markdown: 'the log', file: { name: 'web.log', text: 'ready\n' } })
  await chat.post(thread, { id: 'p2', markdown: 'the log', file: { name: 'big.log', text: 'x'.repeat(1_000_001) } })

  assert.deepEqual(server.uploads, ['ready\n'])
  assert.deepEqual(
    contents(server, room).map(({ msgtype, body }) => [msgtype, body]),
    [
      ['m.text', 'the log'],
      ['m.file', 'web.log'],
      ['m.text', 'the log'],
      ['m.notice', '`big.log` (977 KiB) could not be uploaded: the server does not take it.'],
    ],
  )
})

test('half characters in text, names and files are made whole before they are sent', async (t) => {
  const server = await createHomeserver(t)
  const room = server.room(alice, [server.bot.user, bob])
  server.send(alice, room, 'm.room.member', { membership: 'join', displayname: `${'x'.repeat(99)}🦊` }, alice)
  const root = server.say(alice, room, 'hi')
  const { chat } = await startAccount(t, server)

  await chat.post(threadId(room, root), {
    id: 'p1',
    markdown: 'cut \ud83e here',
    mention: [alice as never],
    file: { name: '\udd8a.log', text: 'cut \ud83e' },
  })

  const [text, file] = contents(server, room)
  assert.match(String(text?.body), /cut \ufffd here/)
  assert.equal(file?.filename, '\ufffd.log')
})

test('an edit changes the first event and stays what the message was', async (t) => {
  const { server, room, thread, chat } = await opsThread(t)
  const message = await chat.post(thread, { id: 'p1', markdown: 'step 1', quiet: true })

  await chat.edit(message, '**done**', 'final')

  const edit = contents(server, room)[1]
  assert.equal(edit?.msgtype, 'm.notice')
  assert.equal(edit?.body, '* done')
  assert.deepEqual(edit?.['m.relates_to'], { rel_type: 'm.replace', event_id: message.split('|')[2] })
  assert.equal(edit?.['m.new_content']?.body, 'done')
})

test('progress goes out merged, and a final edit after it', async (t) => {
  const { server, room, thread, chat } = await opsThread(t, { pace: { perSecond: 0.2, burst: 10 } })
  const message = await chat.post(thread, { id: 'p1', markdown: 'step 0', quiet: true })

  for (let step = 1; step <= 50; step++) await chat.edit(message, `step ${step}`, 'progress')
  await chat.edit(message, 'final', 'final')

  // What is shown of another message's later progress has passed everything that waited before.
  const other = await chat.post(thread, { id: 'p2', markdown: 'other', quiet: true })
  for (const step of ['other 1', 'other 2']) {
    await chat.edit(other, step, 'progress')
    await until(
      () => contents(server, room).map(shownText).includes(step),
      () => step,
    )
  }
  const texts = contents(server, room)
    .map(shownText)
    .filter((text) => !text.startsWith('other'))
  assert.equal(texts.at(-1), 'final')
  assert.ok(texts.length <= 4, texts.join())
})

test('three threads at work under the server’s limits: nothing is refused to a prompt and its marks, nothing is lost', async (t) => {
  const pace = { perSecond: 20, burst: 10 }
  const server = await createHomeserver(t)
  const room = server.room(alice, [server.bot.user, bob])
  const { chat } = await startAccount(t, server, { pace })
  server.setLimit(pace)
  const threads = ['a', 'b', 'c'].map((name) => threadId(room, server.say(alice, room, name)))
  const messages = await Promise.all(
    threads.map((thread, index) => chat.post(thread, { id: `p${index}`, markdown: 'step 0' })),
  )

  for (let step = 1; step <= 200; step++)
    for (const message of messages) await chat.edit(message, `step ${step}`, 'progress')
  const prompt = await chat.post(threads[0]!, { id: 'prompt', markdown: 'May I?' })
  await chat.offer(prompt)
  for (const message of messages) await chat.edit(message, 'done', 'final')

  for (const message of messages) {
    const shown = sent(server, room).findLast(
      ({ content }) => (content['m.relates_to'] as { event_id: string }).event_id === message.split('|')[2],
    )
    assert.equal(shownText(shown?.content as Content), 'done')
  }
  assert.equal(sent(server, room, 'm.reaction').length, 2)
})

test('a post that is limited waits as long as the server says, in its body or its header, and is shown once', async (t) => {
  const inASecond = () => new Date(Date.now() + 1_000).toUTCString()
  const answers = [
    { body: '{"errcode":"M_LIMIT_EXCEEDED","retry_after_ms":300}', headers: { 'retry-after': '1' } },
    { body: '{"errcode":"M_LIMIT_EXCEEDED"}', headers: { 'retry-after': '1' } },
    { body: '<html>slow down</html>', headers: { 'retry-after': inASecond() } },
  ]
  const { server, room, thread, chat } = await opsThread(t)
  for (const [index, answer] of answers.entries()) {
    let refusals = 1
    server.interfere((method) => (method === 'PUT' && refusals-- > 0 ? { status: 429, ...answer } : undefined))

    await chat.post(thread, { id: `p${index}`, markdown: `answer ${index}` })
  }

  assert.deepEqual(contents(server, room).map(shownText), ['answer 0', 'answer 1', 'answer 2'])
  assert.equal(puts(server), 6)
})

test('a final edit that is limited goes out in the end', async (t) => {
  const { server, room, thread, chat } = await opsThread(t)
  const message = await chat.post(thread, { id: 'p1', markdown: 'step 1' })
  let refusals = 2
  const body = '{"errcode":"M_LIMIT_EXCEEDED","retry_after_ms":50}'
  server.interfere((method) => (method === 'PUT' && refusals-- > 0 ? { status: 429, body } : undefined))

  await chat.edit(message, 'final', 'final')

  assert.deepEqual(contents(server, room).map(shownText), ['step 1', 'final'])
})

test('a post whose answer was lost is sent again and shown once', async (t) => {
  const { server, room, thread, chat } = await opsThread(t)
  server.loseAnswer('/send/')

  const message = await chat.post(thread, { id: 'p1', markdown: 'restarted' })

  assert.equal(message, messageId(room, String(sent(server, room)[0]?.event_id)))
  assert.equal(contents(server, room).length, 1)
  assert.equal(puts(server), 2)
})

test('a page that stands where the server’s answer should be is no answer', async (t) => {
  const { server, room, thread, chat } = await opsThread(t)
  for (const status of [200, 404, 503]) {
    let pages = 1
    server.interfere((method) =>
      method === 'PUT' && pages-- > 0 ? { status, body: '<html>welcome</html>' } : undefined,
    )

    const message = await chat.post(thread, { id: `p${status}`, markdown: `after ${status}` })

    const shown = sent(server, room).find((event) => event.content.body === `after ${status}`)
    assert.ok(shown && message === messageId(room, shown.event_id))
  }
})

test('what the server will not take is refused with its reason', async (t) => {
  const { server, room, thread, chat } = await opsThread(t)
  const message = await chat.post(thread, { id: 'p1', markdown: 'before' })
  server.send(alice, room, 'm.room.power_levels', { events_default: 50, users: { [alice]: 100 } }, '')

  const refusal = { name: 'PostRefused', message: /M_FORBIDDEN.*permission to post/ }
  await assert.rejects(chat.post(thread, { id: 'p2', markdown: 'muted' }), refusal)
  await assert.rejects(chat.open(roomId(room), { id: 'p3', markdown: 'muted' }), refusal)
  await assert.rejects(chat.edit(message, 'muted', 'final'), refusal)
  await chat.edit(message, 'muted', 'progress')
  await chat.offer(message)
})

test('a thread that cannot be one is refused', async (t) => {
  const { server, room, chat, root } = await opsThread(t)
  const relates = { 'm.relates_to': { rel_type: 'm.thread', event_id: root } }
  const inside = server.say(alice, room, 'in the thread', relates)

  await assert.rejects(chat.post(threadId(room, inside), { id: 'p1', markdown: 'x' }), PostRefused)
  await assert.rejects(chat.post(threadId(room, '$unknown'), { id: 'p2', markdown: 'x' }), PostRefused)
})

test('old servers have no code for a mark that stands there already', async (t) => {
  const { server, room, thread, chat, log } = await opsThread(t)
  const prompt = await chat.post(thread, { id: 'p1', markdown: 'May I?' })
  let isFirst = true
  const body = '{"errcode":"M_UNKNOWN","error":"Can\'t send same reaction twice"}'
  server.interfere((_, path) => {
    if (!path.includes('m.reaction') || !isFirst) return undefined
    isFirst = false
    return { status: 400, body }
  })

  await chat.offer(prompt)

  assert.equal(sent(server, room, 'm.reaction').length, 1)
  assert.deepEqual(log, [])
})

test('closing ends what waits, with a reason', async (t) => {
  const { server, thread, chat } = await opsThread(t)
  const body = '{"errcode":"M_LIMIT_EXCEEDED","retry_after_ms":600000}'
  server.interfere((method) => (method === 'PUT' ? { status: 429, body } : undefined))
  const posts = ['a', 'b'].map((id) => assert.rejects(chat.post(thread, { id, markdown: 'waiting' }), /was closed/))
  await until(
    () => puts(server) > 0,
    () => 'the first attempt',
  )

  await chat.close()

  await Promise.all(posts)
  await assert.rejects(chat.post(thread, { id: 'c', markdown: 'late' }), /was closed/)
})

test('closing ends a request that nobody answers', async (t) => {
  const server = await createHomeserver(t)
  const room = server.room(alice, [server.bot.user, bob])
  const { chat } = await startAccount(t, server)

  await until(
    () => server.requests.filter((request) => request.endsWith('/sync')).length > 1,
    () => 'a long poll',
  )
  await chat.close()

  await assert.rejects(chat.post(threadId(room, '$a'), { id: 'a', markdown: 'x' }), /was closed/)
})

test('every connection goes through the given dispatcher', async (t) => {
  const asked: string[] = []
  const agent = new Agent()
  t.after(() => agent.destroy())
  const dispatcher: Dispatcher = agent.compose((dispatch) => (options, handler) => {
    asked.push(`${options.method} ${options.path.split('?')[0]}`)
    return dispatch(options, handler)
  })
  const { server, thread, chat } = await opsThread(t, { dispatcher })

  await chat.post(thread, { id: 'p1', markdown: 'x', file: { name: 'a', text: 'b' } })

  assert.deepEqual(
    asked.map((one) => decodeURIComponent(one)).filter((one) => !one.endsWith('/sync')),
    server.requests.filter((one) => !one.endsWith('/sync')),
  )
})

test('a user is known by the whole id; what cannot be one is told', async (t) => {
  const { chat } = await opsThread(t)

  assert.equal(await chat.user(alice), alice)
  await assert.rejects(chat.user('alice'), /write the whole id/)
  await assert.rejects(chat.user('@nobody:hs.test'), /no Matrix user @nobody:hs.test.*case-sensitive/)
})
