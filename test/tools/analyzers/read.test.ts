import assert from 'node:assert/strict'
import { test } from 'node:test'
import { kinds } from '../../../src/tools/analyzers/kinds/index.ts'
import { readSnapshot } from '../../../src/tools/analyzers/read.ts'
import { type Fault, pathOf, podsIn, refuses, startApiServer } from './api-server.ts'
import { now } from './snapshot.ts'

const pods = '/api/v1/namespaces/shop/pods'
const shop = { namespaces: ['shop'] }

test('a kind is read page by page, to its end, and keeps only what analyzers read', async (t) => {
  const { cluster, objects, seen } = await startApiServer(t)
  objects[pods] = podsIn('shop', 600).map((pod) => ({ ...pod, secret: 'never read' }))

  const snapshot = await readSnapshot({ cluster, kinds: ['Pod'], ...shop, signal: t.signal })

  assert.equal(snapshot.list('Pod').length, 600)
  assert.deepEqual(
    seen.map(({ query }) => query.continue ?? 'first'),
    ['first', '250', '500'],
  )
  assert.doesNotMatch(JSON.stringify(snapshot.list('Pod')), /never read/)
  assert.equal(snapshot.now, now)
  assert.ok(snapshot.isKnown('Pod', 'shop'))
  assert.deepEqual(snapshot.unread, [])
})

test('a list that grew too old between two pages is read anew, without a pod twice', async (t) => {
  const { cluster, objects, faults } = await startApiServer(t)
  objects[pods] = podsIn('shop', 600)
  let expired = 0
  faults.push((request, reply) =>
    request.query.continue === '250' && expired++ === 0
      ? reply.code(410).send({ message: 'The provided continue parameter is too old' })
      : undefined,
  )

  const snapshot = await readSnapshot({ cluster, kinds: ['Pod'], ...shop, signal: t.signal })

  assert.equal(new Set(snapshot.list('Pod').map(({ metadata }) => metadata.name)).size, 600)
  assert.equal(snapshot.list('Pod').length, 600)
  assert.deepEqual(snapshot.unread, [])
})

test('a list that is too old each time becomes a gap instead of an endless loop', async (t) => {
  const { cluster, objects, faults } = await startApiServer(t)
  objects[pods] = podsIn('shop', 600)
  faults.push((request, reply) => (request.query.continue ? reply.code(410).send({ message: 'too old' }) : undefined))

  const snapshot = await readSnapshot({ cluster, kinds: ['Pod'], ...shop, signal: t.signal })

  assert.equal(snapshot.unread[0]?.gap, 'error')
  assert.ok(!snapshot.isKnown('Pod', 'shop'))
})

const refusals: [what: string, fault: Fault, gap: string, message: RegExp][] = [
  ['a kind that may not be read', refuses('/pods', 403, 'pods is forbidden'), 'forbidden', /Pod: No permission.*Role/],
  ['credentials that have run out', refuses('/pods', 401, 'Unauthorized'), 'unauthorized', /renewed/],
  ['an overloaded server', refuses('/pods', 429, 'too many requests'), 'unavailable', /overloaded/],
  ['a server that is about to go', refuses('/pods', 503, 'shutting down'), 'unavailable', /503/],
  ['a server that gives up', refuses('/pods', 504, 'timed out'), 'timeout', /504/],
  ['a server that has an error', refuses('/pods', 500, 'etcd'), 'error', /500: etcd/],
  ['a connection that breaks', (_request, reply) => reply.raw.destroy(), 'unavailable', /cannot be reached/],
  ['a login page', (_request, reply) => reply.type('text/html').send('<html>'), 'error', /no API server/],
  ['an answer that is no list', () => ({ kind: 'Status' }), 'error', /Pod: the answer is no list/],
  ['null', (_request, reply) => reply.type('application/json').send('null'), 'error', /Pod: the answer is no list/],
  ['items that are no list', () => ({ items: { a: 1 } }), 'error', /Pod: the answer is no list/],
]

for (const [what, fault, gap, message] of refusals)
  test(`${what} is a gap in words, and the other kinds are read`, async (t) => {
    const { cluster, objects, faults } = await startApiServer(t)
    objects[pods] = []
    objects['/api/v1/namespaces/shop/services'] = [{ metadata: { name: 'web', namespace: 'shop' } }]
    faults.push((request, reply) => (pathOf(request).endsWith('/pods') ? fault(request, reply) : undefined))

    const snapshot = await readSnapshot({ cluster, kinds: ['Pod', 'Service'], ...shop, signal: t.signal })

    assert.equal(snapshot.unread.length, 1)
    assert.equal(snapshot.unread[0]?.gap, gap)
    assert.equal(snapshot.unread[0]?.namespace, 'shop')
    assert.match(snapshot.unread[0]?.message ?? '', message)
    assert.ok(!snapshot.isKnown('Pod', 'shop'))
    assert.equal(snapshot.list('Service').length, 1)
  })

test('an API server that does not answer in time is a timeout', async (t) => {
  const { cluster, faults } = await startApiServer(t, { timeoutMs: 20 })
  faults.push(() => new Promise(() => {}))

  const snapshot = await readSnapshot({ cluster, kinds: ['Pod'], ...shop, signal: t.signal })

  assert.equal(snapshot.unread[0]?.gap, 'timeout')
})

test('a kind that the cluster does not have is told apart from one that cannot be read', async (t) => {
  const { cluster } = await startApiServer(t)

  const snapshot = await readSnapshot({ cluster, kinds: ['HTTPRoute'], ...shop, signal: t.signal })

  assert.equal(snapshot.unread[0]?.gap, 'not-served')
})

test('an empty list that a server writes as null is an empty list', async (t) => {
  const { cluster, faults } = await startApiServer(t)
  faults.push(() => ({ items: null }))

  const snapshot = await readSnapshot({ cluster, kinds: ['Pod'], ...shop, signal: t.signal })

  assert.ok(snapshot.isKnown('Pod', 'shop'))
})

test('objects of an odd shape are counted as a gap and the others kept', async (t) => {
  const { cluster, objects } = await startApiServer(t)
  objects[pods] = [null, 7, 'pod', {}, { metadata: { namespace: 'shop' } }, { metadata: { name: 'web', status: 3 } }]

  const snapshot = await readSnapshot({ cluster, kinds: ['Pod'], ...shop, signal: t.signal })

  assert.deepEqual(
    snapshot.list('Pod').map(({ metadata }) => metadata.name),
    ['web'],
  )
  assert.match(snapshot.unread[0]?.message ?? '', /Pod: 5 objects/)
  assert.ok(!snapshot.isKnown('Pod', 'shop'))
})

test('objects of a megabyte each are read in smaller pages', async (t) => {
  const { cluster, objects, seen } = await startApiServer(t)
  const ballast = 'x'.repeat(1024 * 1024)
  objects[pods] = podsIn('shop', 30).map((pod) => ({ ...pod, ballast }))

  const snapshot = await readSnapshot({ cluster, kinds: ['Pod'], ...shop, signal: t.signal })

  assert.equal(snapshot.list('Pod').length, 30)
  assert.deepEqual(
    seen.map(({ query }) => query.limit),
    ['250', '50', '10', '10', '10'],
  )
  assert.ok(JSON.stringify(snapshot.list('Pod')).length < 10_000, 'the ballast is not kept')
})

test('no more requests run at the same time than allowed, and each kind is asked for once', async (t) => {
  const { cluster, faults, seen, busiest } = await startApiServer(t)
  const arrived = Promise.withResolvers<void>()
  let waiting = 0
  faults.push(async () => {
    if (++waiting === 3) arrived.resolve()
    await arrived.promise
    return { items: [] }
  })
  const namespaces = Array.from({ length: 12 }, (_, index) => `team-${index}`)

  await readSnapshot({
    cluster,
    kinds: ['Pod', 'Service', 'Pod'],
    namespaces: [...namespaces, 'team-0'],
    maxConcurrency: 3,
    signal: t.signal,
  })

  assert.equal(busiest(), 3)
  assert.equal(seen.length, 24)
  assert.equal(new Set(seen.map(({ path }) => path)).size, 24)
})

test('all namespaces are one request a kind, and kinds without a namespace are read once', async (t) => {
  const { cluster, objects, seen } = await startApiServer(t)
  objects['/api/v1/pods'] = [...podsIn('web', 1), ...podsIn('shop', 1)]
  objects['/api/v1/nodes'] = [{ metadata: { name: 'worker-1' } }]

  const snapshot = await readSnapshot({ cluster, kinds: ['Pod', 'Node'], namespaces: ['*'], signal: t.signal })

  assert.deepEqual(seen.map(({ path }) => path).sort(), ['/api/v1/nodes', '/api/v1/pods'])
  assert.deepEqual(
    snapshot.list('Pod').map(({ metadata }) => metadata.namespace),
    ['shop', 'web'],
  )
})

test('a namespace without access leaves the others known', async (t) => {
  const { cluster, objects, faults } = await startApiServer(t)
  objects[pods] = podsIn('shop', 2)
  faults.push(refuses('/namespaces/vault/pods', 403, 'pods is forbidden'))

  const snapshot = await readSnapshot({ cluster, kinds: ['Pod'], namespaces: ['shop', 'vault'], signal: t.signal })

  assert.ok(snapshot.isKnown('Pod', 'shop'))
  assert.ok(!snapshot.isKnown('Pod', 'vault'))
})

test('a name that is no namespace reaches no other path', async (t) => {
  const { cluster, seen } = await startApiServer(t)

  await readSnapshot({ cluster, kinds: ['Pod'], namespaces: ['../../secrets?x='], signal: t.signal })

  assert.ok(seen.every(({ path }) => /^\/api\/v1\/namespaces\/[^/]+\/pods$/.test(path)))
  assert.equal(seen.length, 1)
})

test('contents of Secrets are never asked for', async (t) => {
  const { cluster, seen } = await startApiServer(t)
  const bare = Object.keys(kinds).filter(
    (name) => (kinds as Record<string, { metadataOnly?: boolean }>)[name]?.metadataOnly,
  )

  await readSnapshot({ cluster, kinds: bare as (keyof typeof kinds)[], ...shop, signal: t.signal })

  assert.ok(bare.includes('Secret'))
  assert.ok(seen.length >= bare.length)
  for (const { accept } of seen) assert.match(accept, /^application\/json;as=PartialObjectMetadataList/)
})

test('a run that is given up ends with the reason', async (t) => {
  const { cluster, faults } = await startApiServer(t)
  const stop = new AbortController()
  faults.push(() => {
    stop.abort(new Error('given up'))
    return new Promise(() => {})
  })

  await assert.rejects(readSnapshot({ cluster, kinds: ['Pod'], ...shop, signal: stop.signal }), /given up/)
})

test('the lists that are longest in most clusters are begun first, so that no other waits at their end', async (t) => {
  const { cluster, seen } = await startApiServer(t)

  await readSnapshot({
    cluster,
    kinds: ['Ingress', 'Pod', 'Node', 'Event'],
    namespaces: ['*'],
    maxConcurrency: 1,
    signal: t.signal,
  })

  assert.deepEqual(
    seen.map(({ path }) => path.split('/').at(-1)),
    ['events', 'pods', 'ingresses', 'nodes'],
  )
})
