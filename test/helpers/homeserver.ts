import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'

export type Json = Record<string, unknown>
export interface FakeEvent extends Json {
  type: string
  event_id: string
  room_id: string
  sender: string
  content: Json
  origin_server_ts: number
  state_key?: string
  redacts?: string
  unsigned: Json
}

interface RoomOptions {
  version?: string
  /** The room that this one replaces. */
  predecessor?: string
  state?: { type: string; content: Json }[]
}

export interface Homeserver {
  url: string
  bot: { user: string; token: string }
  /** A room made by `creator`, with others in it. */
  room(creator: string, others: string[], options?: RoomOptions): string
  /** What a person does, past all limits. */
  send(sender: string, room: string, type: string, content: Json, stateKey?: string): string
  say(sender: string, room: string, body: string, extra?: Json): string
  react(sender: string, room: string, event: string, key: string): string
  redact(sender: string, room: string, event: string): string
  member(sender: string, room: string, user: string, membership: string): string
  events(room: string): FakeEvent[]
  membership(room: string, user: string): string | undefined
  /** Every request of the bot: method and path. */
  requests: string[]
  uploads: string[]
  /** Event and thread of each receipt. */
  receipts: string[]
  aliases: Map<string, string>
  setLimit(limit: { perSecond: number; burst: number }): void
  /** Answers with this instead, as long as it gives something. */
  interfere(
    answer: (
      method: string,
      path: string,
    ) => { status: number; body: string; headers?: Record<string, string> } | undefined,
  ): void
  /** Takes the next request whose path holds this, and breaks the connection instead of answering. */
  loseAnswer(path: string): void
  /** As servers before version 1.11 of the specification, events do not say what our membership was. */
  hideMembership(): void
  /** From now on the token is unknown. */
  revoke(): void
  /** Ends open long polls, as a restart does. */
  cut(): void
}

class Refusal extends Error {
  readonly status: number
  readonly body: Json
  readonly headers: Record<string, string>

  constructor(status: number, errcode: string, error: string, extra: Json = {}, headers: Record<string, string> = {}) {
    super(error)
    this.status = status
    this.body = { errcode, error, ...extra }
    this.headers = headers
  }
}

interface PowerLevels {
  users?: Record<string, number>
  users_default?: number
  events?: Record<string, number>
  events_default?: number
}

const stripped = ({ type, state_key, sender, content }: FakeEvent): Json => ({ type, state_key, sender, content })

const isWellFormed = (value: unknown): boolean =>
  typeof value === 'string'
    ? value.isWellFormed()
    : typeof value !== 'object' || value === null || Object.entries(value).flat().every(isWellFormed)

/** A homeserver for one bot, in memory. What it copies of a real one was measured with Synapse 1.163. */
export async function createHomeserver(t: TestContext): Promise<Homeserver> {
  const bot = { user: '@bot:hs.test', token: 'syt_secret_token' }
  const stream: FakeEvent[] = []
  const transactions = new Map<string, string>()
  const polls = new Set<() => void>()
  const cached = new Map<string, Json>()
  const requests: string[] = []
  const uploads: string[] = []
  const receipts: string[] = []
  const aliases = new Map<string, string>()
  let limit = { perSecond: 1_000, burst: 1_000 }
  let bucket = { tokens: limit.burst, at: Date.now() }
  let revoked = false
  let tellsMembership = true
  let losing: string | undefined
  let clock = 1_700_000_000_000
  let interference: Parameters<Homeserver['interfere']>[0] = () => undefined

  const inRoom = (room: string) => stream.filter((event) => event.room_id === room)
  const find = (room: string, id: string) => stream.find((event) => event.room_id === room && event.event_id === id)
  const stateOf = (room: string, type: string, key = '', before = stream.length) =>
    stream.findLast(
      (event, at) => at < before && event.room_id === room && event.type === type && event.state_key === key,
    )
  const membership = (room: string, user: string, before?: number) =>
    stateOf(room, 'm.room.member', user, before)?.content.membership as string | undefined
  const rooms = () => [...new Set(stream.map((event) => event.room_id))]
  const relation = (event: FakeEvent | undefined) =>
    event?.content['m.relates_to'] as { rel_type?: string; event_id?: string; key?: string } | undefined

  function add(
    room: string,
    sender: string,
    type: string,
    content: Json,
    stateKey?: string,
    transaction?: string,
  ): FakeEvent {
    const event: FakeEvent = {
      type,
      event_id: `$e${stream.length}`,
      room_id: room,
      sender,
      content,
      origin_server_ts: clock++,
      ...(stateKey !== undefined && { state_key: stateKey }),
      unsigned: {
        ...(transaction && { transaction_id: transaction }),
        ...(tellsMembership && {
          membership:
            type === 'm.room.member' && stateKey === bot.user
              ? content.membership
              : (membership(room, bot.user) ?? 'leave'),
        }),
      },
    }
    stream.push(event)
    for (const wake of [...polls]) wake()
    return event
  }

  function redact(room: string, sender: string, target: string): FakeEvent {
    const event = add(room, sender, 'm.room.redaction', { redacts: target })
    event.redacts = target
    const gone = find(room, target)
    if (gone) {
      gone.content = {}
      gone.unsigned = { ...gone.unsigned, redacted_because: { event_id: event.event_id, type: event.type } }
    }
    return event
  }

  /** What a homeserver checks before it takes an event. */
  function checked(room: string, type: string, content: Json, transaction: string): string {
    const known = transactions.get(`${room} ${transaction}`)
    if (known) return known
    if (!isWellFormed(content)) throw new Refusal(500, 'M_UNKNOWN', 'Internal server error')
    take()
    if (membership(room, bot.user) !== 'join')
      throw new Refusal(403, 'M_FORBIDDEN', `User ${bot.user} not in room ${room}`)
    if (Buffer.byteLength(JSON.stringify(content)) + 600 > 65_536)
      throw new Refusal(413, 'M_TOO_LARGE', 'event too large')
    checkPower(room, type)
    checkRelation(room, type, content)
    const { event_id } = add(room, bot.user, type, content, undefined, transaction)
    transactions.set(`${room} ${transaction}`, event_id)
    return event_id
  }

  function checkPower(room: string, type: string): void {
    const levels = (stateOf(room, 'm.room.power_levels')?.content ?? {}) as PowerLevels
    const has = levels.users?.[bot.user] ?? levels.users_default ?? 0
    const needs = levels.events?.[type] ?? levels.events_default ?? 0
    if (has >= needs) return
    const error = `You don't have permission to post that to the room. user_level (${has}) < send_level (${needs})`
    throw new Refusal(403, 'M_FORBIDDEN', error)
  }

  function checkRelation(room: string, type: string, content: Json): void {
    const { rel_type, event_id, key } = (content['m.relates_to'] ?? {}) as {
      rel_type?: string
      event_id?: string
      key?: string
    }
    if (!rel_type || !event_id) return
    const target = find(room, event_id)
    if (!target && stream.some((event) => event.event_id === event_id))
      throw new Refusal(400, 'M_UNKNOWN', 'Relations must be in the same room')
    if (!target) throw new Refusal(400, 'M_UNKNOWN', "Can't send relation to unknown event")
    if (rel_type === 'm.thread' && relation(target)?.rel_type)
      throw new Refusal(400, 'M_UNKNOWN', 'Cannot start threads from an event with a relation')
    const same = inRoom(room).some(
      (one) =>
        one.sender === bot.user &&
        one.type === type &&
        relation(one)?.event_id === event_id &&
        relation(one)?.key === key,
    )
    if (rel_type === 'm.annotation' && same)
      throw new Refusal(400, 'M_DUPLICATE_ANNOTATION', "Can't send same reaction twice")
  }

  function take(): void {
    const now = Date.now()
    const tokens = Math.min(limit.burst, bucket.tokens + ((now - bucket.at) / 1000) * limit.perSecond)
    bucket = { tokens, at: now }
    if (tokens < 1) {
      const wait = Math.ceil(((1 - tokens) / limit.perSecond) * 1000)
      throw new Refusal(
        429,
        'M_LIMIT_EXCEEDED',
        'Too Many Requests',
        { retry_after_ms: wait },
        { 'retry-after': String(Math.ceil(wait / 1000)) },
      )
    }
    bucket.tokens--
  }

  interface Filter {
    room?: { timeline?: { limit?: number } }
  }

  function answerSync(since: number | undefined, filter: Filter): Json {
    const limited = filter.room?.timeline?.limit ?? 10
    const answer = { join: {} as Json, invite: {} as Json, leave: {} as Json }
    for (const room of rooms()) {
      const news = placed(room).filter(({ at }) => at >= (since ?? 0))
      if (news.length === 0) continue
      const mine = membership(room, bot.user)
      if (mine === 'join') answer.join[room] = joined(room, news, limited, since)
      if (mine === 'invite' && news.some(({ event }) => event.state_key === bot.user))
        answer.invite[room] = {
          invite_state: {
            events: inRoom(room)
              .filter((event) => event.state_key !== undefined)
              .map(stripped),
          },
        }
      if (
        (mine === 'leave' || mine === 'ban') &&
        since !== undefined &&
        news.some(({ event }) => event.state_key === bot.user)
      )
        answer.leave[room] = { state: { events: [] }, timeline: { events: untilOwnLeave(news) } }
    }
    return { next_batch: `s${stream.length}`, rooms: answer }
  }

  const placed = (room: string): Placed[] =>
    stream.map((event, at) => ({ event, at })).filter(({ event }) => event.room_id === room)

  type Placed = { event: FakeEvent; at: number }

  /** What happens after we are gone is not shown. */
  const untilOwnLeave = (news: Placed[]): FakeEvent[] =>
    news.slice(0, news.findLastIndex(({ event }) => event.state_key === bot.user) + 1).map(({ event }) => event)

  /** A room that was joined meanwhile is shown with what was said before. */
  function joined(room: string, fresh: Placed[], limited: number, asked: number | undefined): Json {
    const isNew = asked !== undefined && membership(room, bot.user, asked) !== 'join'
    const since = isNew ? undefined : asked
    const news = isNew ? placed(room) : fresh
    const shown = news.slice(-limited)
    const hidden = news.slice(0, -limited)
    const first = shown[0] as { at: number }
    return {
      timeline: { events: shown.map(({ event }) => event), limited: hidden.length > 0, prev_batch: `t${first.at}` },
      state: {
        events: (since === undefined || hidden.length > 0 ? hidden : [])
          .map(({ event }) => event)
          .filter((event) => event.state_key !== undefined),
      },
    }
  }

  async function sync(query: URLSearchParams): Promise<Json> {
    const key = query.toString()
    const known = cached.get(key)
    if (known) return known
    const since = query.has('since') ? Number(query.get('since')?.slice(1)) : undefined
    if (Number.isNaN(since)) throw new Refusal(400, 'M_UNKNOWN', 'Invalid stream token')
    const filter = JSON.parse(query.get('filter') ?? '{}') as Filter
    const isEmpty = () => since !== undefined && stream.length === since
    if (isEmpty() && Number(query.get('timeout')) > 0) await news(Number(query.get('timeout')))
    const answer = answerSync(since, filter)
    if (!isEmpty()) cached.set(key, answer)
    return answer
  }

  function news(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer)
        polls.delete(end)
        resolve()
      }
      const timer = setTimeout(end, ms)
      polls.add(end)
    })
  }

  function messages(room: string, query: URLSearchParams): Json {
    const from = Number(query.get('from')?.slice(1))
    const to = Number(query.get('to')?.slice(1) ?? 0)
    const before = placed(room).filter(({ at }) => at < from && at >= to)
    const page = before.reverse().slice(0, Number(query.get('limit')))
    const end = page.at(-1)
    return { chunk: page.map(({ event }) => event), start: `t${from}`, ...(end && { end: `t${end.at}` }) }
  }

  /** Redacted relations have lost their content and are not among them. */
  function relations(room: string, id: string, query: URLSearchParams): Json {
    const all = inRoom(room)
      .filter((event) => event.type === 'm.reaction' && relation(event)?.event_id === id)
      .reverse()
    const from = Number(query.get('from')?.slice(1) ?? 0)
    const end = from + Number(query.get('limit') ?? 5)
    return { chunk: all.slice(from, end), ...(end < all.length && { next_batch: `p${end}` }) }
  }

  function checkReceipt(room: string, event: string, { thread_id }: Json): Json {
    const own = relation(find(room, event))
    if (thread_id !== (own?.rel_type === 'm.thread' ? own.event_id : 'main'))
      throw new Refusal(400, 'M_INVALID_PARAM', 'event_id is not related to the given thread_id')
    receipts.push(`${event} ${thread_id}`)
    return {}
  }

  async function route(url: URL, body: Buffer): Promise<unknown> {
    const [, kind, , , ...rest] = url.pathname.split('/').map(decodeURIComponent)
    const [area, room = '', what, id = '', extra = ''] = rest
    const json = () => (body.length > 0 ? (JSON.parse(body.toString()) as Json) : {})
    const need = <Value>(value: Value | undefined): Value => {
      if (value === undefined) throw new Refusal(404, 'M_NOT_FOUND', 'Not found')
      return value
    }
    if (kind !== '_matrix') throw new Refusal(404, 'M_UNRECOGNIZED', 'Unrecognized request')
    if (area === 'upload') return { content_uri: `mxc://hs.test/${uploads.push(body.toString())}` }
    if (area === 'account') return { user_id: bot.user, device_id: 'DEVICE' }
    if (area === 'sync') return sync(url.searchParams)
    if (area === 'media') return { 'm.upload.size': 1_000_000 }
    if (area === 'profile') return room.startsWith('@nobody') ? need(undefined) : { displayname: room }
    if (area === 'directory') return { room_id: need(aliases.get(what ?? '')) }
    if (area === 'join') return join(room)
    if (area !== 'rooms') throw new Refusal(404, 'M_UNRECOGNIZED', 'Unrecognized request')
    switch (what) {
      case 'send':
        return { event_id: checked(room, id, json(), extra) }
      case 'messages':
        return messages(room, url.searchParams)
      case 'event':
        return need(find(room, id))
      case 'joined_members':
        return {
          joined: Object.fromEntries(
            joinedOf(room).map((user) => [
              user,
              { display_name: stateOf(room, 'm.room.member', user)?.content.displayname ?? null },
            ]),
          ),
        }
      case 'relations':
        need(find(room, id))
        return relations(room, id, url.searchParams)
      case 'receipt':
        return checkReceipt(room, extra, json())
      case 'state':
        return url.searchParams.get('format') === 'event' ? need(stateOf(room, id)) : need(stateOf(room, id)).content
      case 'leave':
        add(room, bot.user, 'm.room.member', { membership: 'leave' }, bot.user)
        return {}
      default:
        return {}
    }
  }

  const joinedOf = (room: string): string[] =>
    [...new Set(inRoom(room).flatMap((event) => event.state_key ?? []))].filter(
      (user) => membership(room, user) === 'join',
    )

  function join(room: string): Json {
    const mine = membership(room, bot.user)
    if (mine === 'join') return { room_id: room }
    const isPublic = stateOf(room, 'm.room.join_rules')?.content.join_rule === 'public'
    if (mine !== 'invite' && !(isPublic && mine !== 'ban'))
      throw new Refusal(403, 'M_FORBIDDEN', 'You are not invited to this room.')
    add(room, bot.user, 'm.room.member', { membership: 'join', displayname: 'Ops Bot' }, bot.user)
    return { room_id: room }
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const url = new URL(request.url ?? '/', 'http://hs.test')
    const method = request.method ?? 'GET'
    requests.push(`${method} ${decodeURIComponent(url.pathname)}`)
    const reply = (status: number, body: string, headers: Record<string, string> = {}) =>
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body)
    const other = interference(method, decodeURIComponent(url.pathname))
    if (other) return void reply(other.status, other.body, other.headers)
    try {
      if (revoked || request.headers.authorization !== `Bearer ${bot.token}`)
        throw new Refusal(401, 'M_UNKNOWN_TOKEN', 'Invalid access token passed.', { soft_logout: false })
      const answer = JSON.stringify(await route(url, Buffer.concat(chunks)))
      if (losing === undefined || !decodeURIComponent(url.pathname).includes(losing)) return void reply(200, answer)
      losing = undefined
      response.destroy()
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      reply(error.status, JSON.stringify(error.body), error.headers)
    }
  }

  const server = createServer((request, response) => {
    serve(request, response).catch((error) => response.destroy(error as Error))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(async () => {
    for (const wake of [...polls]) wake()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })

  let made = 0
  const join1 = (room: string, user: string) =>
    add(
      room,
      user,
      'm.room.member',
      {
        membership: 'join',
        displayname: user === bot.user ? 'Ops Bot' : `${user.charAt(1).toUpperCase()}${user.slice(2).split(':')[0]}`,
      },
      user,
    )
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bot,
    requests,
    uploads,
    receipts,
    aliases,
    room(creator, others, options = {}) {
      const room = `!room${++made}:hs.test`
      const { version = '11', predecessor } = options
      const create = { room_version: version, ...(predecessor && { predecessor: { room_id: predecessor } }) }
      add(room, creator, 'm.room.create', create, '')
      join1(room, creator)
      for (const { type, content } of options.state ?? []) add(room, creator, type, content, '')
      for (const user of others) join1(room, user)
      return room
    },
    send: (sender, room, type, content, stateKey) => add(room, sender, type, content, stateKey).event_id,
    say: (sender, room, body, extra = {}) =>
      add(room, sender, 'm.room.message', { msgtype: 'm.text', body, ...extra }).event_id,
    react: (sender, room, event, key) =>
      add(room, sender, 'm.reaction', { 'm.relates_to': { rel_type: 'm.annotation', event_id: event, key } }).event_id,
    redact: (sender, room, event) => redact(room, sender, event).event_id,
    member: (sender, room, user, state) => add(room, sender, 'm.room.member', { membership: state }, user).event_id,
    events: inRoom,
    membership: (room, user) => membership(room, user),
    setLimit(next) {
      limit = next
      bucket = { tokens: next.burst, at: Date.now() }
    },
    interfere: (answer) => {
      interference = answer
    },
    loseAnswer(path) {
      losing = path
    },
    hideMembership() {
      tellsMembership = false
    },
    revoke() {
      revoked = true
      for (const wake of [...polls]) wake()
    },
    cut() {
      for (const wake of [...polls]) wake()
      server.closeAllConnections()
    },
  }
}
