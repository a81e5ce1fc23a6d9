import type { Probe } from './analyzers/analyzer.ts'
import { fileTools } from './files/index.ts'
import { gitTools } from './git/index.ts'
import type { Workspace } from './git/workspace.ts'
import type { Gitea } from './gitea/client.ts'
import { giteaTools } from './gitea/index.ts'
import type { ChangeRules } from './kubernetes/change.ts'
import type { Cluster } from './kubernetes/cluster.ts'
import { kubernetesTools } from './kubernetes/index.ts'
import type { Tool } from './tool.ts'

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
