import type { UserId } from '../../../src/agent/approval.ts'
import { mentions, withoutMention } from '../../../src/bot/mentions.ts'
import type {
  ChatEvent,
  ChatPlatform,
  Mark,
  MessageId,
  PlatformHealth,
  Post,
  RoomId,
  ThreadId,
  Vote,
} from '../../../src/bot/platform.ts'
import { pause } from '../../../src/http/pause.ts'
import type { Positions } from '../../../src/storage/index.ts'
import { createLineClient } from './client.ts'
import type { Line } from './server.ts'

/** The smallest whole platform, on a chat of lines: see docs/adding-a-platform.md. */
export function createToy({ port, positions }: { port: number; positions: Positions }): ChatPlatform {
  const client = createLineClient({ port, onLine: take, onNow, onAway })
  const votes = new Map<number, Vote[]>()
  const first = Promise.withResolvers<void>()
  let health: PlatformHealth = { state: 'connecting', detail: 'Connecting.' }
  let receive: (event: ChatEvent) => Promise<void> = async () => {}
  /** Everything up to here is safe with the bot; on disk. */
  let done: number | undefined

  /** Lines from before our position are read again too: the votes are made of them. */
  async function take(line: Line): Promise<void> {
    const event = line.by === 'bot' ? undefined : eventOf(line)
    if (done === undefined || line.number <= done) return
    if (event) await deliver(event)
    if (!client.closing.aborted) await moveTo(line.number)
  }

  async function deliver(event: ChatEvent): Promise<void> {
    while (!client.closing.aborted)
      try {
        return await receive(event)
      } catch {
        await pause(50, client.closing)
      }
  }

  async function moveTo(number: number): Promise<void> {
    await positions.set('toy:done', number)
    done = number
  }

  /** At the first start nobody waits for answers to what was said before. */
  async function onNow(): Promise<void> {
    if (done === undefined) await moveTo(client.read())
    health = { state: 'ready' }
    first.resolve()
  }

  function onAway(): void {
    health = { state: 'down', detail: `The chat on port ${port} does not answer; trying again.` }
  }

  function eventOf({ kind, number, by, of, text }: Line): ChatEvent | undefined {
    const from = `@${by}:toy` as UserId
    if (kind === 'edit') return undefined
    if (kind !== 'say') return markEvent(from, number, of, text as Mark, kind === 'unmark')
    return {
      kind: 'message',
      id: messageId(number),
      thread: threadId(of || number),
      room,
      from,
      name: by,
      text: withoutMention(text, 'kube-agent'),
      addressed: mentions(text, 'kube-agent'),
      at: number,
    }
  }

  function markEvent(from: UserId, number: number, of: number, mark: Mark, withdrawn: boolean): ChatEvent {
    const standing = votes.get(of) ?? []
    const vote = standing.find((one) => one.from === from && one.mark === mark) ?? { id: messageId(number), from, mark }
    const others = standing.filter((one) => one !== vote)
    votes.set(of, withdrawn ? others : [...others, vote])
    return { kind: 'mark', id: vote.id, message: messageId(of), room, from, mark, withdrawn }
  }

  async function say(of: number, { id, markdown, mention = [], file }: Post): Promise<MessageId> {
    const calls = mention.map((user) => `${user.split(':')[0]} `).join('')
    const text = [calls + harmless(markdown), file?.text].filter(Boolean).join('\n')
    return messageId((await client.send('say', of, text, `${of}-${id}`)).number)
  }

  return {
    name: 'toy',
    limits: { messageBytes: 1_000_000 },
    async start(next) {
      receive = next
      done = (await positions.get('toy:done')) as number | undefined
      client.connect()
      await first.promise
    },
    async room(name) {
      if (name !== 'ops') throw new Error(`The chat has no room ${name}; it has one: ops.`)
      return room
    },
    async user(name) {
      if (!/^@[a-z]+:toy$/.test(name)) throw new Error(`${name} is nobody of this chat: write @name:toy.`)
      return name as UserId
    },
    async open(_room, post) {
      const message = await say(0, post)
      return { message, thread: threadId(numberOf(message)) }
    },
    post: (thread, post) => say(numberOf(thread), post),
    async edit(message, markdown, urgency) {
      const sent = client.send('edit', numberOf(message), harmless(markdown))
      if (urgency === 'final') await sent
      else sent.catch(() => {})
    },
    async offer(message) {
      for (const mark of ['approve', 'deny'])
        await client.send('mark', numberOf(message), mark, `${message}-${mark}`).catch(() => {})
    },
    votes: async (message) => votes.get(numberOf(message)) ?? [],
    isMember: async (_room, user) => user.endsWith(':toy'),
    acknowledge: async () => {},
    working: async () => {},
    health: () => health,
    async close() {
      await client.close()
      first.promise.catch(() => {})
      first.reject(client.closing.reason)
    },
  }
}

const room = 'toy|ops' as RoomId
const messageId = (number: number): MessageId => `${room}|${number}` as MessageId
const threadId = (number: number): ThreadId => `${room}|${number}` as ThreadId
const numberOf = (id: MessageId | ThreadId): number => Number(id.split('|')[2])

/** Calls nobody, whatever it says. */
const harmless = (markdown: string): string => markdown.toWellFormed().replaceAll('@', '@\u200B')
