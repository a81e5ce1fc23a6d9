import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { PostRefused } from '../../../src/bot/platform.ts'
import { createPositions, messageId, roomId, startAccount, threadId } from './account.ts'
import { createMattermostServer } from './server.ts'

/** The bot in a channel with alice and bob, and a thread that alice began. */
async function open(
  t: TestContext,
  prepare: (server: Awaited<ReturnType<typeof createMattermostServer>>) => void = () => {},
) {
  const server = await createMattermostServer(t)
  const [alice, bob] = [server.user('alice'), server.user('bob')]
  const ops = server.channel([alice, bob])
  const root = server.say(alice, ops, 'hello')
  prepare(server)
  const positions = createPositions()
  const { chat, log } = await startAccount(t, server, { positions })
  const messages = () => server.sent(ops).map(({ message }) => message)
  return { server, chat, alice, bob, ops, root, thread: threadId(ops, root), positions, messages, log }
}

test('a post goes into its thread and calls those who are to be notified', async (t) => {
  const { server, chat, bob, ops, root, thread } = await open(t)

  const message = await chat.post(thread, {
    id: 'p-1',
    markdown: `mattermost:${bob} asked`,
    mention: [await chat.user('@bob'), await chat.user('@alice')],
  })

  const [post] = server.sent(ops)
  assert.equal(post?.message, '@bob, @alice:\n\n@\u200Bbob asked')
  assert.equal(post?.root_id, root)
  assert.equal(message, messageId(ops, post?.id ?? ''))
})

test('a post with the same id stands once, whether its answer was lost, the process ended or the server restarted', async (t) => {
  const { server, chat, thread, positions, messages } = await open(t)

  server.loseAnswer('POST /posts')
  const first = await chat.post(thread, { id: 'p-1', markdown: 'once' })
  server.forget()
  assert.equal(await chat.post(thread, { id: 'p-1', markdown: 'once' }), first)

  await chat.close()
  // The crash came between the sending and the note of it.
  for (const [key, value] of positions.entries)
    if (/:sent:/.test(key) && /"post"/.test(value)) positions.entries.set(key, '{}')
  const again = await startAccount(t, server, { positions })
  assert.equal(await again.chat.post(thread, { id: 'p-1', markdown: 'once' }), first)
  assert.deepEqual(messages(), ['once'])
})

test('the same id in another thread is another post', async (t) => {
  const { server, chat, alice, ops, thread, messages } = await open(t)
  const other = server.say(alice, ops, 'another')

  await chat.post(thread, { id: 'p-1', markdown: 'here' })
  await chat.post(threadId(ops, other), { id: 'p-1', markdown: 'there' })

  assert.deepEqual(messages(), ['here', 'there'])
})

test('a key of ours that leads to a post of somebody else does not keep ours from being sent', async (t) => {
  const { server, chat, root, thread, messages } = await open(t)
  let keys = 0
  server.interfere((line) => {
    if (line !== 'POST /posts' || keys++ > 0) return undefined
    const foreign = server.posts.find((post) => post.id === root)
    return { status: 201, body: JSON.stringify(foreign) }
  })

  const message = await chat.post(thread, { id: 'p-1', markdown: 'ours' })

  assert.deepEqual(messages(), ['ours'])
  assert.notEqual(message, messageId(thread.split('|')[1] ?? '', root))
})

test('a server that is away, limits us or shows a page of a proxy is waited for', async (t) => {
  const { server, chat, thread, messages } = await open(t)
  const troubles = [
    { status: 502, body: '<html>Bad Gateway</html>' },
    { status: 429, body: 'limit exceeded', headers: { 'content-type': 'text/plain', 'retry-after': '0' } },
    { status: 500, body: JSON.stringify({ id: 'api.post.deduplicate_create_post.pending' }) },
  ]
  server.interfere((line) => (line === 'POST /posts' ? troubles.shift() : undefined))

  await chat.post(thread, { id: 'p-1', markdown: 'patience' })

  assert.deepEqual(messages(), ['patience'])
})

test('what the server will not take is refused: a root that is gone, an archived channel, one we are not in', async (t) => {
  const { server, chat, alice, ops, root, thread } = await open(t)
  const [archived, left] = [server.channel([alice]), server.channel([alice])]

  server.remove(root)
  server.archive(archived)
  server.leave(left, server.bot)

  await assert.rejects(chat.post(thread, { id: 'p-1', markdown: 'x' }), PostRefused)
  await assert.rejects(chat.open(roomId(archived), { id: 'p-2', markdown: 'x' }), PostRefused)
  await assert.rejects(chat.open(roomId(left), { id: 'p-3', markdown: 'x' }), PostRefused)
  assert.deepEqual(server.sent(ops), [])
})

test('what would be refused by its characters is cleaned before', async (t) => {
  const { chat, thread, messages } = await open(t)

  await chat.post(thread, { id: 'p-1', markdown: 'a\0b \uD800' })

  assert.deepEqual(messages(), ['ab \uFFFD'])
})

test('the limit is the one that the server names, counted in characters; a longer text goes along as a file', async (t) => {
  const { server, chat, ops, thread } = await open(t, (one) => {
    one.settings.MaxPostSize = '4000'
  })
  const fits = '🎉'.repeat(4_000)
  const long = `${'x'.repeat(79)}\n`.repeat(60)

  await chat.post(thread, { id: 'p-1', markdown: fits })
  await chat.post(thread, { id: 'p-2', markdown: long })

  const [first, second] = server.sent(ops)
  assert.equal(first?.message, fits)
  assert.ok([...(second?.message ?? '')].length <= 4_000)
  assert.match(second?.message ?? '', /^x{79}\n[\s\S]*\n…$/)
  assert.deepEqual(
    server.files.map(({ id, name, text }) => [id, name, text]),
    [[second?.file_ids[0], 'message.md', long]],
  )
})

test('where files are not allowed the whole follows in pieces', async (t) => {
  const { chat, thread, messages } = await open(t, (one) => {
    one.settings.EnableFileAttachments = 'false'
  })
  const text = Array.from({ length: 2_000 }, (_, index) => `line ${index}`).join('\n')

  await chat.post(thread, { id: 'p-1', markdown: 'see the file', file: { name: 'facts.md', text } })

  const [post, ...rest] = messages()
  assert.equal(post, 'see the file')
  const shown = rest.map((piece) => /```\n([\s\S]*)\n```$/.exec(piece)?.[1]).join('\n')
  assert.equal(shown, text)
})

for (const reason of ['too-late', 'no-right'] as const) {
  test(`where posts cannot be edited (${reason}) the final text is posted anew, once, and progress is left out`, async (t) => {
    const { server, chat, thread, messages } = await open(t)
    const message = await chat.post(thread, { id: 'p-1', markdown: 'May I?' })
    server.setEditable(reason)

    await chat.edit(message, 'Approved', 'final')
    await chat.edit(message, 'Approved', 'final')
    await chat.edit(message, 'more', 'progress')

    assert.deepEqual(messages(), ['May I?', 'Approved'])
  })
}

test('a final edit of a post that somebody deleted is refused', async (t) => {
  const { server, chat, thread, messages } = await open(t)
  const message = await chat.post(thread, { id: 'p-1', markdown: 'May I?' })
  server.remove(message.split('|')[2] ?? '')

  await assert.rejects(chat.edit(message, 'Approved', 'final'), PostRefused)
  await chat.edit(message, 'more', 'progress')

  assert.equal(messages().length, 1)
})

test('both marks are offered; that they cannot be is nobody else’s concern', async (t) => {
  const { server, chat, thread, ops } = await open(t)
  const message = await chat.post(thread, { id: 'p-1', markdown: 'May I?' })

  await chat.offer(message)
  await chat.offer(messageId(ops, 'a'.repeat(26)))

  assert.deepEqual(server.requests.filter((line) => line === 'POST /reactions').length, 3)
  assert.deepEqual(await chat.votes(message), [], 'our own count for nothing')
})

test('a member is who is in the channel now, is active and no outsider', async (t) => {
  const { server, chat, alice, bob, ops } = await open(t)
  const guest = server.user('guest', { roles: 'system_guest' })
  const room = roomId(server.channel([alice, guest]))
  const is = (id: string) => chat.isMember(room, `mattermost:${id}` as Parameters<typeof chat.isMember>[1])

  assert.deepEqual([await is(alice), await is(bob), await is(guest)], [true, false, false])
  server.leave(room.split('|')[1] ?? '', alice)
  assert.equal(await is(alice), false)
  assert.equal(await chat.isMember(roomId(ops), '@alice:corp' as Parameters<typeof chat.isMember>[1]), false)
})

test('names become ids that stay, and what they cannot mean is said', async (t) => {
  const { server, chat, alice } = await open(t)
  server.user('gone', { delete_at: 1 })

  assert.equal(await chat.user('@Alice'), `mattermost:${alice}`)
  assert.equal(await chat.user('alice'), `mattermost:${alice}`)
  await assert.rejects(chat.user('@nobody'), /no Mattermost user @nobody/)
  await assert.rejects(chat.user('@alice:corp.example'), /write the username/)
  await assert.rejects(chat.user('@gone'), /deactivated/)
  await assert.rejects(chat.user('@opsbot'), /a bot/)
})

test('a channel is named by team and name; a public one is joined, and how to come into another is said', async (t) => {
  const { server, chat } = await open(t)
  const [open_, closed] = [server.channel([], { name: 'alerts' }), server.channel([], { name: 'secret', type: 'P' })]
  server.leave(open_, server.bot)
  server.leave(closed, server.bot)

  assert.equal(await chat.room('corp/alerts'), roomId(open_))
  await assert.rejects(chat.room('corp/secret'), /invite @opsbot/)
  await assert.rejects(chat.room('corp/nowhere'), /sees no channel corp\/nowhere/)
  await assert.rejects(chat.room('#ops:corp.example'), /write team\/channel/)
})
