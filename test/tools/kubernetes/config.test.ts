import assert from 'node:assert/strict'
import { test } from 'node:test'
import { matchesGolden } from '../golden.ts'
import { answer } from '../tap.ts'
import { type House, setup } from './house.ts'

const configMap = (house: House, data: Record<string, string>) =>
  house.sandbox.objects.create('configmaps', { metadata: { name: 'settings', namespace: 'shop' }, data })

test('what the lists of services, configmaps and secrets tell', async (t) => {
  const { call } = await setup(t)

  await matchesGolden('kubernetes/list-services.txt', await call('k8s_list_services'))
  await matchesGolden('kubernetes/list-configmaps.txt', await call('k8s_list_configmaps'))
  await matchesGolden('kubernetes/list-secrets.txt', await call('k8s_list_secrets'))
})

test('secrets are listed without their contents ever leaving the server', async (t) => {
  const { call, seen } = await setup(t, { sandbox: { deny: [{ verb: 'get', resource: 'secrets' }] } })

  const texts = [await call('k8s_list_secrets'), await call('k8s_list', { kind: 'secret' })]
  texts.push(await call('k8s_get', { kind: 'Secret', name: 'postgres-credentials' }))

  const requests = seen.filter(({ path }) => path.includes('/secrets'))
  assert.equal(requests.length, 3)
  for (const { headers, query } of requests) {
    // With plain JSON as a second choice a server without tables would send everything.
    assert.equal(headers.accept, 'application/json;as=Table;v=v1;g=meta.k8s.io')
    assert.equal(query.get('includeObject'), 'None')
  }
  for (const text of texts)
    assert.match(text, /^NAME {18}TYPE {4}DATA {2}AGE\npostgres-credentials {2}Opaque {2}2 {5}\S+$/)
})

test('a configmap shows its values, but none that may be a secret', async (t) => {
  const house = await setup(t)
  configMap(house, {
    LOG_LEVEL: 'debug',
    DB_PASSWORD: 'hunter2-a',
    DATABASE_URL: 'postgres://shop:hunter2-b@db/shop',
    'app.yaml': 'log: debug\ndatabase:\n  password: hunter2-c\n  "apiKey": "hunter2-d"\n',
    'app.properties': 'spring.datasource.password=hunter2-e\nserver.port=8080\n',
    config: 'apiVersion: v1\nkind: Config\nclusters: []\nusers:\n- name: a\n  user: {token: hunter2-f}\n',
    'tls.pem': '-----BEGIN PRIVATE KEY-----\nhunter2-g\n-----END PRIVATE KEY-----\n',
  })

  const texts = [
    await house.call('k8s_get_configmap', { name: 'settings' }),
    await house.call('k8s_get', { kind: 'configmap', name: 'settings' }),
  ]

  for (const text of texts) {
    assert.doesNotMatch(text, /hunter2/)
    assert.match(text, /LOG_LEVEL: debug/)
    assert.match(text, /server\.port=8080/)
    assert.match(text, /config: .*kubeconfig, hidden/)
  }
  await matchesGolden('kubernetes/configmap.txt', texts[0]!)
})

test('a long value is cut with the way to the whole, which is given by its key', async (t) => {
  const house = await setup(t)
  configMap(house, { rules: 'x\n'.repeat(2_000), small: '1' })

  const all = await house.call('k8s_get_configmap', { name: 'settings' })
  const one = await house.call('k8s_get_configmap', { name: 'settings', key: 'rules' })

  assert.match(all, /… 4000 bytes in all: ask with key=rules\.\nsmall: 1$/)
  assert.equal(one, 'x\n'.repeat(2_000))
  await assert.rejects(house.call('k8s_get_configmap', { name: 'settings', key: 'rule' }), {
    message: 'ConfigMap shop/settings has no key rule. Keys: rules, small.',
  })
})

test('what is not text is told by its size, and a map that is not there by its neighbours', async (t) => {
  const { call, faults } = await setup(t)

  await assert.rejects(call('k8s_get_configmap', { name: 'api-confg' }), {
    message: 'ConfigMap shop/api-confg not found. ConfigMaps in shop: api-config.',
  })
  faults.push(answer(/configmaps\/logo$/, 200, { metadata: { name: 'logo' }, binaryData: { 'logo.png': 'AAECAw==' } }))
  assert.equal(await call('k8s_get_configmap', { name: 'logo' }), 'ConfigMap shop/logo\nlogo.png: (4 bytes, not text)')
})
