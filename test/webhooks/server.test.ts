import assert from 'node:assert/strict'
import crypto, { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { syncBuiltinESMExports } from 'node:module'
import { connect } from 'node:net'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import pino from 'pino'
import type { Signal } from '../../src/signal.ts'
import type { Job } from '../../src/storage/index.ts'
import { createInbox } from '../../src/storage/sqlite/inbox.ts'
import { gitea } from '../../src/webhooks/gitea/index.ts'
import type { WebhookDeps } from '../../src/webhooks/index.ts'
import { createReceiver, type Delivery, deliver, plain, portOf, raw, sign } from './receiver.ts'

const log = pino({ enabled: false })

async function setup(t: TestContext, changes: Partial<WebhookDeps> = {}) {
  const receiver = await createReceiver(changes)
  await receiver.app.listen({ host: '127.0.0.1', port: 0 })
  t.after(() => receiver.app.close())
  return receiver
}

test('the same delivery, the same body under a new id, and the same push through another hook are one job', async (t) => {
  const { app, jobs, outcomes } = await setup(t)
  await deliver(app, plain)

  await deliver(app, plain)
  await deliver(app, plain, { 'X-Gitea-Delivery': 'ffffffff-0000-4000-8000-000000000000' })
  const body = `${plain.body} `
  await deliver(
    app,
    { ...plain, body },
    { 'X-Gitea-Delivery': 'eeeeeeee-0000-4000-8000-000000000000', 'X-Gitea-Signature': sign(body) },
  )

  assert.equal(jobs.length, 1)
  assert.deepEqual(outcomes, ['accepted', 'duplicate', 'duplicate', 'duplicate'])
})

const refused: [
  string,
  number,
  (delivery: Delivery) => { headers?: Record<string, string | undefined>; body?: string | Buffer },
][] = [
  ['a wrong signature', 401, () => ({ headers: { 'X-Gitea-Signature': '0'.repeat(64) } })],
  ['an empty signature', 400, () => ({ headers: { 'X-Gitea-Signature': '' } })],
  ['no signature', 400, () => ({ headers: { 'X-Gitea-Signature': undefined } })],
  ['a signature with something behind it', 401, (one) => ({ headers: { 'X-Gitea-Signature': `${sign(one.body)}zz` } })],
  ['a signature in capitals', 401, (one) => ({ headers: { 'X-Gitea-Signature': sign(one.body).toUpperCase() } })],
  ['a signature with a prefix', 401, (one) => ({ headers: { 'X-Gitea-Signature': `sha256=${sign(one.body)}` } })],
  ['a signature of another secret', 401, (one) => ({ headers: { 'X-Gitea-Signature': sign(one.body, 'other') } })],
  ['a signature made with the empty secret', 401, (one) => ({ headers: { 'X-Gitea-Signature': sign(one.body, '') } })],
  [
    'a right signature under the name that others use, beside a wrong one',
    401,
    (one) => ({
      headers: { 'X-Gitea-Signature': '0'.repeat(64), 'X-Hub-Signature-256': `sha256=${sign(one.body)}` },
    }),
  ],
  [
    'only the signatures that others use',
    400,
    (one) => ({
      headers: {
        'X-Gitea-Signature': undefined,
        'X-Hub-Signature-256': `sha256=${sign(one.body)}`,
        'X-Hub-Signature': `sha1=${createHmac('sha1', one.secret).update(one.body).digest('hex')}`,
      },
    }),
  ],
  ['a delivery without a name', 400, () => ({ headers: { 'X-Gitea-Delivery': undefined } })],
  ['a delivery with a name of 10 KB', 400, () => ({ headers: { 'X-Gitea-Delivery': 'a'.repeat(10_000) } })],
  ['a delivery with a path for a name', 400, () => ({ headers: { 'X-Gitea-Delivery': '../../x' } })],
  ['a delivery without an event', 400, () => ({ headers: { 'X-Gitea-Event': undefined } })],
  [
    'a push that says it is a run',
    400,
    (one) => ({
      headers: {
        'X-Gitea-Event': 'workflow_run',
        'X-Gitea-Event-Type': 'workflow_run',
        'X-Gitea-Signature': sign(one.body),
      },
    }),
  ],
  ['a changed body', 401, (one) => ({ body: one.body.replace('docs: first', 'docs: other') })],
  ['a body that was written anew', 401, (one) => ({ body: JSON.stringify(JSON.parse(one.body)) })],
  ['a form', 415, () => ({ headers: { 'Content-Type': 'application/x-www-form-urlencoded' } })],
  ['another content type', 415, () => ({ headers: { 'Content-Type': 'application/jsonfoo' } })],
  ['another character set', 400, () => ({ headers: { 'Content-Type': 'application/json; charset=utf-16' } })],
  ['a compressed body', 400, () => ({ headers: { 'Content-Encoding': 'gzip' } })],
  ['an empty body', 400, () => ({ body: '', headers: { 'X-Gitea-Signature': sign('') } })],
  ['signed text that is no JSON', 400, () => ({ body: 'hello', headers: { 'X-Gitea-Signature': sign('hello') } })],
  [
    'signed JSON that is no push',
    400,
    () => ({ body: '{"ref":1}', headers: { 'X-Gitea-Signature': sign('{"ref":1}') } }),
  ],
]
for (const [what, status, change] of refused) {
  test(`${what} is refused with ${status} and leaves nothing`, async (t) => {
    const { app, jobs } = await setup(t)
    const { headers, body } = change(plain)

    const answer = await deliver(app, { ...plain, body: body ?? plain.body }, headers)

    assert.equal(answer.statusCode, status)
    assert.ok(answer.body.length < 40)
    assert.deepEqual(jobs, [])
  })
}

const head = (more: Record<string, string> = {}) =>
  Object.entries({ Host: 'bot', 'Content-Type': 'application/json', ...signed(plain), ...more })
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')

const signed = ({ headers, body }: Delivery) => ({
  'X-Gitea-Delivery': headers['X-Gitea-Delivery'] ?? '',
  'X-Gitea-Event': 'push',
  'X-Gitea-Signature': sign(body),
})

const distorted: [string, () => string, RegExp][] = [
  [
    'a length and chunks at once',
    () =>
      `POST /webhooks/gitea HTTP/1.1\r\n${head({ 'Content-Length': '5', 'Transfer-Encoding': 'chunked' })}\r\n5\r\nhello\r\n0\r\n\r\n`,
    /^HTTP\/1\.1 400/,
  ],
  [
    'a length that is no number',
    () => `POST /webhooks/gitea HTTP/1.1\r\n${head({ 'Content-Length': '-5' })}\r\nhello`,
    /^HTTP\/1\.1 400/,
  ],
  [
    'a body that goes on behind its length',
    () => `POST /webhooks/gitea HTTP/1.1\r\n${head({ 'Content-Length': '9' })}\r\n${plain.body}`,
    /^HTTP\/1\.1 40[01]/,
  ],
  [
    'two signatures, one of them right',
    () =>
      `POST /webhooks/gitea HTTP/1.1\r\n${head({ 'Content-Length': `${Buffer.byteLength(plain.body)}` })}X-Gitea-Signature: ${'0'.repeat(64)}\r\n\r\n${plain.body}`,
    /^HTTP\/1\.1 400/,
  ],
  [
    'headers beyond all measure',
    () => `POST /webhooks/gitea HTTP/1.1\r\n${head({ 'X-Long': 'x'.repeat(20_000) })}\r\n`,
    /^HTTP\/1\.1 431/,
  ],
  [
    'chunks beyond the limit',
    () =>
      `POST /webhooks/gitea HTTP/1.1\r\n${head({ 'Transfer-Encoding': 'chunked' })}\r\n${`80000\r\n${'x'.repeat(0x80000)}\r\n`.repeat(11)}0\r\n\r\n`,
    /^HTTP\/1\.1 413/,
  ],
  [
    'an upgrade to HTTP/2',
    () =>
      `POST /webhooks/gitea HTTP/1.1\r\n${head({ Connection: 'Upgrade, HTTP2-Settings', Upgrade: 'h2c', 'HTTP2-Settings': 'AAMAAABk', 'Content-Length': '2' })}\r\n{}`,
    /^HTTP\/1\.1 401/,
  ],
  ['no HTTP at all', () => '\u0016\u0003\u0001 hello\r\n\r\n', /^HTTP\/1\.1 400/],
]
for (const [what, bytes, expected] of distorted) {
  test(`${what} is refused and leaves nothing`, async (t) => {
    const { app, jobs } = await setup(t)

    assert.match(await raw(app, bytes()), expected)

    assert.deepEqual(jobs, [])
    assert.equal((await deliver(app, plain)).statusCode, 202)
  })
}

test('missing headers are refused before the body is there', async (t) => {
  const { app, outcomes } = await setup(t)

  const answer = await raw(
    app,
    'POST /webhooks/gitea HTTP/1.1\r\nHost: bot\r\nContent-Type: application/json\r\nContent-Length: 4000000\r\n\r\n',
  )

  assert.match(answer, /^HTTP\/1\.1 400[\s\S]*bad request/)
  assert.deepEqual(outcomes, ['malformed'])
})

test('whoever sends a byte now and then is cut off, and the others are served meanwhile', async (t) => {
  const { app, jobs } = await setup(t)
  const slow = connect(portOf(app), '127.0.0.1')
  slow.on('error', () => {}).resume()
  slow.write(`POST /webhooks/gitea HTTP/1.1\r\n${head({ 'Content-Length': '1000' })}\r\n`)
  const trickle = setInterval(() => slow.write(' '), 100)
  t.after(() => clearInterval(trickle))

  assert.equal((await deliver(app, plain)).statusCode, 202)
  await once(slow, 'close')

  assert.equal(jobs.length, 1)
  assert.ok(app.server.headersTimeout <= app.server.requestTimeout, 'else Node takes the one for the other')
})

test('more deliveries at once than are worked on are asked to come again, and none is lost that was accepted', async (t) => {
  const gate = Promise.withResolvers<void>()
  const jobs: string[] = []
  const put = async ({ id }: { id: string }) => {
    await gate.promise
    jobs.push(id)
    return true
  }
  const { app, outcomes } = await setup(t, { inbox: { put } })
  const body = (n: number) => plain.body.replaceAll(/"after": "[0-9a-f]{8}/g, `"after": "${`${n}`.padStart(8, '0')}`)
  const answers = Array.from({ length: 264 }, (_, n) =>
    deliver(app, { ...plain, body: body(n) }, { 'X-Gitea-Delivery': `${n}`, 'X-Gitea-Signature': sign(body(n)) }),
  )
  while (outcomes.filter((outcome) => outcome === 'busy').length < 8) await new Promise(setImmediate)
  gate.resolve()

  const codes = (await Promise.all(answers)).map(({ statusCode }) => statusCode)

  assert.equal(codes.filter((code) => code === 503).length, 8)
  assert.equal(codes.filter((code) => code === 202).length, jobs.length)
  assert.equal((await deliver(app, plain)).statusCode, 202)
})

test('large bodies that do not arrive leave room for others', async (t) => {
  const { app, outcomes } = await setup(t)
  const claims = Array.from({ length: 9 }, () => {
    const socket = connect(portOf(app), '127.0.0.1')
    socket.on('error', () => {}).resume()
    socket.write(`POST /webhooks/gitea HTTP/1.1\r\n${head({ 'Content-Length': '5000000' })}\r\n`)
    return socket
  })
  while (!outcomes.includes('busy')) await new Promise(setImmediate)

  assert.equal((await deliver(app, plain)).statusCode, 202)

  assert.deepEqual(outcomes, ['busy', 'accepted'])
  for (const socket of claims) socket.destroy()
})

for (const method of ['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS']) {
  test(`${method} is not the route, and neither are paths like it`, async (t) => {
    const { app, outcomes } = await setup(t)
    const ask = async (path: string, how: string) => {
      const answer = await raw(app, `${how} ${path} HTTP/1.1\r\nHost: bot\r\nContent-Length: 0\r\n\r\n`)
      return answer.split(' ')[1]
    }

    assert.equal(await ask('/webhooks/gitea', method), '404')
    for (const path of [
      '//webhooks/gitea',
      '/webhooks/gitea/',
      '/Webhooks/Gitea',
      '/webhooks/%2e%2e/webhooks/gitea',
      '/prefix/webhooks/gitea',
    ])
      assert.equal(await ask(path, 'POST'), '404', path)
    assert.deepEqual(outcomes, [])
  })
}

test('what the server itself refuses is counted like the rest', async (t) => {
  const { app, outcomes } = await setup(t)
  const large = JSON.stringify({ text: 'x'.repeat(6 * 1024 * 1024) })

  await deliver(app, { ...plain, body: large }, { 'X-Gitea-Signature': sign(large) })
  await deliver(app, plain, { 'Content-Type': 'text/plain' })

  assert.deepEqual(outcomes, ['too-large', 'malformed'])
})

const strange: [string, string, number][] = [
  ['null', 'null', 400],
  ['a list', '[]', 400],
  ['a hundred thousand brackets', '['.repeat(100_000), 400],
  [
    'deep nesting in a field that is not used',
    plain.body.replace('{', `{"x":${'['.repeat(50_000)}${']'.repeat(50_000)},`),
    202,
  ],
  ['a million keys', plain.body.replace('{', `{${'"k":1,'.repeat(800_000)}`), 202],
  ['numbers beyond all integers', plain.body.replace(/"total_commits": \d+/, '"total_commits": 1e400'), 400],
  ['NaN', plain.body.replace(/"total_commits": \d+/, '"total_commits": NaN'), 400],
  ['keys of Object.prototype', plain.body.replace('{', '{"__proto__":{"ref":1},"constructor":1,"toString":1,'), 202],
]
for (const [what, body, status] of strange) {
  test(`signed ${what} is answered with ${status}`, async (t) => {
    const { app } = await setup(t)

    assert.equal((await deliver(app, { ...plain, body }, { 'X-Gitea-Signature': sign(body) })).statusCode, status)
  })
}

test('of a key that stands twice the last counts, for everybody who looks', async (t) => {
  const { app, jobs } = await setup(t)
  const body = plain.body.replace('{', '{"ref":"refs/heads/other",')

  await deliver(app, { ...plain, body }, { 'X-Gitea-Signature': sign(body) })

  assert.equal((jobs[0]?.data as { branch?: string }).branch, 'main')
})

test('what other headers say about the event does not count', async (t) => {
  const { app, jobs } = await setup(t)

  await deliver(app, plain, {
    'X-GitHub-Event': 'release',
    'X-Gogs-Event': 'delete',
    'X-Hub-Signature-256': `sha256=${'0'.repeat(64)}`,
  })

  assert.equal(jobs[0]?.data.kind, 'push')
})

test('identical deliveries at the same time are one job', async (t) => {
  const inbox = createInbox<Job<'signal', Signal>>(new DatabaseSync(':memory:'), { log })
  const { app, outcomes } = await setup(t, { inbox })

  const answers = await Promise.all(Array.from({ length: 20 }, () => deliver(app, plain)))

  assert.deepEqual(new Set(answers.map(({ statusCode }) => statusCode)), new Set([202]))
  assert.equal(await inbox.depth(), 1)
  assert.equal(outcomes.filter((outcome) => outcome === 'accepted').length, 1)
})

test('the log holds nothing of what was sent: no address with a secret in it, no header, no body', async (t) => {
  const lines: string[] = []
  const written = pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) })
  const put = async () => {
    throw new Error('disk full')
  }
  const { app } = await setup(t, { log: written, inbox: { put } })
  const bytes = (signature: string) =>
    `POST /webhooks/gitea?token=hidden HTTP/1.1\r\n${head({ 'X-Gitea-Signature': signature, Authorization: 'Bearer hidden', 'Content-Length': `${Buffer.byteLength(plain.body)}` })}\r\n${plain.body}`

  assert.match(await raw(app, bytes('0'.repeat(64))), /^HTTP\/1\.1 401/)
  assert.match(await raw(app, bytes(sign(plain.body))), /^HTTP\/1\.1 503/)

  assert.equal(lines.filter((line) => line.includes('"webhooks"')).length, 2)
  for (const text of ['hidden', 'docs: first', 'acme', plain.headers['X-Gitea-Delivery'] ?? '', '0'.repeat(64)])
    assert.ok(!lines.join('').includes(text), text)
})

test('signed bytes that are no UTF-8 are malformed', async (t) => {
  const { app, jobs } = await setup(t)
  const body = Buffer.from(plain.body.replace('docs: first', '\u00ff'), 'latin1')

  assert.equal((await deliver(app, { ...plain, body }, { 'X-Gitea-Signature': sign(body) })).statusCode, 400)
  assert.deepEqual(jobs, [])
})

test('every secret is tried, whichever fits: the time does not tell which', (t) => {
  const secrets = [plain.secret, 'second', 'third']
  const source = gitea(secrets)
  const compared = t.mock.method(crypto, 'timingSafeEqual')
  syncBuiltinESMExports()
  t.after(() => {
    t.mock.restoreAll()
    syncBuiltinESMExports()
  })

  for (const secret of secrets)
    assert.equal(source.verify(Buffer.from(plain.body), { 'x-gitea-signature': sign(plain.body, secret) }), true)

  // Itself, and what is derived from it for the repository and for its owner.
  assert.equal(compared.mock.callCount(), 3 * secrets.length * 3)
})

test('a secret that was taken out does not sign any more', async (t) => {
  const { app } = await setup(t, { giteaSecrets: ['the new one alone'] })

  assert.equal((await deliver(app, plain)).statusCode, 401)
})

test('a body above the limit is refused before it is read to the end', async (t) => {
  const { app, jobs } = await setup(t)
  const body = JSON.stringify({ text: 'x'.repeat(6 * 1024 * 1024) })

  const answer = await deliver(app, { ...plain, body }, { 'X-Gitea-Signature': sign(body) })

  assert.equal(answer.statusCode, 413)
  assert.deepEqual(jobs, [])
})

test('while a secret is rotated, the old and the new one both sign', async (t) => {
  const { app } = await setup(t, { giteaSecrets: ['new-secret', plain.secret] })

  assert.equal((await deliver(app, plain)).statusCode, 202)
  assert.equal((await deliver(app, plain, { 'X-Gitea-Signature': sign(plain.body, 'new-secret') })).statusCode, 202)
})

test('without a secret there is no route', async (t) => {
  const { app } = await setup(t, { giteaSecrets: [] })

  assert.equal((await deliver(app, plain)).statusCode, 404)
})

test('what cannot be stored is not acknowledged', async (t) => {
  const { app } = await setup(t, {
    inbox: {
      put: async () => {
        throw new Error('disk full')
      },
    },
  })

  const answer = await deliver(app, plain)

  assert.deepEqual([answer.statusCode, answer.body], [503, 'try again later\n'])
})
