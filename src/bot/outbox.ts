import type { Logger } from 'pino'
import type { ApprovalId } from '../agent/approval.ts'
import { checkpoint } from '../checkpoint.ts'
import type { Conversation, Outgoing } from './conversation.ts'
import { type Chat, type MessageId, PostRefused, type RoomId, type ThreadId, type Vote } from './platform.ts'

/** Where a prompt belongs: found by its message's id when somebody reacts to it. */
export interface PromptPlace {
  thread: ThreadId
  room: RoomId
  approval: ApprovalId
  expiresAt: number
}

export interface OutboxDeps {
  chat: Chat
  prompts: { set(message: string, place: PromptPlace): Promise<unknown> }
  save(conversation: Conversation, point: string): Promise<void>
  /** Marks that people left under a prompt before it was remembered. */
  onVotes(place: PromptPlace, votes: Vote[]): Promise<void>
  /** A prompt that the chat will not take: nobody could approve what nobody sees. */
  onUnseen(conversation: Conversation, approval: ApprovalId): Promise<void>
  log: Logger
}

/**
 * Sends what the conversation's outbox holds, in order, and forgets each item once it was sent. After a crash in between an item
 * goes out again with the same id, which the chat shows once.
 */
export async function flush(conversation: Conversation, deps: OutboxDeps): Promise<void> {
  for (let item = conversation.outbox[0]; item; item = conversation.outbox[0]) {
    const label = item.kind === 'edit' ? 'edit' : item.as
    checkpoint(`${label}:before`)
    const message = await send(item, conversation, deps)
    checkpoint(`${label}:after`)
    if (message) await record(item, message, conversation, deps)
    else if (item.kind === 'post' && item.as === 'prompt') await deps.onUnseen(conversation, item.approval)
    conversation.outbox.shift()
    await deps.save(conversation, 'sent')
  }
}

async function send(item: Outgoing, conversation: Conversation, deps: OutboxDeps): Promise<MessageId | undefined> {
  try {
    if (item.kind === 'post') return await deps.chat.post(conversation.thread, item.post)
    await deps.chat.edit(item.message, item.markdown, 'final')
  } catch (error) {
    if (!(error instanceof PostRefused)) throw error
    deps.log.warn({ component: 'bot', correlationId: conversation.thread, err: error }, 'chat refused a post')
  }
  return undefined
}

async function record(item: Outgoing, message: MessageId, conversation: Conversation, deps: OutboxDeps): Promise<void> {
  if (item.kind !== 'post') return
  if (item.as === 'recovery') conversation.recovery[item.approval] = { message, healthy: item.healthy }
  if (item.as === 'prompt') await recordPrompt(item, message, conversation, deps)
}

/** Remembers a prompt, puts the marks under it, and reads what stands there: somebody may have been faster than our memory. */
async function recordPrompt(
  { approval, shown }: Extract<Outgoing, { as: 'prompt' }>,
  message: MessageId,
  conversation: Conversation,
  deps: OutboxDeps,
): Promise<void> {
  conversation.prompts[approval] = { message, shown }
  const { thread, room, session } = conversation
  const expiresAt = session.approvals.find(({ id }) => id === approval)?.expiresAt ?? 0
  const place = { thread, room, approval, expiresAt }
  await deps.prompts.set(message, place)
  void deps.chat.offer(message)
  await deps.onVotes(place, await deps.chat.votes(message))
}
