import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import pino from 'pino'
import type { StoreOptions } from '../../src/storage/index.ts'
import { createInbox } from '../../src/storage/sqlite/inbox.ts'
import { idle, job, noting } from '../contracts/storage/scene.ts'

// What every inbox promises is in test/contracts/storage; this is how SQLite's keeps it.

const open = (database: DatabaseSync, options: Partial<StoreOptions> = {}) =>
  createInbox(database, { log: pino({ enabled: false }), retryDelays: [0, 0], ...options })
const memory = () => new DatabaseSync(':memory:')

test('jobs that are put at the same time are written together', async () => {
  const database = memory()
  const inbox = open(database)
  const commits: string[] = []
  const exec = database.exec.bind(database)
  database.exec = (sql) => {
    if (sql === 'COMMIT') commits.push(sql)
    exec(sql)
  }

  await Promise.all(['one', 'two', 'one', 'three'].map((id) => inbox.put(job(id))))

  assert.equal(commits.length, 1)
  assert.equal(await inbox.depth(), 3)
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
  assert.equal(await inbox.depth(), 1)
})

test('a job that is set aside stays in the file, with its reason', async () => {
  const database = memory()
  const inbox = open(database)
  const handle = async () => {
    throw new Error('cannot be')
  }
  inbox.start({ handle, setAside: async () => {} })

  await inbox.put(job('poison'))
  await idle(inbox)

  assert.deepEqual(
    { ...database.prepare('SELECT id, data, reason FROM set_aside').get() },
    { id: 'poison', data: '{"id":"poison"}', reason: 'cannot be' },
  )
})

test('a store that fails for a while neither ends the process nor loses what waits', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const database = memory()
  const inbox = open(database)
  await inbox.put(job('one'))
  const { handled, ...handlers } = noting()
  database.exec('ALTER TABLE jobs RENAME TO gone')
  inbox.start(handlers)
  assert.deepEqual(handled, [])

  database.exec('ALTER TABLE gone RENAME TO jobs')
  t.mock.timers.tick(60_000)
  await idle(inbox)

  assert.deepEqual(handled, ['one'])
})

test('a process that runs for longer than ids are remembered forgets them too', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const day = 24 * 60 * 60_000
  let now = 0
  const inbox = open(memory(), { now: () => now })
  inbox.start(noting())
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
