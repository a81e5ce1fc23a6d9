import type { TestContext } from 'node:test'
import { type FastifyInstance, fastify } from 'fastify'
import pino from 'pino'
import type { ChatEvent, ChatPlatform } from '../../../src/bot/platform.ts'
import { createWeb } from '../../../src/bot/web/index.ts'
import type { MessageView, ThreadView } from '../../../src/bot/web/view.ts'
import type { Positions } from '../../../src/storage/index.ts'

/** What outlives a run, in a map; values go through JSON as on disk. */
export function createPositions(): Positions & { keys(): string[] } {
  const kept = new Map<string, string>()
  return {
    keys: () => [...kept.keys()],
    async get(key) {
      const value = kept.get(key)
      return value === undefined ? undefined : JSON.parse(value)
    },
    async set(key, value) {
      kept.set(key, JSON.stringify(value))
    },
    async delete(key) {
      kept.delete(key)
    },
  }
}

export interface Room {
  web: ChatPlatform
  app: FastifyInstance
  url: string
  positions: Positions
  /** What the bot was told, in order. */
  events: ChatEvent[]
  visitor(name: string, token?: string): Promise<Visitor>
}

/** The web room on a port of its own, with a bot that listens. */
export async function openRoom(
  t: TestContext,
  options: {
    token?: string
    positions?: Positions
    asleep?: boolean
    receive?: (event: ChatEvent) => Promise<void>
  } = {},
): Promise<Room> {
  const positions = options.positions ?? createPositions()
  const events: ChatEvent[] = []
  const { chat: web, routes } = createWeb({
    token: options.token,
    rooms: ['ops'],
    positions,
    log: pino({ enabled: false }),
  })
  const receive = options.receive ?? (async (event: ChatEvent) => void events.push(event))
  if (!options.asleep) await web.start(receive)
  const app = fastify({ forceCloseConnections: true })
  await app.register(routes)
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  t.after(() => app.close())
  return { web, app, url, positions, events, visitor: (name, token) => comeIn(url, name, token) }
}

export interface Visitor {
  name: string
  cookie: string
  say(text: string, thread?: string): Promise<string>
  mark(message: string, mark: 'approve' | 'deny', on?: boolean): Promise<Response>
  threads(): Promise<ThreadView[]>
  thread(id: string): Promise<MessageView[]>
  get(path: string): Promise<Response>
  post(path: string, body: object): Promise<Response>
  /** Resolves when the thread has such a message. Looks again after each change that the server tells. */
  sees(thread: string, what: (message: MessageView) => boolean, description: string): Promise<MessageView>
}

/** A visitor with a browser's cookie, over HTTP. */
export async function comeIn(url: string, name: string, token = ''): Promise<Visitor> {
  const login = await fetch(`${url}/web/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name, token }),
  })
  if (!login.ok) throw new Error(`${name} may not come in: ${login.status} ${await login.text()}`)
  const cookie = login.headers.get('set-cookie')?.split(';')[0] ?? ''
  const get = (path: string) => fetch(`${url}${path}`, { headers: { cookie } })
  const post = (path: string, body: object) =>
    fetch(`${url}${path}`, {
      method: 'POST',
      headers: { cookie, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  const visitor: Visitor = {
    name,
    cookie,
    get,
    post,
    async say(text, thread) {
      const answer = await post('/web/messages', { room: 'ops', text, ...(thread !== undefined && { thread }) })
      if (!answer.ok) throw new Error(`not said: ${answer.status} ${await answer.text()}`)
      return ((await answer.json()) as { message: string }).message
    },
    mark: (message, mark, on = true) => post('/web/marks', { message, mark, on }),
    threads: async () => ((await (await get('/web/state')).json()) as { threads: ThreadView[] }).threads,
    async thread(id) {
      const answer = await get(`/web/thread?id=${encodeURIComponent(id)}`)
      return answer.ok ? ((await answer.json()) as { messages: MessageView[] }).messages : []
    },
    async sees(thread, what, description) {
      const leaving = new AbortController()
      const patience = setTimeout(() => leaving.abort(), 60_000)
      try {
        for await (const _change of changes(url, cookie, leaving.signal)) {
          const found = (await visitor.thread(thread)).find(what)
          if (found) return found
        }
      } catch (error) {
        if (!leaving.signal.aborted) throw error
      } finally {
        clearTimeout(patience)
        leaving.abort()
      }
      const shown = (await visitor.thread(thread)).map(({ html }) => html).join('\n---\n')
      throw new Error(`waited in vain for ${description}; shown:\n${shown}`)
    },
  }
  return visitor
}

/** Each chunk of the event stream; the first comes at once. */
export async function* changes(url: string, cookie: string, signal: AbortSignal): AsyncGenerator<string> {
  const answer = await fetch(`${url}/web/events`, { headers: { cookie }, signal })
  if (!answer.ok || !answer.body) throw new Error(`no event stream: ${answer.status}`)
  for await (const chunk of answer.body) yield Buffer.from(chunk).toString('utf8')
}
