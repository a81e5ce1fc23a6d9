import type { Logger } from 'pino'
import type { Dispatcher } from 'undici'
import type { UserId } from '../../agent/approval.ts'
import { pause } from '../../http/pause.ts'
import type { Positions } from '../../storage/index.ts'
import type { ChatEvent, ChatPlatform, PlatformHealth } from '../platform.ts'
import { createChannels } from './channels.ts'
import { createClient, isAbsent, isRevoked } from './client.ts'
import { createReader } from './events.ts'
import { follow } from './follow.ts'
import { platformName, roomIdOf, splitId, userIdOf, userOf } from './ids.ts'
import { createLedger } from './ledger.ts'
import { patiently, waitAfter } from './patience.ts'
import { createPeople } from './people.ts'
import { createPosition } from './position.ts'
import { createTyping } from './presence.ts'
import { createRooms } from './rooms.ts'
import { createSender } from './send.ts'
import { gapRemark, revokedToken } from './texts.ts'
import { createVotes } from './votes.ts'
import { ServerSettings, User } from './wire.ts'

export interface MattermostOptions {
  /** Address of the server; it may have a path. */
  url: string
  token: string
  /** Connections that trust the configured certificates; the usual ones otherwise. */
  dispatcher?: Dispatcher
  /** Whether the configuration names this person: guests and people of other servers are heard only then. */
  isNamed(person: UserId): boolean
  /** Durable: how far each channel was read, and what was sent. */
  positions: Positions
  log: Logger
  /** How often the socket is tried, in milliseconds. */
  pingMs?: number
}

/**
 * Mattermost, as one bot account.
 *
 * client    REST through @mattermost/client        socket    the stream of events
 * follow    events in order, health                catch-up  what the stream left out
 * position  how far each channel was read          ledger    what was sent
 * events    what a post means to the bot           people    who somebody is, who is trusted
 * votes     the marks under our prompts
 * send      posts, files                           edits     their pace
 * content   what goes out, made harmless           rooms     configured channels
 */
export function createMattermost(options: MattermostOptions): ChatPlatform {
  const { url, token, dispatcher, positions, log, pingMs = 20_000 } = options
  let health: PlatformHealth = { state: 'connecting', detail: `Connecting to ${url}.` }
  let receive: (event: ChatEvent) => Promise<void> = async () => {}
  const client = createClient({
    url,
    token,
    ...(dispatcher && { dispatcher }),
    onRevoked: () => say({ state: 'revoked', detail: revokedToken }),
  })
  const { rest, closing } = client
  const people = createPeople(client, options.isNamed)
  let connecting: ReturnType<typeof connect> | undefined
  let ended: Promise<void> | undefined

  const connected = () => (connecting ??= connect())

  /** A revoked token does not come back, whatever the socket says. */
  function say(now: PlatformHealth): void {
    if (health.state !== 'revoked') health = now
  }

  async function connect() {
    const me = await whoAmI()
    const settings = ServerSettings.parse(await patiently(client, () => rest.getClientConfig()))
    const ledger = await createLedger(positions, me.id)
    const sender = createSender({ client, me: me.id, settings, people, ledger, log })
    const channels = createChannels(client)
    return {
      me,
      sender,
      channels,
      reader: createReader({ me, people, channels }),
      votes: createVotes(client, me.id),
      typing: createTyping(rest),
      rooms: createRooms(client, me),
    }
  }

  /** Waits for a server that is away; throws a sentence when it does not know us. */
  async function whoAmI(): Promise<User> {
    for (let failures = 1; ; failures++) {
      try {
        return User.parse(await rest.getMe())
      } catch (error) {
        if (closing.aborted) throw error
        if (isRevoked(error)) throw new Error(revokedToken, { cause: error })
        say({ state: 'down', detail: `${url} does not answer as a Mattermost server: ${(error as Error).message}` })
        if (failures === 1) log.warn({ err: error }, 'the server does not answer, trying again')
        await pause(waitAfter(failures, error), closing)
      }
    }
  }

  return {
    name: platformName,
    limits: { messageBytes: 16_000 },

    async start(next) {
      receive = next
      const { me, sender, channels, reader, votes } = await connected()
      const following = follow({
        client,
        url,
        token,
        ...(dispatcher && { dispatcher }),
        pingMs,
        me: me.id,
        position: createPosition(positions, me.id),
        reader,
        votes,
        channels,
        people,
        receive: (event) => receive(event),
        onHealth: say,
        onGap: (channel) => sender.remark(channel, `gap-${Date.now()}`, gapRemark),
        log,
      })
      ended = following.ended
      await following.first
    },

    async room(name) {
      return roomIdOf(await (await connected()).rooms.resolve(name))
    },

    async user(name) {
      await connected()
      const id = userOf(name)
      const plain = /^@?([a-z0-9._-]{1,64})$/i.exec(name)?.[1]
      if (!id && !plain) throw new Error(`${name} is no Mattermost user: write the username, such as @alice.`)
      const user = id ? await people.look(id) : await people.named((plain as string).toLowerCase())
      if (!user) throw new Error(`There is no Mattermost user ${name}. Check the username (@alice).`)
      if (user.delete_at > 0 || user.is_bot)
        throw new Error(`${name} is ${user.is_bot ? 'a bot' : 'deactivated'} on Mattermost. Name a person.`)
      return userIdOf(user.id)
    },

    open: async (room, post) => (await connected()).sender.open(splitId(room).channel, post),
    post: async (thread, post) => (await connected()).sender.post(thread, post),
    edit: async (message, markdown, urgency) => (await connected()).sender.edit(message, markdown, urgency),

    async offer(message) {
      try {
        const { sender, votes } = await connected()
        votes.watch({ id: message, post: splitId(message).post })
        await sender.react(message, 'white_check_mark')
        await sender.react(message, 'x')
      } catch (err) {
        if (!closing.aborted) log.warn({ message, err }, 'the marks could not be offered')
      }
    },

    votes: async (message) => (await connected()).votes.read({ id: message, post: splitId(message).post }),

    /** Rights hang on the answer, so the server is asked, about the account too. */
    async isMember(room, person) {
      const id = userOf(person)
      const user = id && (await people.look(id))
      if (!user || !people.isTrusted(user)) return false
      try {
        await patiently(client, () => rest.getChannelMember(splitId(room).channel, user.id))
        return true
      } catch (error) {
        if (isAbsent(error)) return false
        throw error
      }
    },

    async acknowledge(_thread, message) {
      await connected()
        .then(({ sender }) => sender.react(message, 'eyes'))
        .catch(() => {})
    },

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
        ({ typing, sender }) => {
          typing.end()
          sender.end()
        },
        () => {},
      )
      await ended
    },
  }
}
