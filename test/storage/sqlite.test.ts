import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import pino from 'pino'
import type { Store } from '../../src/storage/index.ts'
import { openSqlite } from '../../src/storage/sqlite/index.ts'
import { type Place, storageContract } from '../contracts/storage.ts'

storageContract('SQLite', settle)

async function settle(t: TestContext): Promise<Place> {
  const root = mkdtempSync(join(tmpdir(), 'kube-agent-storage-'))
  const stores = new Set<Store>()
  t.after(async () => {
    for (const store of stores) await store.close()
    rmSync(root, { recursive: true, force: true })
  })
  let lives = 0
  const folder = () => join(root, `${lives}`)

  return {
    async open(options) {
      const store = await openSqlite(folder(), { log: pino({ enabled: false }), retryDelays: [0, 0], ...options })
      stores.add(store)
      return {
        ...store,
        async close() {
          stores.delete(store)
          await store.close()
        },
      }
    },
    // What lies on the disk at this moment, but for the lock, which would have ended with the process.
    async kill() {
      const before = folder()
      lives++
      cpSync(before, folder(), { recursive: true, filter: (path) => !path.includes('lock.sqlite') })
    },
  }
}
