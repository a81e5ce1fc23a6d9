import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { sentenceOf } from '../../text/sentence.ts'
import { StorageError, type Store, type StoreOptions, type StoreTypes } from '../index.ts'
import { createDocuments } from './documents.ts'
import { createInbox } from './inbox.ts'
import { type Lock, lock } from './lock.ts'
import { createNamespace } from './namespaces.ts'

/**
 * Opens (or makes) the store in a directory: everything in one SQLite file. Only one process may have it open; the lock goes with the
 * process, however that ends. Rejects with `StorageError`.
 */
export async function openSqlite<Types extends StoreTypes = StoreTypes>(
  directory: string,
  options: StoreOptions,
): Promise<Store<Types>> {
  const held = lock(directory)
  const file = join(directory, 'kube-agent.sqlite')
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(file, { timeout: 5_000 })
    prepare(database, file)
    return createStore(database, held, options)
  } catch (error) {
    database?.close()
    held.release()
    throw new StorageError(`${file} cannot be used: ${sentenceOf(error)}. ${wayOut(error)}`, { cause: error })
  }
}

function createStore<Types extends StoreTypes>(
  database: DatabaseSync,
  held: Lock,
  options: StoreOptions,
): Store<Types> {
  const inbox = createInbox<Types['jobs']>(database, options)
  const sweeping = sweepHourly(database)
  return {
    sessions: createDocuments(database, 'sessions'),
    prompts: createNamespace(database, 'prompts'),
    threads: createNamespace(database, 'threads'),
    lines: createNamespace(database, 'lines'),
    seen: createNamespace(database, 'seen'),
    caches: createNamespace(database, 'caches'),
    inbox,
    async close() {
      clearInterval(sweeping)
      database.close()
      held.release()
    },
  }
}

function prepare(database: DatabaseSync, file: string): void {
  // What people said stands in here, whatever the directory allows.
  chmodSync(file, 0o600)
  // While the log's pages are moved into the file nothing else happens: few at once, so that nobody waits long.
  database.exec(
    'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 250; PRAGMA foreign_keys = ON',
  )
  const [check] = database.prepare('PRAGMA quick_check(1)').all() as { quick_check: string }[]
  if (check?.quick_check !== 'ok') throw new Error(check?.quick_check)
  database.exec(tables)
  addVersions(database)
}

const tables = `
  CREATE TABLE IF NOT EXISTS entries (
    namespace TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, expires INTEGER, version INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY (namespace, key)) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS entries_expires ON entries (expires) WHERE expires IS NOT NULL`

/** In files from before documents had versions, what stands there becomes the first one. */
function addVersions(database: DatabaseSync): void {
  const known = database.prepare("SELECT 1 FROM pragma_table_info('entries') WHERE name = 'version'").get()
  if (!known) database.exec('ALTER TABLE entries ADD COLUMN version INTEGER NOT NULL DEFAULT 1')
}

function wayOut(error: unknown): string {
  const text = sentenceOf(error)
  if (/disk is full|disk I\/O/i.test(text)) return 'Make room on that disk.'
  if (/readonly|permission|not permitted|unable to open/i.test(text)) return 'This user has to be able to write it.'
  return 'Restore it from a backup, or move it away to begin with an empty one (open approvals and threads are forgotten).'
}

const sweepMs = 60 * 60_000

/** Deletes what is past its time. */
function sweepHourly(database: DatabaseSync): NodeJS.Timeout {
  const sweep = database.prepare('DELETE FROM entries WHERE expires <= ?')
  const timer = setInterval(() => {
    try {
      sweep.run(Date.now())
    } catch {
      // A full disk, say; what is past its time is not returned anyway, and goes an hour later.
    }
  }, sweepMs)
  return timer.unref()
}
