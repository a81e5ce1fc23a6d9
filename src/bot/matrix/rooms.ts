import type { Logger } from 'pino'
import type { UserId } from '../../agent/approval.ts'
import { type Client, isAway, isLimited, isRevoked, MatrixError, path } from './client.ts'
import type { Members } from './members.ts'
import { pause } from './pause.ts'
import type { Positions, StrippedInvite } from './sync.ts'
import { remarks } from './texts.ts'
import type { RoomEvent } from './wire.ts'

export interface RoomsDeps {
  client: Client
  user: string
  mayInvite(user: UserId): boolean
  members: Members
  positions: Positions
  remark(room: string, id: string, text: string): Promise<void>
  /** The room was replaced by another: what waits in it is over. */
  onReplaced(room: string, event: RoomEvent): Promise<void>
  log: Logger
}

export interface Rooms {
  invited(room: string, state: StrippedInvite): Promise<void>
  /** Looks whether a change of the room's state means that we have to go or to move. */
  state(room: string, event: RoomEvent): Promise<void>
  /** The room that a configured alias or id means, joined and readable. Throws a sentence that says what to do. */
  resolve(name: string): Promise<string>
  /** The room that has taken this one's place, or itself. */
  current(room: string): Promise<string>
  /** Goes on with what an earlier run left to be done. */
  start(): Promise<void>
}

/** What is to be done about a room. Kept on disk until it is done, so that an invite is not lost with the process. */
type Errand =
  | { kind: 'join'; room: string; invitedBy: string }
  | { kind: 'follow'; room: string; from: string; via: string }
  | { kind: 'decline'; room: string }
  | { kind: 'refuse-encrypted'; room: string }
  | { kind: 'leave'; room: string }

const mostErrands = 1_000

export function createRooms(deps: RoomsDeps): Rooms {
  const { client, user, mayInvite, members, positions, log } = deps
  const errandsKey = `matrix:${user}:errands`
  const replacedKey = (room: string) => `matrix:${user}:replaced:${room}`
  let errands: Errand[] = []
  let running: Promise<void> | undefined

  async function start(): Promise<void> {
    errands = ((await positions.get(errandsKey)) as Errand[] | undefined) ?? []
    run()
  }

  /** Joins and leaves take long and are limited, so the events do not wait for them. */
  async function put(errand: Errand): Promise<void> {
    errands = errands.filter((one) => one.room !== errand.room).slice(1 - mostErrands)
    errands.push(errand)
    await positions.set(errandsKey, errands)
    run()
  }

  function run(): void {
    running ??= runAll().finally(() => {
      running = undefined
    })
    running.catch((err: unknown) => {
      if (!client.closing.aborted) log.error({ component: 'matrix', err }, 'rooms could not be joined or left')
    })
  }

  async function runAll(): Promise<void> {
    for (let errand = errands[0]; errand && !client.closing.aborted; errand = errands[0]) {
      await untilAnswered(errand)
      errands = errands.filter((one) => one !== errand)
      await positions.set(errandsKey, errands)
    }
  }

  /** Tries until the server says yes or no. */
  async function untilAnswered(errand: Errand): Promise<void> {
    for (let waitMs = 1_000; ; waitMs = Math.min(waitMs * 2, 30_000)) {
      try {
        return await attempt(errand)
      } catch (error) {
        if (client.closing.aborted) throw error
        if (!isLimited(error) && !isAway(error) && !isRevoked(error)) {
          log.warn(
            { component: 'matrix', errand: errand.kind, room: errand.room, err: error },
            'the homeserver refused',
          )
          return
        }
        await pause((error as MatrixError).retryAfterMs ?? waitMs, client.closing)
      }
    }
  }

  async function attempt(errand: Errand): Promise<void> {
    switch (errand.kind) {
      case 'join':
        await join(errand.room)
        log.info({ component: 'matrix', room: errand.room, invitedBy: errand.invitedBy }, 'joined a room')
        return
      case 'follow':
        return follow(errand)
      case 'refuse-encrypted':
        log.warn({ component: 'matrix', room: errand.room }, 'the room is encrypted, which is not supported: leaving')
        await deps.remark(errand.room, 'encrypted', remarks.encrypted).catch(() => {})
        return leave(errand.room)
      case 'decline':
      case 'leave':
        return leave(errand.room)
    }
  }

  const join = (room: string, via?: string): Promise<unknown> =>
    client.call('POST', path('join', room), {
      body: {},
      timeoutMs: 120_000,
      ...(via && { query: { server_name: via } }),
    })

  const leave = async (room: string): Promise<void> => {
    await client.call('POST', path('rooms', room, 'leave'), { body: {} })
  }

  /** A room's administrator can name any room as the next one: only one that points back is. */
  async function follow({ room, from, via }: Extract<Errand, { kind: 'follow' }>): Promise<void> {
    await join(room, via)
    const create = await stateOf(room, 'm.room.create')
    const predecessor = (create?.predecessor as { room_id?: unknown } | undefined)?.room_id
    if (predecessor !== from) {
      log.warn({ component: 'matrix', room, from }, 'the replacement does not point back to the old room: leaving it')
      return leave(room)
    }
    await positions.set(replacedKey(from), room)
    log.info({ component: 'matrix', room, from }, 'followed a room to its replacement')
  }

  async function invited(room: string, state: StrippedInvite): Promise<void> {
    const invite = state.findLast((event) => event.type === 'm.room.member' && event.state_key === user)
    const inviter = invite?.sender ?? ''
    const isEncrypted = state.some((event) => event.type === 'm.room.encryption')
    if (mayInvite(inviter as UserId) && !isEncrypted) return put({ kind: 'join', room, invitedBy: inviter })
    const reason = isEncrypted ? 'the room is encrypted, which is not supported' : 'the inviter may not invite'
    log.warn({ component: 'matrix', room, inviter, reason }, 'declined an invite')
    await put({ kind: 'decline', room })
  }

  async function state(room: string, event: RoomEvent): Promise<void> {
    if (event.type === 'm.room.encryption') return put({ kind: 'refuse-encrypted', room })
    if (event.type === 'm.room.tombstone') return takeTombstone(room, event)
    if (event.type === 'm.room.member' && event.state_key !== user && event.content.membership !== 'join')
      await leaveIfAlone(room)
  }

  async function takeTombstone(room: string, event: RoomEvent): Promise<void> {
    const next = event.content.replacement_room
    if (typeof next !== 'string' || !next.startsWith('!') || (await current(room)) !== room) return
    if (!(await mayReplace(room, event.sender))) {
      log.warn({ component: 'matrix', room, sender: event.sender }, 'a tombstone by somebody without the power')
      return
    }
    await deps.onReplaced(room, event)
    await put({ kind: 'follow', room: next, from: room, via: event.sender.slice(event.sender.indexOf(':') + 1) })
  }

  /** In rooms of version 12 and later creators stand above the numbers. */
  async function mayReplace(room: string, sender: string): Promise<boolean> {
    const create = (await stateOf(room, 'm.room.create', true)) ?? {}
    const { content = create, sender: creator } = create as { content?: Record<string, unknown>; sender?: string }
    const others = content.additional_creators
    if (
      Number(content.room_version) >= 12 &&
      (creator === sender || (Array.isArray(others) && others.includes(sender)))
    )
      return true
    const levels = (await stateOf(room, 'm.room.power_levels')) ?? {}
    const of = (table: string, key: string) => (levels[table] as Record<string, unknown> | undefined)?.[key]
    const has = Number(of('users', sender) ?? levels.users_default ?? 0)
    return has >= Number(of('events', 'm.room.tombstone') ?? levels.state_default ?? 50)
  }

  async function leaveIfAlone(room: string): Promise<void> {
    const people = await members.of(room).catch(() => undefined)
    if (people?.size === 1 && people.has(user)) await put({ kind: 'leave', room })
  }

  async function current(room: string): Promise<string> {
    let id = room
    for (let hops = 0; hops < 10; hops++) {
      const next = (await positions.get(replacedKey(id))) as string | undefined
      if (!next) break
      id = next
    }
    return id
  }

  async function resolve(name: string): Promise<string> {
    const room = await current(await idOf(name))
    try {
      await join(room)
    } catch (error) {
      if (!(error instanceof MatrixError) || isAway(error)) throw error
      throw new Error(
        `${user} is not in the room ${name} and cannot join it (${error.code}). Invite it there: /invite ${user}`,
      )
    }
    if (await stateOf(room, 'm.room.encryption'))
      throw new Error(
        `The room ${name} is end-to-end encrypted, which is not supported yet. Name a room without encryption.`,
      )
    return room
  }

  async function idOf(name: string): Promise<string> {
    if (name.startsWith('!')) return name
    if (!/^#[^:]+:.+$/.test(name))
      throw new Error(
        `${name} is no Matrix room: give an alias such as #ops:corp.example or an id such as !abc:corp.example.`,
      )
    const answer = await client.call<{ room_id?: unknown }>('GET', path('directory', 'room', name)).catch((error) => {
      if (!(error instanceof MatrixError) || error.status !== 404) throw error
      throw new Error(
        `There is no room ${name} on this homeserver. Check the alias (Room settings, Advanced) or give the room's id.`,
      )
    })
    const known = await positions.get(`matrix:${user}:alias:${name}`)
    if (known !== undefined && known !== answer.room_id)
      log.warn(
        { component: 'matrix', alias: name, before: known, now: answer.room_id },
        'the alias points to another room now',
      )
    await positions.set(`matrix:${user}:alias:${name}`, answer.room_id)
    return String(answer.room_id)
  }

  /** A state event's content (or, with `whole`, the event); nothing when there is none or we may not see it. */
  async function stateOf(room: string, type: string, whole = false): Promise<Record<string, unknown> | undefined> {
    try {
      return await client.call('GET', path('rooms', room, 'state', type), whole ? { query: { format: 'event' } } : {})
    } catch (error) {
      if (error instanceof MatrixError && (error.status === 404 || error.status === 403)) return undefined
      throw error
    }
  }

  return { invited, state, resolve, current, start }
}
