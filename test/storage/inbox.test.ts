import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import fc from 'fast-check'
import pino from 'pino'
import { createInbox, type Inbox, type InboxOptions, type Job } from '../../src/storage/sqlite/inbox.ts'

const log = pino({ enabled: false })
const job = (id: string, thread = 'a', due?: number): Job => ({
  id,
  thread,
  kind: 'test',
  data: { id },
  ...(due !== undefined && { due }),
})
const open = (database: DatabaseSync, options: Partial<InboxOptions> = {}) =>
  createInbox({ database, log, retryDelays: [0, 0], ...options })
const memory = () => new DatabaseSync(':memory:')

/** Resolves when nothing waits or runs. */
async function idle(inbox: Inbox): Promise<void> {
  while (inbox.depth() > 0) await new Promise(setImmediate)
}

test('a job that is put twice is handled once, also when the first is long done', async () => {
  const inbox = open(memory())
  const handled: string[] = []
  inbox.start({ handle: async ({ id }) => void handled.push(id), setAside: async () => {} })

  assert.equal(await inbox.put(job('one')), true)
  await idle(inbox)
  assert.equal(await inbox.put(job('one')), false)

  await idle(inbox)
  assert.deepEqual(handled, ['one'])
})

test('jobs that are put at the same time are written together, in their order, and each hears how it went', async () => {
  const database = memory()
  const inbox = open(database)
  const commits: string[] = []
  const exec = database.exec.bind(database)
  database.exec = (sql) => {
    if (sql === 'COMMIT') commits.push(sql)
    exec(sql)
  }

  const answers = await Promise.all(['one', 'two', 'one', 'three'].map((id) => inbox.put(job(id))))

  assert.deepEqual(answers, [true, true, false, true])
  assert.equal(commits.length, 1)
  assert.deepEqual(
    inbox.waiting('a').map(({ id }) => id),
    ['one', 'two', 'three'],
  )
})

test('of jobs that are put at the same time none is acknowledged when the disk is full', async () => {
  const database = memory()
  const inbox = open(database)
  database.exec('PRAGMA max_page_count = 30')
  const large = (id: string) => ({ ...job(id), data: 'x'.repeat(100_000) })

  const results = await Promise.allSettled([inbox.put(job('small')), inbox.put(large('large'))])

  assert.deepEqual(
    results.map(({ status }) => status),
    ['rejected', 'rejected'],
  )
  assert.equal(await inbox.put(job('small')), true)
  assert.equal(inbox.depth(), 1)
})

test('jobs of one lane run one after another, lanes do not wait for each other', async () => {
  const inbox = open(memory())
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
  while (!order.includes('-b1')) await new Promise(setImmediate)
  gate.resolve()
  await idle(inbox)

  assert.deepEqual(order, ['+a1', '+b1', '-b1', '-a1', '+a2', '-a2'])
})

test('what was not handled is handled by the next process, in order', async () => {
  const database = memory()
  const before = open(database)
  for (const id of ['one', 'two', 'three']) await before.put(job(id))
  await before.stop(0)

  const after = open(database)
  const handled: string[] = []
  after.start({ handle: async ({ id }) => void handled.push(id), setAside: async () => {} })
  await idle(after)

  assert.deepEqual(handled, ['one', 'two', 'three'])
})

test('a timer fires at its time, does not hold up its lane, and can be taken back', async () => {
  let now = 0
  const inbox = open(memory(), { now: () => now })
  const handled: string[] = []
  inbox.start({ handle: async ({ id }) => void handled.push(id), setAside: async () => {} })
  await inbox.put(job('later', 'a', 100))
  await inbox.put(job('never', 'a', 100))
  await inbox.put(job('first'))
  await idle(inbox)
  assert.deepEqual(handled, ['first'])

  inbox.cancel('never')
  now = 100
  await inbox.put(job('second'))
  await idle(inbox)

  assert.deepEqual(handled, ['first', 'later', 'second'])
})

test('a job that throws three times is set aside with its reason, and its lane goes on', async () => {
  const database = memory()
  const inbox = open(database)
  const told: string[] = []
  const handled: string[] = []
  const handle = async ({ id }: Job) => {
    handled.push(id)
    if (id === 'poison') throw new Error('cannot be')
  }
  inbox.start({ handle, setAside: async ({ id }, reason) => void told.push(`${id}: ${reason}`) })

  await inbox.put(job('poison'))
  await inbox.put(job('good'))
  await idle(inbox)

  assert.deepEqual(handled, ['poison', 'poison', 'poison', 'good'])
  assert.deepEqual(told, ['poison: cannot be'])
  assert.deepEqual(
    { ...database.prepare('SELECT id, reason FROM set_aside').get() },
    { id: 'poison', reason: 'cannot be' },
  )
})

test('a job that ended the process three times is not tried a fourth time', async () => {
  const database = memory()
  await open(database).put(job('poison'))
  for (let start = 0; start < 3; start++) {
    // The process ends in the middle of the job: this inbox never hears of it again.
    open(database).start({ handle: () => new Promise(() => {}), setAside: async () => {} })
  }

  const told: string[] = []
  const inbox = open(database)
  inbox.start({
    handle: async () => void told.push('handled'),
    setAside: async (_job, reason) => void told.push(reason),
  })
  await idle(inbox)

  assert.deepEqual(told, ['It ended the process three times.'])
})

test('stop lets a running job end, aborts it after the grace, and leaves it for the next start', async () => {
  const database = memory()
  const inbox = open(database)
  const started = Promise.withResolvers<void>()
  const handle = (_job: Job, signal: AbortSignal) =>
    new Promise<void>((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason))
      started.resolve()
    })
  inbox.start({ handle, setAside: async () => {} })
  await inbox.put(job('long'))
  await started.promise

  await inbox.stop(0)

  assert.deepEqual({ ...database.prepare('SELECT id, attempts FROM jobs').get() }, { id: 'long', attempts: 0 })
})

test('stop does not wait for ever for a job that does not listen', async () => {
  const inbox = open(memory())
  const started = Promise.withResolvers<void>()
  inbox.start({
    handle: async () => {
      started.resolve()
      await new Promise(() => {})
    },
    setAside: async () => {},
  })
  await inbox.put(job('deaf'))
  await started.promise

  await inbox.stop(0)

  assert.equal(inbox.depth(), 1)
})

test('stop does not wait for the next try of a job that failed', async () => {
  const inbox = open(memory(), { retryDelays: [2 ** 30] })
  const failed = Promise.withResolvers<void>()
  const handle = async () => {
    setImmediate(failed.resolve)
    throw new Error('cannot be')
  }
  inbox.start({ handle, setAside: async () => {} })
  await inbox.put(job('one'))
  await failed.promise

  await inbox.stop(2 ** 30)

  assert.equal(inbox.depth(), 1)
})

test('what fails because everything is being closed has not failed: it counts no attempt, however often that happens', async () => {
  const database = memory()
  const aside: string[] = []
  for (let start = 1; start <= 4; start++) {
    const inbox = open(database)
    let hasBegun = false
    const closed = Promise.withResolvers<never>()
    inbox.start({
      handle: () => {
        hasBegun = true
        return closed.promise
      },
      setAside: async (one) => void aside.push(one.id),
    })
    if (start === 1) await inbox.put(job('one'))
    while (!hasBegun && inbox.depth() > 0) await new Promise(setImmediate)
    const stopped = inbox.stop(10_000)
    closed.reject(new Error('shutting down'))
    await stopped
  }

  assert.deepEqual(aside, [])
  assert.equal(open(database).depth(), 1)
})

test('after stop jobs are still taken in, for the next start', async () => {
  const database = memory()
  const before = open(database)
  before.start({ handle: async () => assert.fail('nothing begins after stop'), setAside: async () => {} })
  await before.stop(0)

  assert.equal(await before.put(job('late')), true)

  const after = open(database)
  const handled: string[] = []
  after.start({ handle: async ({ id }) => void handled.push(id), setAside: async () => {} })
  await idle(after)
  assert.deepEqual(handled, ['late'])
})

test('a store that fails for a while neither ends the process nor loses what waits', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const database = memory()
  const inbox = open(database)
  await inbox.put(job('one'))
  const handled: string[] = []
  database.exec('ALTER TABLE jobs RENAME TO gone')
  inbox.start({ handle: async ({ id }) => void handled.push(id), setAside: async () => {} })
  assert.deepEqual(handled, [])

  database.exec('ALTER TABLE gone RENAME TO jobs')
  t.mock.timers.tick(60_000)
  await idle(inbox)

  assert.deepEqual(handled, ['one'])
})

test('ids are remembered for seven days, also by a process that runs for longer, and timers for as long as they wait', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const day = 24 * 60 * 60_000
  let now = 0
  const inbox = open(memory(), { now: () => now })
  inbox.start({ handle: async () => {}, setAside: async () => {} })
  await inbox.put(job('message'))
  await inbox.put(job('timer', 'a', 30 * day))
  await idle(inbox)

  now = 6.9 * day
  t.mock.timers.tick(60 * 60_000)
  assert.equal(await inbox.put(job('message')), false)

  now = 7.1 * day
  t.mock.timers.tick(60 * 60_000)
  assert.equal(await inbox.put(job('message')), true)
  assert.equal(await inbox.put(job('timer', 'a', 30 * day)), false)
})

test('jobs of lanes that are held stay where they are, and do not hide the others, however many', async () => {
  const inbox = open(memory(), { parallel: 2 })
  const handled: string[] = []
  for (const number of [1, 2, 3, 4, 5]) await inbox.put(job(`late-${number}`, `late|${number}`))
  await inbox.put(job('before', 'here|1'))
  inbox.hold((thread) => thread.startsWith('late|'))
  inbox.start({ handle: async ({ id }) => void handled.push(id), setAside: async () => {} })

  await inbox.put(job('late-6', 'late|6'))
  await inbox.put(job('after', 'here|2'))
  while (inbox.depth() > 6) await new Promise(setImmediate)
  assert.deepEqual(handled.toSorted(), ['after', 'before'])

  inbox.hold()
  await idle(inbox)
  assert.deepEqual(handled.slice(2).toSorted(), ['late-1', 'late-2', 'late-3', 'late-4', 'late-5', 'late-6'])
})

test('people hear of a job that is set aside before it is gone', async () => {
  const inbox = open(memory())
  let depthWhenTold = 0
  const handle = async () => {
    throw new Error('cannot be')
  }
  inbox.start({ handle, setAside: async () => void (depthWhenTold = inbox.depth()) })

  await inbox.put(job('poison'))
  await idle(inbox)

  assert.equal(depthWhenTold, 1)
})

test('waiting shows what stands behind the running job and leaves it there', async () => {
  const inbox = open(memory())
  const gate = Promise.withResolvers<void>()
  const seen: string[][] = []
  const handle = async ({ id }: Job) => {
    if (id === 'one') await gate.promise
    seen.push(inbox.waiting('a').map((next) => next.id))
  }
  inbox.start({ handle, setAside: async () => {} })
  await inbox.put(job('one'))
  await inbox.put(job('two'))
  await inbox.put(job('other lane', 'b'))
  gate.resolve()
  await idle(inbox)

  assert.deepEqual(
    seen.find((ids) => ids.length > 0),
    ['two'],
  )
})

for (const lanes of [1, 10_000]) {
  test(`ten thousand waiting jobs in ${lanes} lanes stay on disk: only those in hand are read`, async () => {
    const database = memory()
    const inbox = open(database, { parallel: 4 })
    for (let index = 0; index < 10_000; index++) await inbox.put(job(`${index}`, `lane ${index % lanes}`))
    let inHand = 0
    let most = 0
    const handle = async () => {
      most = Math.max(most, ++inHand)
      await null
      inHand--
    }
    inbox.start({ handle, setAside: async () => {} })
    await idle(inbox)

    assert.ok(most <= 4)
  })
}

test('whatever is put, handled and interrupted: every job is handled, in the order of its lane, and never again once acknowledged', async () => {
  const step = fc.oneof(fc.record({ put: fc.nat(30), lane: fc.nat(2) }), fc.constant('crash' as const))
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const database = memory()
      const expected = new Map<string, string[]>()
      const finished: string[] = []
      const listen = () => {
        const inbox = open(database)
        let alive = true
        inbox.start({
          handle: async ({ id }) => {
            await null
            // A crash in the middle: this handler never returns.
            if (!alive) await new Promise(() => {})
            finished.push(id)
          },
          setAside: async () => assert.fail('nothing here is poison'),
        })
        return { inbox, die: () => (alive = false) }
      }
      let current = listen()
      for (const next of steps) {
        if (next === 'crash') {
          current.die()
          database.exec('UPDATE jobs SET attempts = 0')
          current = listen()
          continue
        }
        const lane = `lane ${next.lane}`
        if (await current.inbox.put(job(`${next.put}`, lane)))
          expected.set(lane, [...(expected.get(lane) ?? []), `${next.put}`])
      }
      current.die()
      database.exec('UPDATE jobs SET attempts = 0')
      current = listen()
      await idle(current.inbox)

      for (const ids of expected.values()) {
        const order = finished.filter((id) => ids.includes(id))
        assert.deepEqual([...new Set(order)], ids)
      }
    }),
    { numRuns: 50 },
  )
})
