import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { exchange } from '../../src/http/exchange.ts'
import { isDeadSocket } from '../../src/http/no-answer.ts'

/** A server, and options of a request to it that differ in what the test is about. */
async function setup(t: TestContext, listener: RequestListener) {
  const server = createServer(listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const closing = new AbortController()
  t.after(() => {
    closing.abort()
    server.closeAllConnections()
    server.close()
  })
  const options = {
    method: 'PUT',
    headers: {},
    timeoutMs: 30_000,
    isRepeatable: true,
    closing: closing.signal,
  } as const
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, options, closing }
}

test('an answer is given as it is, whatever its status', async (t) => {
  const { url, options } = await setup(t, (request, response) => {
    response.writeHead(418, { 'retry-after': '5' }).end(`${request.method} ${request.url}`)
  })

  const { status, headers, text } = await exchange(url, { ...options, query: { since: 's 1', limit: 2 } })

  assert.deepEqual([status, headers['retry-after'], text], [418, '5', 'PUT /?since=s%201&limit=2'])
})

for (const isRepeatable of [true, false])
  test(`a request whose connection dies is ${isRepeatable ? 'sent once more when that does no harm' : 'not sent again when that may do harm'}`, async (t) => {
    let asked = 0
    const { url, options } = await setup(t, (request, response) => {
      if (asked++ === 0) request.socket.destroy()
      else response.end('done')
    })

    const answer = exchange(url, { ...options, isRepeatable, body: 'x' })

    if (isRepeatable) assert.equal((await answer).text, 'done')
    else await assert.rejects(answer, isDeadSocket)
    assert.equal(asked, isRepeatable ? 2 : 1)
  })

test('a connection that dies twice is no answer', async (t) => {
  let asked = 0
  const { url, options } = await setup(t, (request) => {
    asked++
    request.socket.destroy()
  })

  await assert.rejects(exchange(url, options), isDeadSocket)
  assert.equal(asked, 2)
})

test('a server that says nothing is left after the time given', async (t) => {
  const { url, options } = await setup(t, () => {})

  await assert.rejects(exchange(url, { ...options, timeoutMs: 50 }), { name: 'TimeoutError' })
})

test('the end of the client ends its requests with its reason', async (t) => {
  const arrived = Promise.withResolvers<void>()
  const { url, options, closing } = await setup(t, () => arrived.resolve())
  const answer = exchange(url, options)

  await arrived.promise
  closing.abort(new Error('closed'))

  await assert.rejects(answer, /closed/)
})
