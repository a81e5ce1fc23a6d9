import type { Tool } from '../tool.ts'
import type { Gitea } from './client.ts'
import { compare, getCommit, listCommits } from './commits.ts'
import { createPull } from './create-pull.ts'
import { createRepository } from './create-repository.ts'
import { deleteRepository } from './delete-repository.ts'
import { listFiles, readFile } from './files.ts'
import { createWebhook, listWebhooks } from './hooks.ts'
import { comment, createIssue } from './issues.ts'
import { getJobLog } from './job-log.ts'
import { mergePull } from './merge-pull.ts'
import { proposeChange } from './propose-change.ts'
import { getPull, listPulls } from './pulls.ts'
import { getRepository, listBranches, listRepositories } from './repositories.ts'
import { rerun } from './rerun.ts'
import { getRun, listRuns } from './runs.ts'
import { setStatus } from './set-status.ts'
import { listUsers } from './users.ts'

/** Everything that goes through Gitea's API. */
export const giteaTools = (gitea: Gitea): Tool[] => [
  listRepositories(gitea),
  getRepository(gitea),
  createRepository(gitea),
  deleteRepository(gitea),
  listBranches(gitea),
  listUsers(gitea),
  listWebhooks(gitea),
  createWebhook(gitea),
  listCommits(gitea),
  getCommit(gitea),
  compare(gitea),
  listFiles(gitea),
  readFile(gitea),
  listPulls(gitea),
  getPull(gitea),
  createPull(gitea),
  mergePull(gitea),
  comment(gitea),
  createIssue(gitea),
  setStatus(gitea),
  proposeChange(gitea),
  listRuns(gitea),
  getRun(gitea),
  getJobLog(gitea),
  rerun(gitea),
]
