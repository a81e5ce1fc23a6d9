import assert from 'node:assert/strict'
import { test } from 'node:test'
import { matchesGolden } from '../golden.ts'
import { answer } from '../tap.ts'
import { type House, setup, stable } from './house.ts'

const everywhere = { cluster: { namespaces: ['*'] } }
const discoveries = ({ seen }: House) => seen.filter(({ path }) => path === '/apis').length

test('an object of any kind is shown as YAML', async (t) => {
  const { call } = await setup(t)

  await matchesGolden(
    'kubernetes/get-deployment.txt',
    stable(await call('k8s_get', { kind: 'deployment', name: 'web' })),
  )
})

test('a kind is found by every name it has, in any case', async (t) => {
  const { call } = await setup(t)
  const names = [
    'Deployment',
    'deployment',
    'DEPLOYMENTS',
    'deploy',
    'deployments.apps',
    'Deployment.v1.apps',
    'apps/v1/Deployment',
  ]

  const texts = await Promise.all(names.map((kind) => call('k8s_list', { kind })))

  assert.deepEqual(new Set(texts).size, 1)
  assert.match(texts[0]!, /^NAME {6}READY/)
})

test('what kinds there are is asked once, again after some minutes, and at once for a name that is new', async (t) => {
  const house = await setup(t)

  await house.call('k8s_list', { kind: 'pods' })
  await house.call('k8s_list', { kind: 'services' })
  assert.equal(discoveries(house), 1)
  house.clock.advance(6 * 60_000)
  await house.call('k8s_list', { kind: 'pods' })
  assert.equal(discoveries(house), 2)
  await assert.rejects(house.call('k8s_list', { kind: 'Podd' }), {
    message: 'The server has no kind "Podd". Did you mean Pod, Node?',
  })
  assert.equal(discoveries(house), 3)
})

test('custom kinds come from the aggregated discovery of newer servers', async (t) => {
  const { call, faults, seen } = await setup(t)
  const widget = {
    resource: 'widgets',
    responseKind: { group: 'corp.example', version: 'v2', kind: 'Widget' },
    scope: 'Namespaced',
    singularResource: 'widget',
    shortNames: ['wd'],
    verbs: ['get', 'list'],
  }
  faults.push(
    answer(/^GET \/api$/, 200, { kind: 'APIGroupDiscoveryList', items: [] }),
    answer(/^GET \/apis$/, 200, {
      kind: 'APIGroupDiscoveryList',
      items: [
        {
          metadata: { name: 'corp.example' },
          versions: [
            { version: 'v2', resources: [widget] },
            { version: 'v1', resources: [widget] },
          ],
        },
        { metadata: { name: 'broken.example' }, versions: [{ version: 'v1', freshness: 'Stale' }] },
      ],
    }),
    answer(/\/apis\/corp\.example\/v2\/namespaces\/shop\/widgets$/, 200, {
      columnDefinitions: [{ name: 'Name' }, { name: 'Colour' }],
      rows: [{ cells: ['big', 'red'] }],
    }),
  )

  assert.equal(await call('k8s_list', { kind: 'wd' }), 'NAME  COLOUR\nbig   red')
  assert.match(String(seen[0]?.headers.accept), /as=APIGroupDiscoveryList,application\/json$/)
  await assert.rejects(call('k8s_list', { kind: 'gadget' }), / Not answering: broken\.example\/v1\.$/)
})

test('a group whose server is down does not hide the others', async (t) => {
  const { call, faults } = await setup(t)
  faults.push(answer(/^GET \/apis\/autoscaling\/v2$/, 503, { message: 'service unavailable' }))

  assert.match(await call('k8s_list', { kind: 'sts' }), /^NAME/)
  await assert.rejects(call('k8s_list', { kind: 'hpa' }), / Not answering: autoscaling\/v2\.$/)
})

test('selectors and counting are left to the server', async (t) => {
  const { call, seen } = await setup(t)

  const one = await call('k8s_list', { kind: 'pods', labels: 'app=web', count: true })
  const none = await call('k8s_list', { kind: 'pods', fields: 'status.phase=Failed' })
  const some = await call('k8s_list', { kind: 'pods', match: 'crash', count: 'true' })

  assert.equal(one, '2 pods in namespace shop that the selector matches.')
  assert.equal(none, 'No pods in namespace shop that the selector matches.')
  assert.equal(some, '2 of 8 pods in namespace shop contain it.')
  const queries = seen.filter(({ path }) => path.endsWith('/pods')).map(({ query }) => query)
  assert.deepEqual(
    [queries[0]?.get('labelSelector'), queries[1]?.get('fieldSelector')],
    ['app=web', 'status.phase=Failed'],
  )
})

test('a list over all namespaces says which each row is from', async (t) => {
  const house = await setup(t, everywhere)

  const text = await house.call('k8s_list', { kind: 'daemonset', namespace: '*' })

  assert.match(text, /^NAMESPACE +NAME .*\nkube-system +kube-proxy /)
  await house.call('k8s_list', { kind: 'secrets', namespace: '*' })
  // An annotation in the metadata may hold a copy of the data.
  assert.equal(house.seen.at(-1)?.query.get('includeObject'), 'None')
})

test('a bot that is confined to namespaces sees of the cluster only what workloads stand on', async (t) => {
  const { call, faults, seen } = await setup(t)
  faults.push(
    answer(/^GET \/apis$/, 200, {
      items: [
        {
          metadata: { name: 'rbac.authorization.k8s.io' },
          versions: [
            {
              version: 'v1',
              resources: [{ resource: 'clusterroles', responseKind: { kind: 'ClusterRole' }, scope: 'Cluster' }],
            },
          ],
        },
        {
          metadata: { name: '' },
          versions: [
            {
              version: 'v1',
              resources: [
                { resource: 'nodes', responseKind: { kind: 'Node' }, scope: 'Cluster' },
                { resource: 'pods', responseKind: { kind: 'Pod' }, scope: 'Namespaced' },
              ],
            },
          ],
        },
      ],
    }),
    answer(/^GET \/api$/, 200, { items: [] }),
  )

  assert.match(await call('k8s_list', { kind: 'nodes' }), /worker-1/)
  await assert.rejects(call('k8s_get', { kind: 'clusterrole', name: 'admin' }), {
    name: 'Refusal',
    message:
      'ClusterRole belongs to the whole cluster, and this bot is open to shop only. Kinds of the cluster it may look at: Node, Namespace, StorageClass, PersistentVolume, IngressClass.',
  })
  await assert.rejects(
    call('k8s_list', { kind: 'pods', namespace: '*' }),
    /^Refusal: Namespace \* is not open to this bot/,
  )
  await assert.rejects(call('k8s_get', { kind: 'pods', name: 'x', namespace: 'kube-system' }), /not open to this bot/)
  assert.ok(seen.every(({ path }) => !path.includes('clusterroles') && !path.includes('/pods')))
})

test('an object is shown without what the server keeps for itself, and without secrets', async (t) => {
  const house = await setup(t)
  house.edit('web', ({ metadata, spec }) => {
    Object.assign(metadata, { managedFields: [{ manager: 'kubectl' }] })
    metadata.annotations = {
      'kubectl.kubernetes.io/last-applied-configuration': '{"hunter2":1}',
      note: 'n'.repeat(5_000),
      'corp/token': 'hunter2-a',
    }
    spec.template.spec.containers[0]!.env = [
      { name: 'API_TOKEN', value: 'hunter2-b' },
      { name: 'DSN', value: 'postgres://a:hunter2-c@db' },
      { name: 'FROM', valueFrom: { secretKeyRef: { name: 'creds', key: 'password' } } },
      { name: 'LOG_LEVEL', value: 'debug' },
    ]
    Object.assign(spec.template.spec.containers[0]!, {
      args: ['--password=hunter2-d'],
      extra: { adminPassword: 'hunter2-e' },
    })
  })

  const text = await house.call('k8s_get', { kind: 'Deployment', name: 'web' })

  assert.doesNotMatch(text, /hunter2|managedFields|last-applied/)
  assert.match(text, /note: n{200}… \(5000 characters\)/)
  assert.match(text, /name: creds\n +key: password/)
  assert.match(text, /value: debug/)
})

test('an object that is not there is answered with what is', async (t) => {
  const { call } = await setup(t)

  await assert.rejects(call('k8s_get', { kind: 'sts', name: 'postgress' }), {
    message: 'StatefulSet postgress not found in namespace shop. There are: postgres, queue.',
  })
  assert.equal(await call('k8s_get', { kind: 'secret', name: 'nope' }), 'Secret nope not found in namespace shop.')
})
