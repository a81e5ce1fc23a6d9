import type { Logger } from 'pino'
import type { Target, Tool } from '../../tools/tool.ts'
import type { Conversation } from '../conversation.ts'
import type { MessageDeps } from '../messages.ts'
import type { ThreadId } from '../platform.ts'
import type { Health } from '../recovery.ts'
import type { SignalDeps } from '../signals/deps.ts'
import type { Flood } from '../signals/flood.ts'
import type { BotJob, JobOf } from './index.ts'

/** What a kind of job is: about a chat thread, or about something outside for which no thread is found yet. */
export type JobKind<Kind extends BotJob['kind']> = ThreadKind<Kind> | OutsideKind<Kind>

/** Its lane is a chat thread, and it takes effect on the thread's document. */
export interface ThreadKind<Kind extends BotJob['kind']> {
  about: 'thread'
  /** The conversation that begins with this job when its thread has none; without one the job means nothing there. */
  opens(job: JobOf<Kind>, deps: OpenDeps): Conversation | undefined
  /** Lets the job take effect on the document, which is saved with the job's id afterwards. Throws to be tried again. */
  // A property, not a method: so the compiler checks that it asks for nothing else.
  take: (conversation: Conversation, job: JobOf<Kind>, deps: TakeDeps) => void | Promise<void>
  roleOf(job: JobOf<Kind>, tools: Map<string, Tool>): Role
  /** Where people hear that it was set aside while its thread has no document. */
  saidAsideIn(job: JobOf<Kind>): ThreadId | undefined
}

/** Its lane is its own. There is no document, and no thread in which to say that it was set aside. */
export interface OutsideKind<Kind extends BotJob['kind']> {
  about: 'outside'
  route: (job: JobOf<Kind>, deps: RouteDeps) => Promise<void>
}

/**
 * What a job that waits in the lane of a thread at work is to it: a vote, a word that calls something off, something said that begins or
 * changes a request, a question to the bot itself (`!status`), or none of these.
 */
export type Role = 'decides' | 'calls-off' | 'speaks' | 'asks-us' | 'other'

export type OpenDeps = Pick<MessageDeps, 'languageOf'>

/** All that jobs need to take effect; each asks for its part of it. `chat` is that of the thread. */
export interface TakeDeps extends MessageDeps {
  signals: SignalDeps
  health(target: Target): Promise<Health>
  /** Told when nobody can go on in a thread any more. */
  onEnded(thread: ThreadId): Promise<void>
}

export interface RouteDeps extends OpenDeps {
  signals: SignalDeps
  flood: Flood
  log: Logger
}

/** Most kinds go on in a thread that is known: they begin none, and mean nothing to one at work. */
export const goesOn = {
  about: 'thread',
  opens: () => undefined,
  roleOf: (): Role => 'other',
  saidAsideIn: () => undefined,
} as const
