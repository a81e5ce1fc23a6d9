import type { ThreadId } from '../platform.ts'
import type { Rest } from './client.ts'
import { splitId } from './ids.ts'

/** Clients show typing for about five seconds. */
const tellMs = 4_000

/** Shows in threads that we are at work there. Failures are nobody's concern: it is a courtesy. */
export function createTyping(rest: Pick<Rest, 'typing'>) {
  const timers = new Map<ThreadId, NodeJS.Timeout>()

  function set(thread: ThreadId, atWork: boolean): void {
    clearInterval(timers.get(thread))
    timers.delete(thread)
    if (!atWork) return
    const { channel, post } = splitId(thread)
    const tell = () => void rest.typing(channel, post).catch(() => {})
    timers.set(thread, setInterval(tell, tellMs))
    tell()
  }

  function end(): void {
    for (const timer of timers.values()) clearInterval(timer)
    timers.clear()
  }

  return { set, end }
}
