import * as z from 'zod'
import { type ChangeTool, defineChange, type Preview, Refusal } from '../tool.ts'
import { guardedPatch, refuseClusterWide, refuseForbidden, sendToCluster, tryOut } from './change.ts'
import type { Cluster } from './cluster.ts'
import { ClusterError } from './errors.ts'
import * as input from './inputs.ts'
import { type Meta, type Pod, paths } from './objects.ts'
import { allItems } from './pages.ts'

interface Node {
  metadata: Meta
  spec?: { unschedulable?: boolean }
}

/** `k8s_cordon`: a node takes no new pods. Those on it stay. */
export const cordon = (cluster: Cluster): ChangeTool =>
  scheduling(cluster, {
    name: 'k8s_cordon',
    description: 'Let a node take no new pods (needs approval).',
    unschedulable: true,
  })

/** `k8s_uncordon`: a node takes new pods again. */
export const uncordon = (cluster: Cluster): ChangeTool =>
  scheduling(cluster, {
    name: 'k8s_uncordon',
    description: 'Let a cordoned node take new pods again (needs approval).',
    unschedulable: false,
  })

function scheduling(
  cluster: Cluster,
  { name: toolName, description, unschedulable }: { name: string; description: string; unschedulable: boolean },
): ChangeTool {
  const verb = unschedulable ? 'cordon' : 'uncordon'
  return defineChange({
    name: toolName,
    description,
    input: z.object({ name: input.name }),
    effect: 'change',
    rights: [
      { group: '', resource: 'nodes', verbs: ['get', 'list', 'patch'] },
      { group: '', resource: 'pods', verbs: ['list'] },
    ],
    summary: ({ name }) => `${verb} node ${name}`,
    target: ({ name }) => ({ kind: 'Node', name }),
    async preflight({ name }, { signal }): Promise<Preview> {
      refuseClusterWide(cluster, `Node ${name}`)
      const node = await readNode(cluster, name, signal)
      const current = node.spec?.unschedulable === true
      if (current === unschedulable)
        throw new Refusal(`Node ${name} is ${current ? 'cordoned already' : 'not cordoned'}.`)
      await refuseForbidden(cluster, { verb: 'patch', group: '', resource: 'nodes', name }, signal)
      const request = patchOf(node, unschedulable)
      const [diff, pods] = await Promise.all([tryOut(cluster, request, node, signal), podsOn(cluster, name, signal)])
      return { request, diff, affects: [pods], version: `${node.metadata.uid}/${current}` }
    },
    async run({ name }, approved, { signal }) {
      await sendToCluster(cluster, paths.node(name), approved, signal)
      return `Node ${name} ${unschedulable ? 'takes no new pods; those on it stay' : 'takes new pods again'}.`
    },
  })
}

async function readNode(cluster: Cluster, name: string, signal: AbortSignal): Promise<Node> {
  try {
    return await cluster.get<Node>(paths.node(name), { signal })
  } catch (error) {
    if (!(error instanceof ClusterError) || error.status !== 404) throw error
    throw new Refusal(`There is no node ${name}. k8s_list kind=nodes lists them.`, { cause: error })
  }
}

const patchOf = ({ metadata }: Node, unschedulable: boolean): Preview['request'] => {
  const field = '/spec/unschedulable'
  const tests = [{ op: 'test', path: '/metadata/uid', value: metadata.uid }]
  return guardedPatch(
    paths.node(metadata.name),
    unschedulable ? tests : [...tests, { op: 'test', path: field, value: true }],
    [unschedulable ? { op: 'add', path: field, value: true } : { op: 'remove', path: field }],
  )
}

async function podsOn(cluster: Cluster, node: string, signal: AbortSignal): Promise<string> {
  try {
    const query = { fieldSelector: `spec.nodeName=${node}` }
    const { items, isWhole } = await allItems<Pod>(cluster, '/api/v1/pods', { signal, query, metadataOnly: true })
    return `${isWhole ? '' : 'more than '}${items.length} ${items.length === 1 ? 'pod is' : 'pods are'} on it and stay`
  } catch {
    signal.throwIfAborted()
    return 'its pods could not be looked at'
  }
}
