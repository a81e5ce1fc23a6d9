import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Scenario } from '../storage.ts'
import { until } from './scene.ts'

/** Values by key; the chats' positions are such values. */
export const namespaces: Scenario[] = [
  {
    title: 'what was set is there after the store was closed and opened again, each namespace by itself',
    async play(place) {
      const before = await place.open()
      await before.prompts.set('matrix|!room|$thread', { text: '안녕 🙂' })
      await before.inbox.stop(0)
      await before.close()

      const { prompts, threads, lines, seen, caches } = await place.open()

      assert.deepEqual(await prompts.get('matrix|!room|$thread'), { text: '안녕 🙂' })
      for (const other of [threads, lines, seen, caches]) {
        assert.equal(await other.get('matrix|!room|$thread'), undefined)
        assert.equal(await other.has('matrix|!room|$thread'), false)
        assert.deepEqual(await Array.fromAsync(other.entries()), [])
      }
    },
  },
  {
    title: 'a value that is set again is the newer one, and one that is deleted is gone',
    async play(place) {
      const { caches } = await place.open()

      await caches.set('key', 'old')
      await caches.set('key', 'new')
      assert.deepEqual([await caches.get('key'), await caches.has('key')], ['new', true])

      await caches.delete('key')
      await caches.delete('key')
      assert.deepEqual([await caches.get('key'), await caches.has('key')], [undefined, false])
    },
  },
  {
    title: 'any JSON comes back as it was, under any key',
    async play(place) {
      const { caches } = await place.open()
      // A database takes no zero byte in a text.
      const key = fc.string({ unit: 'binary', minLength: 1 }).filter((text) => !text.includes('\0'))
      const value = fc.oneof(fc.jsonValue({ maxDepth: 4 }), fc.string({ unit: 'binary' }))
      const property = fc.asyncProperty(key, value, async (key, given) => {
        const expected = JSON.parse(JSON.stringify(given))
        await caches.set(key, expected)
        assert.deepEqual(await caches.get(key), expected)
      })
      await fc.assert(property, { numRuns: 60 })
    },
  },
  {
    title: 'what was read may be changed: what is stored stays as it is',
    async play(place) {
      const { caches } = await place.open()
      await caches.set('key', { list: [1] })

      const read = (await caches.get('key')) as { list: number[] }
      read.list.push(2)

      assert.deepEqual(await caches.get('key'), { list: [1] })
    },
  },
  {
    title: 'all entries are walked, however many, also while they are deleted',
    async play(place) {
      const { prompts } = await place.open()
      await Promise.all(Array.from({ length: 250 }, (_, index) => prompts.set(`key ${index}`, index)))

      const seen: unknown[] = []
      for await (const [key, value] of prompts.entries()) {
        seen.push(value)
        await prompts.delete(key)
      }

      assert.equal(seen.length, 250)
      assert.equal(new Set(seen).size, 250)
      assert.deepEqual(await Array.fromAsync(prompts.entries()), [])
    },
  },
  {
    title: 'a value is there until its time to live is over, and setting it again begins a new one',
    async play(place) {
      const { caches } = await place.open()
      await caches.set('long', 1, 60_000)
      await caches.set('short', 2, 1)
      await caches.set('renewed', 3, 1)
      await caches.set('renewed', 3)

      await until(async () => (await caches.get('short')) === undefined, 'the end of a value')

      assert.equal(await caches.has('short'), false)
      assert.deepEqual((await Array.fromAsync(caches.entries())).toSorted(), [
        ['long', 1],
        ['renewed', 3],
      ])
    },
  },
]
