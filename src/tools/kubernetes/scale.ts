import * as z from 'zod'
import { type ChangeTool, defineChange, type Preview, Refusal } from '../tool.ts'
import {
  affected,
  affectedRights,
  type ChangeRules,
  guardedPatch,
  refuseForbidden,
  sendToCluster,
  tryOut,
  versionOf,
} from './change.ts'
import type { Cluster } from './cluster.ts'
import { readDeployment } from './deployments.ts'
import * as input from './inputs.ts'
import { type Deployment, paths } from './objects.ts'

interface Scale {
  metadata: { uid?: string }
  spec?: { replicas?: number }
}

export function scaleDeployment(cluster: Cluster, rules: ChangeRules): ChangeTool {
  return defineChange({
    name: 'k8s_scale_deployment',
    description: 'Scale a deployment (needs approval).',
    input: z.object({ name: input.name, replicas: input.integer(0, 10_000), namespace: input.namespace }),
    effect: ({ replicas }) => (replicas === 0 ? 'destroy' : 'change'),
    rights: [
      { group: 'apps', resource: 'deployments', verbs: ['get', 'list'] },
      { group: 'apps', resource: 'deployments/scale', verbs: ['get', 'patch'] },
      ...affectedRights,
    ],
    summary: ({ name, replicas, namespace }) =>
      `scale deployment ${namespace ?? cluster.namespace}/${name} to ${replicas}`,
    target: ({ name, namespace }) => ({ kind: 'Deployment', namespace: cluster.namespaceFor(namespace), name }),
    async preflight({ name, replicas, namespace }, { signal }): Promise<Preview> {
      const where = cluster.namespaceFor(namespace)
      if (replicas > rules.maxReplicas)
        throw new Refusal(`At most ${rules.maxReplicas} replicas may be asked for, not ${replicas}.`)
      const deployment = await readDeployment(cluster, where, name, signal)
      const current = deployment.spec?.replicas ?? 1
      if (current === replicas) throw new Refusal(`Deployment ${where}/${name} already has ${replicas} replicas.`)
      await refuseForbidden(
        cluster,
        { verb: 'patch', group: 'apps', resource: 'deployments', subresource: 'scale', namespace: where, name },
        signal,
      )

      const path = paths.scale(where, name)
      const request = scaleRequest(path, deployment, replicas)
      const before = await cluster.get<Scale>(path, { signal })
      const [diff, affects] = await Promise.all([
        tryOut(cluster, request, before, signal, withZero),
        affected(cluster, where, { kind: 'Deployment', object: deployment }, signal),
      ])
      const lost = replicas === 0 ? ['all its pods end: nobody serves it any more'] : []
      return {
        request,
        diff,
        affects: [`from ${current} to ${replicas} replicas`, ...lost, ...affects],
        version: `${versionOf(deployment)}/${current}`,
      }
    },
    async run({ name, namespace }, approved, { signal }) {
      const where = cluster.namespaceFor(namespace)
      const after = await sendToCluster<Scale>(cluster, paths.scale(where, name), approved, signal)
      const wanted = after.spec?.replicas ?? 0
      return `Deployment ${where}/${name} now wants ${wanted} ${wanted === 1 ? 'replica' : 'replicas'}. The outcome is checked and reported by itself.`
    },
  })
}

function scaleRequest(path: string, { metadata, spec }: Deployment, replicas: number): Preview['request'] {
  const current = spec?.replicas ?? 1
  const tests = [
    { op: 'test', path: '/metadata/uid', value: metadata.uid },
    // A Scale of 0 has no field for it, so there is nothing that a test or a replacement could find.
    current === 0 ? { op: 'test', path: '/spec', value: {} } : { op: 'test', path: '/spec/replicas', value: current },
  ]
  return guardedPatch(path, tests, [{ op: 'add', path: '/spec/replicas', value: replicas }])
}

const withZero = (scale: Scale): Scale => ({ ...scale, spec: { replicas: scale.spec?.replicas ?? 0 } })
