import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Conversation, createConversation, remember } from '../../src/bot/conversation.ts'
import { createConversations } from '../../src/bot/conversations.ts'
import type { RoomId, ThreadId } from '../../src/bot/platform.ts'
import { StaleDocument } from '../../src/storage/index.ts'
import { createDocuments } from '../helpers/documents.ts'

const thread = 'fake|ops|1' as ThreadId
const begun = () => createConversation(thread, 'fake|ops' as RoomId, 'en')

test('saves of one copy at the same time do not refuse each other, and each is on disk when it says so', async () => {
  const property = fc.asyncProperty(fc.scheduler(), fc.integer({ min: 1, max: 8 }), async (scheduler, writers) => {
    const documents = createDocuments<Conversation>(scheduler.scheduleFunction(async () => {}))
    const conversations = createConversations(documents)
    const conversation = begun()
    const work = Array.from({ length: writers }, (_, writer) =>
      scheduler.schedule(Promise.resolve()).then(async () => {
        remember(conversation, `job ${writer}`)
        await conversations.save(conversation)
        assert.ok((await documents.get(thread))?.value.applied.includes(`job ${writer}`))
      }),
    )

    await scheduler.waitFor(Promise.all(work))

    assert.deepEqual((await documents.get(thread))?.value, conversation)
  })
  await fc.assert(property)
})

test('a copy that somebody else has overtaken is never written again', async () => {
  const documents = createDocuments<Conversation>()
  const conversations = createConversations(documents)
  await conversations.save(begun())
  const old = (await conversations.get(thread)) ?? assert.fail()
  const newer = (await conversations.get(thread)) ?? assert.fail()
  remember(newer, 'newer')
  await conversations.save(newer)

  remember(old, 'older')
  for (let attempt = 0; attempt < 2; attempt++) await assert.rejects(conversations.save(old), StaleDocument)

  remember(newer, 'newest')
  await conversations.save(newer)
  assert.deepEqual((await conversations.get(thread))?.applied, ['newer', 'newest'])
})

test('a save that failed for another reason can be made again', async () => {
  let isFull = false
  const documents = createDocuments<Conversation>(async () => {
    if (isFull) throw new Error('disk full')
  })
  const conversations = createConversations(documents)
  const conversation = begun()
  await conversations.save(conversation)

  isFull = true
  await assert.rejects(conversations.save(conversation), /disk full/)
  isFull = false
  await conversations.save(conversation)

  assert.equal((await documents.get(thread))?.version, 2)
})
