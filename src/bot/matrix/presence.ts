import type { ThreadId } from '../platform.ts'
import { type Client, path } from './client.ts'
import { matrixRoom, splitId } from './ids.ts'

/** Typing lasts this long on the server; it is told again at half of it. */
const typingMs = 30_000

/** Shows in a room that we are at work, as long as one of its threads is. Failures are nobody's concern: it is a courtesy. */
export function createTyping(client: Client, user: string) {
  const atWork = new Map<string, { threads: Set<string>; timer: NodeJS.Timeout }>()

  let told: Promise<unknown> = Promise.resolve()

  /** One after another: an end must not be overtaken by its beginning. */
  function tell(room: string, typing: boolean): Promise<unknown> {
    const body = typing ? { typing, timeout: typingMs } : { typing }
    told = told.then(() =>
      client.call('PUT', path('rooms', room, 'typing', user), { body, timeoutMs: 5_000 }).catch(() => {}),
    )
    return told
  }

  async function set(thread: ThreadId, working: boolean): Promise<void> {
    const room = matrixRoom(thread)
    const known = atWork.get(room)
    if (working && known) return void known.threads.add(thread)
    if (working) {
      const timer = setInterval(() => void tell(room, true), typingMs / 2)
      atWork.set(room, { threads: new Set([thread]), timer })
      await tell(room, true)
      return
    }
    known?.threads.delete(thread)
    if (!known || known.threads.size > 0) return
    clearInterval(known.timer)
    atWork.delete(room)
    await tell(room, false)
  }

  function end(): void {
    for (const { timer } of atWork.values()) clearInterval(timer)
    atWork.clear()
  }

  return { set, end }
}

/** A receipt in the thread, or in the main timeline for a message that stands there. */
export async function sendReceipt(
  client: Client,
  thread: ThreadId,
  message: Parameters<typeof splitId>[0],
): Promise<void> {
  const { room, event } = splitId(message)
  const root = splitId(thread).event
  const body = { thread_id: event === root ? 'main' : root }
  await client.call('POST', path('rooms', room, 'receipt', 'm.read', event), { body }).catch(() => {})
}
