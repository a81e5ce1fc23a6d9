import * as z from 'zod'
import { type ChangeTool, defineChange, type Preview } from '../tool.ts'
import {
  affected,
  affectedRights,
  guardedPatch,
  refuseForbidden,
  refuseUnrollable,
  sendToCluster,
  tryOut,
  versionOf,
} from './change.ts'
import type { Cluster } from './cluster.ts'
import { readDeployment } from './deployments.ts'
import * as input from './inputs.ts'
import { type Deployment, paths } from './objects.ts'

const annotation = 'kubectl.kubernetes.io/restartedAt'

export function restartDeployment(cluster: Cluster): ChangeTool {
  return defineChange({
    name: 'k8s_restart_deployment',
    description: 'Restart all pods of a deployment (needs approval).',
    input: z.object({ name: input.name, namespace: input.namespace }),
    effect: 'change',
    rights: [{ group: 'apps', resource: 'deployments', verbs: ['get', 'list', 'patch'] }, ...affectedRights],
    summary: ({ name, namespace }) => `restart deployment ${namespace ?? cluster.namespace}/${name}`,
    target: ({ name, namespace }) => ({ kind: 'Deployment', namespace: cluster.namespaceFor(namespace), name }),
    async preflight({ name, namespace }, { signal }): Promise<Preview> {
      const where = cluster.namespaceFor(namespace)
      const deployment = await readDeployment(cluster, where, name, signal)
      refuseUnrollable(where, deployment)
      await refuseForbidden(
        cluster,
        { verb: 'patch', group: 'apps', resource: 'deployments', namespace: where, name },
        signal,
      )
      // With its milliseconds, so that a second restart within a second is one.
      const request = restartRequest(where, deployment, new Date(cluster.now()).toISOString())
      const [diff, affects] = await Promise.all([
        tryOut(cluster, request, deployment, signal),
        affected(cluster, where, { kind: 'Deployment', object: deployment }, signal),
      ])
      const gap =
        deployment.spec?.strategy?.type === 'Recreate'
          ? ['its strategy is Recreate: all pods end before new ones start']
          : []
      return { request, diff, affects: [...gap, ...affects], version: versionOf(deployment) }
    },
    async run({ name, namespace }, approved, { signal }) {
      const where = cluster.namespaceFor(namespace)
      const after = await sendToCluster<Deployment>(cluster, paths.deployment(where, name), approved, signal)
      const at = after.spec?.template?.metadata?.annotations?.[annotation]
      return `Restart of deployment ${where}/${name} began (${annotation}: ${at}, generation ${after.metadata.generation}). Its pods are being replaced; the outcome is checked and reported by itself.`
    },
  })
}

/** The same change as `kubectl rollout restart`, with the time fixed now, so that people see exactly what will be sent. */
function restartRequest(namespace: string, { metadata, spec }: Deployment, at: string): Preview['request'] {
  const tests = [
    { op: 'test', path: '/metadata/uid', value: metadata.uid },
    { op: 'test', path: '/metadata/generation', value: metadata.generation },
  ]
  const template = spec?.template?.metadata
  const operation = template?.annotations
    ? { op: 'add', path: `/spec/template/metadata/annotations/${annotation.replace('/', '~1')}`, value: at }
    : { op: 'add', path: '/spec/template/metadata/annotations', value: { [annotation]: at } }
  return guardedPatch(paths.deployment(namespace, metadata.name), tests, [operation])
}
