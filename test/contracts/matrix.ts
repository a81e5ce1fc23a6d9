import type { TestContext } from 'node:test'
import type { UserId } from '../../src/agent/approval.ts'
import type { ChatPlatform, Mark, MessageId, RoomId, ThreadId } from '../../src/bot/platform.ts'
import type { Positions } from '../../src/storage/index.ts'
import { createPositions } from '../bot/matrix/account.ts'
import type { Abilities, Person, Seen, Stage } from './scene.ts'

export interface MatrixEvent {
  event_id: string
  type: string
  sender: string
  content: Record<string, unknown>
  redacts?: string
}

/** Somebody on a homeserver: what a client does. */
export interface MatrixClient {
  id: string
  send(room: string, type: string, content: object): Promise<string>
  redact(room: string, event: string): Promise<void>
  /** Sets somebody's membership: one's own, or as whoever made the room. */
  member(room: string, user: string, membership: 'join' | 'leave' | 'invite'): Promise<void>
}

/** A homeserver with people, real or not. */
export interface MatrixSide {
  bot: string
  /** Makes the rooms. */
  alice: MatrixClient
  bob: MatrixClient
  live(positions: Positions): ChatPlatform
  room(people: MatrixClient[], alias?: string): Promise<string>
  events(room: string): Promise<MatrixEvent[]>
  download(url: string): Promise<string>
  wire: Abilities['wire']
  restart: Abilities['restartServer']
  limit(t: TestContext): Promise<void>
  revocable: Abilities['revocable']
}

const keys: Record<Mark, string> = { approve: '✅', deny: '❌' }
const server = (user: string): string => user.slice(user.indexOf(':') + 1)
let aliases = 0

export async function matrixStage(t: TestContext, side: MatrixSide): Promise<Stage> {
  const { bot, alice, bob } = side
  const alias = `contract-${process.pid}-${++aliases}`
  const room = await side.room([alice, bob], alias)
  const positions = createPositions()
  const lives: ChatPlatform[] = []
  const reactions = new Map<string, string>()
  t.after(async () => {
    side.wire.mend()
    await Promise.all(lives.map((life) => life.close()))
  })

  function live(memory: Positions): ChatPlatform {
    const life = side.live(memory)
    lives.push(life)
    return life
  }

  const person = (client: MatrixClient): Person => ({
    id: client.id as UserId,
    name: client.id,
    say: async (text, thread) => messageIdIn(room, await client.send(room, 'm.room.message', saying(text, thread))),
  })
  const clientOf = (who: Person): MatrixClient => (who.id === bob.id ? bob : alice)

  async function react(who: Person, message: MessageId, key: string): Promise<void> {
    const content = { 'm.relates_to': { rel_type: 'm.annotation', event_id: eventOf(message), key } }
    reactions.set(`${who.id} ${message} ${key}`, await clientOf(who).send(room, 'm.reaction', content))
  }

  const unreact = (who: Person, message: MessageId, key: string): Promise<void> =>
    clientOf(who).redact(room, reactions.get(`${who.id} ${message} ${key}`) ?? '')

  const edit = async (client: MatrixClient, message: MessageId, text: string): Promise<void> => {
    const relation = { rel_type: 'm.replace', event_id: eventOf(message) }
    const content = {
      msgtype: 'm.text',
      body: `* ${text}`,
      'm.new_content': { msgtype: 'm.text', body: text },
      'm.relates_to': relation,
    }
    await client.send(room, 'm.room.message', content)
  }

  return {
    live: () => live(positions),
    room: `matrix|${room}` as RoomId,
    alice: person(alice),
    call: bot,
    nowhere: `matrix|!nowhere:${server(bot)}|$nothing` as ThreadId,
    sees: async (thread) => shown(await side.events(room), eventOf(thread), side.download),
    mark: (who, message, mark) => react(who, message, keys[mark]),
    can: {
      bob: person(bob),
      addressing: {
        calling: [`${bot}님 확인해 주세요`, 'Ops Bot: restart', '@bot restart', `> old words\n${bot} what of it?`],
        notCalling: ['the bot is slow', 'mail@bot', `@bot:elsewhere.test restart`, 'see http://x.test/@bot'],
      },
      async pair() {
        const pair = await side.room([alice])
        return {
          room: `matrix|${pair}` as RoomId,
          say: async (text) => messageIdIn(pair, await alice.send(pair, 'm.room.message', saying(text))),
        }
      },
      naming: {
        room: `#${alias}:${server(bot)}`,
        unknownRoom: `#nowhere:${server(bot)}`,
        unknownUser: `@nobody:${server(bot)}`,
      },
      calls: async (who) =>
        (await side.events(room)).filter((event) => event.sender === bot && intended(event).includes(who.id)).length,
      files: true,
      edits: true,
      async offered(message) {
        const events = await side.events(room)
        const own = events.filter(({ sender, type }) => sender === bot && type === 'm.reaction')
        return own.flatMap((event) => {
          const { event_id, key } = relationOf(event)
          return event_id === eventOf(message) ? [key === keys.approve ? ('approve' as const) : ('deny' as const)] : []
        })
      },
      unmark: (who, message, mark) => unreact(who, message, keys[mark]),
      spelling: {
        approve: ['✅', '✅\uFE0F', '✅\u{1F3FD}'],
        deny: ['❌', '❌\uFE0F', '❌\uFE0E'],
        nothing: ['👍', '👍🏽', '👍️', '✔️', '☑️', '❎', '🟢', ':white_check_mark:', 'white_check_mark', 'yes', '✅✅'],
        react,
        unreact,
      },
      away: true,
      again: true,
      newborn: () => live(createPositions()),
      edit: (who, message, text) => edit(clientOf(who), message, text),
      remove: (message) => alice.redact(room, eventOf(message)),
      rewrite: (message, text) => edit(alice, message, text),
      async machine(text) {
        const content = { body: text, 'm.mentions': { user_ids: [bot] } }
        await bob.send(room, 'm.room.message', { ...content, msgtype: 'm.notice' })
        await bob.send(room, 'm.room.message', { ...content, msgtype: 'm.text', 'org.matrix.msc3955.automated': true })
      },
      leave: (who) => clientOf(who).member(room, who.id, 'leave'),
      async join(who) {
        await alice.member(room, who.id, 'invite')
        await clientOf(who).member(room, who.id, 'join')
      },
      expel: () => alice.member(room, bot, 'leave'),
      readmit: () => alice.member(room, bot, 'invite'),
      wire: side.wire,
      restartServer: side.restart,
      limit: () => side.limit(t),
      async revocable() {
        const { platform, revoke } = await side.revocable()
        lives.push(platform)
        return { platform, revoke }
      },
      refusal: true,
    },
  }
}

const messageIdIn = (room: string, event: string): MessageId => `matrix|${room}|${event}` as MessageId
const eventOf = (id: MessageId | ThreadId): string => id.slice(id.lastIndexOf('|') + 1)

/** As clients without intentional mentions send it: what counts is what is written. */
const saying = (text: string, thread?: ThreadId): object => ({
  msgtype: 'm.text',
  body: text,
  ...(thread && {
    'm.relates_to': {
      rel_type: 'm.thread',
      event_id: eventOf(thread),
      is_falling_back: true,
      'm.in_reply_to': { event_id: eventOf(thread) },
    },
  }),
})

const relationOf = ({ content }: MatrixEvent): { rel_type?: string; event_id?: string; key?: string } =>
  (content['m.relates_to'] ?? {}) as { rel_type?: string; event_id?: string; key?: string }

const intended = ({ content }: MatrixEvent): string[] =>
  (content['m.mentions'] as { user_ids?: string[] } | undefined)?.user_ids ?? []

/** A thread as clients show it: with the last edit of a message's own author, files as messages of their own. */
async function shown(events: MatrixEvent[], root: string, download: MatrixSide['download']): Promise<Seen[]> {
  const messages = events.filter((event) => {
    const { rel_type, event_id } = relationOf(event)
    if (event.type !== 'm.room.message' || typeof event.content.body !== 'string') return false
    return event.event_id === root || (rel_type === 'm.thread' && event_id === root)
  })
  return Promise.all(
    messages.map(async (message) => {
      const edits = events.filter((event) => {
        const { rel_type, event_id } = relationOf(event)
        return rel_type === 'm.replace' && event_id === message.event_id && event.sender === message.sender
      })
      const content = (edits.at(-1)?.content['m.new_content'] ?? message.content) as {
        body?: unknown
        msgtype?: string
        url?: string
      }
      const file = content.msgtype === 'm.file' && content.url ? [await download(content.url)] : []
      return { id: message.event_id as MessageId, text: String(content.body ?? ''), files: file }
    }),
  )
}
