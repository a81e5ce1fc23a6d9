import type { Logger } from 'pino'
import { pause } from '../../http/pause.ts'
import { askedWait } from '../../http/request-error.ts'
import { backOff, spread } from '../../http/waits.ts'
import type { Positions } from '../../storage/index.ts'
import type { PlatformHealth } from '../platform.ts'
import { readBack, sinceJoin } from './backfill.ts'
import { type Client, isRevoked, MatrixError, path } from './client.ts'
import { createPosition } from './position.ts'
import { revokedToken } from './texts.ts'
import { every, RoomEvent, StrippedEvent, SyncAnswer } from './wire.ts'

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

const pollMs = 30_000

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
  const position = createPosition(positions, account)
  let failures = 0

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
    const since = position.since()
    const answer = await ask(since, isFirst ? 0 : pollMs)
    if (!answer) {
      position.drop()
      return step(isFirst)
    }
    const added = since ? await takeIn(answer, since) : await takeState(answer)
    await position.moveTo(answer.next_batch, added)
  }

  /** Nothing when the server does not know the position that we ask from. */
  async function ask(since: string | undefined, timeout: number): Promise<SyncAnswer | undefined> {
    const filter = JSON.stringify(since ? { ...light, room: roomFilter(50) } : firstFilter())
    const query = { timeout, filter, ...(since && { since }) }
    try {
      const timeoutMs = since ? pollMs + 30_000 : 600_000
      return SyncAnswer.parse(await client.call('GET', path('sync'), { query, timeoutMs }))
    } catch (error) {
      const isUnknown = error instanceof MatrixError && error.status === 400 && error.code.startsWith('M_')
      if (!since || !isUnknown) throw error
      log.error(
        { component: 'matrix', err: error },
        'the homeserver does not know our position; messages since are lost',
      )
      return undefined
    }
  }

  /** Says what is wrong and waits. */
  async function recover(error: unknown): Promise<void> {
    const isServer = error instanceof MatrixError || (error as Error).name === 'ZodError'
    if (failures === 0) log.warn({ component: 'matrix', err: error }, 'synchronisation failed, trying again')
    onHealth({
      state: 'down',
      detail: isServer
        ? `The homeserver does not answer as expected: ${(error as Error).message.slice(0, 300)}`
        : 'What the homeserver sent could not be stored; see the log.',
    })
    failures++
    await pause(spread(askedWait(error) || backOff(failures, { longestMs: 15_000 })), client.closing)
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
      const missed = timeline.limited ? await fillGap(room, timeline.prev_batch, since) : []
      for (const event of every(RoomEvent, state.events)) await handlers.state(room, event)
      for (const event of sinceJoin([...missed, ...every(RoomEvent, timeline.events)], account)) {
        if (position.has(event.event_id) || added.has(event.event_id)) continue
        await handlers.event(room, event)
        added.add(event.event_id)
      }
    }
    await takeInvites(rooms)
    for (const [room, { timeline, state }] of Object.entries(rooms.leave ?? {})) {
      const events = every(RoomEvent, [...state.events, ...timeline.events])
      await handlers.left(
        room,
        events.findLast((event) => event.type === 'm.room.member' && event.state_key === account),
      )
    }
    return [...added]
  }

  async function fillGap(room: string, from: string | undefined, since: string): Promise<RoomEvent[]> {
    const { events, lost } = await readBack(client, room, { from, to: since })
    if (lost)
      log.warn(
        { component: 'matrix', room, read: events.length },
        'older missed events could not be read and are skipped',
      )
    await handlers.gap(room, since, lost)
    return events
  }

  async function takeInvites(rooms: NonNullable<SyncAnswer['rooms']>): Promise<void> {
    for (const [room, { invite_state }] of Object.entries(rooms.invite ?? {}))
      await handlers.invited(room, every(StrippedEvent, invite_state.events))
  }

  const { promise: first, resolve, reject } = Promise.withResolvers<void>()
  const ended = position
    .load()
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
