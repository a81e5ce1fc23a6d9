import assert from 'node:assert/strict'
import { test } from 'node:test'
import pino from 'pino'
import { createClient, MatrixError, path } from '../../../src/bot/matrix/client.ts'
import { createHomeserver } from '../../helpers/homeserver.ts'

test('ids are encoded into one segment of a path each', () => {
  assert.equal(path('rooms', '!a/b?c#d', 'event', '$x%'), '/_matrix/client/v3/rooms/!a%2Fb%3Fc%23d/event/%24x%25')
})

test('an error says what failed and why, without the token', async (t) => {
  const server = await createHomeserver(t)
  const lines: string[] = []
  const log = pino({ level: 'trace' }, { write: (line) => void lines.push(line) })
  const client = createClient({ url: server.url, token: server.bot.token, log })
  t.after(() => client.close())
  server.interfere((_, asked) => (asked.endsWith('/whoami') ? { status: 502, body: '<html>bad gateway' } : undefined))

  const refusals = [
    await client.call('GET', path('account', 'whoami')).catch((error: unknown) => error),
    await client.call('GET', path('nothing')).catch((error: unknown) => error),
  ]
  server.cut()
  client.close()
  refusals.push(await client.call('GET', path('sync')).catch((error: unknown) => error))

  const [page, unknown, closed] = refusals
  assert.ok(page instanceof MatrixError && unknown instanceof MatrixError && closed instanceof Error)
  assert.match(page.message, /GET \/_matrix\/client\/v3\/account\/whoami: 502 NOT_MATRIX/)
  assert.match(unknown.message, /404 M_UNRECOGNIZED Unrecognized request/)
  assert.match(closed.message, /connection was closed/)
  log.error({ err: page }, 'x')
  log.error({ err: unknown }, 'x')
  assert.doesNotMatch(lines.join('') + JSON.stringify(refusals), new RegExp(server.bot.token))
})
