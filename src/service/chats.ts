import type { Bot } from '../bot/index.ts'
import { type ChatPlatform, platformOf, type ThreadId } from '../bot/platform.ts'
import { pause } from '../http/pause.ts'
import type { Logger } from '../log.ts'
import type { Inbox } from '../storage/index.ts'
import type { People } from './people.ts'

export interface ChatsOptions {
  chats: ChatPlatform[]
  people: Pick<People, 'learn' | 'check'>
  bot: Pick<Bot, 'receive' | 'readBack'>
  inbox: Pick<Inbox, 'hold'>
  /** Finds the rooms that signals go to. */
  findRooms(chats: ChatPlatform[]): Promise<void>
  /** Names of the chats that are in sync; filled here. */
  inSync: Set<string>
  stopping: AbortSignal
  log: Logger
}

/** The chats while they connect, each in its own time: one that is away keeps nobody waiting but its own threads. */
export interface Chats {
  /**
   * Resolves when the chats have said who the configured people are, or one of them is known to be away. Throws `ConfigError` for names
   * that nobody knows.
   */
  introduced(): Promise<void>
  /** Starts all chats; resolves when the last one is in sync. Rejects with what keeps the bot from going on at all. */
  begin(): Promise<void>
  /** A sentence when no chat accepts our token any more. */
  ending(): string | undefined
}

export function createChats(options: ChatsOptions): Chats {
  const { chats, people, bot, inbox, inSync, stopping, log } = options
  const told = new Set<ChatPlatform>()
  let roomsAreKnown = false

  async function learnAll(): Promise<void> {
    await Promise.all(chats.map(people.learn))
    // A lost chat cannot say whom it knows, so no name can be called unknown.
    if (!chats.some(isLost) || chats.every(isLost)) people.check()
  }

  async function untilOneIsAway(found: AbortSignal): Promise<void> {
    while (!found.aborted && chats.every((chat) => chat.health().state !== 'down')) await pause(100, found)
  }

  async function connect(chat: ChatPlatform): Promise<void> {
    try {
      await people.learn(chat)
      await chat.start(bot.receive)
    } catch (error) {
      if (isOnlyOneLost(chat)) return
      throw error
    }
    await bot.readBack(chat.name)
    inSync.add(chat.name)
    log.info({ component: chat.name }, 'chat is in sync')
    release()
  }

  /** Whether a chat is lost for good, but others are not. */
  const isOnlyOneLost = (chat: ChatPlatform): boolean => isLost(chat) && !chats.every(isLost)

  async function findRooms(): Promise<void> {
    await options.findRooms(chats)
    roomsAreKnown = true
    release()
  }

  /** What was decided while a chat was away counts first, and signals need to know their rooms. */
  function isHeld(thread: string): boolean {
    const chat = chats.find(({ name }) => name === platformOf(thread as ThreadId))
    return chat ? !inSync.has(chat.name) : !roomsAreKnown
  }

  function release(): void {
    const isAllThere = roomsAreKnown && inSync.size === chats.length
    inbox.hold(isAllThere ? undefined : isHeld)
  }

  return {
    async introduced() {
      const found = new AbortController()
      const either = AbortSignal.any([found.signal, stopping])
      await Promise.race([learnAll(), untilOneIsAway(either)]).finally(() => found.abort())
    },
    async begin() {
      release()
      const connecting = chats.map(connect)
      const rooms = Promise.any(connecting).then(findRooms, () => {})
      await Promise.all([...connecting, rooms, learnAll()])
    },
    ending() {
      for (const chat of chats.filter((one) => isLost(one) && !told.has(one))) {
        told.add(chat)
        log.error({ component: chat.name, reason: reasonOf(chat) }, 'this chat cannot go on')
      }
      const [first] = chats
      return first && chats.every(isLost) ? reasonOf(first) : undefined
    },
  }
}

const isLost = (chat: ChatPlatform): boolean => chat.health().state === 'revoked'

function reasonOf(chat: ChatPlatform): string {
  const health = chat.health()
  return health.state === 'ready' ? '' : health.detail
}
