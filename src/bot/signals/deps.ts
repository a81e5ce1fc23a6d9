import type { ForgeSignal, PushSignal, Repository, RunSignal, StatusSignal } from '../../signal.ts'
import type { Inbox } from '../../storage/index.ts'
import type { Markdown } from '../../text/markdown.ts'
import type { CiResult } from '../../tools/gitea/ci/result.ts'
import type { BotJob } from '../jobs/index.ts'
import type { Chat, RoomId, ThreadId } from '../platform.ts'

export interface SignalDeps {
  /** Where threads about a repository are opened; nothing when no room is meant for it, `later` while its room is not found. */
  placeFor(repository: Repository): Place | 'later' | undefined
  /** The thread where the last push to a branch was told, and the list of each room. */
  threads: Kept<SignalThread>
  /** What is known of each branch and pull request whose CI was told of. */
  lines: Kept<CiThread>
  inbox: Pick<Inbox<BotJob>, 'put'>
  /** The signal, its repository as the forge has it; nothing when the forge contradicts. A forge that is away contradicts nobody. */
  confirm(signal: ForgeSignal): Promise<ForgeSignal | undefined>
  /** Told of every signal, so that what is missed later can be found by looking. */
  onSeen(signal: ForgeSignal): Promise<void>
  /** Why a push opens no thread; nothing when it may. */
  unwanted(push: PushSignal): string | undefined
  title(push: PushSignal): Markdown
  facts(push: PushSignal): Promise<PushFacts>
  /** Without access to the forge there is nothing to ask, and hints are not acted on. */
  ci: CiSource | undefined
  /** The bot's own name at the forge, once it is known. */
  ownLogin(): string | undefined
  continueMs: number
  checkAgainMs: number[]
  hasModel: boolean
  now(): number
}

export interface Place {
  room: RoomId
  chat: Chat
}

interface Kept<Value> {
  get(key: string): Promise<Value | undefined>
  set(key: string, value: Value): Promise<unknown>
  delete(key: string): Promise<unknown>
}

/** What a push means, worked out by rules: see tools/gitea/push.ts. */
export interface PushFacts {
  markdown: Markdown
  /** Whether everything it looked at has come to an end; until then it is worth looking again. */
  settled: boolean
}

/** What CI says, asked of the forge itself. */
export interface CiSource {
  /** What a hint is about, as it stands now; empty when that is gone. */
  results(hint: RunSignal | StatusSignal): Promise<CiResult[]>
  /** Whether this branch or pull request is to be told of. */
  wants(result: CiResult): boolean
  /** Whether something newer passed meanwhile. */
  isOvertaken(result: CiResult): Promise<boolean>
  /** What rules can say about a failure. */
  facts(result: CiResult): Promise<Markdown>
  /** Whether the error says that the forge is away, so that it is worth asking again. */
  isAway(error: unknown): boolean
}

export interface SignalThread {
  thread: ThreadId
  at: number
  /** The signal that opened it. */
  by: string
  /** The push that was told last, while its end may still be waited for. */
  last?: PushSignal
  /** When something was told at length lately. */
  recent?: number[]
}

/** How CI stands with a branch or pull request, and where that is told. */
export interface CiThread {
  thread: ThreadId
  room: RoomId
  /** `watched`: the thread pushed it, so the thread hears how it goes, good or bad. */
  state: 'watched' | 'red' | 'green'
  at: number
  /** Until when it is watched. */
  until?: number
  /** The newest failure of each subject that is red. */
  red: Record<string, { order: number; key: string; commit: string }>
  /** When something was told at length lately. */
  recent?: number[]
  /** The newest that passed, by subject. */
  green: Record<string, number>
  /** Results that were told, newest last. */
  told: string[]
  /** The post that began the thread about this line; its first line says when all is well again. */
  root?: Markdown
  /** The thread is a room's list; this is one of many in it. */
  collected?: true
}
