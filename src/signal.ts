/**
 * Something that happened outside the chat, in our own words. It is a hint: whoever acts on it asks the source again. Text fields come
 * from outside: data, never instructions.
 *
 * A source that is no forge becomes one more member here, with a `source` of its own. `laneOf` and `signalJob` below say where it waits,
 * `src/bot/jobs/signal.ts` who takes it up; without them it does not compile.
 */
export type Signal = ForgeSignal

/** Something that happened in a repository. */
export type ForgeSignal =
  | PushSignal
  | RunSignal
  | StatusSignal
  | PullSignal
  | CommentSignal
  | BranchSignal
  | ReleaseSignal
  | RepositorySignal
  | TestSignal

/** A signal's job for the inbox. Deliveries of one event, and a look at its source, all make the same one: it is handled once. */
export function signalJob(signal: Signal): { id: string; thread: string; kind: 'signal'; data: Signal } {
  return {
    id: `signal:${signal.repository.fullName}:${signal.id}`,
    thread: laneOf(signal),
    kind: 'signal',
    data: signal,
  }
}

/** The lane where a signal waits until a thread is found for it. What happened in one repository is taken up one after the other. */
export function laneOf(signal: Signal): string {
  return `signal:${signal.source}:${signal.repository.id}`
}

/** What every signal has. */
interface Happening<Source extends string, Kind extends string> {
  kind: Kind
  source: Source
  /** Names the event, whichever way we heard of it. */
  id: string
}

interface ForgeEvent<Kind extends string> extends Happening<'gitea', Kind> {
  repository: Repository
}

export interface Repository {
  id: number
  /** `owner/name`, both safe in a path. */
  fullName: string
  url: string
  private: boolean
  defaultBranch: string
}

/** Commits that reached a branch. Hashes have 40 or 64 hex digits; `commits` is oldest first and may be cut (`total` is not). */
export interface PushSignal extends ForgeEvent<'push'> {
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
export interface RunSignal extends ForgeEvent<'run'> {
  run: number
  conclusion: string
}

/** Some CI said something about a commit. `bySystem`: it was the forge's own CI, which has runs as well. */
export interface StatusSignal extends ForgeEvent<'status'> {
  commit: string
  context: string
  state: string
  bySystem: boolean
}

export interface PullSignal extends ForgeEvent<'pull'> {
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
export interface CommentSignal extends ForgeEvent<'comment'> {
  number: number
  branch?: string
  /** At most 1000 characters. */
  text: string
  url: string
  by: string
  /** As in `PullSignal`. */
  login: string
}

export interface BranchSignal extends ForgeEvent<'branch'> {
  action: 'created' | 'deleted'
  branch: string
  by: string
}

export interface ReleaseSignal extends ForgeEvent<'release'> {
  tag: string
  branch: string
  name: string
  url: string
  by: string
}

export interface RepositorySignal extends ForgeEvent<'repository'> {
  action: 'created' | 'deleted'
  by: string
}

/** Somebody tries whether deliveries arrive. */
export type TestSignal = ForgeEvent<'test'>

/**
 * The ids of events that we hear of in two ways: a delivery brings them, or a look at the forge finds what no delivery brought. An id of
 * its own for each way would have the event told twice.
 */
export const pushId = ({
  repository,
  branch,
  before,
  after,
}: Pick<PushSignal, 'repository' | 'branch' | 'before' | 'after'>): string =>
  `push:${repository.id}:refs/heads/${branch}:${before}:${after}`

/** `completedAt` as the server writes it: a run that goes on after all ends a second time. */
export const runId = (
  { repository, run, conclusion }: Pick<RunSignal, 'repository' | 'run' | 'conclusion'>,
  completedAt: string,
): string => `run:${repository.id}:${run}:${conclusion}:${completedAt}`

/** `number`: the server's own, one for each status. */
export const statusId = ({ repository, commit }: Pick<StatusSignal, 'repository' | 'commit'>, number: number): string =>
  `status:${repository.id}:${commit}:${number}`
