import assert from 'node:assert/strict'
import { test } from 'node:test'
import { httpRoute } from '../../../../../src/tools/analyzers/rules/network/http-route.ts'
import { bearsDamage, type Objects } from '../../damage.ts'
import { ago, meta, snapshotOf } from '../../snapshot.ts'

const nothing: Objects = { HTTPRoute: [], Gateway: [], Namespace: [], Service: [], ReferenceGrant: [] }
const inspect = (objects: Objects, unread: Parameters<typeof snapshotOf>[1] = []) =>
  httpRoute.inspect(snapshotOf({ ...nothing, Service: [api], ...objects }, unread))
const reasons = (...parameters: Parameters<typeof inspect>) => inspect(...parameters).map(({ reason }) => reason)

const api = { metadata: meta('api'), spec: { ports: [{ port: 80 }] } }
const route = (spec: object = {}, status: object = {}, more: object = {}) => ({
  metadata: meta('web', more),
  spec: { parentRefs: [{ name: 'edge' }], rules: [{ backendRefs: [{ name: 'api', port: 80 }] }], ...spec },
  status,
})
const gateway = (namespace: string, ...listeners: object[]) => ({
  metadata: meta('edge', { namespace }),
  spec: { listeners: listeners.length > 0 ? listeners : [{ name: 'http', port: 80 }] },
})
const from = (from: string, selector?: object) => ({
  name: 'http',
  port: 80,
  allowedRoutes: { namespaces: { from, selector } },
})
const abroad = route({ parentRefs: [{ name: 'edge', namespace: 'infra' }] })
const shop = (labels: object) => ({ metadata: meta('shop', { namespace: undefined, labels }) })

test('a route of a Gateway and a Service that exist is fine', () => {
  assert.deepEqual(reasons({ HTTPRoute: [route()], Gateway: [gateway('shop')] }), [])
})

test('a Gateway that does not exist is reported, one that could not be read is not', () => {
  assert.deepEqual(reasons({ HTTPRoute: [route()] }), ['MissingGateway'])
  assert.deepEqual(reasons({ HTTPRoute: [route()] }, [{ kind: 'Gateway', gap: 'forbidden', message: 'no' }]), [])
})

test('a Service as parent is a mesh’s way, not a missing Gateway', () => {
  assert.deepEqual(reasons({ HTTPRoute: [route({ parentRefs: [{ group: '', kind: 'Service', name: 'api' }] })] }), [])
})

test('listeners take routes of their own namespace only, if they say nothing else', () => {
  assert.deepEqual(reasons({ HTTPRoute: [abroad], Gateway: [gateway('infra')] }), ['RouteNotAllowed'])
  assert.deepEqual(reasons({ HTTPRoute: [abroad], Gateway: [gateway('infra', from('All'))] }), [])
  assert.deepEqual(reasons({ HTTPRoute: [abroad], Gateway: [gateway('infra', from('Same'), from('All'))] }), [])
})

test('a selector looks at the labels of the namespace, not of the route', () => {
  const selecting = gateway('infra', from('Selector', { matchLabels: { edge: 'yes' } }))
  const labelled = { ...abroad, metadata: meta('web', { labels: { edge: 'yes' } }) }

  assert.deepEqual(reasons({ HTTPRoute: [labelled], Gateway: [selecting], Namespace: [shop({})] }), ['RouteNotAllowed'])
  assert.deepEqual(reasons({ HTTPRoute: [abroad], Gateway: [selecting], Namespace: [shop({ edge: 'yes' })] }), [])
  assert.deepEqual(reasons({ HTTPRoute: [abroad], Gateway: [selecting] }), [])
})

test('a section name asks one listener', () => {
  const pointed = route({ parentRefs: [{ name: 'edge', namespace: 'infra', sectionName: 'http' }] })
  const listeners = [from('Same'), { ...from('All'), name: 'https' }]

  assert.deepEqual(reasons({ HTTPRoute: [pointed], Gateway: [gateway('infra', ...listeners)] }), ['RouteNotAllowed'])
})

test('a backend that does not exist, or lacks the port, is reported', () => {
  const to = (backend: object) => route({ rules: [{ backendRefs: [backend] }] })
  const ask = (backend: object) => reasons({ HTTPRoute: [to(backend)], Gateway: [gateway('shop')] })

  assert.deepEqual(ask({ name: 'gone', port: 80 }), ['MissingService'])
  assert.deepEqual(ask({ name: 'api', port: 81 }), ['MissingServicePort'])
  assert.deepEqual(ask({ group: 'example.com', kind: 'Bucket', name: 'gone' }), [])
})

test('a backend of another namespace needs a grant there', () => {
  const ledger = { metadata: meta('ledger', { namespace: 'bank' }), spec: { ports: [{ port: 80 }] } }
  const foreign = route({ rules: [{ backendRefs: [{ name: 'ledger', namespace: 'bank', port: 80 }] }] })
  const grant = (namespace: string) => ({
    metadata: meta('web', { namespace: 'bank' }),
    spec: {
      from: [{ group: 'gateway.networking.k8s.io', kind: 'HTTPRoute', namespace }],
      to: [{ group: '', kind: 'Service' }],
    },
  })
  const objects = { HTTPRoute: [foreign], Gateway: [gateway('shop')], Service: [ledger] }

  assert.deepEqual(reasons(objects), ['MissingReferenceGrant'])
  assert.deepEqual(reasons({ ...objects, ReferenceGrant: [grant('blog')] }), ['MissingReferenceGrant'])
  assert.deepEqual(reasons({ ...objects, ReferenceGrant: [grant('shop')] }), [])
})

test('what the controller says counts where no cause is seen, and after two minutes', () => {
  const status = (lastTransitionTime: string) => ({
    parents: [
      {
        parentRef: { name: 'edge' },
        conditions: [{ type: 'Accepted', status: 'False', reason: 'NoMatchingListenerHostname', lastTransitionTime }],
      },
    ],
  })
  const ask = (since: string) => inspect({ HTTPRoute: [route({}, status(since))], Gateway: [gateway('shop')] })

  assert.deepEqual(
    ask(ago(5)).map(({ reason }) => reason),
    ['RouteNotAccepted'],
  )
  assert.match(ask(ago(5))[0]!.text, /NoMatchingListenerHostname/)
  assert.deepEqual(ask(ago(1)), [])
})

test('it answers whatever is missing or of another shape', () => {
  bearsDamage(httpRoute, {
    ...nothing,
    HTTPRoute: [
      route({ rules: [{ backendRefs: [{ name: 'api', namespace: 'bank' }] }] }, { parents: [{ conditions: [] }] }),
      { ...abroad, metadata: meta('second') },
    ],
    Gateway: [gateway('infra', from('Selector', {}))],
    Service: [api],
  })
})
