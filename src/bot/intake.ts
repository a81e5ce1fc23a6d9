import type { Inbox, Namespace } from '../storage/index.ts'
import type { Conversations } from './conversations.ts'
import type { BotJob } from './jobs/index.ts'
import { textVote } from './messages.ts'
import type { PromptPlace } from './outbox.ts'
import { type Chat, type ChatEvent, type MessageId, platformOf, type ThreadId, type Vote } from './platform.ts'

export interface IntakeDeps {
  chatOf(id: ThreadId): Chat
  conversations: Pick<Conversations, 'get' | 'has'>
  prompts: Pick<Namespace<PromptPlace>, 'get' | 'delete' | 'entries'>
  inbox: Pick<Inbox<BotJob>, 'put' | 'waiting'>
  now(): number
}

/** What chats deliver becomes jobs, or is of no interest. Nothing takes effect here. */
export interface Intake {
  /** Resolves when the event is in the inbox, or needs not be. */
  receive(event: ChatEvent): Promise<void>
  /** Reads what people decided under a platform's open prompts while the bot was away. */
  readBack(platform: string): Promise<void>
  mark(place: PromptPlace, vote: Vote, withdrawn: boolean): Promise<void>
  /** The thread's document is written now. */
  began(thread: ThreadId): void
}

/** How long after its end a prompt is known by its message, for marks that come late. */
const keptMs = 7 * 24 * 60 * 60_000

export function createIntake(deps: IntakeDeps): Intake {
  /** Threads whose first message is in the inbox, but whose document may not be written yet. */
  const beginning = new Set<ThreadId>()

  async function receive(event: ChatEvent): Promise<void> {
    switch (event.kind) {
      case 'message': {
        if (event.addressed) beginning.add(event.thread)
        else if (!(await isOurs(event.thread))) return
        await deps.inbox.put({ id: `message:${event.id}`, thread: event.thread, kind: 'message', data: event })
        return
      }
      case 'mark': {
        const place = await deps.prompts.get(event.message)
        if (place) await mark(place, event, event.withdrawn)
        return
      }
      case 'gone': {
        const thread = (await deps.prompts.get(event.message))?.thread ?? (event.message as string as ThreadId)
        if (!(await deps.conversations.has(thread))) return
        await deps.inbox.put({ id: `gone:${event.id}`, thread, kind: 'gone', data: { message: event.message } })
        return
      }
      case 'left': {
        for await (const [, place] of deps.prompts.entries()) {
          if (place.room !== event.room || deps.now() > place.expiresAt) continue
          await deps.inbox.put({ id: `left:${event.id}:${place.thread}`, thread: place.thread, kind: 'left', data: {} })
        }
      }
    }
  }

  /** Whether we take part in a thread, so that nobody has to mention us there. */
  async function isOurs(thread: ThreadId): Promise<boolean> {
    if (beginning.has(thread)) return true
    // In this order: what is handled in between leaves a document.
    return (await deps.inbox.waiting(thread)).length > 0 || deps.conversations.has(thread)
  }

  async function mark(place: PromptPlace, vote: Vote, withdrawn: boolean): Promise<void> {
    const data = { approval: place.approval, vote: { id: vote.id, by: vote.from, mark: vote.mark }, withdrawn }
    const id = withdrawn ? `unmark:${vote.id}` : `mark:${vote.id}`
    await deps.inbox.put({ id, thread: place.thread, kind: 'mark', data })
  }

  async function readBack(platform: string): Promise<void> {
    for await (const [message, place] of deps.prompts.entries()) {
      if (platformOf(place.thread) !== platform) continue
      if (deps.now() > place.expiresAt + keptMs) await deps.prompts.delete(message)
      else await readVotes(message as MessageId, place)
    }
  }

  /** What people marked, and what they took back, while nobody listened. */
  async function readVotes(message: MessageId, place: PromptPlace): Promise<void> {
    const conversation = await deps.conversations.get(place.thread)
    const approval = conversation?.session.approvals.find((one) => one.id === place.approval)
    if (approval?.state.kind !== 'open' && approval?.state.kind !== 'approved') return
    const votes = await deps.chatOf(place.thread).votes(message)
    // A mark that was taken back and set again has a new id: what is gone comes first, else it would take the new one along.
    for (const known of approval.votes) {
      if (known.id.startsWith(textVote) || votes.some((vote) => vote.id === known.id)) continue
      await mark(place, { id: known.id, from: known.by, mark: known.mark }, true)
    }
    for (const vote of votes) await mark(place, vote, false)
  }

  return { receive, readBack, mark, began: (thread) => void beginning.delete(thread) }
}
