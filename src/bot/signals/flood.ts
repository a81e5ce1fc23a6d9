import type { RoomId } from '../platform.ts'

/** What keeps a flood from filling a room. In memory: when the process ends, the flood is over, too. */
export interface Flood {
  /** The threads that were opened lately, oldest first. */
  opened: { at: number; room: RoomId; repository: number }[]
  /** When a line failed that no thread tells of yet, by room and line. */
  failing: Map<string, number>
}

export const createFlood = (): Flood => ({ opened: [], failing: new Map() })

/** How long a flood is remembered. */
export const floodMs = 10 * 60_000
const mostThreads = 10
const mostOfRepository = 5
const failingMs = 60_000
const mostFailing = 5

/** Whether another thread would be one too many, for the room or for the repository. */
export function isFlood(
  { opened }: Flood,
  { room, repository }: Omit<Flood['opened'][number], 'at'>,
  now: number,
): boolean {
  const inRoom = opened.filter((one) => one.room === room && now - one.at < floodMs)
  return (
    inRoom.length >= mostThreads || inRoom.filter((one) => one.repository === repository).length >= mostOfRepository
  )
}

/** Whether a line fails together with so many others of the room that they belong into one list. */
export function isFailingFlood({ failing }: Flood, room: RoomId, line: string, now: number): boolean {
  const others = [...failing].filter(
    ([key, at]) => key.startsWith(`${room} `) && key !== failingKey(room, line) && now - at < failingMs,
  )
  return others.length >= mostFailing
}

export function noteOpened(flood: Flood, opened: Flood['opened'][number]): void {
  flood.opened = [...flood.opened.filter(({ at }) => opened.at - at < floodMs), opened]
}

export function noteFailing({ failing }: Flood, room: RoomId, line: string, now: number): void {
  failing.set(failingKey(room, line), now)
  for (const [key, at] of failing) if (now - at >= failingMs) failing.delete(key)
}

const failingKey = (room: RoomId, line: string): string => `${room} ${line}`
