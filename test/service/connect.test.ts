import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import pino from 'pino'
import { loadConfig } from '../../src/config/index.ts'
import { createMetrics } from '../../src/metrics.ts'
import { connect, ownNamespace } from '../../src/service/connect.ts'

test('in a pod the own namespace is protected, whether its variable is set or only the service account tells', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'kube-agent-account-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const account = join(folder, 'namespace')
  writeFileSync(account, 'ops\n')

  assert.deepEqual(ownNamespace({}, account), ['ops'])
  assert.deepEqual(ownNamespace({ POD_NAMESPACE: 'bots' }, account), ['bots'])
  assert.deepEqual(ownNamespace({}, join(folder, 'missing')), [])
})

test('several kubeconfigs are one: the first decides where to go, the others may say how', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'kube-agent-kubeconfig-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const [here, there] = [join(folder, 'here'), join(folder, 'there')]
  writeFileSync(
    here,
    'contexts: [{ name: here, context: { cluster: shop, user: me, namespace: web } }]\ncurrent-context: here\n',
  )
  writeFileSync(
    there,
    'clusters: [{ name: shop, cluster: { server: "https://shop.corp:6443" } }]\nusers: [{ name: me, user: { token: t } }]\ncurrent-context: there\n',
  )
  const { config } = loadConfig({ env: { KUBECONFIG: `${here}:${there}`, KUBE_AGENT_LLM_URL: 'none' } })
  const metrics = createMetrics({ inboxDepth: async () => 0, chatReady: () => ({}), reachable: () => ({}) })

  const servers = connect(config, { log: pino({ enabled: false }), metrics })
  t.after(() => servers.close())

  assert.deepEqual([servers.cluster?.server, servers.cluster?.namespace], ['https://shop.corp:6443', 'web'])
})
