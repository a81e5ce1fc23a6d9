import type { UserId } from '../../src/agent/approval.ts'
import type { ChatPlatform, Mark, MessageId, RoomId, ThreadId } from '../../src/bot/platform.ts'

/** Somebody in the room, as a client of their own: nothing of the bot's is used to play them. */
export interface Person {
  /** As events name them. */
  id: UserId
  /** As the configuration names them. */
  name: string
  /** Says something in the room, or in one of its threads. */
  say(text: string, thread?: ThreadId): Promise<MessageId>
}

/** A message as people see it now. */
export interface Seen {
  id: MessageId
  text: string
  /** The texts of the files that go along. */
  files: string[]
}

/** A room with alice, the bot, and what else there is; nobody else is in it. One for each scenario. */
export interface Stage {
  /** The bot's side in another life, not started: it remembers what the lives before have written down. */
  live(): ChatPlatform
  room: RoomId
  alice: Person
  /** What people see of a thread, oldest first, with its root. */
  sees(thread: ThreadId): Promise<Seen[]>
  /** How people call the bot at the beginning of a message. */
  call: string
  /** Where nothing is and nothing can be. */
  nowhere: ThreadId
  mark(who: Person, message: MessageId, mark: Mark): Promise<void>
  can: { [Name in keyof Abilities]: Abilities[Name] | Lack }
}

/** What not every chat has. */
export interface Abilities {
  /** A second person in the room. */
  bob: Person
  /** Ways to call the bot by name, and what only looks like it, beyond those that all chats have in common. */
  addressing: { calling: string[]; notCalling: string[] }
  /** A room with nobody but alice and the bot. */
  pair(): Promise<{ room: RoomId; say(text: string): Promise<MessageId> }>
  /** A configured room by its name, and one that is not there. */
  naming: { room: string; unknownRoom: string; unknownUser: string }
  /** How often a person was called by name in the room so far. */
  calls(who: Person): Promise<number>
  /** Files stand beside a text. */
  files: true
  /** A post changes before people's eyes. */
  edits: true
  /** The marks that the bot put under a message. */
  offered(message: MessageId): Promise<Mark[]>
  unmark(who: Person, message: MessageId, mark: Mark): Promise<void>
  /** Reactions in the chat's own spelling. */
  spelling: {
    approve: string[]
    deny: string[]
    nothing: string[]
    react(who: Person, message: MessageId, key: string): Promise<void>
    unreact(who: Person, message: MessageId, key: string): Promise<void>
  }
  /** People talk and mark while the bot is away. */
  away: true
  /** What could not be handed over comes again. */
  again: true
  /** The bot's side with an empty memory. */
  newborn(): ChatPlatform
  edit(who: Person, message: MessageId, text: string): Promise<void>
  /** Somebody with the power deletes a message, whosever it is. */
  remove(message: MessageId): Promise<void>
  /** Somebody else gives a post of the bot's another text. */
  rewrite(message: MessageId, text: string): Promise<void>
  /** Something automatic says this in the room. */
  machine(text: string): Promise<void>
  leave(who: Person): Promise<void>
  join(who: Person): Promise<void>
  /** The bot is thrown out of the room, and let in again. */
  expel(): Promise<void>
  readmit(): Promise<void>
  /** The connection to the server: while it is cut, nothing goes through. */
  wire: { cut(): void; mend(): void }
  restartServer(): Promise<void>
  /** The server limits the bot so hard that twenty posts are too many at once. */
  limit(): Promise<void>
  /** The bot's side with a token of its own, which is then revoked. */
  revocable(): Promise<{ platform: ChatPlatform; revoke(): Promise<void> }>
  /** A thread that cannot be posted into is refused. */
  refusal: true
}

/** Why a chat has no such thing: a sentence for docs/platforms.md. */
export interface Lack {
  lacks: string
}

export const lacks = (reason: string): Lack => ({ lacks: reason })

/** A stage that has what a scenario needs. */
export type Staged<Need extends keyof Abilities> = Stage & { can: { [Name in Need]: Abilities[Name] } }

export interface Scenario {
  title: string
  needs: (keyof Abilities)[]
  play(stage: Stage): Promise<void>
}

/** A promise of the contract, and how it is seen to hold. */
export function scenario<Need extends keyof Abilities = never>(
  title: string,
  needs: Need[],
  play: (stage: Staged<Need>) => Promise<void>,
): Scenario {
  return { title, needs, play: (stage) => play(stage as Staged<Need>) }
}
