import { askedWait, isAway, isLimited } from '../../http/request-error.ts'
import { isRevoked } from './client.ts'

/** What a send is for, the most urgent first. `progress` never takes what the others may soon need. */
export type Urgency = 'post' | 'offer' | 'progress'

export interface Pace {
  /**
   * Sends when it is this one's turn: the urgent first, one after another, and again while the server limits us or is away. Rejects
   * with what else the server says, or with the reason of `closing`.
   */
  send<Answer>(urgency: Urgency, attempt: () => Promise<Answer>): Promise<Answer>
  /**
   * Sends the latest attempt given for `key`, when there is room for it; one not begun yet is replaced, one given up is dropped. The
   * more keys are alive, the rarer each gets its turn. Never rejects.
   */
  progress(key: string, attempt: () => Promise<unknown>): void
  /** Drops what waits for `key`. */
  forget(key: string): void
}

export interface PaceOptions {
  /** What the server allows the account: tokens a second, and how many it saves up. */
  perSecond: number
  burst: number
  closing: AbortSignal
  now?: () => number
}

interface Waiting {
  urgency: Urgency
  /** Its place among equals. */
  order: number
  notBefore: number
  attempts: number
  run(): Promise<void>
  fail(error: unknown): void
}

interface Live {
  /** The latest; without one nothing is to be sent. */
  attempt: (() => Promise<unknown>) | undefined
  queued: boolean
  lastSent: number
  lastAsked: number
}

const rank = { post: 0, offer: 1, progress: 2 } as const
const mostKeptForPosts = 3
const aliveMs = 60_000
const fastestMs = 1_000
const patientAttempts = 12
/** A server that says "at once" while it refuses is not asked at once. */
const shortestWaitMs = 250

/**
 * One bucket for the account, as the server counts: posts, reactions and edits of all rooms take from it. Posts go out at once and
 * leave it to the server to refuse them; progress is what we measure ourselves. A server that takes more than it was expected to is
 * believed, until it refuses.
 */
export function createPace({ perSecond, burst, closing, now = Date.now }: PaceOptions): Pace {
  const waiting: Waiting[] = []
  const lives = new Map<string, Live>()
  const keptForPosts = Math.max(0, Math.min(mostKeptForPosts, burst - 1))
  let rate = perSecond
  let tokens = burst
  let countedAt = now()
  let blockedUntil = 0
  let order = 0
  let busy = false
  let timer: NodeJS.Timeout | undefined

  closing.addEventListener('abort', () => {
    clearTimeout(timer)
    for (const one of waiting.splice(0)) one.fail(closing.reason)
  })

  function refill(): void {
    const time = now()
    tokens = Math.min(burst, tokens + ((time - countedAt) / 1000) * rate)
    countedAt = time
  }

  function pump(): void {
    clearTimeout(timer)
    if (busy || closing.aborted) return
    refill()
    const next = waiting
      .toSorted((a, b) => rank[a.urgency] - rank[b.urgency] || a.order - b.order)
      .find((one) => one.notBefore <= now() && waitOf(one) <= 0)
    if (next) {
      begin(next)
      return
    }
    const soonest = Math.min(...waiting.map((one) => Math.max(one.notBefore - now(), waitOf(one))))
    if (soonest === Number.POSITIVE_INFINITY) return
    timer = setTimeout(pump, Math.min(Math.max(soonest, 5), 2 ** 31 - 1))
  }

  /** Milliseconds until the account's bucket lets this one through. */
  function waitOf({ urgency }: Waiting): number {
    const blocked = blockedUntil - now()
    if (urgency !== 'progress') return blocked
    return Math.max(blocked, ((keptForPosts + 1 - tokens) / rate) * 1000)
  }

  function begin(next: Waiting): void {
    busy = true
    waiting.splice(waiting.indexOf(next), 1)
    next.run().finally(() => {
      busy = false
      pump()
    })
  }

  function accepted(): void {
    refill()
    tokens--
    if (tokens > -2) return
    rate = Math.min(rate * 2, 2)
    tokens = 0
  }

  /** Whether the same attempt may be made again, and from when on. */
  function mayRetry(one: Waiting, error: unknown): boolean {
    if (closing.aborted) return false
    if (isLimited(error)) {
      const wait = Math.max(shortestWaitMs, askedWait(error) ?? 5_000)
      rate = perSecond
      blockedUntil = now() + wait
      // So that there is one token when the wait is over.
      tokens = 1 - (wait / 1000) * rate
      countedAt = now()
      return true
    }
    if (!isAway(error) && !isRevoked(error)) return false
    // A server that answers others but fails on this very event will not take it later either.
    if (one.attempts++ >= patientAttempts && (error as { status: number }).status === 500) return false
    one.notBefore = now() + Math.min(500 * 2 ** Math.min(one.attempts, 6), 15_000)
    return true
  }

  function enqueue(urgency: Urgency, attempt: () => Promise<void>, fail: (error: unknown) => void): void {
    const one: Waiting = { urgency, order: order++, notBefore: 0, attempts: 0, run, fail }
    async function run() {
      try {
        await attempt()
        accepted()
      } catch (error) {
        if (mayRetry(one, error)) waiting.push(one)
        else fail(closing.aborted ? closing.reason : error)
      }
    }
    waiting.push(one)
    pump()
  }

  function send<Answer>(urgency: Urgency, attempt: () => Promise<Answer>): Promise<Answer> {
    if (closing.aborted) return Promise.reject(closing.reason)
    return new Promise((resolve, reject) => {
      enqueue(urgency, async () => resolve(await attempt()), reject)
    })
  }

  /** How long a message waits between two edits of its own. With much in the bucket the first ones come quickly. */
  function interval(): number {
    const alive = [...lives.values()].filter((life) => now() - life.lastAsked < aliveMs).length
    const plenty = tokens > burst * 0.6
    return plenty ? fastestMs : Math.max(fastestMs, (alive / rate) * 1000)
  }

  function progress(key: string, attempt: () => Promise<unknown>): void {
    if (closing.aborted) return
    for (const [other, life] of lives) if (now() - life.lastAsked >= aliveMs && !life.queued) lives.delete(other)
    const life = lives.get(key) ?? { attempt: undefined, queued: false, lastSent: 0, lastAsked: 0 }
    lives.set(key, life)
    life.attempt = attempt
    life.lastAsked = now()
    if (life.queued) return
    life.queued = true
    refill()
    const one: Waiting = { urgency: 'progress', order: order++, notBefore: 0, attempts: 0, run, fail: () => {} }
    one.notBefore = life.lastSent + interval()
    async function run() {
      const latest = life.attempt
      if (latest && !(await goesOut(latest, one))) return void waiting.push(one)
      life.queued = life.attempt !== undefined && life.attempt !== latest
      if (!life.queued) return
      one.order = order++
      one.notBefore = life.lastSent + interval()
      waiting.push(one)
    }
    async function goesOut(latest: () => Promise<unknown>, self: Waiting): Promise<boolean> {
      try {
        await latest()
        accepted()
      } catch (error) {
        if (mayRetry(self, error)) return false
      }
      life.lastSent = now()
      return true
    }
    waiting.push(one)
    pump()
  }

  return {
    send,
    progress,
    forget(key) {
      const life = lives.get(key)
      if (life) life.attempt = undefined
    },
  }
}
