import type { Probe } from '../analyzers/analyzer.ts'
import { coreAnalyzers, diagnose } from '../analyzers/diagnose.ts'
import { rightsOf } from '../analyzers/run.ts'
import type { Right, Tool } from '../tool.ts'
import { getAny, listAny } from './any.ts'
import { applyManifest } from './apply.ts'
import type { ChangeRules } from './change.ts'
import type { Cluster } from './cluster.ts'
import { getConfigMap } from './config-maps.ts'
import { cordon, uncordon } from './cordon.ts'
import { deletePod } from './delete-pod.ts'
import { getDeployment } from './deployments.ts'
import { createDiscovery } from './discovery.ts'
import { getEvents } from './events.ts'
import { listConfigMaps, listDeployments, listPods, listSecrets, listServices } from './lists.ts'
import { getPodLogs } from './logs.ts'
import { getPod } from './pods.ts'
import { restartDeployment } from './restart.ts'
import { rolloutHistory, rolloutStatus, rolloutUndo } from './rollout.ts'
import { scaleDeployment } from './scale.ts'
import { top } from './top.ts'
import { whatChanged } from './what-changed.ts'

/** Everything that goes through the API server. `probes`: rules of one's own, for the diagnosis. */
export function kubernetesTools(cluster: Cluster, rules: ChangeRules, probes: Probe[]): Tool[] {
  const discovery = createDiscovery(cluster)
  return [
    { ...diagnose(cluster, probes), rights: diagnosisRights(cluster) },
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
    restartDeployment(cluster),
    scaleDeployment(cluster, rules),
    rolloutUndo(cluster),
    deletePod(cluster),
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
