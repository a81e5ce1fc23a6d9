import type { ApprovalId, PersonsVote } from '../../agent/approval.ts'
import type { PushSignal, RunSignal, Signal, StatusSignal } from '../../signal.ts'
import type { Job } from '../../storage/index.ts'
import type { CiResult } from '../../tools/gitea/ci/result.ts'
import type { ChatEvent, MessageId, RoomId } from '../platform.ts'

export type MessageEvent = Extract<ChatEvent, { kind: 'message' }>

/** Everything the bot does begins as one of these; all are plain JSON. The lane is a chat thread, but for `signal` and `look-again`. */
export type BotJob =
  | Job<'message', MessageEvent>
  | Job<'mark', { approval: ApprovalId; vote: PersonsVote; withdrawn: boolean; reason?: string }>
  | Job<'gone', { message: MessageId }>
  | Job<'left', object>
  /** Something happened outside; its lane is the signal's own until a thread is found for it. */
  | Job<'signal', Signal>
  /** The same hint once more, in its lane: what it is about had not come to its end, or could not be asked for. */
  | Job<'look-again', { signal: PushSignal | RunSignal | StatusSignal; attempt: number }>
  | Job<'push', { room: RoomId; signal: PushSignal; as: 'opened' | 'continued' }>
  | Job<'push-check', { signal: PushSignal; attempt: number }>
  /** `red`: subjects of the same line that still fail; missing when none had failed. `root`: what the thread's first post says, when it is about this line alone. */
  | Job<'ci', { room: RoomId; result: CiResult; as: 'opened' | 'again' | 'passed'; red?: string[]; root?: string }>
  | Job<'remark', { markdown: string }>
  /** One of many: it is told with others, by the next `list`. */
  | Job<'listed', { room: RoomId; line: string }>
  | Job<'list', object>
  | Job<'remind', { approval: ApprovalId }>
  | Job<'expire', { approval: ApprovalId }>
  | Job<'recover', { approval: ApprovalId; last: boolean }>
  | Job<'resume', object>

export type JobOf<Kind extends BotJob['kind']> = Extract<BotJob, { kind: Kind }>
