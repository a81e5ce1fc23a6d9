import { type Commit, commits } from './git.ts'
import { payloadCommit, type Repository, repositoryShape, type User, userShape, zeros } from './shapes.ts'

/** One reference that a push moved. `before` or `after` is all zeros when it is new or gone. */
export interface Moved {
  ref: string
  before: string
  after: string
}

export interface WebhookEvent {
  event: 'push' | 'create' | 'delete'
  payload: object
}

/** Gitea lists at most this many commits of a push, newest first. */
const listedCommits = 5

/** The events of one moved reference, in the order Gitea puts them in its queue. */
export async function pushEvents(
  directory: string,
  repository: Repository,
  moved: Moved,
  pusher: User,
  url: string,
): Promise<WebhookEvent[]> {
  const shared = { repository: repositoryShape(repository, url), sender: userShape(pusher, url) }
  const [, kind, name] = /^refs\/(head|tag)s\/(.+)$/.exec(moved.ref) ?? []
  if (!name) return []
  const refType = kind === 'head' ? 'branch' : 'tag'
  const short = { ref: name, ref_type: refType }
  if (moved.after === zeros) return [{ event: 'delete', payload: { ...short, pusher_type: 'user', ...shared } }]
  const push: WebhookEvent = { event: 'push', payload: await pushPayload(directory, repository, moved, pusher, url) }
  if (moved.before !== zeros) return [push]
  const create: WebhookEvent = { event: 'create', payload: { sha: moved.after, ...short, ...shared } }
  return refType === 'branch' ? [create, push] : [push, create]
}

export async function pushPayload(
  directory: string,
  repository: Repository,
  { ref, before, after }: Moved,
  pusher: User,
  url: string,
) {
  const page = `${url}/${repository.owner.login}/${repository.name}`
  const isNew = before === zeros
  const isTest = before === after
  const [head] = await commits(directory, [after], 1)
  const pushed =
    isTest && head ? [head] : await commits(directory, isNew ? newRange(ref, after) : [after, `^${before}`], 1000)
  const shape = (commit: Commit) => payloadCommit(commit, page)
  return {
    ref,
    before,
    after,
    compare_url: isNew ? page : `${page}/compare/${before}...${after}`,
    commits: pushed.slice(0, listedCommits).map(shape),
    total_commits: pushed.length,
    head_commit: head ? shape(head) : null,
    repository: repositoryShape(repository, url),
    pusher: userShape(pusher, url),
    sender: userShape(pusher, url),
  }
}

// What a new branch brings is what the default branch does not have.
function newRange(ref: string, after: string): string[] {
  return ref === 'refs/heads/main' ? [after] : [after, '^refs/heads/main']
}
