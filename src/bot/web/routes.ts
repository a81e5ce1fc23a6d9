import { createHmac, timingSafeEqual } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import * as z from 'zod'
import type { UserId } from '../../agent/approval.ts'
import type { Mark, MessageId, ThreadId } from '../platform.ts'
import type { Board, Message } from './board.ts'
import { toHtml } from './html.ts'

export interface RouteOptions {
  board: Board
  /** Signs the cookie that holds a visitor's name. */
  key(): Promise<string>
  needsToken: boolean
  token: string | undefined
  notice: string | undefined
  say(from: UserId, name: string, room: string, text: string, thread: ThreadId | undefined): Promise<void>
  mark(from: UserId, message: MessageId, mark: Mark, on: boolean): Promise<void>
  log: Logger
}

const Name = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,31}$/, 'small letters, digits, dots and dashes')
const Login = z.object({ name: Name, token: z.string().max(1_000).default('') })
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
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
const heartbeatMs = 20_000
const cookieName = 'kube-agent-name'
const loginsAMinute = 20

/** The page and its few calls under `/web`. Every call but the page and the login needs a name, and the token where there is one. */
export function createRoutes(options: RouteOptions): FastifyPluginAsync {
  const { board, log } = options
  return async (app) => {
    let logins: number[] = []
    app.get('/', (_request, reply) => reply.redirect('/web/'))
    app.register(
      async (web) => {
        web.addHook('onRequest', async (request, reply) => {
          reply.headers({ 'content-security-policy': policy, 'cache-control': 'no-store' })
          const problem = refusal(request, options.needsToken)
          if (problem) return reply.code(403).type('text/plain').send(`${problem}\n`)
        })
        for (const [path, { type, text }] of Object.entries(files))
          web.get(path, (_request, reply) => reply.type(`${type}; charset=utf-8`).send(text))

        web.post('/login', async (request, reply) => {
          logins = logins.filter((at) => Date.now() - at < 60_000)
          if (logins.push(Date.now()) > loginsAMinute)
            return reply.code(429).send({ error: 'Too many tries. Wait a minute.' })
          const login = Login.safeParse(request.body)
          if (!login.success)
            return reply.code(400).send({ error: 'A name has small letters, digits, dots and dashes.' })
          if (options.token !== undefined && !same(login.data.token, options.token))
            return reply.code(401).send({ error: 'This is not the login token.' })
          const cookie = `${login.data.name}.${sign(login.data.name, await options.key())}`
          reply.header('set-cookie', `${cookieName}=${cookie}; Path=/web; HttpOnly; SameSite=Strict; Max-Age=2592000`)
          return { name: login.data.name }
        })
        web.get('/state', async (request, reply) => {
          const name = await visitor(request)
          if (!name) return reply.code(401).send({ needsToken: options.needsToken })
          return {
            me: userOf(name),
            rooms: board.rooms,
            notice: options.notice,
            messages: board.messages().map(toView),
            atWork: board.atWork(),
          }
        })
        web.get('/events', async (request, reply) => {
          if (!(await visitor(request))) return reply.code(401).send({})
          stream(request, reply)
        })
        web.post('/messages', async (request, reply) => {
          const name = await visitor(request)
          if (!name) return reply.code(401).send({})
          const said = Say.safeParse(request.body)
          if (!said.success || !board.rooms.includes(said.data.room))
            return reply.code(400).send({ error: 'There is nothing to say, or no such room.' })
          const thread = said.data.thread as ThreadId | undefined
          if (thread && !board.hasThread(thread)) return reply.code(404).send({ error: 'This thread is gone.' })
          await options.say(userOf(name), name, said.data.room, said.data.text, thread)
          return { ok: true }
        })
        web.post('/marks', async (request, reply) => {
          const name = await visitor(request)
          if (!name) return reply.code(401).send({})
          const marked = Marked.safeParse(request.body)
          if (!marked.success) return reply.code(400).send({ error: 'No such mark.' })
          await options.mark(userOf(name), marked.data.message as MessageId, marked.data.mark, marked.data.on)
          return { ok: true }
        })
        web.get<{ Querystring: { message?: string } }>('/file', async (request, reply) => {
          if (!(await visitor(request))) return reply.code(401).send({})
          const file = board.find((request.query.message ?? '') as MessageId)?.file
          if (!file) return reply.code(404).send({ error: 'There is no such file.' })
          const name = file.name.replaceAll(/[^\w.-]/g, '_')
          return reply
            .type('text/plain; charset=utf-8')
            .header('content-disposition', `attachment; filename="${name}"`)
            .send(file.text)
        })
      },
      { prefix: '/web' },
    )
  }

  function stream(request: FastifyRequest, reply: FastifyReply): void {
    reply.hijack()
    reply.raw.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    })
    reply.raw.write('retry: 1000\n\n')
    const stop = board.listen((change) => {
      const data = change.kind === 'message' ? { kind: 'message', message: toView(change.message) } : change
      reply.raw.write(`data: ${JSON.stringify(data)}\n\n`)
    })
    const heartbeat = setInterval(() => reply.raw.write(': still here\n\n'), heartbeatMs)
    request.raw.once('close', () => {
      clearInterval(heartbeat)
      stop()
    })
    log.debug('event stream opened')
  }

  async function visitor(request: FastifyRequest): Promise<string | undefined> {
    const cookie = new RegExp(`(?:^|;\\s*)${cookieName}=([\\w.-]+)`).exec(request.headers.cookie ?? '')?.[1] ?? ''
    const dot = cookie.lastIndexOf('.')
    const name = cookie.slice(0, dot)
    return Name.safeParse(name).success && same(cookie.slice(dot + 1), sign(name, await options.key()))
      ? name
      : undefined
  }
}

/** Why a request is not served at all. Without a token only this machine is, and no page of another site may speak for it. */
function refusal(request: FastifyRequest, needsToken: boolean): string | undefined {
  const host = (request.headers.host ?? '').replace(/:\d+$/, '')
  if (!needsToken && !isLoopback(request.socket.remoteAddress ?? ''))
    return 'The web room is open to this machine only. Set KUBE_AGENT_WEB_TOKEN.'
  if (!needsToken && !['localhost', '127.0.0.1', '[::1]'].includes(host))
    return 'The web room is open under localhost only. Set KUBE_AGENT_WEB_TOKEN.'
  const { origin } = request.headers
  if (
    request.method !== 'GET' &&
    origin !== undefined &&
    (!URL.canParse(origin) || new URL(origin).host !== request.headers.host)
  ) {
    return 'Another site may not speak here.'
  }
  return undefined
}

const isLoopback = (address: string): boolean => address === '::1' || /^(::ffff:)?127\./.test(address)

const sign = (name: string, key: string): string =>
  createHmac('sha256', key).update(`web room name ${name}`).digest('base64url').replaceAll('.', '')

function same(given: string, expected: string): boolean {
  const hash = (text: string) => createHmac('sha256', 'compare').update(text).digest()
  return timingSafeEqual(hash(given), hash(expected))
}

const userOf = (name: string): UserId => `@${name}:web` as UserId

/** What the page gets: safe HTML instead of Markdown, and no file's text. */
function toView(message: Message): object {
  const { markdown, file, post: _post, ...rest } = message
  const html = message.bot ? toHtml(markdown) : `<p>${escapeText(markdown)}</p>`
  return { ...rest, html, ...(file && { file: file.name }) }
}

const escapeText = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('\n', '<br>')
