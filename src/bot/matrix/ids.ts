import { createHash } from 'node:crypto'
import type { MessageId, RoomId, ThreadId } from '../platform.ts'

/** Our ids and Matrix' own: `matrix|!room` is a room, `matrix|!room|$event` a message or, named by its root, a thread. */
export const platformName = 'matrix'

export const roomIdOf = (room: string): RoomId => `${platformName}|${room}` as RoomId
export const messageIdOf = (room: string, event: string): MessageId => `${platformName}|${room}|${event}` as MessageId
export const threadIdOf = (room: string, root: string): ThreadId => `${platformName}|${room}|${root}` as ThreadId

/** The room behind any of our ids, as Matrix calls it. */
export function matrixRoom(id: RoomId | ThreadId | MessageId): string {
  return id.startsWith(`${platformName}|!`) && id.includes('|$') ? splitId(id).room : id.slice(platformName.length + 1)
}

/** Room and event behind a message or thread. Event ids hold no bar, room ids may. */
export function splitId(id: RoomId | ThreadId | MessageId): { room: string; event: string } {
  const bar = id.lastIndexOf('|')
  return { room: id.slice(platformName.length + 1, bar), event: id.slice(bar + 1) }
}

/** The transaction id of one operation: the same parts give the same one, so that a resend shows nothing twice. */
export function transactionId(...parts: string[]): string {
  return `ka-${createHash('sha256').update(parts.join('\n')).digest('base64url').slice(0, 32)}`
}
