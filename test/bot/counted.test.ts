import assert from 'node:assert/strict'
import { test } from 'node:test'
import { counted } from '../../src/bot/counted.ts'
import { type Post, PostRefused } from '../../src/bot/platform.ts'
import { createMetrics, type Metrics } from '../../src/metrics.ts'
import { createChat, room as ops } from '../helpers/chat.ts'

const post: Post = { id: 'a', markdown: 'hello' }

const postsOf = async ({ posts }: Metrics): Promise<Record<string, number>> =>
  Object.fromEntries(
    (await posts.get()).values.map(({ labels, value }) => [`${labels.platform} ${labels.outcome}`, value]),
  )

test('what a chat takes and what it refuses is counted by its name, progress is not', async () => {
  const metrics = createMetrics()
  const room = createChat([])
  const chat = counted(room, metrics)

  const { thread, message } = await chat.open(ops, post)
  await chat.post(thread, { ...post, id: 'b' })
  await chat.edit(message, 'done', 'final')
  await chat.edit(message, 'on its way', 'progress')
  room.refuse(/forbidden/)
  await assert.rejects(chat.post(thread, { id: 'c', markdown: 'forbidden' }), PostRefused)

  assert.deepEqual(await postsOf(metrics), { 'fake sent': 3, 'fake refused': 1 })
})

test('a post that ends because the bot closes is neither taken nor refused', async () => {
  const metrics = createMetrics()
  const room = createChat([])
  const chat = counted(room, metrics)
  const { thread } = await chat.open(ops, post)

  room.failNext(new Error('closing'))
  await assert.rejects(chat.post(thread, { ...post, id: 'b' }), /closing/)

  assert.deepEqual(await postsOf(metrics), { 'fake sent': 1 })
})
