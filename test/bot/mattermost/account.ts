import type { TestContext } from 'node:test'
import pino from 'pino'
import { createMattermost, type MattermostOptions } from '../../../src/bot/mattermost/index.ts'
import type { ChatEvent, ChatPlatform, MessageId, RoomId, ThreadId } from '../../../src/bot/platform.ts'
import { createMattermostServer, type FakeMattermost } from './server.ts'

export type Message = Extract<ChatEvent, { kind: 'message' }>

export interface Account {
  chat: ChatPlatform
  /** Everything delivered, in order. */
  received: ChatEvent[]
  /** What was said, of the messages delivered. */
  texts(): string[]
  hears(text: string): Promise<Message>
  gets(match: (event: ChatEvent) => boolean): Promise<ChatEvent>
  isReady(): Promise<unknown>
  log: string[]
}

type Options = Partial<MattermostOptions> & {
  /** Called with every event before it counts as received; may throw. */
  before?(event: ChatEvent): void
}

/** A server with alice and bob in a channel with the bot. */
export async function openOps(t: TestContext, options: { prefix?: string } = {}) {
  const server = await createMattermostServer(t, options)
  const [alice, bob] = [server.user('alice'), server.user('bob')]
  const ops = server.channel([alice, bob])
  server.say(alice, ops, 'welcome')
  return { server, alice, bob, ops }
}

/** The bot's account on the server, not started yet. */
export function createAccount(t: TestContext, server: FakeMattermost, options: Options = {}) {
  const { before, ...given } = options
  const received: ChatEvent[] = []
  const lines: string[] = []
  const chat = createMattermost({
    url: server.url,
    token: server.token,
    isNamed: () => false,
    positions: createPositions(),
    log: pino({ level: 'warn' }, { write: (line) => void lines.push(line) }),
    ...given,
  })
  t.after(() => chat.close())
  const gets = (match: (event: ChatEvent) => boolean) =>
    until(
      () => received.find(match),
      () => `an event among ${JSON.stringify(received, undefined, 1)}\n${lines.join('')}`,
    )
  const account: Account & { start(): Promise<void> } = {
    chat,
    received,
    log: lines,
    gets,
    texts: () => received.flatMap((event) => (event.kind === 'message' ? [event.text] : [])),
    hears: (text) => gets((event) => event.kind === 'message' && event.text === text) as Promise<Message>,
    isReady: () =>
      until(
        () => chat.health().state === 'ready',
        () => `health ${JSON.stringify(chat.health())}`,
      ),
    start: () =>
      chat.start(async (event) => {
        before?.(event)
        received.push(event)
      }),
  }
  return account
}

/** The same, in sync. */
export async function startAccount(t: TestContext, server: FakeMattermost, options: Options = {}): Promise<Account> {
  const account = createAccount(t, server, options)
  await account.start()
  return account
}

/** Values are copied as a database would. */
export function createPositions() {
  const entries = new Map<string, string>()
  return {
    entries,
    async get(key: string) {
      const value = entries.get(key)
      return value === undefined ? undefined : (JSON.parse(value) as unknown)
    },
    async set(key: string, value: unknown) {
      entries.set(key, JSON.stringify(value))
    },
    delete: async (key: string) => void entries.delete(key),
  }
}

export const roomId = (channel: string): RoomId => `mattermost|${channel}` as RoomId
export const threadId = (channel: string, root: string): ThreadId => `mattermost|${channel}|${root}` as ThreadId
export const messageId = (channel: string, post: string): MessageId => `mattermost|${channel}|${post}` as MessageId

/** Looks until there is something. The limit only turns a hang into a reason. */
export async function until<Value>(look: () => Value | undefined | false, what: () => string): Promise<Value> {
  for (let end = Date.now() + 30_000; ; ) {
    const found = look()
    if (found) return found
    if (Date.now() > end) throw new Error(`waited in vain for ${what()}`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}
