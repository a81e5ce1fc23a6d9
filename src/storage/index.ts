import type { Logger } from 'pino'

/*
 * What outlives the process, as an interface. Each database is a folder here; what all of them promise is tested by the suite
 * `test/contracts/storage.ts`.
 *
 * Words:
 *
 * - job: something to do, as data. Its id is the same whenever the same thing is delivered again.
 * - lane: the jobs of one thread. They run one after another, in the order in which they were put; lanes do not wait for each other.
 * - timer: a job that is due later. When its time has come it takes the last place in its lane.
 * - namespace: values by key; the last write counts.
 * - document: a value with a version; a write from an old version is refused.
 * - process: one running kube-agent. SQLite serves one; a database that serves several gives a lane to one of them at a time.
 *
 * Promises:
 *
 * - Durability. What was written is on disk when the promise resolves. When it rejects, nobody knows whether it was written, so the
 *   caller does the same once more: a job has its id, a value its key, and of a document the version says how far it came.
 * - Once or more. A job that the end of a process interrupted is handled again, so handling it twice has to do no harm.
 * - Values are plain JSON, and copies. What was read may be changed. A job or a document is written as it is at the call; the value of
 *   a namespace must not be changed until the promise settles.
 * - Errors. Opening rejects with `StorageError`. Later each promise may reject with the database's own error; it never hangs.
 */

/** Something to do, as data. `id` is stable across redeliveries; `thread` names the lane; `due` (ms since the epoch) is for timers. */
export interface Job<Kind extends string = string, Data = unknown> {
  id: string
  thread: string
  kind: Kind
  data: Data
  due?: number
}

/** The one way in. `hold`, `onPut`, `start` and `stop` are about this process, the others about all that share the store. */
export interface Inbox<AnyJob extends Job = Job> {
  /**
   * Resolves when the job is on disk. `false`: a job with this id was put within the last seven days, or waits as a timer; nothing
   * happens. The id of a job that was set aside is forgotten.
   */
  put(job: AnyJob): Promise<boolean>
  /** Jobs of this lane that are due and stand behind the running one, in order; at most 100. They stay where they are. */
  waiting(thread: string): Promise<AnyJob[]>
  /** Takes back a timer that has not become due. Its id stays known. */
  cancel(id: string): Promise<void>
  /** Jobs that wait or run, timers apart. */
  depth(): Promise<number>
  /**
   * Begins to handle, with what the last run left first. A job that threw, or that ended the process, three times is set aside:
   * `setAside` is told why, and the job is kept with the reason, out of the way.
   */
  start(handlers: Handlers<AnyJob>): void
  /** This process begins no jobs of these lanes until it is called again. Without an argument every lane may run. */
  hold(isHeld?: (thread: string) => boolean): void
  /**
   * Called with jobs that were put, those of other processes too as far as the store tells of them. This makes things quick, never
   * right: whoever has to know what was put asks `waiting`.
   */
  onPut(listener: (job: AnyJob) => void): void
  /**
   * This process begins no job any more; running ones get `graceMs`, then their signal is aborted, and one that does not listen is
   * left behind. What did not end stays for the next start and counts no attempt. Jobs can still be put.
   */
  stop(graceMs: number): Promise<void>
}

export interface Handlers<AnyJob extends Job = Job> {
  handle(job: AnyJob, signal: AbortSignal): Promise<void>
  /** Told before the job is put out of the way: after a crash in between it is told again. */
  setAside(job: AnyJob, reason: string): Promise<void>
}

/** Values by key; a key is text, not empty. */
export interface Namespace<Value = unknown> {
  get(key: string): Promise<Value | undefined>
  /** `ttlMs`: after this time the value is gone; without it, it stays until it is deleted. */
  set(key: string, value: Value, ttlMs?: number): Promise<void>
  has(key: string): Promise<boolean>
  delete(key: string): Promise<void>
  /** Every entry once. Entries may be set and deleted meanwhile; whether such a one is among them is left open. */
  entries(): AsyncIterable<[key: string, value: Value]>
}

/** What a chat platform remembers between two runs: how far it came, what it has seen and sent. */
export type Positions = Pick<Namespace, 'get' | 'set' | 'delete'>

/** Values by key, each with a version. Whoever writes says which version the new value was made from. */
export interface Documents<Value = unknown> {
  get(key: string): Promise<Document<Value> | undefined>
  has(key: string): Promise<boolean>
  /**
   * Writes the value and resolves to its version. `from`: the version that was read; `undefined` when there was nothing. Of several
   * writes from one version one comes through. Rejects with `StaleDocument` when the document has another version by now.
   */
  set(key: string, value: Value, from: number | undefined): Promise<number>
}

export interface Document<Value> {
  value: Value
  version: number
}

/** The types of what is kept. The store knows nothing about them but that they are JSON. */
export interface StoreTypes {
  sessions: unknown
  prompts: unknown
  threads: unknown
  lines: unknown
  seen: unknown
  jobs: Job
}

export interface Store<Types extends StoreTypes = StoreTypes> {
  /** A thread each. */
  sessions: Documents<Types['sessions']>
  /** Where prompts stand, by message. */
  prompts: Namespace<Types['prompts']>
  /** The threads that things which push were told in. */
  threads: Namespace<Types['threads']>
  /** How CI stands with branches and pull requests. */
  lines: Namespace<Types['lines']>
  /** How far repositories were heard of. */
  seen: Namespace<Types['seen']>
  /** What parts keep under names of their own; among them the chats' positions. */
  caches: Namespace
  inbox: Inbox<Types['jobs']>
  /** Stop the inbox first. */
  close(): Promise<void>
}

/** What all stores are opened with. */
export interface StoreOptions {
  log: Logger
  /** The time, in ms since the epoch, by which timers are due and ids are forgotten. */
  now?: () => number
  /** Waits before a job that threw is tried again, in milliseconds. */
  retryDelays?: number[]
  /** Lanes that may run in this process at the same time. */
  parallel?: number
  /** Told how each handled job ended. */
  onHandled?: (job: Job, outcome: 'done' | 'failed' | 'set-aside') => void
}

/** The store cannot be used; the message says why and what to do. */
export class StorageError extends Error {
  override readonly name = 'StorageError'
}

/** Somebody else has written the document since it was read. Reading it again shows what. */
export class StaleDocument extends Error {
  override readonly name = 'StaleDocument'

  constructor(key: string, from: number | undefined) {
    super(
      `The document ${key} was written by somebody else since ${from === undefined ? 'it was found missing' : `version ${from} was read`}. Read it again.`,
    )
  }
}
