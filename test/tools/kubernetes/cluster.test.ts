import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { createCluster } from '../../../src/tools/kubernetes/cluster.ts'
import { answer } from '../tap.ts'
import { log, setup } from './house.ts'

const deployment = '/apis/apps/v1/namespaces/shop/deployments/api'

test('credentials that have expired are said to be so, in the answer and in the health', async (t) => {
  const { call, cluster, faults } = await setup(t, { sandbox: { token: 'sandbox-token' } })
  await call('k8s_list_pods')
  assert.equal(cluster.health().state, 'ready')

  faults.push(answer(/./, 401, { message: 'Unauthorized' }))
  await assert.rejects(
    call('k8s_list_pods'),
    /does not accept the credentials any more \(401\)\. .* has to be renewed\.$/,
  )
  assert.equal(cluster.health().state, 'refused')

  faults.pop()
  await call('k8s_list_pods')
  assert.equal(cluster.health().state, 'ready')
})

test('the token of the kubeconfig goes with every request', async (t) => {
  const { call, seen } = await setup(t, { sandbox: { token: 'sandbox-token' } })

  await call('k8s_get_deployment', { name: 'api' })

  assert.ok(seen.length > 2)
  assert.ok(seen.every(({ headers }) => headers.authorization === 'Bearer sandbox-token'))
})

test('a cluster that is away is named, and found again', async (t) => {
  const { cluster, faults, stop, call } = await setup(t)
  faults.push((_request, response) => {
    response.destroy()
    return true
  })

  await assert.rejects(
    call('k8s_list_pods'),
    /^ClusterUnreachable: The API server 127\.0\.0\.1:\d+ cannot be reached \(/,
  )
  assert.equal(cluster.health().state, 'unreachable')
  faults.pop()
  assert.match(await call('k8s_list_pods'), /^NAME/)
  assert.equal(cluster.health().state, 'ready')

  await stop()
  await assert.rejects(call('k8s_list_pods'), /cannot be reached \(ECONNREFUSED\)\. Try again later\.$/)
})

test('a read whose connection was cut off is tried once more', async (t) => {
  const { call, faults, seen } = await setup(t)
  let cuts = 1
  faults.push((_request, response) => {
    if (cuts-- <= 0) return undefined
    response.destroy()
    return true
  })

  assert.match(await call('k8s_list_pods'), /^NAME/)
  assert.equal(seen.length, 2)
})

test('a server that does not answer is given up after the time that is set', async (t) => {
  const { call, faults } = await setup(t, { cluster: { timeoutMs: 50 } })
  faults.push(() => true)

  await assert.rejects(call('k8s_list_pods'), /cannot be reached \(no answer within 0\.05 s\)\. Try again later\.$/)
})

test('a request that is called off ends with the reason, not as a fault of the cluster', async (t) => {
  const { cluster, faults } = await setup(t)
  const stopping = new AbortController()
  const arrived = new Promise<void>((resolve) => {
    faults.push(() => {
      resolve()
      return true
    })
  })

  const request = cluster.get(deployment, { signal: stopping.signal })
  await arrived
  stopping.abort(new Error('stopped by somebody'))

  await assert.rejects(request, /^Error: stopped by somebody$/)
  assert.notEqual(cluster.health().state, 'unreachable')
})

const answers: { what: string; status: number; body: string | object; says: RegExp }[] = [
  {
    what: 'an overloaded server',
    status: 429,
    body: '',
    says: /overloaded \(429\), it asks to wait 7 s\. Try again later\.$/,
  },
  {
    what: 'a broken server',
    status: 500,
    body: { message: 'etcd is away' },
    says: /answered 500: etcd is away \(GET /,
  },
  { what: 'a page of a proxy', status: 502, body: '<html>secret-page</html>', says: /answered 502 \(GET / },
  { what: 'a redirect to a login page', status: 302, body: '', says: /answered 302 \(GET / },
  { what: 'a login page', status: 200, body: '<html>log in</html>', says: /is no API server: the answer was not JSON/ },
  {
    what: 'a refusal in words',
    status: 400,
    body: { message: 'field label not supported' },
    says: /^\S+ field label not supported\.$/,
  },
]

for (const { what, status, body, says } of answers) {
  test(`${what} is told in a sentence`, async (t) => {
    const { cluster, faults, seen } = await setup(t)
    faults.push(answer(/./, status, body, { 'retry-after': '7', location: 'http://127.0.0.1:1/login' }))

    await assert.rejects(cluster.get(deployment, { signal: t.signal }), (error: Error) => {
      assert.match(`${error.name}: ${error.message}`, says)
      assert.doesNotMatch(error.message, /secret-page/)
      return true
    })
    assert.equal(seen.length, 1, 'nothing is followed or repeated')
  })
}

test('an answer that is too large is not read to its end, and not taken for an outage', async (t) => {
  const { cluster, faults } = await setup(t)
  faults.push((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    const chunk = 'x'.repeat(1024 * 1024)
    for (let index = 0; index < 20; index++) response.write(chunk)
    response.end()
    return true
  })

  await assert.rejects(cluster.get(deployment, { signal: t.signal }), /larger than 16 MiB\. Ask for less\.$/)
  assert.equal(cluster.health().state, 'ready')
})

async function kubeconfig(t: TestContext, text: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'kube-agent-test-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  const path = join(directory, 'kubeconfig')
  await writeFile(path, text)
  return path
}

const twoContexts = `
apiVersion: v1
kind: Config
current-context: test
clusters:
- { name: test, cluster: { server: 'https://test.corp:6443/prefix/' } }
- { name: live, cluster: { server: 'https://live.corp:6443' } }
users: [{ name: me, user: { token: x } }]
contexts:
- { name: test, context: { cluster: test, user: me, namespace: shop } }
- { name: live, context: { cluster: live, user: me } }
`

test('the context decides the server and the namespace, the configuration has the last word', async (t) => {
  const path = await kubeconfig(t, twoContexts)

  const current = createCluster({ kubeconfig: path, log })
  const other = createCluster({ kubeconfig: path, context: 'live', log })
  const given = createCluster({ kubeconfig: path, namespace: 'ops', namespaces: ['ops', 'shop'], log })

  assert.deepEqual(
    [current.server, current.namespace, current.namespaces],
    ['https://test.corp:6443/prefix', 'shop', ['shop']],
  )
  assert.deepEqual([other.server, other.namespace], ['https://live.corp:6443', 'default'])
  assert.deepEqual([given.namespaceFor(undefined), given.namespaceFor('shop')], ['ops', 'shop'])
})

test('a kubeconfig that cannot be used is an error that names it', async (t) => {
  const path = await kubeconfig(t, twoContexts)
  const empty = await kubeconfig(t, 'apiVersion: v1\nkind: Config\n')
  const noAddress = await kubeconfig(t, twoContexts.replace('https://test.corp:6443/prefix/', 'test.corp'))
  const create = (options: object) => () => createCluster({ log, ...options })

  assert.throws(create({ kubeconfig: '/nowhere/kubeconfig' }), /The kubeconfig \/nowhere\/kubeconfig cannot be read: /)
  assert.throws(
    create({ kubeconfig: path, context: 'prod' }),
    /There is no context prod in the kubeconfig\. It has: test, live\./,
  )
  assert.throws(create({ kubeconfig: noAddress }), /names "test\.corp" as the API server, which is no address/)
  assert.throws(create({ kubeconfig: empty }), /No cluster: the kubeconfig has no current context\./)
})
