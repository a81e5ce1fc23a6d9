import type { Keyv } from 'keyv'
import type { Shelf } from '../bot/index.ts'

/** A Keyv namespace as the bot asks for it: typed, without lists of keys, and with its entries. */
export function shelf<Value>(store: Keyv): Shelf<Value> {
  return {
    get: (key) => store.get<Value>(key),
    set: (key, value) => store.set(key, value),
    has: (key) => store.has(key),
    delete: (key) => store.delete(key),
    async *entries() {
      for await (const [key, value] of store.iterator()) yield [key as string, value as Value]
    },
  }
}
