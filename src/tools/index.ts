import { coreAnalyzers, diagnose } from './analyzers/diagnose.ts'
import { rightsOf } from './analyzers/run.ts'
import { getAny, listAny } from './kubernetes/any.ts'
import { applyManifest } from './kubernetes/apply.ts'
import type { ChangeRules } from './kubernetes/change.ts'
import type { Cluster } from './kubernetes/cluster.ts'
import { getConfigMap } from './kubernetes/config-maps.ts'
import { cordon, uncordon } from './kubernetes/cordon.ts'
import { deletePod } from './kubernetes/delete-pod.ts'
import { getDeployment } from './kubernetes/deployments.ts'
import { createDiscovery } from './kubernetes/discovery.ts'
import { getEvents } from './kubernetes/events.ts'
import { listConfigMaps, listDeployments, listPods, listSecrets, listServices } from './kubernetes/lists.ts'
import { getPodLogs } from './kubernetes/logs.ts'
import { getPod } from './kubernetes/pods.ts'
import { restartDeployment } from './kubernetes/restart.ts'
import { rolloutHistory, rolloutStatus, rolloutUndo } from './kubernetes/rollout.ts'
import { scaleDeployment } from './kubernetes/scale.ts'
import { top } from './kubernetes/top.ts'
import { whatChanged } from './kubernetes/what-changed.ts'
import type { Right, Tool } from './tool.ts'

/** Everything the agent can do, by name, sorted: the model's server caches this part of the prompt. */
export function createTools({
  cluster,
  rules,
}: {
  cluster: Cluster | undefined
  rules: ChangeRules
}): Map<string, Tool> {
  const all = cluster ? kubernetesTools(cluster, rules) : []
  return new Map(all.sort((a, b) => (a.name < b.name ? -1 : 1)).map((tool) => [tool.name, tool]))
}

function kubernetesTools(cluster: Cluster, rules: ChangeRules): Tool[] {
  const discovery = createDiscovery(cluster)
  return [
    { ...diagnose(cluster), rights: diagnosisRights(cluster) },
    listPods(cluster),
    getPod(cluster),
    getPodLogs(cluster),
    listDeployments(cluster),
    getDeployment(cluster),
    getEvents(cluster),
    listServices(cluster),
    listConfigMaps(cluster),
    getConfigMap(cluster),
    listSecrets(cluster),
    listAny(cluster, discovery),
    getAny(cluster, discovery),
    rolloutStatus(cluster),
    rolloutHistory(cluster),
    top(cluster),
    whatChanged(cluster),
    restartDeployment(cluster, rules),
    scaleDeployment(cluster, rules),
    rolloutUndo(cluster, rules),
    deletePod(cluster, rules),
    cordon(cluster),
    uncordon(cluster),
    applyManifest(cluster, discovery, rules),
  ]
}

/** Its analyzers say what they read, and it also shows the log of the pod that is worst off. */
const diagnosisRights = ({ namespaces }: Cluster): Right[] => [
  ...rightsOf(coreAnalyzers(namespaces.includes('*'))).map(({ group, resource }) => ({
    group,
    resource,
    verbs: ['list'],
  })),
  { group: '', resource: 'pods', verbs: ['get'] },
  { group: '', resource: 'pods/log', verbs: ['get'] },
]
