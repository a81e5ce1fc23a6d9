import type { Probe } from './analyzers/analyzer.ts'
import { coreAnalyzers, diagnose } from './analyzers/diagnose.ts'
import { rightsOf } from './analyzers/run.ts'
import { fileTools } from './files/index.ts'
import { gitTools } from './git/index.ts'
import type { Workspace } from './git/workspace.ts'
import type { Gitea } from './gitea/client.ts'
import { giteaTools } from './gitea/index.ts'
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
  gitea,
  disk,
  probes = [],
}: {
  cluster: Cluster | undefined
  rules: ChangeRules
  gitea?: GiteaAccess | undefined
  disk?: Disk | undefined
  /** Rules of one's own, for the diagnosis. */
  probes?: Probe[]
}): Map<string, Tool> {
  const all = [
    ...(cluster ? kubernetesTools(cluster, rules, probes) : []),
    ...(gitea ? giteaTools(gitea.client) : []),
    ...(disk ? diskTools(disk, gitea) : []),
  ]
  return new Map(all.sort((a, b) => (a.name < b.name ? -1 : 1)).map((tool) => [tool.name, tool]))
}

export interface GiteaAccess {
  client: Gitea
  token: string
  /** Certificates that git trusts, as PEM; else the system's. */
  ca?: string[] | undefined
}

export interface Disk {
  /** Folders that the file tools may touch. */
  roots: string[]
  dataDir: string
  /** Where the clones of threads live. */
  workspace: Workspace
}

/** The settings without which a tool of this name is not there. */
export function missingSettings(
  name: string,
  gitea: { url?: string | undefined; token?: string | undefined },
): string[] {
  if (!name.startsWith('gitea_')) return []
  return [...(gitea.url ? [] : ['KUBE_AGENT_GITEA_URL']), ...(gitea.token ? [] : ['KUBE_AGENT_GITEA_TOKEN'])]
}

function diskTools({ roots, dataDir, workspace }: Disk, gitea: GiteaAccess | undefined): Tool[] {
  const git = gitea ? gitTools({ gitea: gitea.client, token: gitea.token, ca: gitea.ca, workspace, dataDir }) : []
  return [...fileTools({ roots, workspace, dataDir }), ...git]
}

function kubernetesTools(cluster: Cluster, rules: ChangeRules, probes: Probe[]): Tool[] {
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
