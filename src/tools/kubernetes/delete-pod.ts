import * as z from 'zod'
import { type ChangeTool, defineChange, type Preview, Refusal, type Target } from '../tool.ts'
import { refuseForbidden, sendToCluster } from './change.ts'
import type { Cluster } from './cluster.ts'
import { describeState } from './describe.ts'
import { ClusterError } from './errors.ts'
import * as input from './inputs.ts'
import { type Meta, type Pod, paths } from './objects.ts'
import { readPod } from './pods.ts'

export function deletePod(cluster: Cluster): ChangeTool {
  return defineChange({
    name: 'k8s_delete_pod',
    description: 'Delete a pod; its controller makes a new one (needs approval).',
    input: z.object({ name: input.name, namespace: input.namespace }),
    effect: 'change',
    rights: [
      { group: '', resource: 'pods', verbs: ['get', 'list', 'delete'] },
      { group: 'apps', resource: 'replicasets', verbs: ['get'] },
    ],
    summary: ({ name, namespace }) => `delete pod ${namespace ?? cluster.namespace}/${name}`,
    target: ({ name, namespace }) => ({ kind: 'Pod', namespace: cluster.namespaceFor(namespace), name }),
    async preflight({ name, namespace }, context): Promise<Preview> {
      const { signal } = context
      const where = cluster.namespaceFor(namespace)
      const pod = await readPod(cluster, where, name, context)
      const maker = makerOf(pod)
      await refuseForbidden(cluster, { verb: 'delete', group: '', resource: 'pods', namespace: where, name }, signal)

      const owner = await ownerOf(cluster, where, maker, signal)
      const request = deletion(paths.pod(where, name), pod)
      await tryDeletion(cluster, request, signal)
      return {
        request,
        diff: '',
        affects: [stateOf(pod), `${owner.kind} ${where}/${owner.name} makes a new pod in its place`],
        version: `${pod.metadata.uid}`,
        watch: owner,
      }
    },
    async run({ name, namespace }, approved, { signal }) {
      const where = cluster.namespaceFor(namespace)
      await sendToCluster(cluster, paths.pod(where, name), approved, signal)
      return `Pod ${where}/${name} is being deleted. The outcome is checked and reported by itself.`
    },
  })
}

type Owner = NonNullable<Meta['ownerReferences']>[number]

/** The controller that would make a new pod. Throws when nobody would, or when deleting would do nothing. */
function makerOf({ metadata }: Pod): Owner {
  const name = `${metadata.namespace}/${metadata.name}`
  if (metadata.deletionTimestamp)
    throw new Refusal(`Pod ${name} is being deleted already, since ${metadata.deletionTimestamp}.`)
  const owner = metadata.ownerReferences?.find(({ controller }) => controller)
  if (!owner)
    throw new Refusal(`Pod ${name} has no controller: nobody would make it again, so this bot does not delete it.`)
  if (owner.kind === 'Node')
    throw new Refusal(`Pod ${name} is a static pod of node ${owner.name}: only its kubelet can end it.`)
  return owner
}

/** The workload at the top: of a ReplicaSet its Deployment. */
async function ownerOf(cluster: Cluster, namespace: string, owner: Owner, signal: AbortSignal): Promise<Target> {
  const self = { kind: owner.kind, namespace, name: owner.name }
  if (owner.kind !== 'ReplicaSet') return self
  try {
    const path = `${paths.replicaSets(namespace)}/${owner.name}`
    const { metadata } = await cluster.get<{ metadata: Meta }>(path, { signal })
    const top = metadata.ownerReferences?.find(({ controller }) => controller)
    return top ? { kind: top.kind, namespace, name: top.name } : self
  } catch (error) {
    if (error instanceof ClusterError && [403, 404].includes(error.status)) return self
    throw error
  }
}

/** The request names the uid of this pod, so a new pod of the same name (of a StatefulSet) is left alone. */
const deletion = (path: string, { metadata }: Pod): Preview['request'] => ({
  method: 'DELETE',
  path,
  contentType: 'application/json',
  body: JSON.stringify({ apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid: metadata.uid } }, null, 1),
})

async function tryDeletion(cluster: Cluster, request: Preview['request'], signal: AbortSignal): Promise<void> {
  try {
    await cluster.send(request, { signal, dryRun: true })
  } catch (error) {
    if (error instanceof ClusterError) throw new Refusal(`The server would not accept this: ${error.message}`)
    throw error
  }
}

function stateOf({ spec, status }: Pod): string {
  const containers = (status?.containerStatuses ?? []).map(
    ({ name, ready, restartCount, state }) =>
      `${name}: ${describeState(state)}, ${ready ? 'ready' : 'not ready'}, ${restartCount ?? 0} restarts`,
  )
  return [`${status?.phase ?? 'unknown phase'} on ${spec?.nodeName ?? 'no node'}`, ...containers].join('; ')
}
