import type { TestContext } from 'node:test'
import { type FastifyInstance, fastify } from 'fastify'
import pino from 'pino'
import type { UserId } from '../../src/agent/approval.ts'
import type { ChatPlatform, Mark, MessageId, RoomId, ThreadId } from '../../src/bot/platform.ts'
import { createWeb } from '../../src/bot/web/index.ts'
import type { MessageView } from '../../src/bot/web/view.ts'
import { comeIn, createPositions, type Visitor } from '../bot/web/room.ts'
import { lacks, type Person, type Seen, type Stage } from './scene.ts'

/** The web room over HTTP, as pages use it. A life of it has a port of its own. */
export async function webStage(t: TestContext): Promise<Stage> {
  const positions = createPositions()
  let url = ''
  let visitors = new Map<string, Promise<Visitor>>()

  function live(): ChatPlatform {
    const { chat: web, routes } = createWeb({ rooms: ['ops'], positions, log: pino({ enabled: false }) })
    let app: FastifyInstance | undefined
    t.after(() => app?.close())
    return {
      ...web,
      async start(receive) {
        app = fastify({ forceCloseConnections: true })
        await app.register(routes)
        url = await app.listen({ host: '127.0.0.1', port: 0 })
        visitors = new Map()
        await web.start(receive)
      },
      async close() {
        await web.close()
        await app?.close()
      },
    }
  }

  function visitor(name: string): Promise<Visitor> {
    const known = visitors.get(name) ?? comeIn(url, name)
    visitors.set(name, known)
    return known
  }

  const person = (name: string): Person => ({
    id: `@${name}:web` as UserId,
    name: `@${name}:web`,
    say: async (text, thread) => (await (await visitor(name)).say(text, thread)) as MessageId,
  })
  const nameOf = ({ id }: Person): string => id.slice(1, id.indexOf(':'))

  async function mark(who: Person, message: MessageId, kind: Mark, on: boolean): Promise<void> {
    const answer = await (await visitor(nameOf(who))).mark(message, kind, on)
    if (!answer.ok) throw new Error(`not marked: ${answer.status} ${await answer.text()}`)
  }

  async function fileOf({ id, file }: MessageView): Promise<string[]> {
    if (!file) return []
    return [await (await (await visitor('alice')).get(`/web/file?message=${encodeURIComponent(id)}`)).text()]
  }

  const views = async (thread: string): Promise<MessageView[]> => (await visitor('alice')).thread(thread)
  const allViews = async (): Promise<MessageView[]> => {
    const threads = await (await visitor('alice')).threads()
    return (await Promise.all(threads.map(({ id }) => views(id)))).flat()
  }

  return {
    live,
    room: 'web|ops' as RoomId,
    alice: person('alice'),
    call: '@kube-agent',
    nowhere: 'web|ops|999999' as ThreadId,
    sees: async (thread) =>
      Promise.all(
        (await views(thread)).map(
          async (view): Promise<Seen> => ({
            id: view.id as MessageId,
            text: textOf(view.html),
            files: await fileOf(view),
          }),
        ),
      ),
    mark: (who, message, kind) => mark(who, message, kind, true),
    can: {
      bob: person('bob'),
      addressing: {
        calling: ['@Kube-Agent restart', '@kube-agent님 재시작'],
        notCalling: ['kube-agent is slow', 'x@kube-agent', 'see http://x.test/@kube-agent'],
      },
      pair: lacks('Whoever has the login token is in the room; there are none for two.'),
      naming: { room: 'ops', unknownRoom: 'nowhere', unknownUser: '@alice:elsewhere.test' },
      calls: async ({ id }) => (await allViews()).filter(({ mention }) => mention.includes(id)).length,
      files: true,
      edits: true,
      offered: async (message) => {
        const found = (await allViews()).find(({ id }) => id === message)
        return found?.prompt ? ['approve', 'deny'] : []
      },
      unmark: (who, message, kind) => mark(who, message, kind, false),
      spelling: lacks('Marks are two buttons, not emoji.'),
      away: lacks('The room is served by kube-agent itself: while that is away, nobody can speak.'),
      again: true,
      newborn: lacks('The room is its own memory: with an empty one it is an empty room.'),
      edit: lacks('Nobody can edit what was said.'),
      remove: lacks('Nobody can delete what was said.'),
      rewrite: lacks('Nobody can change what somebody else has said.'),
      machine: lacks('Only people with a browser speak here.'),
      leave: lacks('Nobody joins or leaves: whoever has the login token is in the room.'),
      join: lacks('Nobody joins or leaves: whoever has the login token is in the room.'),
      expel: lacks('The room belongs to kube-agent.'),
      readmit: lacks('The room belongs to kube-agent.'),
      wire: lacks('There is no server between the bot and the room.'),
      restartServer: lacks('There is no server between the bot and the room.'),
      limit: lacks('There is no server between the bot and the room.'),
      revocable: lacks('The bot needs no token for its own room.'),
      refusal: true,
    },
  }
}

const textOf = (html: string): string =>
  html
    .replaceAll(/<br\s*\/?>|<\/(?:p|li|h\d|pre|blockquote)>/g, '\n')
    .replaceAll(/<[^>]*>/g, '')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')
