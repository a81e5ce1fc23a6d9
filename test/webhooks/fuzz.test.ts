import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import fc from 'fast-check'
import pino from 'pino'
import type { Signal } from '../../src/signal.ts'
import type { Job } from '../../src/storage/index.ts'
import { createInbox } from '../../src/storage/sqlite/inbox.ts'
import { createReceiver, type Delivery, deliver, plain, portOf, pushOf, recorded, sign } from './receiver.ts'

/** How many deliveries are mutated: a hundred thousand in CI, by hand a million or more. */
const runs = Number(process.env.KUBE_AGENT_FUZZ_RUNS ?? 10_000)
const runsOnSockets = Math.ceil(runs / 25)

const bases = [
  'push-plain',
  'push-tag',
  'push-force',
  'workflow_run-completed-failure',
  'workflow_run-completed-failure-pull_request-fork',
  'workflow_job-completed-failure',
  'status-failure-external',
  'pull_request-opened-fork',
  'issue_comment-created',
  'create-branch',
  'delete-branch',
  'release-published',
  'repository-deleted',
].map(recorded)

const hash = fc.maxSafeInteger().map((number) => Math.abs(number).toString(16).padStart(40, '7'))
const uuid = fc.nat().map((number) => `${number.toString(16).padStart(8, '0')}-0000-4000-8000-000000000000`)

/** What stands where something else was expected. */
const oddValue = fc.constantFrom<unknown>(
  null,
  [],
  {},
  [null],
  true,
  -1,
  1e308,
  2 ** 53 + 2,
  '',
  '0'.repeat(40),
  'A'.repeat(40),
  'abc',
  'refs/heads/-x',
  'refs/heads/',
  'refs/notes/a',
  'refs/pull/1/head',
  'refs/heads/a b',
  '../../etc/passwd',
  '__proto__',
  '\u202e\u0000\u001b[31m',
  'javascript:alert(1)',
  '@room <b>x</b> `x`',
  'x'.repeat(20_000),
  '1970-01-01T00:00:00Z',
  '\ud800',
)

type Edit =
  | { kind: 'cut'; at: number; length: number; insert: string }
  | { kind: 'leaf'; at: number; value: unknown }
  | { kind: 'field'; path: number[]; value: unknown }

const share = fc.nat(10_000).map((number) => number / 10_001)
const edit: fc.Arbitrary<Edit> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('cut' as const),
      at: share,
      length: fc.nat(300),
      insert: fc.constantFrom(
        '',
        ' ',
        '"',
        '{',
        ']',
        ',',
        '\\',
        '\u0000',
        '\u00e9',
        '"x":1,',
        '"__proto__":{},',
        '[[[[[',
      ),
    }),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('leaf' as const), at: share, value: oddValue }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('field' as const),
      path: fc.array(fc.nat(40), { minLength: 1, maxLength: 5 }),
      value: oddValue,
    }),
  },
)

function edited(body: string, change: Edit): string {
  if (change.kind === 'field') return withField(body, change.path, change.value)
  const at = Math.floor(change.at * body.length)
  if (change.kind === 'cut') return body.slice(0, at) + change.insert + body.slice(at + change.length)
  const colon = body.indexOf('": ', at) + 3
  const end = body.indexOf('\n', colon)
  const comma = body[end - 1] === ',' ? ',' : ''
  return body.slice(0, colon) + JSON.stringify(change.value) + comma + body.slice(end)
}

/** The body with another value at the place to which these numbers lead. */
function withField(body: string, path: number[], value: unknown): string {
  const root = JSON.parse(body)
  let node = root
  for (const [depth, number] of path.entries()) {
    const keys = Object.keys(node)
    const key = keys[number % Math.max(1, keys.length)] ?? 'x'
    const inner = node[key]
    if (depth === path.length - 1 || typeof inner !== 'object' || inner === null) {
      node[key] = value
      break
    }
    node = inner
  }
  return JSON.stringify(root, null, 2)
}

const signature = fc.constantFrom<(valid: string, base: Delivery) => string | undefined>(
  ...Array.from({ length: 8 }, () => (valid: string) => valid),
  (_valid, { headers }) => headers['X-Gitea-Signature'],
  (_valid, { body }) => sign(body, 'another secret'),
  (_valid, { body }) => sign(body, ''),
  (valid) => `sha256=${valid}`,
  (valid) => valid.toUpperCase(),
  (valid) => valid.slice(1),
  (valid) => `${valid}00`,
  (valid) => `${valid}, ${valid}`,
  (valid) => ` ${valid}`,
  () => '',
  () => '0'.repeat(64),
  () => '\u00fc'.repeat(64),
  () => undefined,
)

const header = fc.constantFrom<[string, string | undefined]>(
  ['X-Gitea-Event-Type', 'push'],
  ['X-Gitea-Event-Type', 'workflow_run'],
  ['X-Gitea-Event-Type', 'constructor'],
  ['X-Gitea-Event-Type', undefined],
  ['X-Gitea-Event', '__proto__'],
  ['X-Gitea-Event', ''],
  ['X-Gitea-Event', undefined],
  ['X-Gitea-Delivery', undefined],
  ['X-Gitea-Delivery', '../../x'],
  ['X-Gitea-Delivery', 'x'.repeat(10_000)],
  ['X-GitHub-Event', 'release'],
  ['X-Hub-Signature-256', `sha256=${'0'.repeat(64)}`],
  ['Content-Type', 'application/x-www-form-urlencoded'],
  ['Content-Type', 'application/json; charset=utf-7'],
  ['Content-Type', 'application/json; charset=UTF-8'],
  ['Content-Type', ''],
  ['Content-Type', undefined],
  ['Content-Encoding', 'br'],
  ['Transfer-Encoding', 'gzip'],
  ['Expect', '100-continue'],
  ['Host', ''],
)

const mutation = fc.record({
  base: fc.constantFrom(...bases),
  commit: hash,
  edits: fc.array(edit, { maxLength: 3 }),
  signature,
  headers: fc.array(header, { maxLength: 2 }),
  delivery: uuid,
})

test(`${runs} mutated deliveries: no crash, no 5xx, no job from an unsigned body, and each right one is taken once`, {
  timeout: 3_600_000,
}, async (t) => {
  const { app, jobs } = await createReceiver()
  t.after(() => app.close())
  const post = (body: string, headers: Record<string, unknown>) =>
    app.inject({ method: 'POST', url: '/webhooks/gitea', payload: body, headers: headers as Record<string, string> })

  const property = fc.asyncProperty(mutation, async ({ base, commit, edits, signature, headers, delivery }) => {
    jobs.length = 0
    const right = base.headers['X-Gitea-Event'] === 'push' ? pushOf(commit) : base.body
    const body = edits.reduce(attempt, right)
    const valid = sign(body)
    const sent: Record<string, unknown> = {
      ...given(base),
      'X-Gitea-Delivery': delivery,
      'X-Gitea-Signature': signature(valid, base),
      ...Object.fromEntries(headers),
    }
    for (const name of Object.keys(sent)) if (sent[name] === undefined) delete sent[name]

    const { statusCode, payload } = await post(body, sent)

    assert.ok(statusCode < 500, `answered ${statusCode}`)
    assert.ok(payload.length < 40 || statusCode === 415, 'refusals are one short constant text')
    if (String(sent['X-Gitea-Signature']).trim() !== sign(body))
      assert.deepEqual([statusCode !== 202, jobs], [true, []])
  })
  await fc.assert(property, { numRuns: runs, endOnFailure: true })

  for (let count = 0; count < 200; count++) {
    jobs.length = 0
    const body = pushOf(String(count).padStart(40, 'f'))
    const headers = { ...given(plain), 'X-Gitea-Signature': sign(body) }
    for (const attempt of ['first', 'again'])
      assert.equal((await post(body, { ...headers, 'X-Gitea-Delivery': `${attempt}-${count}` })).statusCode, 202)
    assert.equal(jobs.length, 1)
  }
})

/** A body that was cut before is no JSON any more: then fields cannot be changed. */
function attempt(body: string, change: Edit): string {
  try {
    return edited(body, change)
  } catch {
    return body
  }
}

const given = ({
  headers: { Host: _host, 'Content-Length': _length, 'Accept-Encoding': _encoding, ...rest },
}: Delivery) => rest

/** How a signed push is put on the wire, and whether a server that reads HTTP as it should takes it. */
interface Framing {
  name: string
  isTaken: 'yes' | 'no' | 'perhaps'
  frame(body: string, head: string): string
}

const start = 'POST /webhooks/gitea HTTP/1.1\r\n'
const length = (body: string, more = 0) => `Content-Length: ${Buffer.byteLength(body) + more}\r\n`
const chunk = (text: string) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`
const chunks = (body: string) => `${(body.match(/[\s\S]{1,700}/g) ?? []).map(chunk).join('')}0\r\n\r\n`
const chunked = 'Transfer-Encoding: chunked\r\n'

const framings: Framing[] = [
  { name: 'plain', isTaken: 'yes', frame: (body, head) => `${start}${head}${length(body)}\r\n${body}` },
  { name: 'chunks', isTaken: 'yes', frame: (body, head) => `${start}${head}${chunked}\r\n${chunks(body)}` },
  {
    name: 'absolute address',
    isTaken: 'yes',
    frame: (body, head) => `POST http://bot/webhooks/gitea HTTP/1.1\r\n${head}${length(body)}\r\n${body}`,
  },
  {
    name: 'HTTP/1.0',
    isTaken: 'yes',
    frame: (body, head) => `POST /webhooks/gitea HTTP/1.0\r\n${head}${length(body)}\r\n${body}`,
  },
  {
    name: 'behind another request',
    isTaken: 'yes',
    frame: (body, head) => `GET /healthz HTTP/1.1\r\nHost: bot\r\n\r\n${start}${head}${length(body)}\r\n${body}`,
  },
  {
    // What is behind it ends the connection, and with it the answer.
    name: 'before nonsense',
    isTaken: 'perhaps',
    frame: (body, head) => `${start}${head}${length(body)}\r\n${body}nonsense\r\n\r\n`,
  },
  {
    name: 'twice at once',
    isTaken: 'yes',
    frame: (body, head) => `${start}${head}${length(body)}\r\n${body}`.repeat(2),
  },
  { name: 'too short', isTaken: 'no', frame: (body, head) => `${start}${head}${length(body, -10)}\r\n${body}` },
  { name: 'too long', isTaken: 'no', frame: (body, head) => `${start}${head}${length(body, 10)}\r\n${body}` },
  {
    name: 'two lengths',
    isTaken: 'no',
    frame: (body, head) => `${start}${head}${length(body)}${length(body, 1)}\r\n${body}`,
  },
  {
    name: 'a length and chunks',
    isTaken: 'no',
    frame: (body, head) => `${start}${head}${length(body)}${chunked}\r\n${chunks(body)}`,
  },
  {
    name: 'chunks of false size',
    isTaken: 'no',
    frame: (body, head) => `${start}${head}${chunked}\r\n${chunks(body).replace(/^\w+/, 'fff')}`,
  },
  {
    name: 'chunks without an end',
    isTaken: 'no',
    frame: (body, head) => `${start}${head}${chunked}\r\n${chunks(body).slice(0, -5)}`,
  },
  {
    name: 'an unknown coding',
    isTaken: 'no',
    frame: (body, head) => `${start}${head}Transfer-Encoding: gzip, chunked\r\n${length(body)}\r\n${body}`,
  },
  {
    name: 'two signatures',
    isTaken: 'no',
    frame: (body, head) => `${start}${head}X-Gitea-Signature: ${'0'.repeat(64)}\r\n${length(body)}\r\n${body}`,
  },
  {
    name: 'the same signature twice',
    isTaken: 'no',
    frame: (body, head) => `${start}${head}X-Gitea-Signature: ${sign(body)}\r\n${length(body)}\r\n${body}`,
  },
  {
    name: 'bare line feeds',
    isTaken: 'no',
    frame: (body, head) => `${start}${head}${length(body)}\r\n`.replaceAll('\r\n', '\n') + body,
  },
  {
    name: 'a folded header',
    isTaken: 'no',
    frame: (body, head) => `${start}${head.replace(/(Signature: \w{30})/, '$1\r\n ')}${length(body)}\r\n${body}`,
  },
  {
    name: 'a zero in a header',
    isTaken: 'no',
    frame: (body, head) => `${start}X-A: \0\r\n${head}${length(body)}\r\n${body}`,
  },
  {
    name: 'another path',
    isTaken: 'no',
    frame: (body, head) => `POST //webhooks/gitea HTTP/1.1\r\n${head}${length(body)}\r\n${body}`,
  },
  { name: 'no body', isTaken: 'no', frame: (_body, head) => `${start}${head}\r\n` },
]

const onTheWire = fc.record({
  framing: fc.constantFrom(...framings),
  isSigned: fc.boolean(),
  pieces: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 6 }),
})

test(`${runsOnSockets} deliveries over sockets, cut, chunked, pipelined and with false lengths: the same holds, in a real inbox`, {
  timeout: 3_600_000,
}, async (t) => {
  const database = new DatabaseSync(':memory:')
  const inbox = createInbox<Job<'signal', Signal>>(database, { log: pino({ enabled: false }) })
  const { app } = await createReceiver({ inbox })
  await app.listen({ host: '127.0.0.1', port: 0 })
  t.after(() => app.close())
  const stored = database.prepare('SELECT data FROM jobs')
  const clear = database.prepare('DELETE FROM jobs')

  let count = 0
  const property = fc.asyncProperty(onTheWire, async ({ framing, isSigned, pieces }) => {
    const commit = (++count).toString(16).padStart(40, '0')
    const body = pushOf(commit)
    const head = [
      'Host: bot',
      'Content-Type: application/json',
      `X-Gitea-Delivery: ${count}`,
      'X-Gitea-Event: push',
      `X-Gitea-Signature: ${isSigned ? sign(body) : sign(body, 'another secret')}`,
      '',
    ].join('\r\n')

    const answers = await exchange(portOf(app), cutAt(framing.frame(body, head), pieces))

    const codes = [...answers.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map(([, code]) => Number(code))
    for (const code of codes) assert.ok(code < 500, `${framing.name}: ${code}`)
    const jobs = (stored.all() as { data: string }[]).map(({ data }) => JSON.parse(data))
    const isTaken = isSigned && (framing.isTaken === 'yes' || (framing.isTaken === 'perhaps' && jobs.length > 0))
    if (framing.isTaken !== 'perhaps') assert.equal(codes.includes(202), isTaken, `${framing.name}: ${codes}`)
    assert.deepEqual(
      jobs.map(({ after }) => after),
      isTaken ? [commit] : [],
      framing.name,
    )
    clear.run()
  })
  await fc.assert(property, { numRuns: runsOnSockets, endOnFailure: true })

  assert.equal((await deliver(app, plain)).statusCode, 202)
})

function cutAt(text: string, places: number[]): Buffer[] {
  const bytes = Buffer.from(text, 'latin1')
  const cuts = [0, ...places.map((place) => Math.floor(place * bytes.length)).sort((a, b) => a - b), bytes.length]
  return cuts.slice(1).map((cut, index) => bytes.subarray(cuts[index], cut))
}

/** Sends the pieces one after another, says that no more will come, and collects what is answered. */
async function exchange(port: number, pieces: Buffer[]): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  let answer = ''
  socket.setEncoding('latin1').on('data', (text) => {
    answer += text
  })
  socket.on('error', () => {})
  const closed = new Promise((resolve) => socket.on('close', resolve))
  for (const piece of pieces) {
    socket.write(piece)
    await new Promise(setImmediate)
  }
  socket.end()
  await closed
  return answer
}
