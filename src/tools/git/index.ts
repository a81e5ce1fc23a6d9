import { join } from 'node:path'
import type { Gitea } from '../gitea/client.ts'
import type { Tool } from '../tool.ts'
import { cloneRepository } from './clone.ts'
import { commitAndPush } from './commit-and-push.ts'
import { createGit, type Git } from './git.ts'
import { createGitHome } from './home.ts'
import { gitPull } from './pull.ts'
import { gitStatus } from './status.ts'
import type { Workspace } from './workspace.ts'

/** What the git tools share. */
export interface GitTools {
  gitea: Gitea
  git: Git
  workspace: Workspace
  /** What one clone may take. */
  mostBytes: number
}

export interface GitToolsOptions {
  gitea: Gitea
  token: string
  workspace: Workspace
  /** Where the data of the bot is. */
  dataDir: string
  ca?: string[] | undefined
  mostBytes?: number
}

/** Everything that needs the files of a repository on disk. */
export function gitTools({
  gitea,
  token,
  workspace,
  dataDir,
  ca,
  mostBytes = 512 * 1024 ** 2,
}: GitToolsOptions): Tool[] {
  const home = createGitHome({
    folder: join(dataDir, 'git-home'),
    url: gitea.url,
    author: { name: 'kube-agent', email: `kube-agent@${new URL(gitea.url).hostname}` },
    ca,
  })
  return gitToolsOn({ gitea, git: createGit({ home, token }), workspace, mostBytes })
}

export const gitToolsOn = (tools: GitTools): Tool[] => [
  cloneRepository(tools),
  gitPull(tools),
  gitStatus(tools),
  commitAndPush(tools),
]
