import assert from 'node:assert/strict'
import { test } from 'node:test'
import { matchesGolden } from '../golden.ts'
import { type House, setup, stable } from './house.ts'

const podOf = ({ podsOf }: House, app: string): string =>
  podsOf(app).find(({ spec }) => spec.nodeName === 'worker-1')!.metadata.name

/** What must fail, as the sentence that the model gets. */
const failure = async (call: Promise<unknown>): Promise<string> => {
  const outcome = await call.then(
    (text) => assert.fail(`expected an error, got ${text}`),
    (error: unknown) => error,
  )
  assert.ok(outcome instanceof Error)
  return outcome.message
}

test('what each tool tells about a broken shop', async (t) => {
  const house = await setup(t)
  const tells = async (file: string, tool: string, args: object = {}) =>
    matchesGolden(`kubernetes/${file}.txt`, stable(await house.call(tool, args)))

  await tells('list-pods', 'k8s_list_pods')
  await tells('list-deployments', 'k8s_list_deployments')
  await tells('pod-crashing', 'k8s_get_pod', { name: podOf(house, 'api') })
  await tells('pod-image', 'k8s_get_pod', { name: podOf(house, 'checkout') })
  await tells('deployment-well', 'k8s_get_deployment', { name: 'web' })
  await tells('deployment-stuck', 'k8s_get_deployment', { name: 'checkout' })
  await tells('deployment-scaled-to-0', 'k8s_get_deployment', { name: 'worker' })
  await tells('events', 'k8s_get_events', { match: 'ReplicaSet' })
  await tells('logs', 'k8s_get_pod_logs', { name: podOf(house, 'api') })
})

test('a list asks for the columns of kubectl without the objects', async (t) => {
  const { call, seen } = await setup(t)

  await call('k8s_list_pods')

  const [request] = seen
  assert.equal(request?.path, '/api/v1/namespaces/shop/pods')
  assert.match(String(request?.headers.accept), /^application\/json;as=Table;v=v1;g=meta\.k8s\.io/)
  assert.equal(request?.query.get('includeObject'), 'None')
  assert.ok(Number(request?.query.get('limit')) > 0, 'without a limit a large cluster answers with everything at once')
})

test('a list is read to its end, page by page', async (t) => {
  const { call, seen, sandbox } = await setup(t)
  for (let index = 0; index < 1_200; index++) addPod(sandbox, `batch-${index}`)

  const text = await call('k8s_list_pods', { match: 'batch-' })

  const pages = seen.filter(({ path }) => path.endsWith('/pods'))
  assert.equal(pages.length, 3)
  assert.ok(pages[1]?.query.get('continue'))
  const shown = text.split('\n').length - 2
  assert.match(
    text,
    new RegExp(`… ${1_200 - shown} more\\. Narrow down with match, or ask for one with k8s_get_pod\\.$`),
  )
})

test('a list that grew too old between two pages shows what was read', async (t) => {
  const { call, faults, sandbox } = await setup(t)
  for (let index = 0; index < 600; index++) addPod(sandbox, `batch-${index}`)
  faults.push(({ query }, response) => {
    if (!query.get('continue')) return undefined
    response
      .writeHead(410, { 'content-type': 'application/json' })
      .end('{"message":"The provided continue parameter is too old"}')
    return true
  })

  assert.match(await call('k8s_list_pods'), /NAME[\s\S]*… \d+ more\./)
})

test('every tool keeps to the bytes it was given', async (t) => {
  const house = await setup(t, { maxBytes: 600 })
  house.edit('web', ({ spec }) => {
    spec.template.spec.containers[0]!.env = Array.from({ length: 200 }, (_, index) => ({
      name: `VARIABLE_${index}`,
      value: 'x'.repeat(80),
    }))
  })

  const texts = [
    await house.call('k8s_list_pods'),
    await house.call('k8s_list_deployments'),
    await house.call('k8s_get_pod', { name: podOf(house, 'checkout') }),
    await house.call('k8s_get_deployment', { name: 'web' }),
    await house.call('k8s_get_events'),
    await house.call('k8s_get_pod_logs', { name: 'queue-0' }),
  ]

  assert.deepEqual(
    texts.map((text) => Buffer.byteLength(text) <= 600),
    texts.map(() => true),
  )
  assert.match(texts[3]!, /more lines were cut|… \d+ more/)
})

test('what is not there is answered with what is, the likely one first', async (t) => {
  const { call } = await setup(t)

  assert.equal(
    await failure(call('k8s_get_deployment', { name: 'chekout' })),
    'Deployment shop/chekout not found. Deployments in shop: checkout, api, web, worker.',
  )
  assert.match(
    await failure(call('k8s_get_pod', { name: 'queue-1' })),
    /^Pod shop\/queue-1 not found\. Pods in shop: queue-0, /,
  )
})

test('what is not there, where nothing can be listed, is not said to be nothing', async (t) => {
  const { call } = await setup(t, { sandbox: { deny: [{ verb: 'list', resource: 'deployments' }] } })

  assert.equal(
    await failure(call('k8s_get_deployment', { name: 'nope' })),
    'Deployment shop/nope not found. Which deployments there are could not be read.',
  )
})

test('an invented namespace is called by its name, not taken for an empty one', async (t) => {
  const { call } = await setup(t, { cluster: { namespaces: ['*'] } })
  const known = 'There is no namespace shopp. Namespaces: shop, default, kube-node-lease, kube-public, kube-system.'

  assert.equal(await call('k8s_list_pods', { namespace: 'shopp' }), known)
  assert.equal(await call('k8s_list_deployments', { namespace: 'shopp' }), known)
  assert.equal(await call('k8s_get_events', { namespace: 'shopp' }), known)
  assert.equal(
    await failure(call('k8s_get_deployment', { name: 'api', namespace: 'shopp' })),
    `Deployment shopp/api not found. ${known}`,
  )
  assert.equal(await call('k8s_list_pods', { namespace: 'default' }), 'No pods in namespace default.')
})

test('a namespace outside the list is refused before anything is sent', async (t) => {
  const { call, propose, seen } = await setup(t)
  const refused = /^Namespace kube-system is not open to this bot\. Namespaces it may look into: shop\.$/
  const namespace = 'kube-system'

  for (const tool of ['k8s_list_pods', 'k8s_list_deployments', 'k8s_get_events'])
    assert.match(await failure(call(tool, { namespace })), refused)
  for (const tool of ['k8s_get_pod', 'k8s_get_pod_logs', 'k8s_get_deployment'])
    assert.match(await failure(call(tool, { namespace, name: 'x' })), refused)
  assert.match(await failure(propose('k8s_restart_deployment', { namespace, name: 'x' })), refused)
  assert.match(await failure(propose('k8s_scale_deployment', { namespace, name: 'x', replicas: 1 })), refused)

  assert.deepEqual(seen, [])
})

const document = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n'

test('no name leads to another path', async (t) => {
  const { tools, seen } = await setup(t)
  const names = [
    '../secrets',
    '..',
    '.',
    'a/b',
    '%2e%2e',
    'api%2Fscale',
    'api?x=1',
    'API',
    'a b',
    '-a',
    'a\n',
    'api#',
    '',
  ]

  for (const [tool, { input }] of tools)
    for (const name of names) {
      const rest = { replicas: 1, kind: 'Pod', yaml: document }
      const named = input.safeParse({ ...rest, name })
      const isLeftOut = name === '' && input.shape.name?.safeParse(undefined).success
      if ('name' in input.shape && !isLeftOut)
        assert.equal(named.success, false, `${tool} took the name ${JSON.stringify(name)}`)
      if (name === '' || !('namespace' in input.shape)) continue
      const placed = input.safeParse({ ...rest, name: 'api', namespace: name })
      assert.equal(placed.success, false, `${tool} took the namespace ${JSON.stringify(name)}`)
    }

  assert.deepEqual(seen, [])
})

test('arguments as small models write them are understood', async (t) => {
  const { tools } = await setup(t)
  const parse = (tool: string, args: object) => tools.get(tool)?.input.parse(args)

  assert.deepEqual(parse('k8s_list_pods', { namespace: '', match: null }), { namespace: undefined, match: undefined })
  assert.deepEqual(parse('k8s_scale_deployment', { name: 'api', replicas: '3' }), { name: 'api', replicas: 3 })
  assert.deepEqual(parse('k8s_get_pod_logs', { name: 'a', previous: 'true', tail: '20', match: 502 }), {
    name: 'a',
    previous: true,
    tail: 20,
    match: '502',
  })
})

test('without the permission to look, that is said, with what is missing', async (t) => {
  const { call } = await setup(t, {
    sandbox: {
      deny: [
        { verb: 'list', resource: 'pods' },
        { verb: 'list', resource: 'events' },
      ],
    },
  })

  assert.match(
    await failure(call('k8s_list_pods')),
    /^No permission: pods is forbidden: User "\S+" cannot list resource "pods" [^.]*in the namespace "shop"\. The bot's Role has to allow it\.$/,
  )
  const deployment = await call('k8s_get_deployment', { name: 'web' })
  assert.match(deployment, /Replicas: 2 wanted/)
  assert.match(deployment, /Pods:\ncould not be read: No permission/)
  assert.match(deployment, /Events:\ncould not be read: No permission/)
})

test('values that may be secrets are never shown', async (t) => {
  const house = await setup(t)
  const env = [
    { name: 'DATABASE_PASSWORD', value: 'hunter2-a' },
    { name: 'DATABASE_URL', value: 'postgres://shop:hunter2-b@db:5432/shop' },
    { name: 'CONNECTION', value: 'Server=db;User=shop;Password=hunter2-c;' },
    { name: 'FROM_SECRET', valueFrom: { secretKeyRef: { name: 'postgres-credentials', key: 'password' } } },
    { name: 'LOG_LEVEL', value: 'debug' },
  ]
  const secretive = {
    env,
    envFrom: [{ secretRef: { name: 'api-secrets' } }],
    livenessProbe: { httpGet: { path: '/health', port: 8080, httpHeaders: [{ name: 'X', value: 'hunter2-d' }] } },
    readinessProbe: { exec: { command: ['check', '--password=hunter2-e'] } },
  }
  house.edit('web', ({ spec }) => void Object.assign(spec.template.spec.containers[0]!, secretive))
  const pod = house.podsOf('web')[0]!
  house.sandbox.objects.change('pods', pod, ({ spec }) => void Object.assign(spec.containers[0]!, secretive))

  const texts = [
    await house.call('k8s_get_deployment', { name: 'web' }),
    await house.call('k8s_get_pod', { name: pod.metadata.name }),
  ]

  for (const text of texts) {
    assert.doesNotMatch(text, /hunter2/)
    assert.match(text, /LOG_LEVEL=debug/)
    assert.match(text, /FROM_SECRET=\(secret postgres-credentials, key password\)/)
    assert.match(text, /all of secret api-secrets/)
    assert.match(text, /DATABASE_URL=postgres:\/\/shop:\(hidden\)@db:5432\/shop/)
    assert.match(text, /liveness probe: GET :8080\/health, every 10 s, fails after 3/)
  }
})

test('the pods of a deployment are those of its selector, also when that is an expression', async (t) => {
  const { call, edit, seen } = await setup(t)
  edit('web', ({ spec }) => {
    spec.selector = { matchExpressions: [{ key: 'app', operator: 'In', values: ['web', 'www'] }] } as never
  })

  const text = await call('k8s_get_deployment', { name: 'web' })

  assert.equal(seen.find(({ path }) => path.endsWith('/pods'))?.query.get('labelSelector'), 'app in (web,www)')
  assert.match(text, /Pods:\nNAME[^\n]*\nweb-[^\n]*\nweb-[^\n]*\n\nEvents/)
})

function addPod(sandbox: House['sandbox'], name: string): void {
  sandbox.objects.create('pods', {
    metadata: { name, namespace: 'shop' },
    spec: { containers: [{ name: 'job', image: 'job:1' }] },
    status: { phase: 'Pending', conditions: [] },
  })
}
