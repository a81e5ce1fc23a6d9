import { EventEmitter } from 'node:events'
import type { DatabaseSync } from 'node:sqlite'
import { Keyv, type KeyvStorageAdapter, keyvStorageCapability } from 'keyv'
import type { Namespace } from '../index.ts'

/** A namespace by Keyv, which brings the encoding and what belongs to a time to live. */
export function createNamespace<Value>(database: DatabaseSync, name: string): Namespace<Value> {
  const keyv = new Keyv({
    store: createAdapter(database, name),
    throwOnErrors: true,
    useKeyPrefix: false,
  } as ConstructorParameters<typeof Keyv>[0])
  return {
    get: (key) => keyv.get<Value>(key),
    async set(key, value, ttlMs) {
      await keyv.set(key, value, ttlMs)
    },
    has: (key) => keyv.has(key),
    async delete(key) {
      await keyv.delete(key)
    },
    async *entries() {
      for await (const [key, value] of keyv.iterator()) yield [key as string, value as Value]
    },
  }
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
