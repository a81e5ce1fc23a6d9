import pino from 'pino'
import { Registry } from 'prom-client'
import { createHttp } from '../../src/http/index.ts'
import { openSqlite } from '../../src/storage/sqlite/index.ts'
import { webhooks } from '../../src/webhooks/index.ts'

/** The way in, wired as `serve` wires it, before the chat is in sync: what comes is written down and waits. */
const { DATA_DIR: directory = '', PORT: port, SECRET: secret = '' } = process.env
const log = pino({ level: 'warn' })
const store = await openSqlite(directory, { log })
const { inbox } = store
const app = createHttp({ log, health: async () => ({ alive: true, ready: true, parts: {} }), registry: new Registry() })
await app.register(
  webhooks({
    giteaSecrets: [secret],
    inbox: inbox as Parameters<typeof webhooks>[0]['inbox'],
    count: () => {},
    log,
  }),
)
console.log(await app.listen({ host: '127.0.0.1', port: Number(port) }))
process.once('SIGTERM', async () => {
  await app.close()
  await inbox.stop(0)
  await store.close()
})
