import type { TestContext } from 'node:test'
import pino, { type Logger } from 'pino'
import { createMatrix, type MatrixOptions } from '../../../src/bot/matrix/index.ts'
import type { ChatEvent, ChatPlatform, MessageId, RoomId, ThreadId } from '../../../src/bot/platform.ts'
import type { Positions } from '../../../src/storage/index.ts'
import type { FakeEvent, Homeserver } from '../../helpers/homeserver.ts'

export const alice = '@alice:hs.test'
export const bob = '@bob:hs.test'
export const stranger = '@stranger:elsewhere.test'

export type Message = Extract<ChatEvent, { kind: 'message' }>

export interface Account {
  chat: ChatPlatform
  /** Everything delivered, in order. */
  received: ChatEvent[]
  /** What was said, of the messages delivered. */
  texts(): string[]
  /** Resolves with the first delivered event that matches. */
  gets(match: (event: ChatEvent) => boolean): Promise<ChatEvent>
  hears(text: string): Promise<Message>
  /** Everything at `warn` and above, as JSON lines. */
  log: string[]
}

type Options = Partial<MatrixOptions> & {
  /** Called with every event before it counts as received; may throw. */
  before?(event: ChatEvent): void
}

/** The bot's account on the homeserver, not started yet. */
export function createAccount(
  t: TestContext,
  server: Homeserver,
  options: Options = {},
): Account & { start(): Promise<void> } {
  const { before, ...given } = options
  const received: ChatEvent[] = []
  const lines: string[] = []
  const log: Logger = pino({ level: 'warn' }, { write: (line) => void lines.push(line) })
  const chat = createMatrix({
    url: server.url,
    token: server.bot.token,
    mayInvite: (user) => user !== stranger,
    positions: createPositions(),
    log,
    pace: { perSecond: 1_000, burst: 1_000 },
    ...given,
  })
  t.after(() => chat.close())
  const messages = () => received.filter((event): event is Message => event.kind === 'message')
  const gets = (match: (event: ChatEvent) => boolean) =>
    until(
      () => received.find(match),
      () => `an event among ${JSON.stringify(received, undefined, 1)}`,
    )
  return {
    chat,
    received,
    log: lines,
    gets,
    texts: () => messages().map(({ text }) => text),
    hears: (text) => gets((event) => event.kind === 'message' && event.text === text) as Promise<Message>,
    start: () =>
      chat.start(async (event) => {
        before?.(event)
        received.push(event)
      }),
  }
}

/** The same, in sync. */
export async function startAccount(t: TestContext, server: Homeserver, options: Options = {}): Promise<Account> {
  const account = createAccount(t, server, options)
  await account.start()
  return account
}

/** Values are copied as a database would. `failing` makes the next write of a matching key fail. */
export function createPositions(): Positions & { entries: Map<string, string>; failing?: RegExp | undefined } {
  const entries = new Map<string, string>()
  const positions = {
    entries,
    failing: undefined as RegExp | undefined,
    async get(key: string) {
      const value = entries.get(key)
      return value === undefined ? undefined : (JSON.parse(value) as unknown)
    },
    async set(key: string, value: unknown) {
      if (positions.failing?.test(key)) {
        positions.failing = undefined
        throw new Error('disk full')
      }
      entries.set(key, JSON.stringify(value))
    },
    delete: async (key: string) => void entries.delete(key),
  }
  return positions
}

export const roomId = (room: string): RoomId => `matrix|${room}` as RoomId
export const threadId = (room: string, root: string): ThreadId => `matrix|${room}|${root}` as ThreadId
export const messageId = (room: string, event: string): MessageId => `matrix|${room}|${event}` as MessageId

/** What the bot has sent into a room. */
export const sent = (server: Homeserver, room: string, type = 'm.room.message'): FakeEvent[] =>
  server.events(room).filter((event) => event.sender === server.bot.user && event.type === type)

/** Looks until there is something. The limit only turns a hang into a reason. */
export async function until<Value>(look: () => Value | undefined | false, what: () => string): Promise<Value> {
  for (let end = Date.now() + 30_000; ; ) {
    const found = look()
    if (found) return found
    if (Date.now() > end) throw new Error(`waited in vain for ${what()}`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}
