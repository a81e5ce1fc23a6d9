import type { Logger } from 'pino'
import type { Dispatcher } from 'undici'
import type { UserId } from '../../agent/approval.ts'
import { pause } from '../../http/pause.ts'
import { isAway } from '../../http/request-error.ts'
import { backOff } from '../../http/waits.ts'
import type { Positions } from '../../storage/index.ts'
import type { ChatEvent, ChatPlatform, PlatformHealth, Vote } from '../platform.ts'
import { createClient, isAbsent, isRevoked, MatrixError, path, pathV1 } from './client.ts'
import { createReader } from './events.ts'
import { matrixRoom, messageIdOf, platformName, roomIdOf, splitId } from './ids.ts'
import { createMembers } from './members.ts'
import { createPace } from './pace.ts'
import { patiently } from './patience.ts'
import { createTyping, sendReceipt } from './presence.ts'
import { createRelations } from './relations.ts'
import { createRooms } from './rooms.ts'
import { createSender } from './send.ts'
import { createSync } from './sync.ts'
import { remarks, revokedToken } from './texts.ts'
import { every, Page, RoomEvent } from './wire.ts'

export interface MatrixOptions {
  url: string
  token: string
  /** Connections that trust the configured certificates; the usual ones otherwise. */
  dispatcher?: Dispatcher
  /** Whose invites are accepted. */
  mayInvite(user: UserId): boolean
  /** Durable: the position in the stream, and what is needed to understand later events. */
  positions: Positions
  log: Logger
  /** What the server allows the account, in events; Synapse's defaults otherwise. */
  pace?: { perSecond: number; burst: number }
}

const mostReactions = 5_000
const synapseDefaults = { perSecond: 0.2, burst: 10 }

/**
 * Matrix, as one account that follows `/sync`.
 *
 * client    HTTP through matrix-bot-sdk            sync       the loop over what the server tells
 * position  how far we are, what was seen          backfill   what a limited timeline left out
 * events    what an event means to the bot         mentions   whether a message calls us
 * relations edits, threads                         rooms      invites, upgrades, encryption
 * send      posts, edits, files                    content    their shape and size
 * pace      the account's rate limit               html       Markdown to HTML and text
 */
export function createMatrix(options: MatrixOptions): ChatPlatform {
  const { url, token, dispatcher, mayInvite, positions, log } = options
  const client = createClient({ url, token, log, ...(dispatcher && { dispatcher }) })
  const pace = createPace({ ...(options.pace ?? synapseDefaults), closing: client.closing })
  const members = createMembers(client)
  const relations = createRelations(client)
  let health: PlatformHealth = { state: 'connecting', detail: `Connecting to ${url}.` }
  let receive: (event: ChatEvent) => Promise<void> = async () => {}
  let connecting: ReturnType<typeof connect> | undefined
  let ended: Promise<void> | undefined

  const connected = () => (connecting ??= connect())

  /** Who we are decides how everything is read, so nothing is done before the server has said it. */
  async function connect() {
    const user = await whoAmI()
    const isEncrypted = (room: string) => rooms.isEncrypted(room)
    const sender = createSender({ client, user, pace, members, relations, isEncrypted, log })
    const reader = createReader({ user, members, relations, positions })
    const typing = createTyping(client, user)
    const rooms = createRooms({
      client,
      user,
      mayInvite,
      members,
      positions,
      remark: sender.remark,
      onReplaced: (room, event) =>
        receive({ kind: 'left', id: messageIdOf(room, event.event_id), room: roomIdOf(room) }),
      log,
    })
    return { user, sender, reader, typing, rooms }
  }

  /** Waits for a server that is away; throws a sentence when it does not know us. */
  async function whoAmI(): Promise<string> {
    for (let failures = 1; ; failures++) {
      try {
        return (await client.call<{ user_id: string }>('GET', path('account', 'whoami'))).user_id
      } catch (error) {
        if (client.closing.aborted) throw error
        if (isRevoked(error)) {
          health = { state: 'revoked', detail: revokedToken }
          throw new Error(revokedToken, { cause: error })
        }
        health = { state: 'down', detail: `${url} does not answer as a Matrix homeserver: ${(error as Error).message}` }
        log.warn({ component: 'matrix', err: error }, 'the homeserver does not answer, trying again')
        await pause(backOff(failures, { firstMs: 1_000, longestMs: 15_000 }), client.closing)
      }
    }
  }

  async function onState(room: string, event: RoomEvent): Promise<void> {
    if (event.type === 'm.room.member') members.apply(room, event)
    await (await connected()).rooms.state(room, event)
  }

  async function onEvent(room: string, event: RoomEvent): Promise<void> {
    if (event.state_key !== undefined) await onState(room, event)
    const read = await (await connected()).reader.read(room, event)
    if (read) await receive(read)
  }

  async function onLeft(room: string, event: RoomEvent | undefined): Promise<void> {
    members.forget(room)
    await receive({ kind: 'left', id: messageIdOf(room, event?.event_id ?? 'left'), room: roomIdOf(room) })
  }

  async function onGap(room: string, since: string, lost: boolean): Promise<void> {
    members.forget(room)
    if (!lost) return
    const { sender } = await connected()
    sender
      .remark(room, `gap-${since}`, remarks.gap)
      .catch((err: unknown) => log.warn({ component: 'matrix', room, err }, 'the gap was not told'))
  }

  /** The marks of all pages, oldest first. A deleted message has none, though the server goes on to list them. */
  async function readVotes(room: string, event: string): Promise<Vote[]> {
    const { reader } = await connected()
    const message = await relations.find(room, event)
    if (!message || message.unsigned.redacted_because !== undefined) return []
    const reactions: RoomEvent[] = []
    let from: string | undefined
    do {
      const page = Page.parse(
        await client.call('GET', pathV1('rooms', room, 'relations', event, 'm.annotation', 'm.reaction'), {
          query: { limit: 100, ...(from && { from }) },
        }),
      )
      reactions.push(...every(RoomEvent, page.chunk))
      from = page.next_batch
    } while (from && reactions.length < mostReactions)
    const votes: Vote[] = []
    for (const reaction of reactions.reverse()) {
      const given = await reader.vote(room, reaction)
      if (given) votes.push({ id: given.id, from: given.from, mark: given.mark })
    }
    return votes
  }

  return {
    name: platformName,
    limits: { messageBytes: 16_000 },

    async start(next) {
      receive = next
      const { rooms, user } = await connected()
      await rooms.start()
      const sync = createSync({
        client,
        positions,
        account: user,
        handlers: { state: onState, event: onEvent, invited: rooms.invited, left: onLeft, gap: onGap },
        onHealth: (now) => {
          health = now
        },
        log,
      })
      ended = sync.ended
      await sync.first
    },

    async room(name) {
      const { rooms } = await connected()
      return roomIdOf(await patiently(() => rooms.resolve(name), { closing: client.closing }))
    },

    async user(name) {
      if (!/^@[^:\s]+:\S+$/.test(name))
        throw new Error(`${name} is no Matrix user: write the whole id, such as @alice:corp.example.`)
      await client.call('GET', path('profile', name)).catch((error: unknown) => {
        // Other servers may be away or may not tell; only a clear no is one.
        if (!isAbsent(error) || (error as MatrixError).status !== 404) return
        throw new Error(
          `There is no Matrix user ${name}. Ids are case-sensitive; check the name and the server behind it.`,
        )
      })
      return name as UserId
    },

    async open(room, post) {
      const { rooms, sender } = await connected()
      return sender.open(await rooms.current(matrixRoom(room)), post)
    },

    post: async (thread, post) => (await connected()).sender.post(thread, post),
    edit: async (message, markdown, urgency) => (await connected()).sender.edit(message, markdown, urgency),

    async offer(message) {
      try {
        const { sender } = await connected()
        await sender.react(message, '✅')
        await sender.react(message, '❌')
      } catch (err) {
        if (!client.closing.aborted) log.warn({ component: 'matrix', message, err }, 'the marks could not be offered')
      }
    },

    async votes(message) {
      const { room, event } = splitId(message)
      try {
        return await patiently(() => readVotes(room, event), { closing: client.closing })
      } catch (error) {
        if (error instanceof MatrixError && !isAway(error) && !isRevoked(error)) return []
        throw error
      }
    },

    /** Rights hang on the answer, so what we remember is not good enough. */
    async isMember(id, user) {
      const room = matrixRoom(id)
      return (await patiently(() => members.now(room), { closing: client.closing })).has(user)
    },
    acknowledge: (thread, message) => sendReceipt(client, thread, message),

    async working(thread, atWork) {
      await connected().then(
        ({ typing }) => typing.set(thread, atWork),
        () => {},
      )
    },

    health: () => health,

    async close() {
      client.close()
      await connecting?.then(
        ({ typing }) => typing.end(),
        () => {},
      )
      await ended
    },
  }
}
