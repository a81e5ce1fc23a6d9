import * as z from 'zod'
import { sentenceOf } from '../../text/sentence.ts'
import { firstLines, renderTable } from '../output.ts'
import { defineRead, type ReadTool } from '../tool.ts'
import type { Cluster } from './cluster.ts'
import { describeDeployment } from './describe.ts'
import { eventsOf } from './events.ts'
import * as input from './inputs.ts'
import { notFound } from './not-found.ts'
import { type Deployment, paths, selectorOf } from './objects.ts'
import { allRows } from './pages.ts'

export function getDeployment(cluster: Cluster): ReadTool {
  return defineRead({
    name: 'k8s_get_deployment',
    description: 'One deployment: replicas, conditions, containers, pods, events.',
    input: z.object({ name: input.name, namespace: input.namespace }),
    rights: [
      { group: 'apps', resource: 'deployments', verbs: ['get', 'list'] },
      { group: '', resource: 'pods', verbs: ['list'] },
      { group: '', resource: 'events', verbs: ['list'] },
    ],
    summary: ({ name, namespace }) => `deployment ${namespace ?? cluster.namespace}/${name}`,
    async run({ name, namespace }, { signal, maxBytes }) {
      const where = cluster.namespaceFor(namespace)
      const deployment = await readDeployment(cluster, where, name, signal)
      const [pods, events] = await Promise.all([
        podsOf(cluster, where, deployment, signal, maxBytes * 0.4),
        eventsOf(cluster, where, { kind: 'Deployment', name }, { signal, maxBytes: maxBytes * 0.25 }),
      ])
      const end = `\n\nPods:\n${pods}\n\nEvents:\n${events}`
      return firstLines(describeDeployment(deployment), maxBytes - Buffer.byteLength(end)) + end
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
    const query = { labelSelector: selectorOf(deployment.spec?.selector) }
    const table = await allRows(cluster, paths.pods(namespace), { signal, query })
    return renderTable(table, { empty: 'none', rest: 'More with k8s_list_pods.', maxBytes })
  } catch (error) {
    signal.throwIfAborted()
    return `could not be read: ${sentenceOf(error)}`
  }
}
