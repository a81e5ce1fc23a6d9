import type { Logger } from 'pino'
import type { Dispatcher } from 'undici'
import { pause } from '../../http/pause.ts'
import type { ChatEvent, PlatformHealth } from '../platform.ts'
import { createCatchUp } from './catch-up.ts'
import type { Channels } from './channels.ts'
import { type Client, isFinal, isRevoked } from './client.ts'
import type { Reader } from './events.ts'
import { messageIdOf, roomIdOf } from './ids.ts'
import { patiently, waitAfter } from './patience.ts'
import type { People } from './people.ts'
import type { Position } from './position.ts'
import { createSocket } from './socket.ts'
import type { Change, Votes } from './votes.ts'
import { Channel, every, nested, Post, Reaction, type SocketMessage } from './wire.ts'

export interface FollowOptions {
  client: Client
  url: string
  token: string
  dispatcher?: Dispatcher
  pingMs: number
  me: string
  position: Position
  reader: Reader
  votes: Votes
  channels: Channels
  people: People
  receive(event: ChatEvent): Promise<void>
  onHealth(health: PlatformHealth): void
  /** More was missed in a channel than could be read back. */
  onGap(channel: string): Promise<void>
  log: Logger
}

const probeMs = 60_000

/**
 * Follows the account's events, one after another. `first` resolves when the first connection stands and what was missed before was
 * worked off. What the socket may have kept from us is read from the server after every new connection.
 */
export function follow(options: FollowOptions): { first: Promise<void>; ended: Promise<void> } {
  const { client, me, position, reader, votes, channels, people, onHealth, log } = options
  const { closing, rest } = client
  const first = Promise.withResolvers<void>()
  const ended = Promise.withResolvers<void>()
  const catchUp = createCatchUp({ client, me, position, posted, changed, onGap: options.onGap })
  /** Everything is done in the order in which it came. */
  let queue: Promise<void> = position.load()
  let catchUpsWaiting = 0
  let isOpen = false

  const enqueue = (work: () => Promise<void>): void => {
    queue = queue.then(() => untilDone(work))
  }

  const socket = createSocket({
    ...options,
    closing,
    onEvent: (event) => enqueue(() => take(event)),
    onOpen(fresh) {
      isOpen = true
      if (!fresh) return sayReady()
      catchUpsWaiting++
      onHealth({ state: 'connecting', detail: 'Reading what was missed.' })
      enqueue(readMissed)
    },
    onBroken(reason) {
      isOpen = false
      log.warn({ reason }, 'the connection for events broke, trying again')
      onHealth({ state: 'down', detail: `The connection for events broke (${reason}); trying again.` })
      probe()
    },
    onRefused: probe,
  })

  /** A token that was revoked leaves the socket open, silent and answering; only a request tells. */
  function probe(): void {
    rest.getMe().catch(() => {})
  }

  function sayReady(): void {
    if (isOpen && catchUpsWaiting === 0) onHealth({ state: 'ready' })
  }

  /** Does it again until it is done: nothing may be passed over because a disk was full or the server away for a moment. */
  async function untilDone(work: () => Promise<void>): Promise<void> {
    for (let failures = 1; !closing.aborted; failures++) {
      try {
        await work()
        if (failures > 1) sayReady()
        return
      } catch (error) {
        if (closing.aborted || isRevoked(error)) return
        if (isFinal(error)) return void log.warn({ err: error }, 'the server refused, an event is skipped')
        if (failures === 1) log.warn({ err: error }, 'an event was not taken in, trying again')
        onHealth({ state: 'down', detail: 'What the server sent could not be taken in; see the log.' })
        await pause(waitAfter(failures), closing)
      }
    }
  }

  async function readMissed(): Promise<void> {
    const isFirstStart = position.isFirstStart()
    const joined = every(Channel, await patiently(client, () => rest.getAllTeamsChannels()))
    for (const gone of position.channels().filter((known) => !joined.some(({ id }) => id === known))) await left(gone)
    for (const channel of joined) {
      channels.learn(channel)
      channels.changed(channel.id)
      await catchUp(channel, isFirstStart)
    }
    if (isFirstStart) await position.started()
    for await (const change of votes.missed()) await options.receive(markEvent(change, change.message))
    catchUpsWaiting = Math.max(0, catchUpsWaiting - 1)
    sayReady()
    first.resolve()
  }

  async function take({ event, data, broadcast }: SocketMessage): Promise<void> {
    switch (event) {
      case 'posted': {
        const post = nested(Post, data.post)
        if (post && !(await position.has(post.channel_id, post.id))) await posted(post)
        return
      }
      case 'post_edited':
      case 'post_deleted': {
        const post = nested(Post, data.post)
        if (post) await changed(event === 'post_deleted' ? { ...post, delete_at: post.delete_at || 1 } : post)
        return
      }
      case 'reaction_added':
      case 'reaction_removed':
        return takeReaction(nested(Reaction, data.reaction), broadcast.channel_id, event === 'reaction_removed')
      case 'user_added':
        channels.changed(broadcast.channel_id)
        return
      case 'user_removed':
        return takeRemoval(String(data.channel_id ?? ''), String(data.user_id ?? ''), broadcast)
      case 'channel_deleted':
        return left(String(data.channel_id ?? ''))
      case 'leave_team':
        // With the team its channels are gone, and nothing is said about each.
        if (data.user_id === me) await readMissed()
        return
      case 'user_updated':
        people.forget(String((data.user as { id?: unknown } | undefined)?.id ?? ''))
    }
  }

  async function posted(post: Post): Promise<void> {
    const event = await reader.posted(post)
    if (event) await options.receive(event)
    await position.passed(post)
  }

  async function changed(post: Post): Promise<void> {
    const event = post.delete_at > 0 ? reader.deleted(post) : await reader.edited(post)
    if (!event) return position.touched(post)
    await options.receive(event)
    await position.changed(post)
  }

  async function takeReaction(reaction: Reaction | undefined, channel: string, withdrawn: boolean): Promise<void> {
    const vote = reaction && (withdrawn ? votes.removed(reaction) : votes.set(reaction))
    if (!reaction || !vote) return
    await options.receive(markEvent({ vote, withdrawn }, messageIdOf(channel, reaction.post_id)))
  }

  /** The one who was removed hears of it in another form than the others. */
  async function takeRemoval(channel: string, user: string, broadcast: SocketMessage['broadcast']): Promise<void> {
    if (broadcast.user_id === me || user === me) return left(channel || broadcast.channel_id)
    channels.changed(broadcast.channel_id)
  }

  /** What waits in a channel that we are not in any more, or that was archived, is over. */
  async function left(channel: string): Promise<void> {
    const place = await position.of(channel)
    if (!place) return
    const id = `${roomIdOf(channel)}|left|${place.updatedAt}`
    await options.receive({ kind: 'left', id, room: roomIdOf(channel) })
    await position.leave(channel)
  }

  const probing = setInterval(probe, probeMs)
  closing.addEventListener('abort', () => {
    clearInterval(probing)
    first.reject(closing.reason)
    queue.then(ended.resolve, ended.resolve)
  })
  first.promise.catch(() => {})
  queue.then(
    () => socket.start(),
    (error: unknown) => {
      log.error({ err: error }, 'the stored position could not be read')
      onHealth({ state: 'down', detail: 'The stored position could not be read; see the log.' })
      first.reject(error)
    },
  )
  return { first: first.promise, ended: ended.promise }
}

const markEvent = ({ vote, withdrawn }: Change, message: ReturnType<typeof messageIdOf>): ChatEvent => ({
  kind: 'mark',
  id: vote.id,
  message,
  room: message.slice(0, message.lastIndexOf('|')) as ReturnType<typeof roomIdOf>,
  from: vote.from,
  mark: vote.mark,
  withdrawn,
})
