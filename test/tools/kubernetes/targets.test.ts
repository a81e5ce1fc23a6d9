import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { UserId } from '../../../src/agent/approval.ts'
import { type Policy, rule } from '../../../src/agent/policy/index.ts'
import { effectOf } from '../../../src/tools/tool.ts'
import { answer } from '../tap.ts'
import { applying, configMap, storageClass } from './applying.ts'
import { type House, setup } from './house.ts'

interface Row {
  tool: string
  args: Record<string, unknown>
  /** Where it says which namespace it means; what belongs to the cluster cannot. */
  inNamespace?: (namespace: string) => Record<string, unknown>
}

const named = (tool: string, args: Record<string, unknown>): Row => ({
  tool,
  args,
  inNamespace: (namespace) => ({ ...args, namespace }),
})

/** Every tool that changes something in a cluster, with arguments for which the sandbox has an object in `shop`. */
const rows = (house: House): Row[] => [
  {
    tool: 'k8s_apply',
    args: { manifest: configMap('settings') },
    inNamespace: (namespace) => ({ manifest: configMap('settings', namespace) }),
  },
  { tool: 'k8s_apply', args: { manifest: storageClass('fast') } },
  { tool: 'k8s_cordon', args: { name: 'worker-1' } },
  named('k8s_delete_pod', { name: house.podsOf('api')[0]?.metadata.name }),
  named('k8s_restart_deployment', { name: 'api' }),
  named('k8s_rollout_undo', { name: 'checkout' }),
  named('k8s_scale_deployment', { name: 'api', replicas: 3 }),
  { tool: 'k8s_uncordon', args: { name: 'worker-2' } },
]

/** A sandbox where each of these can be proposed. */
async function house(...[t, options]: Parameters<typeof setup>): Promise<House> {
  const made = await setup(t, options)
  applying(made)
  const cordoned = { metadata: { name: 'worker-2', uid: 'u' }, spec: { unschedulable: true } }
  made.faults.push(
    answer(/^GET \/api\/v1\/nodes\/worker-2$/, 200, cordoned),
    answer(/^PATCH \/api\/v1\/nodes\//, 200, { metadata: { name: 'worker', uid: 'u' }, spec: { other: true } }),
    answer(/^DELETE \/api\/v1\/namespaces\/shop\/pods\//, 200, {}),
  )
  return made
}

const namespaceIn = (path: string): string | undefined => /\/namespaces\/([^/]+)\//.exec(path)?.[1]

test('a change names as its target the namespace that its request goes to, given or not', async (t) => {
  for (const own of ['shop', 'web']) {
    const made = await house(t, { cluster: { namespace: own, namespaces: ['*'] } })
    for (const { tool, args, inNamespace } of rows(made)) {
      const given = own === 'shop' ? args : (inNamespace?.('shop') ?? args)

      const target = await made.change(tool).target(given, made.context)
      const { request } = await made.propose(tool, given)

      assert.equal(target.namespace, namespaceIn(request.path), `${tool}: ${request.path}`)
      assert.equal(target.namespace, inNamespace && 'shop', tool)
    }
  }
})

test('these are all the tools that change something in a cluster', async (t) => {
  const made = await house(t)

  assert.deepEqual(
    [...new Set(rows(made).map(({ tool }) => tool))],
    [...made.tools.values()].filter(({ effect }) => effect !== 'read').map(({ name }) => name),
  )
})

const policy: Policy = {
  mode: 'auto',
  protectedNamespaces: ['kube-system'],
  auto: [{ tool: '*', namespace: '*', name: '*' }],
  approvers: ['@bob:corp' as UserId],
  destroyQuorum: 1,
  destroyNeedsOther: false,
}

test('no change gets past the policy into a protected namespace, and nothing but kinds is asked of the server', async (t) => {
  const made = await house(t, { cluster: { namespaces: ['*'] } })

  for (const { tool: name, inNamespace } of rows(made)) {
    if (!inNamespace) continue
    const tool = made.change(name)
    const input = tool.input.parse(inNamespace('kube-system'))
    const target = await tool.target(input, made.context)

    assert.deepEqual(
      rule(policy, { tool: name, effect: effectOf(tool, input), target, askers: ['signal'], readOnly: false }),
      { kind: 'refuse', why: { kind: 'protected', namespace: 'kube-system' } },
      name,
    )
  }
  assert.ok(made.seen.every(({ method, path }) => method === 'GET' && !path.includes('/namespaces/')))
})
