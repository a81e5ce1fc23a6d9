import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import pino from 'pino'
import { StaleDocument, StorageError } from '../../src/storage/index.ts'
import { createDocuments } from '../../src/storage/sqlite/documents.ts'
import { createInbox } from '../../src/storage/sqlite/inbox.ts'
import { openSqlite } from '../../src/storage/sqlite/index.ts'
import { createNamespace } from '../../src/storage/sqlite/namespaces.ts'
import { job } from '../contracts/storage/scene.ts'

const log = pino({ enabled: false })
const open = (directory: string) => openSqlite(directory, { log })
const fileIn = (directory: string) => join(directory, 'kube-agent.sqlite')

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'kube-agent-store-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}

test('a second process on the same directory refuses and names the first; after SIGKILL the directory is free again', async (t) => {
  const directory = folder(t)
  const source = `import pino from 'pino'
    import { openSqlite } from ${JSON.stringify(new URL('../../src/storage/sqlite/index.ts', import.meta.url).href)}
    await openSqlite(${JSON.stringify(directory)}, { log: pino({ enabled: false }) }); console.log('open'); setInterval(() => {}, 1000)`
  const first = spawn(process.execPath, ['--input-type=module', '--eval', source], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => first.kill('SIGKILL'))
  await once(first.stdout, 'data')

  await assert.rejects(
    open(directory),
    (error: Error) => error instanceof StorageError && error.message.includes(`process ${first.pid}`),
  )

  first.kill('SIGKILL')
  await once(first, 'exit')
  await (await open(directory)).close()
})

test('a directory that cannot be used says what to do', async (t) => {
  const directory = folder(t)
  const file = join(directory, 'file')
  writeFileSync(file, '')
  chmodSync(directory, 0o500)

  await assert.rejects(open(join(file, 'data')), /KUBE_AGENT_DATA_DIR/)
})

test('what people said can be read by this user alone, whatever the directory allows', async (t) => {
  const directory = folder(t)
  const store = await open(directory)
  t.after(() => store.close())

  assert.equal(statSync(fileIn(directory)).mode & 0o077, 0)
})

test('a damaged file is not overwritten but named, and the directory is free again', async (t) => {
  const directory = folder(t)
  writeFileSync(fileIn(directory), 'this is no database, whatever its name says'.repeat(100))

  await assert.rejects(open(directory), /cannot be used.*backup/)
  rmSync(fileIn(directory))
  await (await open(directory)).close()
})

test('a failed write is an error, never silence', async (t) => {
  const directory = folder(t)
  const store = await open(directory)
  t.after(() => store.close())
  const other = new DatabaseSync(fileIn(directory))
  other.exec('DROP TABLE entries')
  other.close()

  await assert.rejects(store.prompts.set('a', 1), /no such table/)
  await assert.rejects(store.sessions.set('a', 1, undefined), /no such table/)
})

test('a full disk is told in a sentence, and what could not be put is not half there', async (t) => {
  const directory = folder(t)
  await (await open(directory)).close()
  const database = new DatabaseSync(fileIn(directory))
  t.after(() => database.close())
  const inbox = createInbox(database, { log })
  const namespace = createNamespace(database, 'prompts')
  const documents = createDocuments(database, 'sessions')
  const { page_count: pages } = database.prepare('PRAGMA page_count').get() as { page_count: number }
  const large = { ...job('large'), data: 'x'.repeat(100_000) }
  const version = await documents.set('thread', 'small', undefined)

  database.exec(`PRAGMA max_page_count = ${pages}`)
  await assert.rejects(inbox.put(large), /disk is full/)
  await assert.rejects(namespace.set('large', large.data), /disk is full/)
  await assert.rejects(documents.set('thread', large.data, version), /disk is full/)

  database.exec('PRAGMA max_page_count = 1000000')
  assert.equal(await inbox.put(large), true)
  assert.equal(await namespace.get('large'), undefined)
  assert.deepEqual(await documents.get('thread'), { value: 'small', version })
})

/** The file as it was written before documents had versions: tables, and values as Keyv 6 encodes them. */
const before = `
  CREATE TABLE entries (
    namespace TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, expires INTEGER, PRIMARY KEY (namespace, key)) WITHOUT ROWID;
  CREATE INDEX entries_expires ON entries (expires) WHERE expires IS NOT NULL;
  INSERT INTO entries VALUES
    ('sessions', 'matrix|!room|$thread', '{"value":{"thread":"matrix|!room|$thread","told":["::name"]}}', NULL),
    ('prompts', 'matrix|!room|$prompt', '{"value":{"thread":"matrix|!room|$thread"}}', NULL),
    ('lines', '1|main', '{"value":{"state":"red"},"expires":9999999999999}', 9999999999999)`

test('a file from before documents had versions is taken over; its documents can be written from the first version, once', async (t) => {
  const directory = folder(t)
  const file = new DatabaseSync(fileIn(directory))
  file.exec(before)
  file.close()

  const first = await open(directory)
  const key = 'matrix|!room|$thread'
  const found = await first.sessions.get(key)
  assert.deepEqual(found?.value, { thread: key, told: [':name'] })
  assert.deepEqual(await first.prompts.get('matrix|!room|$prompt'), { thread: key })
  assert.deepEqual(await first.lines.get('1|main'), { state: 'red' })
  await assert.rejects(first.sessions.set(key, 'new', undefined), StaleDocument)
  await first.sessions.set(key, 'next', found?.version)
  await assert.rejects(first.sessions.set(key, 'stale', found?.version), StaleDocument)
  await first.close()

  const second = await open(directory)
  t.after(() => second.close())
  assert.equal((await second.sessions.get(key))?.value, 'next')
})
