import type { Clock } from '../../sandbox/clock.ts'

export interface ManualClock extends Clock {
  /** Moves time on and runs what is due meanwhile, in order. */
  advance(milliseconds: number): void
}

/** Time that stands still until a test moves it. */
export function createManualClock(start = Date.parse('2026-11-24T09:00:00Z')): ManualClock {
  let now = start
  let tasks: { due: number; task: () => void }[] = []

  return {
    now: () => now,
    after(milliseconds, task) {
      const planned = { due: now + milliseconds, task }
      tasks.push(planned)
      return () => {
        tasks = tasks.filter((other) => other !== planned)
      }
    },
    advance(milliseconds) {
      const end = now + milliseconds
      for (;;) {
        const next = tasks.toSorted((a, b) => a.due - b.due)[0]
        if (!next || next.due > end) break
        tasks = tasks.filter((other) => other !== next)
        now = Math.max(now, next.due)
        next.task()
      }
      now = end
    },
  }
}
