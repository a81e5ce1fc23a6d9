import type { UserId } from '../../agent/approval.ts'
import type { Positions } from '../../storage/index.ts'
import type { ChatEvent, Mark, Vote } from '../platform.ts'
import { automated } from './content.ts'
import { messageIdOf, roomIdOf, threadIdOf } from './ids.ts'
import type { Members } from './members.ts'
import { type Me, mentions, withoutMention } from './mentions.ts'
import type { Relations } from './relations.ts'
import { type RoomEvent, redactionTarget, relationOf, replyTarget } from './wire.ts'

export interface ReaderDeps {
  user: string
  members: Members
  relations: Relations
  /** Remembers votes: a redacted reaction comes without its content. */
  positions: Positions
}

export interface Reader {
  /** What an event of a room's timeline means to the bot; nothing for most. */
  read(room: string, event: RoomEvent): Promise<ChatEvent | undefined>
  /** A reaction as a vote on `message`, remembered, so that its withdrawal can be told later. */
  vote(room: string, event: RoomEvent): Promise<(Vote & { message: string }) | undefined>
}

const rememberVoteMs = 30 * 24 * 60 * 60_000
/** A mention added by an edit counts as long as people may still expect an answer. */
const editableMs = 10 * 60_000

export function createReader({ user, members, relations, positions }: ReaderDeps): Reader {
  const votes = {
    key: (room: string, event: string) => `matrix:vote:${room}:${event}`,
    get: async (room: string, event: string) =>
      (await positions.get(votes.key(room, event))) as { message: string; from: UserId; mark: Mark } | undefined,
  }

  async function read(room: string, event: RoomEvent): Promise<ChatEvent | undefined> {
    relations.learn(room, event)
    if (event.type === 'm.room.redaction') return readRedaction(room, event)
    if (isNotForUs(event)) return undefined
    if (event.type === 'm.reaction') return readReaction(room, event)
    if (event.type !== 'm.room.message') return undefined
    return relationOf(event)?.rel_type === 'm.replace' ? readEdit(room, event) : readMessage(room, event)
  }

  /** Our own, other machines', what was sent before we came, and what was deleted meanwhile. */
  function isNotForUs({ sender, content, unsigned }: RoomEvent): boolean {
    if (sender === user || sender.startsWith('@_')) return true
    if ((unsigned.membership ?? 'join') !== 'join') return true
    if (content.msgtype === 'm.notice' || content[automated] === true) return true
    return unsigned.redacted_because !== undefined
  }

  async function readMessage(room: string, event: RoomEvent): Promise<ChatEvent | undefined> {
    const body = event.content.body
    if (typeof body !== 'string') return undefined
    const people = await members.of(room)
    const me = meAmong(people)
    const called = mentions(event.content, me)
    const text = replyTarget(event) ? withoutReplyFallback(body) : body.trim()
    return {
      kind: 'message',
      id: messageIdOf(room, event.event_id),
      thread: threadIdOf(room, await relations.root(room, event)),
      room: roomIdOf(room),
      from: event.sender as UserId,
      name: people.get(event.sender) ?? localpart(event.sender),
      text: called ? withoutMention(text, me) : text,
      addressed: called || (people.has(user) && people.size <= 2),
      at: event.origin_server_ts,
    }
  }

  /**
   * Somebody makes "restart web" into "@bot restart web": the original, with its new words. Its id is the original's, so what was
   * answered already is not answered again. Foreign edits are none.
   */
  async function readEdit(room: string, event: RoomEvent): Promise<ChatEvent | undefined> {
    const content = event.content['m.new_content']
    if (typeof content !== 'object' || content === null) return undefined
    if (!mentions(content as Record<string, unknown>, meAmong(await members.of(room)))) return undefined
    const edited = relationOf(event)?.event_id ?? event.event_id
    const original = await relations.find(room, await relations.original(room, edited))
    if (original?.sender !== event.sender || isNotForUs(original)) return undefined
    if (event.origin_server_ts - original.origin_server_ts > editableMs) return undefined
    return readMessage(room, { ...original, content: { ...content, 'm.relates_to': original.content['m.relates_to'] } })
  }

  async function readReaction(room: string, event: RoomEvent): Promise<ChatEvent | undefined> {
    const given = await vote(room, event)
    if (!given) return undefined
    const { message, ...rest } = given
    return { kind: 'mark', ...rest, message: messageIdOf(room, message), room: roomIdOf(room), withdrawn: false }
  }

  async function vote(room: string, event: RoomEvent): Promise<(Vote & { message: string }) | undefined> {
    const relation = relationOf(event)
    const mark = relation?.rel_type === 'm.annotation' ? markOf(relation.key) : undefined
    if (!relation || !mark || isNotForUs(event)) return undefined
    const message = await relations.original(room, relation.event_id)
    const from = event.sender as UserId
    await positions.set(votes.key(room, event.event_id), { message, from, mark }, rememberVoteMs)
    return { id: messageIdOf(room, event.event_id), from, mark, message }
  }

  /** Deleting a reaction takes the vote back, whether its author or a moderator does it. */
  async function readRedaction(room: string, event: RoomEvent): Promise<ChatEvent | undefined> {
    const target = redactionTarget(event)
    if (!target || event.sender === user) return undefined
    const known = await votes.get(room, target)
    const id = messageIdOf(room, target)
    if (known) {
      const { message, from, mark } = known
      return {
        kind: 'mark',
        id,
        message: messageIdOf(room, message),
        room: roomIdOf(room),
        from,
        mark,
        withdrawn: true,
      }
    }
    return { kind: 'gone', id: messageIdOf(room, event.event_id), message: id, room: roomIdOf(room) }
  }

  function meAmong(people: ReadonlyMap<string, string | undefined>): Me {
    const name = people.get(user)
    return { user, names: name ? [name, localpart(user)] : [localpart(user)] }
  }

  return { read, vote }
}

const marks = new Map<string, Mark>([
  ['✅', 'approve'],
  ['❌', 'deny'],
])

/** The mark that a reaction's key means. Clients write the same emoji in several ways; every other one means nothing. */
export function markOf(key: unknown): Mark | undefined {
  if (typeof key !== 'string') return undefined
  return marks.get(
    key
      .normalize('NFC')
      .replaceAll(/[\uFE0E\uFE0F\u{1F3FB}-\u{1F3FF}]/gu, '')
      .trim(),
  )
}

/** Old clients quote what they reply to in lines that begin with `> `. */
function withoutReplyFallback(body: string): string {
  if (!body.startsWith('> ')) return body.trim()
  const lines = body.split('\n')
  const own = lines.findIndex((line) => !line.startsWith('>'))
  return own < 0 ? '' : lines.slice(own).join('\n').trim()
}

const localpart = (user: string): string => user.slice(1).split(':')[0] ?? user
