import type { Language } from '../../text/language.ts'
import { shortId } from '../conversation.ts'
import type { RoomId, ThreadId } from '../platform.ts'
import { texts } from '../texts.ts'
import type { Place, SignalDeps } from './deps.ts'

/** What keeps a flood from filling a room; in memory, as a flood is over when the process is. */
export interface Flood {
  /** When which repository had its last threads opened. */
  opened: { at: number; room: RoomId; repository: number }[]
  /** What failed in the last minute, by room and line. */
  failing: Map<string, number>
}

export const createFlood = (): Flood => ({ opened: [], failing: new Map() })

const windowMs = 10 * 60_000
const mostThreads = 10
const mostOfRepository = 5
const failingMs = 60_000
const mostFailing = 5

/** Whether another thread would be one too many, for the room or for the repository; then it belongs into a list. */
export function isFlood(
  { opened }: Flood,
  { room, repository }: { room: RoomId; repository: number },
  now: number,
): boolean {
  while (opened[0] !== undefined && now - opened[0].at >= windowMs) opened.shift()
  const inRoom = opened.filter((one) => one.room === room)
  return (
    inRoom.length >= mostThreads || inRoom.filter((one) => one.repository === repository).length >= mostOfRepository
  )
}

/** Remembers that something fails, and tells whether that many things of the room do that they belong into one list. */
export function isFailingFlood({ failing }: Flood, room: RoomId, line: string, now: number): boolean {
  failing.set(`${room} ${line}`, now)
  for (const [key, at] of failing) if (now - at >= failingMs) failing.delete(key)
  return [...failing.keys()].filter((key) => key.startsWith(`${room} `)).length > mostFailing
}

/** The room's list that is being written, or a new one. */
export async function collectionOf({ room, chat }: Place, deps: SignalDeps, language: Language): Promise<ThreadId> {
  const key = `collection:${room}`
  const now = deps.now()
  const known = await deps.threads.get(key)
  const isCurrent = known && now - known.at < windowMs
  // Lanes that open it at the same time get the same one: its id is that of the moment when the last one had ended.
  const by = isCurrent ? known.by : shortId('s', `${room} ${known?.at ?? 0} ${Math.floor(now / windowMs)}`)
  const thread = isCurrent
    ? known.thread
    : (await chat.open(room, { id: by, markdown: texts[language].collection })).thread
  await deps.threads.set(key, { thread, at: now, by })
  return thread
}

/** Has a line listed in a thread, with others that come at about the same time. */
export async function list(
  deps: SignalDeps,
  { id, thread, room, line }: { id: string; thread: ThreadId; room: RoomId; line: string },
): Promise<void> {
  await deps.inbox.put({ id, thread, kind: 'listed', data: { room, line } })
}
