import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createEdits } from '../../../src/bot/mattermost/edits.ts'
import type { MessageId } from '../../../src/bot/platform.ts'

const message = 'mattermost|channel|post' as MessageId

/** Edits whose patches end when the test says so. */
function open() {
  const begun: string[] = []
  const ends: ((error?: Error) => void)[] = []
  const first = Promise.withResolvers<void>()
  const edits = createEdits({
    patch(_message, text) {
      begun.push(text)
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      ends.push((error) => (error ? reject(error) : resolve()))
      first.resolve()
      return promise
    },
  })
  return { edits, begun, ends, first: first.promise }
}

test('the final text waits for the edit under way, and takes the place of those that wait', async () => {
  const { edits, begun, ends, first } = open()
  edits.progress(message, 'step 1')
  await first

  edits.progress(message, 'step 2')
  const final = edits.final(message, 'done')
  assert.deepEqual(begun, ['step 1'])
  ends[0]?.()
  await new Promise(setImmediate)
  ends[1]?.()
  await final

  assert.deepEqual(begun, ['step 1', 'done'])
})

test('a progress edit that fails disturbs nobody; a final one says so', async () => {
  const { edits, ends, first } = open()
  edits.progress(message, 'step 1')
  await first
  ends[0]?.(new Error('gone'))
  await new Promise(setImmediate)

  const final = edits.final(message, 'done')
  await new Promise(setImmediate)
  ends[1]?.(new Error('gone'))

  await assert.rejects(final, /gone/)
})
