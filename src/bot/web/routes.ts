import { readFileSync } from 'node:fs'
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import * as z from 'zod'
import type { UserId } from '../../agent/approval.ts'
import type { Mark, MessageId, ThreadId } from '../platform.ts'
import { createTries, nameCookie, refusal, same, VisitorName, visitorOf } from './access.ts'
import type { Board } from './board.ts'
import { createStreams } from './stream.ts'
import { messageView, threadView } from './view.ts'

export interface RouteOptions {
  board: Board
  /** Signs the cookie that holds a visitor's name. */
  key(): Promise<string>
  token: string | undefined
  notice: string | undefined
  /** Whether the board is loaded and the bot listens. Before that nothing can be said. */
  isReady(): boolean
  say(from: UserId, name: string, room: string, text: string, thread: ThreadId | undefined): Promise<MessageId>
  mark(from: UserId, message: MessageId, mark: Mark, on: boolean): Promise<void>
}

const Login = z.object({ name: VisitorName, token: z.string().max(1_000).default('') })
const Say = z.object({
  room: z.string().max(100),
  thread: z.string().max(200).optional(),
  text: z.string().trim().min(1).max(20_000),
})
const Marked = z.object({ message: z.string().max(200), mark: z.enum(['approve', 'deny']), on: z.boolean() })

const page = (file: string): string => readFileSync(new URL(`page/${file}`, import.meta.url), 'utf8')
const files: Record<string, { type: string; text: string }> = {
  '/': { type: 'text/html', text: page('index.html') },
  '/app.js': { type: 'text/javascript', text: page('app.js') },
  '/style.css': { type: 'text/css', text: page('style.css') },
}

const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"

/** The page and its few calls under `/web`. Every call but the page and the login needs a name, and the token where there is one. */
export function createRoutes(options: RouteOptions): FastifyPluginAsync {
  const { board, token, notice } = options
  const needsToken = token !== undefined
  const streams = createStreams(board)
  const tries = createTries()

  return async (app) => {
    app.get('/', (_request, reply) => reply.redirect('/web/'))
    app.register(
      async (web) => {
        web.addHook('onRequest', async (request, reply) => {
          reply.headers({ 'content-security-policy': policy, 'cache-control': 'no-store' })
          const refused = refusal(request, needsToken)
          if (refused) return reply.code(refused.status).send({ error: refused.reason })
        })
        for (const [path, { type, text }] of Object.entries(files))
          web.get(path, (_request, reply) => reply.type(`${type}; charset=utf-8`).send(text))
        web.get('/state', state)
        web.post('/login', login)
        web.register(async (room) => {
          room.decorateRequest('visitor', '')
          room.addHook('onRequest', requireVisitor)
          room.get('/thread', thread)
          room.get('/events', events)
          room.get('/file', file)
          room.post('/messages', say)
          room.post('/marks', mark)
        })
      },
      { prefix: '/web' },
    )
  }

  async function login(request: FastifyRequest, reply: FastifyReply) {
    if (tries.tooMany(request.ip)) return reply.code(429).send({ error: 'Too many tries. Wait a minute.' })
    const given = Login.safeParse(request.body)
    if (!given.success)
      return reply.code(400).send({ error: 'A name has small letters, digits, dots and dashes, and is not the bot’s.' })
    if (token !== undefined && !same(given.data.token, token)) {
      tries.failed(request.ip)
      return reply.code(401).send({ error: 'This is not the login token.' })
    }
    const secure = request.headers['x-forwarded-proto'] === 'https'
    reply.header('set-cookie', nameCookie(given.data.name, await options.key(), secure))
    return { me: userOf(given.data.name) }
  }

  async function requireVisitor(request: FastifyRequest, reply: FastifyReply) {
    if (!options.isReady()) return reply.code(503).send(starting)
    const name = visitorOf(request, await options.key())
    if (name === undefined) return reply.code(401).send({ error: 'Who are you?', needsToken })
    ;(request as Visit).visitor = name
  }

  /** What a page begins with. To a stranger it says only how to come in. */
  async function state(request: FastifyRequest, reply: FastifyReply) {
    if (!options.isReady()) return reply.code(503).send(starting)
    const name = visitorOf(request, await options.key())
    if (name === undefined) return { needsToken }
    return {
      me: userOf(name),
      needsToken,
      rooms: board.rooms,
      notice: notice ?? '',
      threads: board.threads().map((id) => threadView(id, board)),
    }
  }

  function thread(request: FastifyRequest, reply: FastifyReply) {
    const messages = board.thread(queryOf(request, 'id') as ThreadId)
    if (messages.length === 0) return reply.code(404).send({ error: 'This thread is gone.' })
    return { messages: messages.map(messageView) }
  }

  function events(request: FastifyRequest, reply: FastifyReply) {
    if (streams.open(request, reply)) return reply
    return reply.code(503).send({ error: 'Too many open pages.' })
  }

  function file(request: FastifyRequest, reply: FastifyReply) {
    const found = board.find(queryOf(request, 'message') as MessageId)?.file
    if (!found) return reply.code(404).send({ error: 'There is no such file.' })
    const name = found.name.replaceAll(/[^\w.-]/g, '_')
    return reply
      .type('text/plain; charset=utf-8')
      .header('content-disposition', `attachment; filename="${name}"`)
      .send(found.text)
  }

  async function say(request: FastifyRequest, reply: FastifyReply) {
    const given = Say.safeParse(request.body)
    if (!given.success || !board.rooms.includes(given.data.room))
      return reply.code(400).send({ error: 'There is nothing to say, it is too long, or there is no such room.' })
    const { room, text } = given.data
    const into = given.data.thread as ThreadId | undefined
    if (into !== undefined && board.thread(into)[0]?.room !== room)
      return reply.code(404).send({ error: 'This thread is gone.' })
    const name = (request as Visit).visitor
    return { message: await options.say(userOf(name), name, room, text, into) }
  }

  async function mark(request: FastifyRequest, reply: FastifyReply) {
    const given = Marked.safeParse(request.body)
    if (!given.success || !board.find(given.data.message as MessageId)?.choice)
      return reply.code(400).send({ error: 'There is nothing to decide.' })
    const { message, mark: kind, on } = given.data
    await options.mark(userOf((request as Visit).visitor), message as MessageId, kind, on)
    return {}
  }
}

const starting = { error: 'Starting. Try again in a moment.' }

type Visit = FastifyRequest & { visitor: string }

const queryOf = (request: FastifyRequest, key: string): string => {
  const value = (request.query as Record<string, unknown>)[key]
  return typeof value === 'string' ? value : ''
}

const userOf = (name: string): UserId => `@${name}:web` as UserId
