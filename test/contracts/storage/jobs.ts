import assert from 'node:assert/strict'
import type { Job } from '../../../src/storage/index.ts'
import type { Scenario } from '../storage.ts'
import { idle, idsOf, job, never, noting, until } from './scene.ts'

const day = 24 * 60 * 60_000

/** Jobs on their way: ids, lanes, timers, and what can be asked meanwhile. */
export const jobs: Scenario[] = [
  {
    title: 'a job that is put twice is handled once, also when the first is long done',
    async play(place) {
      const { inbox } = await place.open()
      const handlers = noting()
      inbox.start(handlers)

      assert.equal(await inbox.put(job('one')), true)
      await idle(inbox)
      assert.equal(await inbox.put(job('one')), false)

      await idle(inbox)
      assert.deepEqual(handlers.handled, ['one'])
    },
  },
  {
    title: 'jobs that are put at the same time keep their order, and each hears how it went',
    async play(place) {
      const { inbox } = await place.open()

      const answers = await Promise.all(['one', 'two', 'one', 'three'].map((id) => inbox.put(job(id))))

      assert.deepEqual(answers, [true, true, false, true])
      assert.deepEqual(idsOf(await inbox.waiting('a')), ['one', 'two', 'three'])
    },
  },
  {
    title: 'a job comes out as it was put in: lane, kind and data',
    async play(place) {
      const { inbox } = await place.open()
      const given: Job = {
        id: "it's; -- \u0001",
        thread: 'matrix|!room:corp|$thread',
        kind: 'message',
        data: { text: '안녕 🙂\n"quoted"', none: null, list: [1, -0.5, ['']], ':key': ':value' },
      }
      const seen: Job[] = []
      inbox.start({ handle: async (one) => void seen.push(one), setAside: async () => {} })

      await inbox.put(given)
      await idle(inbox)

      assert.deepEqual(seen, [given])
    },
  },
  {
    title: 'a job is written as it is at the call',
    async play(place) {
      const { inbox } = await place.open()
      const data = { text: 'before' }

      const written = inbox.put({ ...job('one'), data })
      data.text = 'after'
      await written

      assert.deepEqual(
        (await inbox.waiting('a')).map((one) => one.data),
        [{ text: 'before' }],
      )
    },
  },
  {
    title: 'jobs of one lane run one after another, lanes do not wait for each other',
    async play(place) {
      const { inbox } = await place.open()
      const order: string[] = []
      const gate = Promise.withResolvers<void>()
      const handle = async ({ id }: Job) => {
        order.push(`+${id}`)
        if (id === 'a1') await gate.promise
        order.push(`-${id}`)
      }
      inbox.start({ handle, setAside: async () => {} })

      await inbox.put(job('a1', 'a'))
      await inbox.put(job('a2', 'a'))
      await inbox.put(job('b1', 'b'))
      await until(() => order.includes('-b1'), 'the other lane')
      gate.resolve()
      await idle(inbox)

      assert.deepEqual(order, ['+a1', '+b1', '-b1', '-a1', '+a2', '-a2'])
    },
  },
  {
    title: 'no more lanes run at the same time than are allowed, and all have their turn',
    async play(place) {
      const { inbox } = await place.open({ parallel: 3 })
      let [running, most, done] = [0, 0, 0]
      const handle = async () => {
        most = Math.max(most, ++running)
        await new Promise(setImmediate)
        running--
        done++
      }
      await Promise.all(Array.from({ length: 60 }, (_, index) => inbox.put(job(`${index}`, `lane ${index % 20}`))))

      inbox.start({ handle, setAside: async () => {} })
      await idle(inbox)

      assert.deepEqual([most, done], [3, 60])
    },
  },
  {
    title: 'a timer that becomes due takes the last place in its lane, and does not hold it up before',
    async play(place) {
      let now = 0
      const { inbox } = await place.open({ now: () => now })
      const { handled, ...handlers } = noting()
      await inbox.put(job('later', 'a', 100))
      await inbox.put(job('much later', 'a', 200))
      await inbox.put(job('first'))
      await inbox.put(job('second'))

      now = 100
      await inbox.put(job('third'))
      inbox.start(handlers)
      await idle(inbox)

      assert.deepEqual(handled, ['first', 'second', 'later', 'third'])
    },
  },
  {
    title: 'a lane goes on while its timers wait, and they fire with what is put when they are due',
    async play(place) {
      let now = 0
      const { inbox } = await place.open({ now: () => now })
      const { handled, ...handlers } = noting()
      inbox.start(handlers)
      await inbox.put(job('later', 'a', 100))
      await inbox.put(job('first'))
      await idle(inbox)
      assert.deepEqual(handled, ['first'])

      now = 100
      await inbox.put(job('second'))
      await idle(inbox)

      assert.deepEqual(handled, ['first', 'later', 'second'])
    },
  },
  {
    title: 'a timer fires without anything that happens',
    async play(place) {
      const { inbox } = await place.open()
      const { handled, ...handlers } = noting()
      inbox.start(handlers)

      await inbox.put(job('soon', 'a', Date.now() + 20))

      await until(() => handled.length > 0, 'the timer')
      assert.deepEqual(handled, ['soon'])
    },
  },
  {
    title: 'a timer can be taken back until it is due; it stays known, and nothing else is touched',
    async play(place) {
      let now = 0
      const { inbox } = await place.open({ now: () => now })
      const { handled, ...handlers } = noting()
      await inbox.put(job('never', 'a', 100))
      await inbox.put(job('due', 'a', 50))
      await inbox.put(job('plain'))
      now = 60

      for (const id of ['never', 'due', 'plain', 'unknown']) await inbox.cancel(id)
      assert.equal(await inbox.put(job('never', 'a', 100)), false)
      now = 100
      inbox.start(handlers)
      await inbox.put(job('last'))
      await idle(inbox)

      assert.deepEqual(handled.toSorted(), ['due', 'last', 'plain'])
    },
  },
  {
    title: 'ids are remembered for seven days, and those of timers for as long as they wait',
    async play(place) {
      let now = 0
      const open = () => place.open({ now: () => now })
      const first = await open()
      first.inbox.start(noting())
      await first.inbox.put(job('message'))
      await first.inbox.put(job('timer', 'a', 30 * day))
      await idle(first.inbox)
      await first.inbox.stop(0)
      await first.close()

      now = 6.9 * day
      const second = await open()
      assert.equal(await second.inbox.put(job('message')), false)
      await second.inbox.stop(0)
      await second.close()

      now = 7.1 * day
      const { inbox } = await open()
      assert.equal(await inbox.put(job('message')), true)
      assert.equal(await inbox.put(job('timer', 'a', 30 * day)), false)
    },
  },
  {
    title:
      'waiting shows what stands behind the running job, of its lane alone and without timers, and leaves it there',
    async play(place) {
      const { inbox } = await place.open()
      const gate = Promise.withResolvers<void>()
      const seen: string[][] = []
      const handle = async ({ id, thread }: Job) => {
        if (id === 'one') await gate.promise
        if (thread === 'a') seen.push(idsOf(await inbox.waiting('a')))
      }
      inbox.start({ handle, setAside: async () => {} })
      await inbox.put(job('one'))
      await inbox.put(job('two'))
      await inbox.put(job('timer', 'a', Date.now() + day))
      await inbox.put(job('three'))
      await inbox.put(job('other lane', 'b'))
      gate.resolve()
      await idle(inbox)

      assert.deepEqual(seen, [['two', 'three'], ['three'], []])
    },
  },
  {
    title: 'waiting shows the first hundred',
    async play(place) {
      const { inbox } = await place.open()
      const ids = Array.from({ length: 120 }, (_, index) => `${index}`)
      await Promise.all(ids.map((id) => inbox.put(job(id))))

      assert.deepEqual(idsOf(await inbox.waiting('a')), ids.slice(0, 100))
    },
  },
  {
    title: 'depth counts what waits and what runs, and no timers',
    async play(place) {
      const { inbox } = await place.open()
      assert.equal(await inbox.depth(), 0)
      inbox.start(never)

      await inbox.put(job('runs'))
      await inbox.put(job('waits'))
      await inbox.put(job('elsewhere', 'b'))
      await inbox.put(job('timer', 'a', Date.now() + day))

      assert.equal(await inbox.depth(), 3)
    },
  },
  {
    title: 'who listens hears of each job that is put, with its data, and not of one that was known',
    async play(place) {
      const { inbox } = await place.open()
      const heard: Job[] = []
      inbox.onPut((one) => heard.push(one))

      await inbox.put(job('one'))
      await inbox.put(job('one'))
      await inbox.put(job('two', 'b'))

      assert.deepEqual(heard, [job('one'), job('two', 'b')])
    },
  },
  {
    title: 'jobs of lanes that are held stay where they are, and do not hide the others, however many',
    async play(place) {
      const { inbox } = await place.open({ parallel: 2 })
      const { handled, ...handlers } = noting()
      for (const number of [1, 2, 3, 4, 5]) await inbox.put(job(`late-${number}`, `late|${number}`))
      await inbox.put(job('before', 'here|1'))
      inbox.hold((thread) => thread.startsWith('late|'))
      inbox.start(handlers)

      await inbox.put(job('late-6', 'late|6'))
      await inbox.put(job('after', 'here|2'))
      await until(async () => (await inbox.depth()) === 6, 'those that are not held')
      assert.deepEqual(handled.toSorted(), ['after', 'before'])

      inbox.hold()
      await idle(inbox)
      assert.deepEqual(handled.slice(2).toSorted(), ['late-1', 'late-2', 'late-3', 'late-4', 'late-5', 'late-6'])
    },
  },
]
