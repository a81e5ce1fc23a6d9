import { createHash } from 'node:crypto'
import type { ApprovalId, UserId } from '../agent/approval.ts'
import { createRequest, createSession, type Request, type Session } from '../agent/session.ts'
import type { MessageId, Post, RoomId, ThreadId } from './platform.ts'
import type { Language } from './texts.ts'

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
}

export type Outgoing =
  | { kind: 'post'; post: Post; as: 'answer' | 'notice' }
  | { kind: 'post'; post: Post; as: 'prompt'; approval: ApprovalId; shown: string }
  | { kind: 'post'; post: Post; as: 'recovery'; approval: ApprovalId; healthy: boolean }
  | { kind: 'edit'; message: MessageId; markdown: string }

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
  markdown: string,
  options: { mention?: UserId[]; quiet?: boolean } = {},
): void {
  const as = options.quiet ? 'notice' : 'answer'
  conversation.outbox.push({ kind: 'post', as, post: { id: nextPostId(conversation), markdown, ...options } })
}

/** Says something in the thread once, whatever happens there again: `key` names it. */
export function tellOnce(conversation: Conversation, key: string, sentence: string): void {
  if (conversation.told.includes(key)) return
  conversation.told.push(key)
  say(conversation, sentence, { quiet: true })
}

/** Starts what the thread works on now. Its progress post has an id from the beginning, saved before anything is shown. */
export function begin(conversation: Conversation, asker: UserId | 'signal', kind: Request['kind'], now: number): void {
  conversation.session.request = createRequest(asker, kind, now)
  conversation.progress = { post: nextPostId(conversation) }
}

/** Unique to the conversation and stable in it: saved with the post, before the post is sent. */
export function nextPostId(conversation: Conversation): string {
  conversation.posts++
  return `${createHash('sha256').update(conversation.thread).digest('hex').slice(0, 16)}-${conversation.posts}`
}

/** What a person is called in the room. */
export function nameOf(conversation: Conversation, person: UserId | 'signal' | 'policy'): string {
  return conversation.names[person as UserId] ?? person
}
