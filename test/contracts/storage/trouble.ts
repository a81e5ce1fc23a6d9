import assert from 'node:assert/strict'
import type { Job } from '../../../src/storage/index.ts'
import type { Scenario } from '../storage.ts'
import { idle, job, noting, until } from './scene.ts'

const poison = async ({ id }: Job) => {
  if (id === 'poison') throw new Error('cannot be')
}

/** Jobs that fail, and the end of a process that may take its time. */
export const trouble: Scenario[] = [
  {
    title: 'a job that throws three times is set aside with its reason, and its lane goes on',
    async play(place) {
      const outcomes: string[] = []
      const { inbox } = await place.open({ onHandled: ({ kind }, outcome) => outcomes.push(`${kind} ${outcome}`) })
      const told: string[] = []
      const handled: string[] = []
      const handle = async (one: Job) => {
        handled.push(one.id)
        await poison(one)
      }
      inbox.start({ handle, setAside: async ({ id }, reason) => void told.push(`${id}: ${reason}`) })

      await inbox.put(job('poison'))
      await inbox.put(job('good'))
      await idle(inbox)

      assert.deepEqual(handled, ['poison', 'poison', 'poison', 'good'])
      assert.deepEqual(told, ['poison: cannot be'])
      assert.deepEqual(outcomes, ['test failed', 'test failed', 'test failed', 'test set-aside', 'test done'])
    },
  },
  {
    title: 'people hear of a job that is set aside before it is gone',
    async play(place) {
      const { inbox } = await place.open()
      let depthWhenTold = 0
      inbox.start({ handle: poison, setAside: async () => void (depthWhenTold = await inbox.depth()) })

      await inbox.put(job('poison'))
      await idle(inbox)

      assert.equal(depthWhenTold, 1)
    },
  },
  {
    title: 'a job that was set aside can be put again, also when nobody could be told',
    async play(place) {
      const { inbox } = await place.open()
      let tries = 0
      const handle = async () => {
        if (++tries <= 3) throw new Error('cannot be')
      }
      const setAside = async () => {
        throw new Error('the chat is away')
      }
      inbox.start({ handle, setAside })
      await inbox.put(job('one'))
      await idle(inbox)

      assert.equal(await inbox.put(job('one')), true)

      await idle(inbox)
      assert.equal(tries, 4)
    },
  },
  {
    title: 'a job that fails holds up its lane until it is tried again',
    async play(place) {
      const { inbox } = await place.open({ retryDelays: [50] })
      const order: string[] = []
      const handle = async ({ id }: Job) => {
        order.push(id)
        if (order.length === 1) throw new Error('not yet')
      }
      inbox.start({ handle, setAside: async () => {} })

      await inbox.put(job('one'))
      await inbox.put(job('two'))
      await idle(inbox)

      assert.deepEqual(order, ['one', 'one', 'two'])
    },
  },
  {
    title: 'stop lets a running job end, and begins no other',
    async play(place) {
      const { inbox } = await place.open()
      const gate = Promise.withResolvers<void>()
      const handled: string[] = []
      const handle = async ({ id }: Job) => {
        await gate.promise
        handled.push(id)
      }
      inbox.start({ handle, setAside: async () => {} })
      await inbox.put(job('one'))
      await inbox.put(job('two'))

      const stopped = inbox.stop(30_000)
      gate.resolve()
      await stopped

      assert.deepEqual(handled, ['one'])
      assert.equal(await inbox.depth(), 1)
    },
  },
  {
    title: 'stop aborts a running job after the grace, and leaves it for the next start',
    async play(place) {
      const before = await place.open()
      const begun = Promise.withResolvers<void>()
      const handle = (_job: Job, signal: AbortSignal) =>
        new Promise<void>((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason))
          begun.resolve()
        })
      before.inbox.start({ handle, setAside: async () => {} })
      await before.inbox.put(job('long'))
      await begun.promise

      await before.inbox.stop(0)
      await before.close()

      const { inbox } = await place.open()
      const { handled, ...handlers } = noting()
      inbox.start(handlers)
      await idle(inbox)
      assert.deepEqual(handled, ['long'])
    },
  },
  {
    title: 'stop does not wait for ever for a job that does not listen',
    async play(place) {
      const { inbox } = await place.open()
      const begun = Promise.withResolvers<void>()
      const handle = async () => {
        begun.resolve()
        await new Promise(() => {})
      }
      inbox.start({ handle, setAside: async () => {} })
      await inbox.put(job('deaf'))
      await begun.promise

      await inbox.stop(0)

      assert.equal(await inbox.depth(), 1)
    },
  },
  {
    title: 'stop does not wait for the next try of a job that failed',
    async play(place) {
      const { inbox } = await place.open({ retryDelays: [2 ** 30] })
      const failed = Promise.withResolvers<void>()
      const handle = async () => {
        setImmediate(failed.resolve)
        throw new Error('cannot be')
      }
      inbox.start({ handle, setAside: async () => {} })
      await inbox.put(job('one'))
      await failed.promise

      await inbox.stop(2 ** 30)

      assert.equal(await inbox.depth(), 1)
    },
  },
  {
    title:
      'what fails because everything is being closed has not failed: it counts no attempt, however often that happens',
    async play(place) {
      for (let start = 1; start <= 4; start++) {
        const store = await place.open()
        let hasBegun = false
        const closed = Promise.withResolvers<never>()
        const handle = () => {
          hasBegun = true
          return closed.promise
        }
        store.inbox.start({ handle, setAside: async () => assert.fail('nothing here is poison') })
        if (start === 1) await store.inbox.put(job('one'))
        await until(() => hasBegun, 'the job')
        const stopped = store.inbox.stop(10_000)
        closed.reject(new Error('shutting down'))
        await stopped
        await store.close()
      }

      const { inbox } = await place.open()
      assert.equal(await inbox.depth(), 1)
    },
  },
  {
    title: 'after stop jobs are still taken in, for the next start',
    async play(place) {
      const before = await place.open()
      before.inbox.start({ handle: async () => assert.fail('nothing begins after stop'), setAside: async () => {} })
      await before.inbox.stop(0)

      assert.equal(await before.inbox.put(job('late')), true)
      await before.close()

      const { inbox } = await place.open()
      const { handled, ...handlers } = noting()
      inbox.start(handlers)
      await idle(inbox)
      assert.deepEqual(handled, ['late'])
    },
  },
]
