import type { Logger } from 'pino'
import { checkpoint } from '../../checkpoint.ts'
import type { PlatformHealth } from '../platform.ts'
import { type Client, isRevoked, MatrixError, path } from './client.ts'
import { pause } from './pause.ts'
import { revokedToken } from './texts.ts'
import { every, Page, RoomEvent, StrippedEvent, SyncAnswer } from './wire.ts'

/** Where the durable parts of this account are kept: a key-value store whose writes are on disk when they resolve. */
export interface Positions {
  get(key: string): Promise<unknown>
  /** `ttl` in milliseconds. */
  set(key: string, value: unknown, ttl?: number): Promise<unknown>
  delete(key: string): Promise<unknown>
}

/** What a batch is made of, handed over one after another; the position moves when all of it is safe. */
export interface Handlers {
  /** The room's state changed, or is told anew. */
  state(room: string, event: RoomEvent): Promise<void>
  /** Something was sent. State events of the timeline come here too. */
  event(room: string, event: RoomEvent): Promise<void>
  invited(room: string, state: StrippedInvite): Promise<void>
  /** We are no longer in the room; `event` says why. */
  left(room: string, event: RoomEvent | undefined): Promise<void>
  /** Events are missing before those that follow: members may have changed, and `lost` means some were too many to read back. */
  gap(room: string, since: string, lost: boolean): Promise<void>
}
export type StrippedInvite = { type: string; state_key: string; sender: string; content: Record<string, unknown> }[]

export interface SyncOptions {
  client: Client
  positions: Positions
  /** Names the account in `positions`. */
  account: string
  handlers: Handlers
  onHealth(health: PlatformHealth): void
  log: Logger
}

interface Position {
  since: string
  /** The newest events' ids, and how many full blocks were written before. */
  ids: string[]
  blocks: number
}

const pollMs = 30_000
const gapLimit = 1_000
const blockSize = 250
const blocksKept = 60

const light = { presence: { types: [] }, account_data: { types: [] } }
const roomFilter = (limit: number) => ({
  timeline: { limit },
  state: { lazy_load_members: true },
  ephemeral: { types: [] },
  account_data: { types: [] },
})

/**
 * Follows the account's events. `first` resolves when the first answer was worked off: with a stored position that is everything
 * missed meanwhile; without one it is silent, since nobody waits for answers to old messages. Ends when the client is closed or
 * the token was revoked; `first` rejects then.
 */
export function createSync(options: SyncOptions): { first: Promise<void>; ended: Promise<void> } {
  const { client, positions, account, handlers, onHealth, log } = options
  const key = (name: string) => `matrix:${account}:${name}`
  const seen = new Set<string>()
  let position: Position | undefined
  let failures = 0

  async function load(): Promise<void> {
    position = (await positions.get(key('position'))) as Position | undefined
    if (!position) return
    for (let block = Math.max(0, position.blocks - blocksKept); block < position.blocks; block++) {
      const ids = (await positions.get(key(`seen:${block % blocksKept}`))) as string[] | undefined
      for (const id of ids ?? []) seen.add(id)
    }
    for (const id of position.ids) seen.add(id)
  }

  /** Ids and position in one write; full blocks of ids before it. */
  async function moveTo(since: string, added: string[]): Promise<void> {
    if (position?.since === since && added.length === 0) return
    let blocks = position?.blocks ?? 0
    let ids = [...(position?.ids ?? []), ...added]
    while (ids.length >= blockSize) {
      const slot = key(`seen:${blocks % blocksKept}`)
      for (const id of ((await positions.get(slot)) as string[] | undefined) ?? []) seen.delete(id)
      await positions.set(slot, ids.slice(0, blockSize))
      ids = ids.slice(blockSize)
      blocks++
    }
    const next = { since, ids, blocks }
    checkpoint('sync:before-token')
    await positions.set(key('position'), next)
    position = next
    for (const id of added) seen.add(id)
  }

  async function run(onFirst: () => void): Promise<void> {
    let isFirst = true
    while (!client.closing.aborted) {
      try {
        await step(isFirst)
        failures = 0
        onHealth({ state: 'ready' })
        if (isFirst) onFirst()
        isFirst = false
      } catch (error) {
        if (client.closing.aborted) return
        if (isRevoked(error)) throw error
        await recover(error)
      }
    }
  }

  async function step(isFirst: boolean): Promise<void> {
    const since = position?.since
    const answer = SyncAnswer.parse(
      await client.call('GET', path('sync'), {
        query: {
          timeout: isFirst ? 0 : pollMs,
          filter: JSON.stringify(since ? { ...light, room: roomFilter(50) } : firstFilter()),
          ...(since && { since }),
        },
        timeoutMs: since ? pollMs + 30_000 : 600_000,
      }),
    )
    const added = since ? await takeIn(answer, since) : await takeState(answer)
    await moveTo(answer.next_batch, added)
  }

  /** Says what is wrong and waits. */
  async function recover(error: unknown): Promise<void> {
    if (error instanceof MatrixError && error.status === 400 && position) {
      log.error(
        { component: 'matrix', err: error },
        'the homeserver does not know our position; messages since are lost',
      )
      position = undefined
      return
    }
    const isServer = error instanceof MatrixError || (error as Error).name === 'ZodError'
    if (failures === 0) log.warn({ component: 'matrix', err: error }, 'synchronisation failed, trying again')
    onHealth({
      state: 'down',
      detail: isServer
        ? `The homeserver does not answer as expected: ${(error as Error).message.slice(0, 300)}`
        : 'What the homeserver sent could not be stored; see the log.',
    })
    const wait = (error instanceof MatrixError && error.retryAfterMs) || Math.min(500 * 2 ** failures, 15_000)
    failures++
    await pause(wait * (0.8 + 0.4 * Math.random()), client.closing)
  }

  /** First start: where everybody is, without what they said. */
  async function takeState({ rooms = {} }: SyncAnswer): Promise<string[]> {
    for (const [room, { state, timeline }] of Object.entries(rooms.join ?? {})) {
      for (const event of every(RoomEvent, [...state.events, ...timeline.events]))
        if (event.state_key !== undefined) await handlers.state(room, event)
    }
    await takeInvites(rooms)
    return []
  }

  async function takeIn({ rooms = {} }: SyncAnswer, since: string): Promise<string[]> {
    const added = new Set<string>()
    for (const [room, { state, timeline }] of Object.entries(rooms.join ?? {})) {
      const missed = timeline.limited ? await readBack(room, timeline.prev_batch, since) : { events: [], lost: false }
      if (timeline.limited) await handlers.gap(room, since, missed.lost)
      for (const event of every(RoomEvent, state.events)) await handlers.state(room, event)
      for (const event of [...missed.events, ...every(RoomEvent, timeline.events)]) {
        if (seen.has(event.event_id) || added.has(event.event_id)) continue
        await handlers.event(room, event)
        added.add(event.event_id)
      }
    }
    await takeInvites(rooms)
    for (const [room, { timeline, state }] of Object.entries(rooms.leave ?? {})) {
      const events = every(RoomEvent, [...state.events, ...timeline.events])
      await handlers.left(
        room,
        events.findLast((event) => event.type === 'm.room.member'),
      )
    }
    return [...added]
  }

  async function takeInvites(rooms: NonNullable<SyncAnswer['rooms']>): Promise<void> {
    for (const [room, { invite_state }] of Object.entries(rooms.invite ?? {}))
      await handlers.invited(room, every(StrippedEvent, invite_state.events))
  }

  /** What happened between the last position and a limited timeline, oldest first. */
  async function readBack(room: string, from: string | undefined, to: string) {
    const events: RoomEvent[] = []
    for (let page = from; page; ) {
      const query = { dir: 'b', from: page, to, limit: 100 }
      const { chunk, end } = Page.parse(await client.call('GET', path('rooms', room, 'messages'), { query }))
      const read = every(RoomEvent, chunk)
      events.push(...read)
      // What was said before we came is not for us.
      const beforeUs = read.some((event) => (event.unsigned.membership ?? 'join') !== 'join')
      if (chunk.length === 0 || !end || beforeUs) return { events: events.reverse(), lost: false }
      if (events.length >= gapLimit) {
        log.warn({ component: 'matrix', room, read: events.length }, 'too many missed events, older ones are skipped')
        return { events: events.reverse(), lost: true }
      }
      page = end
    }
    return { events: events.reverse(), lost: false }
  }

  const { promise: first, resolve, reject } = Promise.withResolvers<void>()
  const ended = load()
    .then(() => run(resolve))
    .then(
      () => reject(client.closing.reason),
      (error: unknown) => {
        onHealth({
          state: isRevoked(error) ? 'revoked' : 'down',
          detail: isRevoked(error) ? revokedToken : 'The stored position could not be read; see the log.',
        })
        log.error({ component: 'matrix', err: error }, 'synchronisation ended')
        reject(error)
      },
    )
  return { first, ended }
}

/** Synapse gives the same answer to the same first question for two minutes; a different presence limit makes it another one. */
const firstFilter = () => ({
  ...light,
  presence: { types: [], limit: 1 + (Date.now() % 1_000_000) },
  room: roomFilter(1),
})
