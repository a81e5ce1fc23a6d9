import { EventEmitter } from 'node:events'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Keyv, type KeyvStorageAdapter, keyvStorageCapability } from 'keyv'
import { sentenceOf } from '../../text/sentence.ts'

/** Everything that outlives the process, in one SQLite file; knows no domain. Values are JSON. */
export interface Store {
  sessions: Keyv
  prompts: Keyv
  threads: Keyv
  /** How CI stands with branches and pull requests. */
  lines: Keyv
  /** How far repositories were heard of. */
  seen: Keyv
  caches: Keyv
  /** The same file, for the inbox's tables. */
  database: DatabaseSync
  close(): Promise<void>
}

/** The data directory cannot be used; the message says why and what to do. */
export class StoreError extends Error {
  override readonly name = 'StoreError'
}

const sweepMs = 60 * 60_000

/**
 * Opens (or makes) the store in a directory. A write is on disk when its promise resolves. Only one process may have it open;
 * the lock goes with the process, however that ends. Throws `StoreError`.
 */
export function openStore(directory: string): Store {
  const lock = acquire(directory)
  const database = openDatabase(join(directory, 'kube-agent.sqlite'), lock)
  const sweep = database.prepare('DELETE FROM entries WHERE expires <= ?')
  const timer = setInterval(() => {
    try {
      sweep.run(Date.now())
    } catch {
      // A full disk, say; what is past its time is not returned anyway, and goes an hour later.
    }
  }, sweepMs)
  timer.unref()

  const namespace = (name: string) =>
    new Keyv({
      store: createAdapter(database, name),
      throwOnErrors: true,
      useKeyPrefix: false,
    } as ConstructorParameters<typeof Keyv>[0])
  return {
    sessions: namespace('sessions'),
    prompts: namespace('prompts'),
    threads: namespace('threads'),
    lines: namespace('lines'),
    seen: namespace('seen'),
    caches: namespace('caches'),
    database,
    async close() {
      clearInterval(timer)
      database.close()
      lock.close()
    },
  }
}

/** Holds an exclusive lock on a file of its own: SQLite's locks end with the process, also after SIGKILL. */
function acquire(directory: string): DatabaseSync {
  const owner = join(directory, 'owner.json')
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    const lock = new DatabaseSync(join(directory, 'lock.sqlite'))
    lock.exec(
      'PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE; CREATE TABLE IF NOT EXISTS lock (id INTEGER); COMMIT',
    )
    lock.exec('BEGIN EXCLUSIVE')
    writeFileSync(owner, JSON.stringify({ pid: process.pid, host: hostname() }))
    return lock
  } catch (error) {
    if (/locked/i.test(sentenceOf(error))) {
      throw new StoreError(
        `The data directory ${directory} is in use by another kube-agent (${ownerOf(owner)}). Stop that one, or give this one a directory of its own with KUBE_AGENT_DATA_DIR.`,
        { cause: error },
      )
    }
    throw new StoreError(
      `The data directory ${directory} cannot be used: ${sentenceOf(error)}. It has to exist or be creatable, and be writable for this user (KUBE_AGENT_DATA_DIR).`,
      { cause: error },
    )
  }
}

function ownerOf(file: string): string {
  try {
    const { pid, host } = JSON.parse(readFileSync(file, 'utf8')) as { pid: number; host: string }
    return `process ${pid} on ${host}`
  } catch {
    return 'owner unknown'
  }
}

const tables = `
  CREATE TABLE IF NOT EXISTS entries (
    namespace TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, expires INTEGER, PRIMARY KEY (namespace, key)) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS entries_expires ON entries (expires) WHERE expires IS NOT NULL`

function openDatabase(file: string, lock: DatabaseSync): DatabaseSync {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(file, { timeout: 5_000 })
    // What people said stands in here, whatever the directory allows.
    chmodSync(file, 0o600)
    // While the log's pages are moved into the file nothing else happens: few at once, so that nobody waits long.
    database.exec(
      'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 250; PRAGMA foreign_keys = ON',
    )
    const [check] = database.prepare('PRAGMA quick_check(1)').all() as { quick_check: string }[]
    if (check?.quick_check !== 'ok') throw new Error(check?.quick_check)
    database.exec(tables)
    return database
  } catch (error) {
    database?.close()
    lock.close()
    throw new StoreError(`${file} cannot be used: ${sentenceOf(error)}. ${wayOut(error)}`, { cause: error })
  }
}

function wayOut(error: unknown): string {
  const text = sentenceOf(error)
  if (/disk is full|disk I\/O/i.test(text)) return 'Make room on that disk.'
  if (/readonly|permission|not permitted|unable to open/i.test(text)) return 'This user has to be able to write it.'
  return 'Restore it from a backup, or move it away to begin with an empty one (open approvals and threads are forgotten).'
}

/** Keyv's storage contract on one table. The published adapters pin other major versions of Keyv or bring a native module. */
function createAdapter(database: DatabaseSync, namespace: string): KeyvStorageAdapter {
  const select = database.prepare(
    'SELECT value FROM entries WHERE namespace = ? AND key = ? AND (expires IS NULL OR expires > ?)',
  )
  const upsert = database.prepare('INSERT OR REPLACE INTO entries (namespace, key, value, expires) VALUES (?, ?, ?, ?)')
  const remove = database.prepare('DELETE FROM entries WHERE namespace = ? AND key = ?')
  const removeAll = database.prepare('DELETE FROM entries WHERE namespace = ?')
  // A page at a time, so that a long walk neither holds a statement open nor everything in memory.
  const page = database.prepare(
    'SELECT key, value FROM entries WHERE namespace = ? AND key > ? AND (expires IS NULL OR expires > ?) ORDER BY key LIMIT 100',
  )

  const get = async (key: string) => (select.get(namespace, key, Date.now()) as { value: string } | undefined)?.value
  const set = async (key: string, value: unknown, expires?: number) => {
    upsert.run(namespace, key, value as string, expires ?? null)
    return true
  }
  const has = async (key: string) => (await get(key)) !== undefined
  const drop = async (key: string) => remove.run(namespace, key).changes > 0

  const adapter = Object.assign(new EventEmitter(), {
    namespace,
    get,
    set,
    has,
    delete: drop,
    getMany: (keys: string[]) => Promise.all(keys.map(get)),
    setMany: (entries: { key: string; value: unknown; expires?: number }[]) =>
      Promise.all(entries.map(({ key, value, expires }) => set(key, value, expires))),
    hasMany: (keys: string[]) => Promise.all(keys.map(has)),
    deleteMany: (keys: string[]) => Promise.all(keys.map(drop)),
    async clear() {
      removeAll.run(namespace)
    },
    async *iterator() {
      let last = ''
      for (;;) {
        const rows = page.all(namespace, last, Date.now()) as { key: string; value: string }[]
        for (const row of rows) yield [row.key, row.value]
        const end = rows.at(-1)
        if (!end) return
        last = end.key
      }
    },
  })
  return Object.assign(adapter, { capabilities: keyvStorageCapability(adapter) }) as unknown as KeyvStorageAdapter
}
