import type { ApprovalId, PersonsVote } from '../../agent/approval.ts'
import type { PushSignal, RunSignal, Signal, StatusSignal } from '../../signal.ts'
import type { Job } from '../../storage/index.ts'
import type { Markdown } from '../../text/markdown.ts'
import type { CiResult } from '../../tools/gitea/ci/result.ts'
import type { Tool } from '../../tools/tool.ts'
import type { ChatEvent, MessageId, RoomId } from '../platform.ts'
import { ci } from './ci.ts'
import { gone, left } from './gone.ts'
import type { JobKind, Role } from './kind.ts'
import { list, listed } from './listed.ts'
import { mark } from './mark.ts'
import { message } from './message.ts'
import { push, pushCheck } from './push.ts'
import { remark } from './remark.ts'
import { lookAgain, signal } from './signal.ts'
import { expire, recover, remind, resume } from './timers.ts'

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
  /**
   * `red`: subjects of the same line that still fail; missing when none had failed. `root`: what the thread's first post says, when it is
   * about this line alone.
   */
  | Job<'ci', { room: RoomId; result: CiResult; as: 'opened' | 'again' | 'passed'; red?: string[]; root?: Markdown }>
  | Job<'remark', { markdown: Markdown }>
  /** One of many: it is told with others, by the next `list`. */
  | Job<'listed', { room: RoomId; line: Markdown }>
  | Job<'list', object>
  | Job<'remind', { approval: ApprovalId }>
  | Job<'expire', { approval: ApprovalId }>
  | Job<'recover', { approval: ApprovalId; last: boolean }>
  | Job<'resume', object>

export type JobOf<Kind extends BotJob['kind']> = Extract<BotJob, { kind: Kind }>

export type MessageEvent = Extract<ChatEvent, { kind: 'message' }>

const kinds: { [Kind in BotJob['kind']]: JobKind<Kind> } = {
  message,
  mark,
  gone,
  left,
  signal,
  'look-again': lookAgain,
  push,
  'push-check': pushCheck,
  ci,
  remark,
  listed,
  list,
  remind,
  expire,
  recover,
  resume,
}

/** What this kind of job is. */
// The compiler does not see that the entry found by a job's kind takes that job.
export const kindOf = (job: BotJob): JobKind<BotJob['kind']> => kinds[job.kind] as JobKind<BotJob['kind']>

/** What the job is to a thread at work in whose lane it waits. */
export function roleOf(job: BotJob, tools: Map<string, Tool>): Role {
  const kind = kindOf(job)
  return kind.about === 'thread' ? kind.roleOf(job, tools) : 'other'
}
