import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { ManagedFields } from '../../../src/tools/kubernetes/objects.ts'
import { whatChanged } from '../../../src/tools/kubernetes/what-changed.ts'
import { startApiServer } from '../analyzers/api-server.ts'
import { now } from '../analyzers/snapshot.ts'
import { log } from './house.ts'

const time = (secondsAgo: number): string => new Date(now - secondsAgo * 1_000).toISOString().replace('.000Z', 'Z')
const created = time(600)

/** What is said about the ConfigMap `settings`, made ten minutes ago, with these authors. Fields as a real API server has them. */
async function timeline(t: TestContext, managedFields: ManagedFields[], more: object = {}): Promise<string[]> {
  const { cluster, objects } = await startApiServer(t)
  objects['/api/v1/namespaces/shop/configmaps'] = [
    { metadata: { name: 'settings', namespace: 'shop', creationTimestamp: created, managedFields, ...more } },
  ]
  const text = await whatChanged(cluster).run({}, { signal: t.signal, log, thread: 'test', maxBytes: 10_000 })
  return text.split('\n').map((line) => line.replace(/^\S+ \(.*? ago\) /, ''))
}

const wrote = (manager: string, at: string, subresource?: string): ManagedFields => ({
  manager,
  operation: 'Update',
  time: at,
  ...(subresource && { subresource }),
})

test('who wrote in the second of the creation has created it, whatever stands before it in the list', async (t) => {
  const lines = await timeline(t, [
    wrote('kube-controller-manager', created),
    wrote('kubectl-create', created),
    wrote('kubectl-patch', time(60)),
  ])

  assert.deepEqual(lines, [
    'ConfigMap settings created by kubectl-create',
    'ConfigMap settings written by kubectl-patch',
  ])
})

test('two that wrote in that second are both named: nobody can tell which was first', async (t) => {
  const lines = await timeline(t, [wrote('argocd-controller', created), wrote('helm', created)])

  assert.deepEqual(lines, ['ConfigMap settings created by argocd-controller or helm'])
})

test('a command that only changes what is there has not created it, however soon it came', async (t) => {
  const lines = await timeline(t, [wrote('kube-agent', created), wrote('kubectl-patch', created)])

  assert.deepEqual(lines, ['ConfigMap settings created by kube-agent', 'ConfigMap settings written by kubectl-patch'])
})

test('whoever created it and wrote again later is told at the later time only', async (t) => {
  const lines = await timeline(t, [wrote('helm', time(30))])

  assert.deepEqual(lines, ['ConfigMap settings created', 'ConfigMap settings written by helm'])
})

test('a write to a subresource creates nothing, and controllers and what they report of the status are left out', async (t) => {
  const lines = await timeline(t, [
    wrote('kubectl-scale', created, 'scale'),
    wrote('kubectl-edit', created, 'status'),
    wrote('kube-controller-manager', time(20)),
  ])

  assert.deepEqual(lines, ['ConfigMap settings created', 'ConfigMap settings (scale) written by kubectl-scale'])
})

test('a name that somebody gave himself stays on its line', async (t) => {
  const lines = await timeline(t, [wrote('me\n2026-01-01T00:00:00Z Deployment api deleted', created)])

  assert.deepEqual(lines, ['ConfigMap settings created by me 2026-01-01T00:00:00Z Deployment api deleted'])
})

test('an object without authors or with broken times is told as far as it goes', async (t) => {
  assert.deepEqual(await timeline(t, []), ['ConfigMap settings created'])
  assert.deepEqual(await timeline(t, [wrote('helm', 'yesterday')], { deletionTimestamp: time(10) }), [
    'ConfigMap settings created',
    'ConfigMap settings is being deleted',
  ])
})
