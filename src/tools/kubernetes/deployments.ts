import * as z from 'zod'
import { renderTable } from '../output.ts'
import { defineTool, type Tool } from '../tool.ts'
import type { Cluster } from './cluster.ts'
import { describeDeployment } from './describe.ts'
import { eventsOf } from './events.ts'
import * as input from './inputs.ts'
import { notFound } from './not-found.ts'
import { type Deployment, paths, selectorOf } from './objects.ts'

export function listDeployments(cluster: Cluster): Tool {
  return defineTool({
    name: 'k8s_list_deployments',
    description: 'List deployments with ready, updated and available replicas.',
    input: z.object({ namespace: input.namespace }),
    effect: 'read',
    summary: ({ namespace }) => `deployments in ${namespace ?? cluster.namespace}`,
    async run({ namespace }, { signal, maxBytes }) {
      const where = cluster.namespaceFor(namespace)
      const table = await cluster.table(paths.deployments(where), { signal, query: { limit: 500 } })
      return renderTable(table, {
        empty: `No deployments in namespace ${where}.`,
        rest: 'Ask for one with k8s_get_deployment.',
        maxBytes,
      })
    },
  })
}

export function getDeployment(cluster: Cluster): Tool {
  return defineTool({
    name: 'k8s_get_deployment',
    description: 'One deployment: replicas, conditions, containers, its pods, recent events.',
    input: z.object({ name: input.name, namespace: input.namespace }),
    effect: 'read',
    summary: ({ name, namespace }) => `deployment ${namespace ?? cluster.namespace}/${name}`,
    async run({ name, namespace }, { signal, maxBytes }) {
      const where = cluster.namespaceFor(namespace)
      const deployment = await readDeployment(cluster, where, name, signal)
      const [pods, events] = await Promise.all([
        podsOf(cluster, where, deployment, signal, maxBytes / 2),
        eventsOf(cluster, where, [{ kind: 'Deployment', name }], signal),
      ])
      return `${describeDeployment(deployment)}\n\nPods:\n${pods}\n\nEvents:\n${events}`
    },
  })
}

export function readDeployment(
  cluster: Cluster,
  namespace: string,
  name: string,
  signal: AbortSignal,
): Promise<Deployment> {
  return notFound(
    cluster.get<Deployment>(paths.deployment(namespace, name), { signal }),
    cluster,
    'Deployment',
    namespace,
    name,
    signal,
  )
}

async function podsOf(
  cluster: Cluster,
  namespace: string,
  deployment: Deployment,
  signal: AbortSignal,
  maxBytes: number,
): Promise<string> {
  try {
    const table = await cluster.table(paths.pods(namespace), {
      signal,
      query: { labelSelector: selectorOf(deployment.spec?.selector?.matchLabels), limit: 100 },
    })
    return renderTable(table, { empty: 'none', rest: 'All of them: k8s_list_pods.', maxBytes })
  } catch (error) {
    signal.throwIfAborted()
    return `could not be read: ${error instanceof Error ? error.message : String(error)}`
  }
}
