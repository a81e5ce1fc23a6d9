import type { DatabaseSync } from 'node:sqlite'
import type { Logger } from 'pino'
import { checkpoint } from './checkpoint.ts'

/** Something to do, as data. `id` is stable across redeliveries; `thread` names the lane; `due` (ms since the epoch) is for timers. */
export interface Job<Kind extends string = string, Data = unknown> {
  id: string
  thread: string
  kind: Kind
  data: Data
  due?: number
}

/** The one way in. Jobs of one lane run one after another, in the order they were put; lanes do not wait for each other. */
export interface Inbox<AnyJob extends Job = Job> {
  /** Resolves when the job is on disk. `false`: a job with this id was put within the last seven days; nothing happens. */
  put(job: AnyJob): Promise<boolean>
  /** Jobs of this lane that are due and stand behind the running one, in order; at most 100. They stay where they are. */
  waiting(thread: string): AnyJob[]
  /** Takes back a timer that has not begun. */
  cancel(id: string): void
  /**
   * Begins to handle, with what the last run left first. `handle` may run again for the same job after a crash. A job that threw
   * three times is set aside: `setAside` is told why, the job and the reason stay in the file.
   */
  start(handlers: {
    handle(job: AnyJob, signal: AbortSignal): Promise<void>
    setAside(job: AnyJob, reason: string): Promise<void>
  }): void
  /** Called after every put, with the job: a running lane may want to look at it at once. */
  onPut(listener: (job: AnyJob) => void): void
  /** Jobs that wait or run, timers apart. */
  depth(): number
  /** No job begins any more; running ones get `graceMs`, then their signal is aborted. What did not end stays for the next start. */
  stop(graceMs: number): Promise<void>
}

export interface InboxOptions {
  database: DatabaseSync
  log: Logger
  now?: () => number
  /** Waits before a job that threw is tried again, in milliseconds. */
  retryDelays?: number[]
  /** Lanes that may run at the same time. */
  parallel?: number
  /** Told how each handled job ended. */
  onHandled?: (kind: string, outcome: 'done' | 'failed' | 'set-aside') => void
}

interface Row {
  seq: number
  id: string
  thread: string
  kind: string
  data: string
  due: number | null
  attempts: number
}

const rememberMs = 7 * 24 * 60 * 60_000
const maxAttempts = 3
const longestTimer = 2 ** 31 - 1

/** An inbox on three tables of the store's file. Jobs stay on disk until their turn: memory holds one job a running lane. */
export function createInbox<AnyJob extends Job = Job>(options: InboxOptions): Inbox<AnyJob> {
  const { database, log, now = Date.now, retryDelays = [1_000, 5_000], parallel = 32, onHandled = () => {} } = options
  database.exec(`
    CREATE TABLE IF NOT EXISTS jobs (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, thread TEXT NOT NULL, kind TEXT NOT NULL,
      data TEXT NOT NULL, due INTEGER, attempts INTEGER NOT NULL DEFAULT 0);
    CREATE INDEX IF NOT EXISTS jobs_thread ON jobs (thread, seq);
    CREATE INDEX IF NOT EXISTS jobs_due ON jobs (due) WHERE due IS NOT NULL;
    CREATE INDEX IF NOT EXISTS jobs_id ON jobs (id);
    CREATE TABLE IF NOT EXISTS seen (id TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS seen_at ON seen (at);
    CREATE TABLE IF NOT EXISTS set_aside (id TEXT, thread TEXT, kind TEXT, data TEXT, reason TEXT, at INTEGER)`)
  const sql = {
    see: database.prepare('INSERT OR IGNORE INTO seen (id, at) VALUES (?, ?)'),
    // A timer that is still to fire may be older than what is remembered.
    forget: database.prepare('DELETE FROM seen WHERE at < ? AND id NOT IN (SELECT id FROM jobs)'),
    insert: database.prepare('INSERT INTO jobs (id, thread, kind, data, due) VALUES (?, ?, ?, ?, ?)'),
    cancel: database.prepare('DELETE FROM jobs WHERE id = ? AND due > ?'),
    // A timer takes its place in the lane when it becomes due: it gets a new, last number.
    ripen: database.prepare('UPDATE jobs SET due = NULL, seq = (SELECT max(seq) FROM jobs) + 1 WHERE seq = ?'),
    ripe: database.prepare('SELECT seq FROM jobs WHERE due <= ? ORDER BY due LIMIT 100'),
    nextDue: database.prepare('SELECT min(due) AS due FROM jobs WHERE due IS NOT NULL'),
    lanes: database.prepare(
      'SELECT thread, min(seq) AS first FROM jobs WHERE due IS NULL GROUP BY thread ORDER BY first LIMIT ?',
    ),
    first: database.prepare('SELECT * FROM jobs WHERE thread = ? AND due IS NULL ORDER BY seq LIMIT 1'),
    behind: database.prepare('SELECT * FROM jobs WHERE thread = ? AND due IS NULL AND seq > ? ORDER BY seq LIMIT 100'),
    attempt: database.prepare('UPDATE jobs SET attempts = attempts + 1 WHERE seq = ?'),
    unattempt: database.prepare('UPDATE jobs SET attempts = attempts - 1 WHERE seq = ?'),
    remove: database.prepare('DELETE FROM jobs WHERE seq = ?'),
    setAside: database.prepare('INSERT INTO set_aside SELECT id, thread, kind, data, ?, ? FROM jobs WHERE seq = ?'),
    depth: database.prepare('SELECT count(*) AS depth FROM jobs WHERE due IS NULL'),
  }
  sql.forget.run(now() - rememberMs)

  const listeners: ((job: AnyJob) => void)[] = []
  /** Lanes at work, with the number of the job that each has in hand. */
  const running = new Map<string, { seq: number; done: Promise<void> }>()
  const stopping = new AbortController()
  let handlers: Parameters<Inbox<AnyJob>['start']>[0] | undefined
  let stopped = false
  let timer: NodeJS.Timeout | undefined

  function transaction<Result>(work: () => Result): Result {
    database.exec('BEGIN IMMEDIATE')
    try {
      const result = work()
      database.exec('COMMIT')
      return result
    } catch (error) {
      database.exec('ROLLBACK')
      throw error
    }
  }

  /** Lets timers whose time has come take their place in their lane. */
  function ripen(): void {
    const ripe = sql.ripe.all(now()) as { seq: number }[]
    if (ripe.length === 0) return
    transaction(() => {
      for (const { seq } of ripe) sql.ripen.run(seq)
    })
  }

  /** Gives every lane with work a worker, as far as there are any free. */
  function pump(): void {
    if (!handlers || stopped) return
    clearTimeout(timer)
    ripen()
    for (const { thread } of sql.lanes.all(parallel + running.size) as { thread: string }[]) {
      if (running.size >= parallel) break
      if (!running.has(thread)) work(thread)
    }
    const { due } = sql.nextDue.get() as { due: number | null }
    if (due === null) return
    timer = setTimeout(pump, Math.min(Math.max(due - now(), 0), longestTimer))
    timer.unref()
  }

  function work(thread: string): void {
    const lane = { seq: 0, done: Promise.resolve() }
    running.set(thread, lane)
    lane.done = drain(thread, lane).finally(() => {
      running.delete(thread)
      pump()
    })
  }

  async function drain(thread: string, lane: { seq: number }): Promise<void> {
    while (!stopped) {
      const row = sql.first.get(thread) as Row | undefined
      if (!row) return
      lane.seq = row.seq
      if (!(await handleOne(row))) return
    }
  }

  /** `false`: this lane stops here, because we are closing. */
  async function handleOne(row: Row): Promise<boolean> {
    if (!handlers) return false
    const job = toJob<AnyJob>(row)
    if (row.attempts >= maxAttempts) return setAside(row, job, 'It ended the process three times.')
    sql.attempt.run(row.seq)
    try {
      await handlers.handle(job, stopping.signal)
    } catch (error) {
      if (stopping.signal.aborted) {
        sql.unattempt.run(row.seq)
        return false
      }
      return failed(row, job, error)
    }
    checkpoint('job:before-done')
    sql.remove.run(row.seq)
    onHandled(job.kind, 'done')
    return true
  }

  async function failed(row: Row, job: AnyJob, error: unknown): Promise<boolean> {
    const attempt = row.attempts + 1
    log.error(
      { component: 'inbox', correlationId: row.thread, job: row.id, kind: row.kind, attempt, err: error },
      'job failed',
    )
    onHandled(job.kind, 'failed')
    if (attempt >= maxAttempts) return setAside(row, job, error instanceof Error ? error.message : String(error))
    await wait(retryDelays[attempt - 1] ?? 0)
    return true
  }

  async function setAside(row: Row, job: AnyJob, reason: string): Promise<boolean> {
    transaction(() => {
      sql.setAside.run(reason, now(), row.seq)
      sql.remove.run(row.seq)
    })
    onHandled(job.kind, 'set-aside')
    log.error({ component: 'inbox', correlationId: row.thread, job: row.id, kind: row.kind, reason }, 'job set aside')
    await handlers
      ?.setAside(job, reason)
      .catch((err: unknown) => log.error({ component: 'inbox', err }, 'setting aside was not told'))
    return true
  }

  /** Ends early when we are closing. */
  function wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const end = setTimeout(resolve, ms)
      stopping.signal.addEventListener('abort', () => {
        clearTimeout(end)
        resolve()
      })
    })
  }

  return {
    async put(job) {
      checkpoint('inbox:before-put')
      ripen()
      const isNew = transaction(() => {
        if (sql.see.run(job.id, now()).changes === 0) return false
        sql.insert.run(job.id, job.thread, job.kind, JSON.stringify(job.data), job.due ?? null)
        return true
      })
      checkpoint('inbox:after-put')
      if (!isNew) return false
      for (const listener of listeners) listener(job)
      pump()
      return true
    },
    waiting(thread) {
      return (sql.behind.all(thread, running.get(thread)?.seq ?? 0) as unknown as Row[]).map(toJob<AnyJob>)
    },
    cancel(id) {
      sql.cancel.run(id, now())
    },
    start(next) {
      handlers = next
      pump()
    },
    onPut(listener) {
      listeners.push(listener)
    },
    depth: () => (sql.depth.get() as { depth: number }).depth,
    async stop(graceMs) {
      stopped = true
      clearTimeout(timer)
      const ended = Promise.all([...running.values()].map((lane) => lane.done))
      const grace = setTimeout(() => stopping.abort(new Error('shutting down')), graceMs)
      await ended
      clearTimeout(grace)
      stopping.abort(new Error('shutting down'))
    },
  }
}

function toJob<AnyJob extends Job>(row: Row): AnyJob {
  const { id, thread, kind, due } = row
  return { id, thread, kind, data: JSON.parse(row.data), ...(due !== null && { due }) } as AnyJob
}
