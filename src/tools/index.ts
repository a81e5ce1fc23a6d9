import type { ChangeRules } from './kubernetes/change.ts'
import type { Cluster } from './kubernetes/cluster.ts'
import { getDeployment, listDeployments } from './kubernetes/deployments.ts'
import { getEvents } from './kubernetes/events.ts'
import { getPodLogs } from './kubernetes/logs.ts'
import { getPod, listPods } from './kubernetes/pods.ts'
import { restartDeployment } from './kubernetes/restart.ts'
import { scaleDeployment } from './kubernetes/scale.ts'
import type { Tool } from './tool.ts'

/** Everything the agent can do, by name, sorted: the model's server caches this part of the prompt. */
export function createTools({
  cluster,
  rules,
}: {
  cluster: Cluster | undefined
  rules: ChangeRules
}): Map<string, Tool> {
  const kubernetes = cluster
    ? [
        listPods(cluster),
        getPod(cluster),
        getPodLogs(cluster),
        listDeployments(cluster),
        getDeployment(cluster),
        getEvents(cluster),
        restartDeployment(cluster, rules),
        scaleDeployment(cluster, rules),
      ]
    : []
  return new Map(kubernetes.sort((a, b) => (a.name < b.name ? -1 : 1)).map((tool) => [tool.name, tool]))
}
