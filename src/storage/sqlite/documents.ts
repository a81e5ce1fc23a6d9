import type { DatabaseSync } from 'node:sqlite'
import { jsonSerializer } from 'keyv'
import { type Documents, StaleDocument } from '../index.ts'

/** Documents in the table of the namespaces. Whether the version still holds is decided by the statement that writes. */
export function createDocuments<Value>(database: DatabaseSync, namespace: string): Documents<Value> {
  const select = database.prepare('SELECT value, version FROM entries WHERE namespace = ? AND key = ?')
  const find = database.prepare('SELECT 1 FROM entries WHERE namespace = ? AND key = ?')
  const insert = database.prepare(
    'INSERT INTO entries (namespace, key, value, version) VALUES (?, ?, ?, 1) ON CONFLICT DO NOTHING',
  )
  const update = database.prepare(
    'UPDATE entries SET value = ?, version = version + 1 WHERE namespace = ? AND key = ? AND version = ?',
  )

  return {
    async get(key) {
      const row = select.get(namespace, key) as { value: string; version: number } | undefined
      return row && { value: decode<Value>(row.value), version: row.version }
    },
    has: async (key) => find.get(namespace, key) !== undefined,
    async set(key, value, from) {
      const text = encode(value)
      const { changes } = from === undefined ? insert.run(namespace, key, text) : update.run(text, namespace, key, from)
      if (changes === 0) throw new StaleDocument(key, from)
      return (from ?? 0) + 1
    },
  }
}

// As Keyv writes values: what was a plain namespace before documents had versions is read like everything else.
const encode = (value: unknown): string => jsonSerializer.stringify({ value })
const decode = <Value>(text: string): Value => jsonSerializer.parse<{ value: Value }>(text).value
