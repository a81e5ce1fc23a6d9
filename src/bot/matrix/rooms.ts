import type { Logger } from 'pino'
import type { UserId } from '../../agent/approval.ts'
import { isAway, isLimited } from '../../http/request-error.ts'
import type { Positions } from '../../storage/index.ts'
import { type Client, isAbsent, MatrixError, path } from './client.ts'
import { createErrands, type Errand } from './errands.ts'
import type { Members } from './members.ts'
import type { StrippedInvite } from './sync.ts'
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
  /** Once encrypted, a room stays so, whatever its state says later. */
  isEncrypted(room: string): boolean
  /** Goes on with what an earlier run left to be done. */
  start(): Promise<void>
}

export function createRooms(deps: RoomsDeps): Rooms {
  const { client, user, mayInvite, members, positions, log } = deps
  const replacedKey = (room: string) => `matrix:${user}:replaced:${room}`
  const awaitedKey = (room: string) => `matrix:${user}:awaited:${room}`
  const encrypted = new Set<string>()
  const errands = createErrands({ client, positions, key: `matrix:${user}:errands`, attempt, log })

  async function start(): Promise<void> {
    for (const { kind, room } of await errands.start()) if (kind === 'refuse-encrypted') encrypted.add(room)
  }

  async function attempt(errand: Errand): Promise<void> {
    switch (errand.kind) {
      case 'join':
        await join(errand.room)
        log.info({ component: 'matrix', room: errand.room, invitedBy: errand.invitedBy }, 'joined a room')
        await takePlace(errand.room)
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
    // A room that only invites lets us in later, when somebody does.
    await positions.set(awaitedKey(room), from)
    const wasThere = (await members.of(room)).has(user)
    await join(room, via)
    if (await takePlace(room)) return
    log.warn({ component: 'matrix', room, from }, 'the replacement does not point back to the old room')
    if (!wasThere) await leave(room)
  }

  /** Whether the room that we have joined is the one that a room of ours was replaced by; then it is used from now on. */
  async function takePlace(room: string): Promise<boolean> {
    const from = (await positions.get(awaitedKey(room))) as string | undefined
    if (!from) return false
    const create = await stateOf(room, 'm.room.create')
    const predecessor = (create?.predecessor as { room_id?: unknown } | undefined)?.room_id
    if (predecessor === from) {
      await positions.set(replacedKey(from), room)
      log.info({ component: 'matrix', room, from }, 'followed a room to its replacement')
    }
    await positions.delete(awaitedKey(room))
    return predecessor === from
  }

  async function invited(room: string, state: StrippedInvite): Promise<void> {
    const invite = state.findLast((event) => event.type === 'm.room.member' && event.state_key === user)
    const inviter = invite?.sender ?? ''
    const isEncrypted = state.some((event) => event.type === 'm.room.encryption')
    if (mayInvite(inviter as UserId) && !isEncrypted) return errands.put({ kind: 'join', room, invitedBy: inviter })
    const reason = isEncrypted ? 'the room is encrypted, which is not supported' : 'the inviter may not invite'
    log.warn({ component: 'matrix', room, inviter, reason }, 'declined an invite')
    await errands.put({ kind: 'decline', room })
  }

  async function state(room: string, event: RoomEvent): Promise<void> {
    if (event.type === 'm.room.encryption') {
      encrypted.add(room)
      return errands.put({ kind: 'refuse-encrypted', room })
    }
    if (event.type === 'm.room.tombstone') return takeTombstone(room, event)
    if (event.type === 'm.room.member' && event.state_key !== user && event.content.membership !== 'join')
      await leaveIfAlone(room)
  }

  async function takeTombstone(room: string, event: RoomEvent): Promise<void> {
    const next = event.content.replacement_room
    if (typeof next !== 'string' || !/^![\x21-\x7e]{1,254}$/.test(next) || (await current(room)) !== room) return
    if (!(await mayReplace(room, event.sender))) {
      log.warn({ component: 'matrix', room, sender: event.sender }, 'a tombstone by somebody without the power')
      return
    }
    await deps.onReplaced(room, event)
    await errands.put({
      kind: 'follow',
      room: next,
      from: room,
      via: event.sender.slice(event.sender.indexOf(':') + 1),
    })
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

  /** Asks the server: the event may be an old one, and people come back. */
  async function leaveIfAlone(room: string): Promise<void> {
    members.forget(room)
    const people = await members.of(room).catch(() => undefined)
    if (people?.size === 1 && people.has(user)) await errands.put({ kind: 'leave', room })
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
      if (!(error instanceof MatrixError) || isAway(error) || isLimited(error)) throw error
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
      if (!isAbsent(error)) throw error
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
      if (isAbsent(error)) return undefined
      throw error
    }
  }

  return { invited, state, resolve, current, isEncrypted: (room) => encrypted.has(room), start }
}
