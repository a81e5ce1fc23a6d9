import type { DatabaseSync } from 'node:sqlite'
import { setTimeout as pause } from 'node:timers/promises'
import { checkpoint } from '../../checkpoint.ts'
import { sentenceOf } from '../../text/sentence.ts'
import type { Handlers, Inbox, Job, StoreOptions } from '../index.ts'

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
const sweepMs = 60 * 60_000
/** How long the file may fail (a full disk, say) before it is tried again. */
const storeRetryMs = 5_000
/** How long a job may take to hear that its signal was aborted. */
const hearMs = 3_000

/** An inbox on three tables of the store's file. Jobs stay on disk until their turn: memory holds one job a running lane. */
export function createInbox<AnyJob extends Job = Job>(database: DatabaseSync, options: StoreOptions): Inbox<AnyJob> {
  const { log, now = Date.now, retryDelays = [1_000, 5_000], parallel = 32, onHandled = () => {} } = options
  database.exec(`
    CREATE TABLE IF NOT EXISTS jobs (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, thread TEXT NOT NULL, kind TEXT NOT NULL,
      data TEXT NOT NULL, due INTEGER, attempts INTEGER NOT NULL DEFAULT 0);
    CREATE INDEX IF NOT EXISTS jobs_lane ON jobs (thread, seq) WHERE due IS NULL;
    CREATE INDEX IF NOT EXISTS jobs_ready ON jobs (seq) WHERE due IS NULL;
    CREATE INDEX IF NOT EXISTS jobs_due ON jobs (due) WHERE due IS NOT NULL;
    CREATE INDEX IF NOT EXISTS jobs_id ON jobs (id);
    CREATE TABLE IF NOT EXISTS seen (id TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS seen_at ON seen (at);
    CREATE TABLE IF NOT EXISTS set_aside (id TEXT, thread TEXT, kind TEXT, data TEXT, reason TEXT, at INTEGER)`)
  const sql = {
    see: database.prepare('INSERT OR IGNORE INTO seen (id, at) VALUES (?, ?)'),
    unsee: database.prepare('DELETE FROM seen WHERE id = ?'),
    // A timer that is still to fire may be older than what is remembered.
    forget: database.prepare('DELETE FROM seen WHERE at < ? AND id NOT IN (SELECT id FROM jobs)'),
    insert: database.prepare('INSERT INTO jobs (id, thread, kind, data, due) VALUES (?, ?, ?, ?, ?)'),
    cancel: database.prepare('DELETE FROM jobs WHERE id = ? AND due > ?'),
    // A timer takes its place in the lane when it becomes due: it gets a new, last number.
    ripen: database.prepare('UPDATE jobs SET due = NULL, seq = (SELECT max(seq) FROM jobs) + 1 WHERE seq = ?'),
    ripe: database.prepare('SELECT seq FROM jobs WHERE due <= ? ORDER BY due LIMIT 100'),
    nextDue: database.prepare('SELECT min(due) AS due FROM jobs WHERE due IS NOT NULL'),
    // Each lane once, by its first job, without grouping all that waits: this runs after every job.
    lanes: database.prepare(
      `SELECT thread FROM jobs AS job WHERE due IS NULL AND NOT EXISTS
        (SELECT 1 FROM jobs AS before WHERE before.due IS NULL AND before.thread = job.thread AND before.seq < job.seq)
        ORDER BY seq LIMIT ?`,
    ),
    first: database.prepare('SELECT * FROM jobs WHERE thread = ? AND due IS NULL ORDER BY seq LIMIT 1'),
    behind: database.prepare('SELECT * FROM jobs WHERE thread = ? AND due IS NULL AND seq > ? ORDER BY seq LIMIT 100'),
    attempt: database.prepare('UPDATE jobs SET attempts = attempts + 1 WHERE seq = ?'),
    unattempt: database.prepare('UPDATE jobs SET attempts = attempts - 1 WHERE seq = ?'),
    remove: database.prepare('DELETE FROM jobs WHERE seq = ?'),
    setAside: database.prepare('INSERT INTO set_aside SELECT id, thread, kind, data, ?, ? FROM jobs WHERE seq = ?'),
    depth: database.prepare('SELECT count(*) AS depth FROM jobs WHERE due IS NULL'),
  }

  const listeners: ((job: AnyJob) => void)[] = []
  /** Lanes at work, with the number of the job that each has in hand. */
  const running = new Map<string, { seq: number; done: Promise<void> }>()
  /** Aborted at once when we close: nothing begins and nothing waits any more. */
  const closing = new AbortController()
  /** Aborted after the grace: what runs has to end. */
  const stopping = new AbortController()
  let handlers: Handlers<AnyJob> | undefined
  let isHeld: ((thread: string) => boolean) | undefined
  let timer: NodeJS.Timeout | undefined
  const forget = () => guarded(() => sql.forget.run(now() - rememberMs))
  const sweep = setInterval(forget, sweepMs)
  sweep.unref()
  forget()

  function transaction<Result>(work: () => Result): Result {
    database.exec('BEGIN IMMEDIATE')
    try {
      const result = work()
      database.exec('COMMIT')
      return result
    } catch (error) {
      // After some errors, such as a full disk, SQLite has rolled back by itself.
      if (database.isTransaction) database.exec('ROLLBACK')
      throw error
    }
  }

  /** Nobody waits for this work, so what fails is logged; whether it worked. */
  function guarded(work: () => void): boolean {
    try {
      work()
      return true
    } catch (err) {
      log.error({ component: 'inbox', err }, 'the store does not work, trying again')
      return false
    }
  }

  /** Lets timers whose time has come take their place in their lane; whether there were any. */
  function ripen(): boolean {
    const ripe = sql.ripe.all(now()) as { seq: number }[]
    if (ripe.length === 0) return false
    transaction(() => {
      for (const { seq } of ripe) sql.ripen.run(seq)
    })
    return true
  }

  /** Gives every lane with work a worker, as far as there are any free. */
  function pump(): void {
    if (!handlers || closing.signal.aborted) return
    clearTimeout(timer)
    let wait: number | undefined
    if (!guarded(() => (wait = fill()))) wait = storeRetryMs
    if (wait === undefined) return
    timer = setTimeout(pump, Math.min(Math.max(wait, 0), longestTimer))
    timer.unref()
  }

  /** Returns the time until the next timer is due, if there is one. */
  function fill(): number | undefined {
    ripen()
    // Those that are held must not hide the others.
    for (const { thread } of sql.lanes.all(isHeld ? -1 : parallel + running.size) as { thread: string }[]) open(thread)
    const { due } = sql.nextDue.get() as { due: number | null }
    return due === null ? undefined : due - now()
  }

  /** Gives this lane a worker, unless it has one or none is free. */
  function open(thread: string): void {
    if (!handlers || closing.signal.aborted || running.has(thread) || running.size >= parallel) return
    if (isHeld?.(thread)) return
    const lane = { seq: 0, done: Promise.resolve() }
    running.set(thread, lane)
    lane.done = drain(thread, lane)
      .catch(async (err: unknown) => {
        log.error({ component: 'inbox', correlationId: thread, err }, 'the store does not work, trying again')
        await wait(storeRetryMs)
      })
      .finally(() => {
        running.delete(thread)
        pump()
      })
  }

  async function drain(thread: string, lane: { seq: number }): Promise<void> {
    while (!closing.signal.aborted) {
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
      if (closing.signal.aborted) {
        sql.unattempt.run(row.seq)
        return false
      }
      return failed(row, job, error)
    }
    checkpoint('job:before-done')
    sql.remove.run(row.seq)
    onHandled(job, 'done')
    return true
  }

  async function failed(row: Row, job: AnyJob, error: unknown): Promise<boolean> {
    const attempt = row.attempts + 1
    log.error(
      { component: 'inbox', correlationId: row.thread, job: row.id, kind: row.kind, attempt, err: error },
      'job failed',
    )
    onHandled(job, 'failed')
    if (attempt >= maxAttempts) return setAside(row, job, sentenceOf(error))
    await wait(retryDelays[attempt - 1] ?? 0)
    return true
  }

  async function setAside(row: Row, job: AnyJob, reason: string): Promise<boolean> {
    log.error({ component: 'inbox', correlationId: row.thread, job: row.id, kind: row.kind, reason }, 'job set aside')
    // Told first: after a crash in between it is told again, rather than never.
    await handlers
      ?.setAside(job, reason)
      .catch((err: unknown) => log.error({ component: 'inbox', err }, 'setting aside was not told'))
    transaction(() => {
      sql.setAside.run(reason, now(), row.seq)
      // Whoever finds out about the same thing in another way may put it again.
      sql.unsee.run(row.id)
      sql.remove.run(row.seq)
    })
    onHandled(job, 'set-aside')
    return true
  }

  /** Whether it is new. */
  function insert({ job, data }: { job: AnyJob; data: string }): boolean {
    if (sql.see.run(job.id, now()).changes === 0) return false
    sql.insert.run(job.id, job.thread, job.kind, data, job.due ?? null)
    return true
  }

  // The disk is waited for once, however many jobs come in the same turn: that wait is most of what a put costs.
  const putTogether = inOneGo((puts: { job: AnyJob; data: string }[]) => {
    const ripened = ripen()
    const areNew = transaction(() => puts.map(insert))
    for (const [index, { job }] of puts.entries()) {
      checkpoint('inbox:after-put')
      if (areNew[index]) for (const listener of listeners) listener(job)
    }
    if (ripened || puts.some(({ job }) => job.due !== undefined)) pump()
    else for (const { job } of puts) open(job.thread)
    return areNew
  })

  /** Ends early when we are closing. */
  const wait = (ms: number): Promise<void> => pause(ms, undefined, { signal: closing.signal }).catch(() => {})

  return {
    async put(job) {
      checkpoint('inbox:before-put')
      return putTogether({ job, data: JSON.stringify(job.data) })
    },
    async waiting(thread) {
      return (sql.behind.all(thread, running.get(thread)?.seq ?? 0) as unknown as Row[]).map(toJob<AnyJob>)
    },
    async cancel(id) {
      sql.cancel.run(id, now())
    },
    start(next) {
      handlers = next
      pump()
    },
    hold(next) {
      isHeld = next
      pump()
    },
    onPut(listener) {
      listeners.push(listener)
    },
    depth: async () => (sql.depth.get() as { depth: number }).depth,
    async stop(graceMs) {
      closing.abort()
      // What was put in this turn is written at the end of it.
      await new Promise(setImmediate)
      clearTimeout(timer)
      clearInterval(sweep)
      const ended = Promise.all([...running.values()].map((lane) => lane.done))
      await within(graceMs, ended)
      stopping.abort(new Error('shutting down'))
      await within(hearMs, ended)
    },
  }
}

/** What comes in one turn of the event loop is worked on together at its end; when that fails, all of it has failed. */
function inOneGo<Item, Result>(work: (items: Item[]) => Result[]): (item: Item) => Promise<Result> {
  let waiting: { item: Item; resolve(result: Result): void; reject(error: unknown): void }[] = []
  const go = () => {
    const group = waiting
    waiting = []
    try {
      const results = work(group.map(({ item }) => item))
      for (const [index, { resolve }] of group.entries()) resolve(results[index] as Result)
    } catch (error) {
      for (const { reject } of group) reject(error)
    }
  }
  return (item) =>
    new Promise((resolve, reject) => {
      if (waiting.push({ item, resolve, reject }) === 1) setImmediate(go)
    })
}

/** Waits for the work, but not longer than this. */
async function within(ms: number, work: Promise<unknown>): Promise<void> {
  const enough = new AbortController()
  await Promise.race([work, pause(ms, undefined, { signal: enough.signal })])
  enough.abort()
}

function toJob<AnyJob extends Job>(row: Row): AnyJob {
  const { id, thread, kind, due } = row
  return { id, thread, kind, data: JSON.parse(row.data), ...(due !== null && { due }) } as AnyJob
}
