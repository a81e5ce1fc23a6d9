import type { ApprovalId, PersonsVote } from '../agent/approval.ts'
import type { Job } from '../inbox.ts'
import type { PushSignal, Signal } from '../signal.ts'
import type { ChatEvent, MessageId } from './platform.ts'

export type MessageEvent = Extract<ChatEvent, { kind: 'message' }>

/** Everything the bot does begins as one of these; all are plain JSON. The lane is a chat thread, but for `signal`. */
export type BotJob =
  | Job<'message', MessageEvent>
  | Job<'mark', { approval: ApprovalId; vote: PersonsVote; withdrawn: boolean; reason?: string }>
  | Job<'gone', { message: MessageId }>
  | Job<'left', object>
  /** Something happened outside; its lane is the signal's own until a thread is found for it. */
  | Job<'signal', Signal>
  | Job<'push', { signal: PushSignal; as: 'opened' | 'continued' | 'collected' }>
  | Job<'push-check', { signal: PushSignal; attempt: number }>
  | Job<'remind', { approval: ApprovalId }>
  | Job<'expire', { approval: ApprovalId }>
  | Job<'recover', { approval: ApprovalId; last: boolean }>
  | Job<'resume', object>

export type JobOf<Kind extends BotJob['kind']> = Extract<BotJob, { kind: Kind }>
