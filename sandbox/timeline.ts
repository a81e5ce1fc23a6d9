import type { Clock } from './clock.ts'

/** A clock that starts in the past, so that a sandbox can have a history that its own machinery wrote. */
export interface Timeline extends Clock {
  /** Runs everything that is due until `millisecondsAgo` before the present. */
  playUntil(millisecondsAgo: number): void
  /** Arrives in the present: what is still due then runs on the real clock. */
  goLive(): void
  /** Nothing runs any more. */
  stop(): void
}

interface Task {
  due: number
  run: () => void
  cancel?: () => void
}

export function createTimeline(clock: Clock, millisecondsAgo: number): Timeline {
  const present = clock.now()
  const waiting = new Set<Task>()
  let past: number | undefined = present - millisecondsAgo
  let isStopped = false

  return {
    now: () => past ?? clock.now(),
    after(milliseconds, task) {
      const run = () => {
        if (!isStopped) task()
      }
      if (past === undefined) return clock.after(milliseconds, run)
      const planned: Task = { due: past + milliseconds, run }
      waiting.add(planned)
      return () => {
        waiting.delete(planned)
        planned.cancel?.()
      }
    },
    playUntil(ago) {
      const end = present - ago
      for (let task = earliest(waiting); task && task.due <= end; task = earliest(waiting)) {
        waiting.delete(task)
        past = task.due
        task.run()
      }
      past = end
    },
    goLive() {
      past = undefined
      for (const task of waiting) task.cancel = clock.after(Math.max(0, task.due - present), task.run)
      waiting.clear()
    },
    stop() {
      isStopped = true
    },
  }
}

function earliest(tasks: Set<Task>): Task | undefined {
  return [...tasks].reduce<Task | undefined>(
    (first, task) => (first && first.due <= task.due ? first : task),
    undefined,
  )
}
