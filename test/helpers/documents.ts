import { type Document, type Documents, StaleDocument } from '../../src/storage/index.ts'

/** Documents in a map; values go through JSON as on disk. `reach` is waited for before each write takes effect, as for a database. */
export function createDocuments<Value>(reach: () => Promise<void> = async () => {}): Documents<Value> {
  const stored = new Map<string, { text: string; version: number }>()
  return {
    async get(key) {
      const found = stored.get(key)
      return found && ({ value: JSON.parse(found.text), version: found.version } satisfies Document<Value>)
    },
    has: async (key) => stored.has(key),
    async set(key, value, from) {
      const text = JSON.stringify(value)
      await reach()
      if (stored.get(key)?.version !== from) throw new StaleDocument(key, from)
      const version = (from ?? 0) + 1
      stored.set(key, { text, version })
      return version
    },
  }
}
