import { createHmac, randomBytes } from 'node:crypto'
import type { Logger } from 'pino'
import type { UserId } from '../../agent/approval.ts'
import type { Positions } from '../../storage/index.ts'
import { mentions, withoutMention } from '../mentions.ts'
import {
  type ChatEvent,
  type ChatPlatform,
  type Mark,
  type MessageId,
  type Platform,
  type Post,
  PostRefused,
  type RoomId,
  type ThreadId,
} from '../platform.ts'
import { createBoard, type Message } from './board.ts'
import { createRoutes } from './routes.ts'

export interface WebOptions {
  /** Login token. Without one the room is served to this machine only. */
  token?: string | undefined
  rooms: string[]
  /** Shown on the page, such as what is a sandbox here. */
  notice?: string
  positions: Positions
  log: Logger
}

/**
 * The built-in chat: rooms and threads in a browser, served by the product itself, behind the same contract as the others. People choose their name when they come in: whoever knows the login
 * token may use any name, so an approval here is as trustworthy as the token.
 */
export function createWeb(options: WebOptions): Required<Pick<Platform, 'chat' | 'routes'>> {
  const { token, rooms, notice, positions, log } = options
  const board = createBoard({ rooms, positions })
  let key: Promise<string> | undefined
  let receive: ((event: ChatEvent) => Promise<void>) | undefined

  async function say(
    from: UserId,
    name: string,
    room: string,
    text: string,
    thread: ThreadId | undefined,
  ): Promise<MessageId> {
    const message = await board.add(room, thread, { from, name, markdown: text, bot: false })
    await deliver(message)
    return message.id
  }

  async function deliver(message: Message): Promise<void> {
    const { id, thread, room, from, name, markdown, at } = message
    const isRoot = (thread as string) === id
    await receive?.({
      kind: 'message',
      id,
      thread,
      room: roomId(room),
      from,
      name,
      text: withoutMention(markdown, botName),
      addressed: isRoot || mentions(markdown, botName),
      at,
    })
    await board.heard(id)
  }

  async function mark(from: UserId, id: MessageId, kind: Mark, on: boolean): Promise<void> {
    const changed = await board.mark(id, from, kind, on)
    if (!changed) return
    const { vote, room } = changed
    await receive?.({ kind: 'mark', id: vote, message: id, room: roomId(room), from, mark: kind, withdrawn: !on })
  }

  async function post(room: string, thread: ThreadId | undefined, given: Post): Promise<Message> {
    if (thread !== undefined && board.thread(thread).length === 0)
      throw new PostRefused(`The web room has no thread ${thread} any more: it was silent for longest.`)
    return board.add(room, thread, {
      from: botUser,
      name: botName,
      markdown: given.markdown,
      bot: true,
      post: given.id,
      quiet: given.quiet ?? false,
      mention: given.mention ?? [],
      ...(given.file && { file: given.file }),
    })
  }

  const chat: ChatPlatform = {
    name: 'web',
    limits: { messageBytes: 100_000 },
    async start(next) {
      await board.load()
      receive = next
      // What was said in the moment when the last run ended may not have reached the bot.
      const messages = board.threads().flatMap((thread) => board.thread(thread))
      for (const message of messages.filter(({ heard }) => !heard)) await deliver(message)
      log.debug({ threads: board.threads().length }, 'web room is open')
    },
    async room(name) {
      if (!rooms.includes(name)) throw new Error(`The web room has no room ${name}. It has: ${rooms.join(', ')}.`)
      return roomId(name)
    },
    async user(name) {
      if (!/^@[a-z0-9._-]{1,32}:web$/.test(name)) throw new Error(`${name} is nobody of the web room (@name:web).`)
      return name as UserId
    },
    async open(room, given) {
      const message = await post(roomName(room), undefined, given)
      return { thread: message.thread, message: message.id }
    },
    post: async (thread, given) => (await post(roomName(thread), thread, given)).id,
    async edit(message, markdown, urgency) {
      const stands = await board.edit(message, markdown, urgency === 'final')
      if (!stands && urgency === 'final') throw new PostRefused(`The web room has no message ${message} any more.`)
    },
    offer: (message) => board.offer(message),
    votes: async (message) => board.votes(message),
    isMember: async (_room, user) => user.endsWith(':web'),
    acknowledge: async (_thread, message) => board.acknowledge(message),
    working: async (thread, atWork) => board.working(thread, atWork),
    health: () => (receive ? { state: 'ready' } : { state: 'connecting', detail: 'starting' }),
    close: async () => board.close(),
  }
  const routes = createRoutes({
    board,
    key: () => (key ??= keyOf({ token, positions })),
    token,
    notice,
    isReady: () => receive !== undefined,
    say,
    mark,
  })

  return { chat, routes }
}

const botName = 'kube-agent'
const botUser = '@kube-agent:web' as UserId

const roomId = (name: string): RoomId => `web|${name}` as RoomId
const roomName = (id: RoomId | ThreadId): string => id.split('|')[1] ?? ''

/** Signs the visitors' names: a secret made once, and the login token, so that a new token lets nobody in with an old cookie. */
async function keyOf({ token = '', positions }: Pick<WebOptions, 'token' | 'positions'>): Promise<string> {
  const known = await positions.get('web:key')
  const secret = typeof known === 'string' ? known : randomBytes(32).toString('hex')
  if (secret !== known) await positions.set('web:key', secret)
  return createHmac('sha256', secret).update(token).digest('hex')
}
