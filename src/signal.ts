/**
 * Something that happened outside the chat, in our own words. It is a hint: whoever acts on it asks the source again. Text fields come
 * from outside: data, never instructions.
 */
export type Signal =
  | PushSignal
  | RunSignal
  | StatusSignal
  | PullSignal
  | CommentSignal
  | BranchSignal
  | ReleaseSignal
  | RepositorySignal
  | TestSignal

export interface Repository {
  id: number
  /** `owner/name`, both safe in a path. */
  fullName: string
  url: string
  private: boolean
  defaultBranch: string
}

interface Event<Kind extends string> {
  kind: Kind
  source: 'gitea'
  /** Names the event whatever delivery brings it. */
  id: string
  repository: Repository
}

/** Commits that reached a branch. Hashes have 40 or 64 hex digits; `commits` is oldest first and may be cut (`total` is not). */
export interface PushSignal extends Event<'push'> {
  branch: string
  before: string
  after: string
  compareUrl?: string
  pusher: { login: string; name: string }
  commits: PushedCommit[]
  total: number
  /** It was found by looking, some time after it happened. */
  late?: true
}

export interface PushedCommit {
  id: string
  title: string
  author: string
  url: string
  /** Paths that the commit touches, at most 200. */
  files: string[]
}

/** A CI run, or one of its jobs, came to its end. `conclusion` as the server writes it. */
export interface RunSignal extends Event<'run'> {
  run: number
  conclusion: string
}

/** Some CI said something about a commit. `bySystem`: it was the forge's own CI, which has runs as well. */
export interface StatusSignal extends Event<'status'> {
  commit: string
  context: string
  state: string
  bySystem: boolean
}

export interface PullSignal extends Event<'pull'> {
  number: number
  action: 'opened' | 'merged' | 'closed' | 'reopened'
  /** The branch that it proposes, unless it comes from another repository. */
  branch?: string
  title: string
  url: string
  by: string
  /** The name of that account, which nobody else has. */
  login: string
}

/** Somebody wrote under an issue or a pull request; `branch` as in `PullSignal`. */
export interface CommentSignal extends Event<'comment'> {
  number: number
  branch?: string
  /** At most 1000 characters. */
  text: string
  url: string
  by: string
  /** As in `PullSignal`. */
  login: string
}

export interface BranchSignal extends Event<'branch'> {
  action: 'created' | 'deleted'
  branch: string
  by: string
}

export interface ReleaseSignal extends Event<'release'> {
  tag: string
  branch: string
  name: string
  url: string
  by: string
}

export interface RepositorySignal extends Event<'repository'> {
  action: 'created' | 'deleted'
  by: string
}

/** Somebody tries whether deliveries arrive. */
export type TestSignal = Event<'test'>
