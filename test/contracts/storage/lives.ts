import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Job } from '../../../src/storage/index.ts'
import type { Scenario } from '../storage.ts'
import { idle, job, never, noting, until } from './scene.ts'

/** What one process leaves to the next: at its end, and when it is killed. */
export const lives: Scenario[] = [
  {
    title: 'what was not handled is handled by the next process, in order',
    async play(place) {
      const before = await place.open()
      for (const id of ['one', 'two', 'three']) await before.inbox.put(job(id))
      await before.inbox.stop(0)
      await before.close()

      const { inbox } = await place.open()
      const { handled, ...handlers } = noting()
      inbox.start(handlers)
      await idle(inbox)

      assert.deepEqual(handled, ['one', 'two', 'three'])
    },
  },
  {
    title: 'what was written when its promise resolved is there after the process was killed',
    async play(place) {
      const before = await place.open()
      await Promise.all([
        before.inbox.put(job('one')),
        before.inbox.put(job('timer', 'a', 1)),
        before.prompts.set('prompt', { thread: 'a' }),
        before.sessions.set('thread', { posts: 1 }, undefined),
      ])

      await place.kill()

      const { inbox, prompts, sessions } = await place.open()
      const { handled, ...handlers } = noting()
      inbox.start(handlers)
      await idle(inbox)
      assert.deepEqual(handled.toSorted(), ['one', 'timer'])
      assert.deepEqual(await prompts.get('prompt'), { thread: 'a' })
      assert.deepEqual((await sessions.get('thread'))?.value, { posts: 1 })
    },
  },
  {
    title: 'a job that was in hand when the process was killed is handled again, before what stands behind it',
    async play(place) {
      const before = await place.open()
      const begun = Promise.withResolvers<void>()
      before.inbox.start({
        ...never,
        handle: () => {
          begun.resolve()
          return new Promise(() => {})
        },
      })
      await before.inbox.put(job('one'))
      await before.inbox.put(job('two'))
      await begun.promise

      await place.kill()

      const { inbox } = await place.open()
      const { handled, ...handlers } = noting()
      inbox.start(handlers)
      await idle(inbox)
      assert.deepEqual(handled, ['one', 'two'])
    },
  },
  {
    title: 'a job that ended the process three times is not tried a fourth time',
    async play(place) {
      for (let life = 1; life <= 3; life++) {
        const { inbox } = await place.open()
        if (life === 1) await inbox.put(job('poison'))
        let hasBegun = false
        const handle = () => {
          hasBegun = true
          return new Promise<never>(() => {})
        }
        inbox.start({ handle, setAside: async () => {} })
        await until(() => hasBegun, 'the job')
        await place.kill()
      }

      const { inbox } = await place.open()
      const { handled, ...handlers } = noting()
      inbox.start(handlers)
      await idle(inbox)

      assert.deepEqual(handled, ['poison was set aside: It ended the process three times.'])
    },
  },
  {
    title:
      'whatever is put, handled and interrupted: every job is handled, in the order of its lane, and never again once it was done',
    async play(place) {
      const put = fc.record({ put: fc.nat(30), lane: fc.nat(2) })
      // A third kill in the same job would set it aside.
      const life = fc.array(put, { maxLength: 12 })
      const property = fc.asyncProperty(fc.tuple(life, life, life), fc.uuid(), async (threeLives, run) => {
        const expected = new Map<string, string[]>()
        const finished: string[] = []
        for (const [index, puts] of threeLives.entries()) {
          const isLast = index === threeLives.length - 1
          const store = await place.open()
          let isAlive = true
          const handle = async ({ id }: Job) => {
            await null
            if (!isAlive) await new Promise(() => {})
            finished.push(id)
          }
          store.inbox.start({ handle, setAside: async () => assert.fail('nothing here is poison') })
          for (const { put, lane } of puts) {
            const [id, thread] = [`${run} ${put}`, `lane ${lane}`]
            if (await store.inbox.put(job(id, thread))) expected.set(thread, [...(expected.get(thread) ?? []), id])
          }
          if (isLast) await idle(store.inbox)
          isAlive = false
          await place.kill()
        }

        for (const ids of expected.values()) {
          const order = finished.filter((id) => ids.includes(id))
          assert.deepEqual([...new Set(order)], ids)
        }
      })
      await fc.assert(property, { numRuns: 15 })
    },
  },
]
