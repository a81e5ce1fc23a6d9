import { createHash } from 'node:crypto'
import type { ApprovalId, UserId } from '../agent/approval.ts'
import { createRequest, createSession, forgetOldTurns, type Request, type Session } from '../agent/session.ts'
import type { Language } from '../text/language.ts'
import { type Markdown, md, ownMarkdown } from '../text/markdown.ts'
import { forModel, fromOutside, type ModelText } from '../text/outside.ts'
import type { MessageId, OwnPost, RoomId, ThreadId } from './platform.ts'

/** All that is known about a thread, in one document: one write is one state, on any store. Plain JSON. */
export interface Conversation {
  thread: ThreadId
  room: RoomId
  session: Session
  /** Posts and edits that are decided but may not have reached the chat yet, in order. */
  outbox: Outgoing[]
  /** Ids of the last jobs that were applied; one that comes again changes nothing. */
  applied: string[]
  /** Numbers the posts, so that each has an id that a resend repeats. */
  posts: number
  language: Language
  names: Record<UserId, string>
  /** The prompts that stand in the room, and the state that each shows. */
  prompts: Record<ApprovalId, { message: MessageId; shown: string }>
  progress?: { post: string; message?: MessageId }
  /** People who were told once that their mark or message does not count. */
  told: string[]
  recovery: Record<ApprovalId, { message: MessageId; healthy: boolean }>
  /** Lines of a list that go out together. */
  listed?: Markdown[]
}

export type Outgoing =
  | { kind: 'post'; post: OwnPost; as: 'answer' | 'notice' }
  | { kind: 'post'; post: OwnPost; as: 'prompt'; approval: ApprovalId; shown: string }
  | { kind: 'post'; post: OwnPost; as: 'recovery'; approval: ApprovalId; healthy: boolean }
  | { kind: 'edit'; message: MessageId; markdown: Markdown }

const rememberedJobs = 200

export function createConversation(thread: ThreadId, room: RoomId, language: Language): Conversation {
  return {
    thread,
    room,
    session: createSession(),
    outbox: [],
    applied: [],
    posts: 0,
    language,
    names: {},
    prompts: {},
    told: [],
    recovery: {},
  }
}

export function remember(conversation: Conversation, job: string): void {
  conversation.applied.push(job)
  if (conversation.applied.length > rememberedJobs)
    conversation.applied.splice(0, conversation.applied.length - rememberedJobs)
}

/** Puts a post into the outbox. It goes out after the next save. */
export function say(
  conversation: Conversation,
  markdown: Markdown,
  options: { mention?: UserId[]; quiet?: boolean } = {},
): void {
  const as = options.quiet ? 'notice' : 'answer'
  conversation.outbox.push({ kind: 'post', as, post: { id: nextPostId(conversation), markdown, ...options } })
}

/** Says something in the thread once, whatever happens there again: `key` names it. */
export function tellOnce(conversation: Conversation, key: string, sentence: Markdown): void {
  if (conversation.told.includes(key)) return
  conversation.told.push(key)
  say(conversation, sentence, { quiet: true })
}

/**
 * Starts what the thread works on now; what is asked has to follow as the session's next message. Its progress post has an id from
 * the beginning, saved before anything is shown. A question that waits for the model server is taken up again afterwards.
 */
export function begin(
  conversation: Conversation,
  asker: UserId | 'signal',
  kind: Request['kind'],
  now: number,
): Request {
  const { session } = conversation
  const parked = session.request
  if (!parked) forgetOldTurns(session)
  session.request = { ...createRequest(session, asker, kind, now), ...(parked && { parked }) }
  conversation.progress = { post: nextPostId(conversation) }
  return session.request
}

/** Ends what the thread works on now. */
export function endRequest(conversation: Conversation): void {
  const parked = conversation.session.request?.parked
  delete conversation.session.request
  delete conversation.progress
  if (!parked) return
  conversation.session.request = parked
  conversation.progress = { post: nextPostId(conversation) }
}

/** Unique to the conversation and stable in it: saved with the post, before the post is sent. */
export function nextPostId(conversation: Conversation): string {
  conversation.posts++
  return `${shortId('t', conversation.thread)}-${conversation.posts}`
}

/** The id of a post that belongs to something with a long name. */
export const shortId = (prefix: string, name: string): string =>
  `${prefix}-${createHash('sha256').update(name).digest('hex').slice(0, 32)}`

/** Keeps what a person is called. A display name is anybody's to choose, so nothing in it hides, breaks the line or looks like an id. */
export function meet(conversation: Conversation, person: UserId, name: string): void {
  const plain = fromOutside(name)
    .plain()
    .replaceAll(/[()<>:]/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim()
  conversation.names[person] = [...plain].slice(0, 64).join('')
}

/** A person in a sentence of ours: the name, and the id that nobody can choose. */
export function nameOf(conversation: Conversation, person: UserId | 'signal' | 'policy'): Markdown {
  const name = conversation.names[person as UserId]
  // An id is what people copy, into settings too, so its `@` stands alone. A chat calls nobody but those that a post mentions.
  const id = ownMarkdown(fromOutside(person).inline().replaceAll('@\u200B', '@'))
  return name && name !== person ? md`${fromOutside(name).inline()} (${id})` : id
}

/** What a person said, as the model reads it. Only a line of ours begins with a name and an id. */
export function quoted(conversation: Conversation, person: UserId, text: string): ModelText {
  const name = fromOutside(conversation.names[person] ?? person).oneLine()
  return forModel`${name} (${fromOutside(person).oneLine()}): ${fromOutside(text).said()}`
}
