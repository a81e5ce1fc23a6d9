import { randomBytes } from 'node:crypto'
import type { FastifyPluginAsync } from 'fastify'
import type { Logger } from 'pino'
import type { UserId } from '../../agent/approval.ts'
import type { ChatEvent, ChatPlatform, MessageId, Post, RoomId, ThreadId } from '../platform.ts'
import { createBoard, type Message } from './board.ts'
import { createRoutes } from './routes.ts'

export interface WebOptions {
  /** Login token. Without one the room is served to this machine only. */
  token?: string | undefined
  rooms: string[]
  /** Shown on the page, such as what is a sandbox here. */
  notice?: string
  positions: { get(key: string): Promise<unknown>; set(key: string, value: unknown): Promise<unknown> }
  log: Logger
}

/** The built-in chat: rooms and threads in a browser, served by the product itself. */
export type Web = ChatPlatform & { routes: FastifyPluginAsync }

/**
 * A chat of its own behind the same contract as the others. People choose their name when they come in: whoever knows the login
 * token may use any name, so an approval here is as trustworthy as the token.
 */
export function createWeb(options: WebOptions): Web {
  const { token, rooms, notice, positions, log } = options
  const board = createBoard({ rooms, positions })
  let receive: ((event: ChatEvent) => Promise<void>) | undefined

  async function say(
    from: UserId,
    name: string,
    room: string,
    text: string,
    thread: ThreadId | undefined,
  ): Promise<void> {
    const message = await board.add(room, thread, { from, name, markdown: text, bot: false })
    await receive?.({
      kind: 'message',
      id: message.id,
      thread: message.thread,
      room: roomId(room),
      from,
      name,
      text: text.replaceAll(/(^|\s)@kube-agent\b[:,]?\s*/gi, '$1').trim(),
      addressed: thread === undefined || /@kube-agent\b/i.test(text),
      at: message.at,
    })
  }

  async function mark(from: UserId, id: MessageId, kind: 'approve' | 'deny', on: boolean): Promise<void> {
    const changed = await board.mark(id, from, kind, on)
    if (!changed) return
    const { vote, room } = changed
    await receive?.({ kind: 'mark', id: vote, message: id, room: roomId(room), from, mark: kind, withdrawn: !on })
  }

  async function post(room: string, thread: ThreadId | undefined, given: Post): Promise<Message> {
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

  return {
    name: 'web',
    limits: { messageBytes: 100_000 },
    routes: createRoutes({
      board,
      key: () => keyOf({ token, positions }),
      needsToken: token !== undefined,
      token,
      notice,
      say,
      mark,
      log,
    }),
    async start(next) {
      await board.load()
      receive = next
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
    edit: (message, markdown, urgency) => board.edit(message, markdown, urgency === 'final'),
    offer: (message) => board.offer(message),
    votes: async (message) => board.votes(message),
    isMember: async (_room, user) => user.endsWith(':web'),
    acknowledge: async (_thread, message) => board.acknowledge(message),
    working: async (thread, atWork) => board.working(thread, atWork),
    health: () => (receive ? { state: 'ready' } : { state: 'connecting', detail: 'starting' }),
    close: async () => board.close(),
  }
}

const botName = 'kube-agent'
const botUser = '@kube-agent:web' as UserId

const roomId = (name: string): RoomId => `web|${name}` as RoomId
const roomName = (id: RoomId | ThreadId): string => id.split('|')[1] ?? ''

/** Signs the visitors' names: the login token, else a key made once. */
async function keyOf({ token, positions }: Pick<WebOptions, 'token' | 'positions'>): Promise<string> {
  if (token) return token
  const known = await positions.get('web:key')
  if (typeof known === 'string') return known
  const key = randomBytes(32).toString('hex')
  await positions.set('web:key', key)
  return key
}
