import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import pino from 'pino'
import { createInbox } from '../../src/storage/sqlite/inbox.ts'
import { openStore, StoreError } from '../../src/storage/sqlite/index.ts'

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'kube-agent-store-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}

test('what was set is there after the store was closed and opened again, each namespace by itself', async (t) => {
  const directory = folder(t)
  const before = openStore(directory)
  await before.sessions.set('matrix|!room|$thread', { text: '안녕 🙂' })
  await before.close()

  const after = openStore(directory)
  t.after(() => after.close())

  assert.deepEqual(await after.sessions.get('matrix|!room|$thread'), { text: '안녕 🙂' })
  assert.equal(await after.prompts.get('matrix|!room|$thread'), undefined)
})

test('entries are walked in pages, also while they are deleted', async (t) => {
  const store = openStore(folder(t))
  t.after(() => store.close())
  for (let index = 0; index < 250; index++) await store.prompts.set(`key ${index}`, index)

  const seen: unknown[] = []
  for await (const [key, value] of store.prompts.iterator()) {
    seen.push(value)
    await store.prompts.delete(key as string)
  }

  assert.equal(new Set(seen).size, 250)
})

test('a value past its time is gone', async (t) => {
  const store = openStore(folder(t))
  t.after(() => store.close())

  await store.caches.set('short', 1, 1)
  while (
    Date.now() <=
    ((await store.database.prepare("SELECT expires FROM entries WHERE key = 'short'").get()!.expires) as number)
  ) {
    await new Promise(setImmediate)
  }

  assert.equal(await store.caches.get('short'), undefined)
})

test('a failed write is an error, never silence', async (t) => {
  const store = openStore(folder(t))
  store.database.exec('DROP TABLE entries')

  await assert.rejects(store.sessions.set('a', 1))
  await store.close()
})

test('a second process on the same directory refuses and names the first; after SIGKILL the directory is free again', async (t) => {
  const directory = folder(t)
  const source = `import { openStore } from ${JSON.stringify(new URL('../../src/storage/sqlite/index.ts', import.meta.url).href)}
    openStore(${JSON.stringify(directory)}); console.log('open'); setInterval(() => {}, 1000)`
  const first = spawn(process.execPath, ['--input-type=module', '--eval', source], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => first.kill('SIGKILL'))
  await once(first.stdout, 'data')

  assert.throws(
    () => openStore(directory),
    (error: Error) => error instanceof StoreError && error.message.includes(`process ${first.pid}`),
  )

  first.kill('SIGKILL')
  await once(first, 'exit')
  await openStore(directory).close()
})

test('a directory that cannot be used says what to do', (t) => {
  const directory = folder(t)
  const file = join(directory, 'file')
  writeFileSync(file, '')
  chmodSync(directory, 0o500)

  assert.throws(() => openStore(join(file, 'data')), /KUBE_AGENT_DATA_DIR/)
})

test('a full disk is told in a sentence, and what could not be put is not half there', async (t) => {
  const store = openStore(folder(t))
  t.after(() => store.close())
  const inbox = createInbox({ database: store.database, log: pino({ enabled: false }) })
  const { page_count: pages } = store.database.prepare('PRAGMA page_count').get() as { page_count: number }
  store.database.exec(`PRAGMA max_page_count = ${pages}`)
  const job = { id: 'large', thread: 'a', kind: 'test', data: 'x'.repeat(100_000) }

  await assert.rejects(inbox.put(job), /disk is full/)
  await assert.rejects(store.sessions.set('large', job.data), /disk is full/)

  store.database.exec('PRAGMA max_page_count = 1000000')
  assert.equal(await inbox.put(job), true)
})

test('what people said can be read by this user alone, whatever the directory allows', (t) => {
  const directory = folder(t)
  const store = openStore(directory)
  t.after(() => store.close())

  assert.equal(statSync(join(directory, 'kube-agent.sqlite')).mode & 0o077, 0)
})

test('a damaged file is not overwritten but named', (t) => {
  const directory = folder(t)
  writeFileSync(join(directory, 'kube-agent.sqlite'), 'this is no database, whatever its name says'.repeat(100))

  assert.throws(() => openStore(directory), /cannot be used.*backup/)
  rmSync(join(directory, 'kube-agent.sqlite'))
  assert.doesNotThrow(() => openStore(directory).close())
})
