import { createHmac } from 'node:crypto'
import type { UserId } from '../../agent/approval.ts'
import type { MessageId, RoomId, ThreadId } from '../platform.ts'

/** Our ids and Mattermost's own: `mattermost|channel` is a room, `mattermost|channel|post` a message or, named by its root, a thread. */
export const platformName = 'mattermost'

export const roomIdOf = (channel: string): RoomId => `${platformName}|${channel}` as RoomId
export const messageIdOf = (channel: string, post: string): MessageId =>
  `${platformName}|${channel}|${post}` as MessageId
export const threadIdOf = (channel: string, root: string): ThreadId => `${platformName}|${channel}|${root}` as ThreadId

/** Channel and post behind one of our ids; a room has no post. */
export function splitId(id: RoomId | ThreadId | MessageId): { channel: string; post: string } {
  const [, channel = '', post = ''] = id.split('|')
  return { channel, post }
}

/** A person, by the id that stays when the name is given to somebody else. */
export const userIdOf = (user: string): UserId => `${platformName}:${user}` as UserId

/** Mattermost's id of a person; nothing for a person of another chat. */
export function userOf(id: string): string | undefined {
  return /^mattermost:([a-z0-9]{26})$/.exec(id)?.[1]
}

/** Every person that a text of ours names by id. */
export const userIdsIn = (text: string): string[] => [
  ...new Set([...text.matchAll(userIdPattern)].map(([, id]) => id as string)),
]

export const userIdPattern = /\bmattermost:([a-z0-9]{26})(?![a-z0-9])/g

/** A name for one operation that nobody without the secret can foresee. */
export const secretName = (secret: string, ...parts: string[]): string =>
  createHmac('sha256', secret).update(parts.join('\n')).digest('base64url').slice(0, 32)
