import assert from 'node:assert/strict'
import fc from 'fast-check'
import { type Document, StaleDocument } from '../../../src/storage/index.ts'
import type { Scenario } from '../storage.ts'

/** Values with a version. */
export const documents: Scenario[] = [
  {
    title: 'a document is read with the version that its last write resolved to',
    async play(place) {
      const { sessions } = await place.open()
      assert.equal(await sessions.get('thread'), undefined)
      assert.equal(await sessions.has('thread'), false)

      const first = await sessions.set('thread', { text: '안녕 🙂', ':': ':' }, undefined)
      assert.deepEqual(await sessions.get('thread'), { value: { text: '안녕 🙂', ':': ':' }, version: first })
      const second = await sessions.set('thread', { text: 'bye' }, first)

      assert.notEqual(first, second)
      assert.deepEqual(await sessions.get('thread'), { value: { text: 'bye' }, version: second })
      assert.equal(await sessions.has('thread'), true)
    },
  },
  {
    title: 'a write from an old version, or from none where there is one, is refused and changes nothing',
    async play(place) {
      const { sessions } = await place.open()
      const first = await sessions.set('thread', 'one', undefined)
      const second = await sessions.set('thread', 'two', first)

      for (const from of [first, undefined, second + 1])
        await assert.rejects(sessions.set('thread', 'stale', from), StaleDocument)
      await assert.rejects(sessions.set('unknown', 'stale', first), StaleDocument)

      assert.deepEqual(await sessions.get('thread'), { value: 'two', version: second })
      assert.equal(await sessions.has('unknown'), false)
    },
  },
  {
    title: 'a document is written as it is at the call',
    async play(place) {
      const { sessions } = await place.open()
      const value = { text: 'before' }

      const written = sessions.set('thread', value, undefined)
      value.text = 'after'
      await written

      assert.deepEqual((await sessions.get('thread'))?.value, { text: 'before' })
    },
  },
  {
    title: 'of writes from one version at the same time one comes through',
    async play(place) {
      const { sessions } = await place.open()
      const version = await sessions.set('thread', 'before', undefined)

      const writes = await Promise.allSettled(
        Array.from({ length: 20 }, (_, index) => sessions.set('thread', index, version)),
      )

      const won = writes.flatMap((write, index) =>
        write.status === 'fulfilled' ? [{ value: index, version: write.value }] : [],
      )
      assert.equal(won.length, 1)
      assert.deepEqual(await sessions.get('thread'), won[0])
      for (const write of writes) assert.ok(write.status === 'fulfilled' || write.reason instanceof StaleDocument)
    },
  },
  {
    title: 'versions go on in the next process',
    async play(place) {
      const before = await place.open()
      const version = await before.sessions.set('thread', 'one', undefined)
      await before.inbox.stop(0)
      await before.close()

      const { sessions } = await place.open()
      await sessions.set('thread', 'two', version)

      await assert.rejects(sessions.set('thread', 'stale', version), StaleDocument)
    },
  },
  {
    title: 'whoever reads and writes, in whatever order: no write is lost under one that did not know of it',
    async play(place) {
      const { sessions } = await place.open()
      const step = fc.record({ who: fc.nat(3), does: fc.constantFrom('read', 'write') })
      const property = fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.uuid(), async (steps, key) => {
        const known = new Map<number, Document<unknown> | undefined>()
        const written: string[] = []
        for (const [index, { who, does }] of steps.entries()) {
          if (does === 'read') {
            known.set(who, await sessions.get(key))
            continue
          }
          const mine = known.get(who)
          // Each value tells all writes that its writer knew of.
          const value = [...((mine?.value as string[] | undefined) ?? []), `${index}`]
          const write = sessions.set(key, value, mine?.version)
          const isNew = (mine?.value as string[] | undefined)?.length ?? 0
          if (isNew !== written.length) {
            await assert.rejects(write, StaleDocument)
            continue
          }
          known.set(who, { value, version: await write })
          written.push(`${index}`)
        }

        assert.deepEqual((await sessions.get(key))?.value ?? [], written)
      })
      await fc.assert(property, { numRuns: 60 })
    },
  },
]
