/**
 * The contract between the bot and a chat.
 *
 * room      where people talk: a Matrix room, a Mattermost channel
 * thread    a conversation inside a room; the message that begins it is its root
 * message   one post; its id never changes, edits keep it
 * mark      a reaction with a meaning: approve or deny. Others never reach the bot
 * prompt    a post of ours that asks for a decision
 *
 * Ids begin with the platform's name and a bar (`matrix|!room|$event`), so that several platforms can run in one process.
 */
import type { FastifyPluginAsync } from 'fastify'
import type { UserId } from '../agent/approval.ts'
import type { AgentEvent } from '../agent/events.ts'
import type { Outcome } from '../agent/index.ts'
import type { Markdown } from '../text/markdown.ts'

export type RoomId = string & { readonly brand: 'RoomId' }
export type ThreadId = string & { readonly brand: 'ThreadId' }
export type MessageId = string & { readonly brand: 'MessageId' }

export type Mark = 'approve' | 'deny'

/** A mark as it stands now. `id` is stable: the same mark read twice has the same id, a mark set again has a new one. */
export interface Vote {
  id: string
  from: UserId
  mark: Mark
}

export type ChatEvent =
  | {
      kind: 'message'
      id: MessageId
      /** The root's thread; of a message outside any thread, the thread that an answer to it would open. */
      thread: ThreadId
      room: RoomId
      from: UserId
      /** The author's display name, for the model and for people; authorises nothing. */
      name: string
      /** What was said, without the mention of the bot and without quoted text. */
      text: string
      /** The message mentions the bot, or the room has no third member. */
      addressed: boolean
      /** Milliseconds since the epoch, by the server's clock. */
      at: number
    }
  | { kind: 'mark'; id: string; message: MessageId; room: RoomId; from: UserId; mark: Mark; withdrawn: boolean }
  /** A message was deleted. */
  | { kind: 'gone'; id: string; message: MessageId; room: RoomId }
  /** We are not in a room any more, or it is closed. */
  | { kind: 'left'; id: string; room: RoomId }

export interface Post {
  /** Names the post: sending it twice with the same id shows it once. Letters, digits, `-`, `_`, at most 64. */
  id: string
  markdown: string
  /** Who is to be notified. Without it nobody is. */
  mention?: UserId[]
  /** A quiet post (progress, receipts): automated clients and notifications leave it alone. */
  quiet?: boolean
  /** A quiet post that says how far the work is, and is edited meanwhile. */
  progress?: true
  /** A prompt without its sentences on marks and deciders, in full, for a chat that asks on the spot. */
  question?: string
  /** A longer text that goes along as a file. */
  file?: { name: string; text: string }
}

/** Where the connection stands; `detail` is a sentence for an operator. */
export type PlatformHealth = { state: 'ready' } | { state: 'connecting' | 'down' | 'revoked'; detail: string }

export interface ChatPlatform {
  /** Also the prefix of every id: `matrix`, `mattermost`, `web`, `terminal`. */
  readonly name: string
  readonly limits: { messageBytes: number }
  /**
   * Connects and delivers events, each at least once and in order per thread. `receive` resolves when the event is safe; only
   * then does the platform's own position move on. Resolves when the first synchronisation is done.
   */
  start(receive: (event: ChatEvent) => Promise<void>): Promise<void>
  /** The room that a configured name means (alias, id, `team/channel`). Throws a sentence that says what to do. */
  room(name: string): Promise<RoomId>
  /** The id behind a configured user name (`@alice:corp`, `@name`). Throws a sentence when there is none. */
  user(name: string): Promise<UserId>
  /** Posts the root of a new thread. */
  open(room: RoomId, post: Post): Promise<{ thread: ThreadId; message: MessageId }>
  /**
   * Posts into a thread. While the server is away or limits us, it waits and tries again; it rejects with `PostRefused` only
   * when the server will not take this post, and with the abort reason after `close`.
   */
  post(thread: ThreadId, post: Post): Promise<MessageId>
  /**
   * Changes a post of ours. `progress` may be dropped or merged with later ones and never rejects; `final` is awaited like a
   * post and is never overtaken by an earlier progress edit of the same message.
   */
  edit(message: MessageId, markdown: string, urgency: 'progress' | 'final'): Promise<void>
  /** Puts the two marks under a prompt so that deciding is one click. Best effort: never rejects. */
  offer(message: MessageId): Promise<void>
  /** The marks of other people that stand under a message now. */
  votes(message: MessageId): Promise<Vote[]>
  /** Whether the person is in the room now. */
  isMember(room: RoomId, user: UserId): Promise<boolean>
  /** Shows that we have seen a message and whether we are at work in its thread. Best effort: never rejects. */
  acknowledge(thread: ThreadId, message: MessageId): Promise<void>
  working(thread: ThreadId, atWork: boolean): Promise<void>
  health(): PlatformHealth
  close(): Promise<void>
}

/** A post of the bot's own. */
export type OwnPost = Post & { markdown: Markdown; question?: Markdown }

/**
 * A chat as the bot sees it: it posts nothing but `Markdown`, so that text from outside which did not go through `fromOutside` does not
 * compile. The platforms take any text and make harmless what they would act on.
 */
export interface Chat extends Omit<ChatPlatform, 'open' | 'post' | 'edit'> {
  open(room: RoomId, post: OwnPost): ReturnType<ChatPlatform['open']>
  post(thread: ThreadId, post: OwnPost): ReturnType<ChatPlatform['post']>
  edit(message: MessageId, markdown: Markdown, urgency: 'progress' | 'final'): ReturnType<ChatPlatform['edit']>
}

/** A chat and what else it brings: a screen that shows the work as it goes, pages of its own on the HTTP port. */
export interface Platform {
  chat: ChatPlatform
  hears?: Listener
  routes?: FastifyPluginAsync
}

/** Hears of the work in all threads as it goes on, so each call names the thread that it is about. Must not throw. */
export interface Listener {
  worked(thread: ThreadId, event: AgentEvent): void
  /** Moving a thread on has ended like this; people are told afterwards. */
  concluded(thread: ThreadId, outcome: Outcome['kind']): void
  /** The inbox handled a job in this lane. */
  handled(lane: string, kind: string, outcome: 'done' | 'failed' | 'set-aside'): void
}

/** The server will not take this post, now or later: the room is gone, we are muted, the content is forbidden. */
export class PostRefused extends Error {
  override readonly name = 'PostRefused'
}

/** The platform's name, read off an id. */
export function platformOf(id: RoomId | ThreadId | MessageId): string {
  return id.slice(0, id.indexOf('|'))
}
