import { randomUUID } from 'node:crypto'

export interface Event {
  event_id: string
  type: string
  sender: string
  origin_server_ts: number
  content: Record<string, unknown> & {
    body?: string
    msgtype?: string
    'm.new_content'?: { body?: string; formatted_body?: string }
    'm.relates_to'?: { rel_type?: string; event_id?: string; key?: string }
    'm.mentions'?: { user_ids?: string[] }
  }
  redacts?: string
}

/** A message as a client shows it: with the last edit of its author. */
export interface Shown {
  id: string
  sender: string
  text: string
  html: string
  mentions: string[]
  msgtype: string
  edits: number
}

/** Somebody in a room, over the raw client-server API: what the bot's own library does is not trusted to test it. */
export class Person {
  readonly id: string
  readonly #url: string
  readonly #token: string

  constructor(url: string, id: string, token: string) {
    this.#url = url
    this.id = id
    this.#token = token
  }

  async call<Answer>(method: string, path: string, body?: object): Promise<Answer> {
    const answer = await fetch(`${this.#url}${path}`, {
      method,
      headers: { authorization: `Bearer ${this.#token}`, 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    })
    const json = (await answer.json()) as Answer & { errcode?: string; error?: string }
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${json.errcode} ${json.error}`)
    return json
  }

  async createRoom(options: { name?: string; invite?: string[]; encrypted?: boolean } = {}): Promise<string> {
    const { room_id } = await this.call<{ room_id: string }>('POST', '/_matrix/client/v3/createRoom', {
      preset: 'private_chat',
      name: options.name ?? 'ops',
      invite: options.invite ?? [],
      ...(options.encrypted && {
        initial_state: [{ type: 'm.room.encryption', state_key: '', content: { algorithm: 'm.megolm.v1.aes-sha2' } }],
      }),
    })
    return room_id
  }

  join(room: string): Promise<unknown> {
    return this.call('POST', `/_matrix/client/v3/join/${encodeURIComponent(room)}`, {})
  }

  /** Says something; resolves to the event's id. */
  async say(room: string, text: string, where: { mention?: string; thread?: string } = {}): Promise<string> {
    return this.send(room, 'm.room.message', {
      msgtype: 'm.text',
      body: text,
      'm.mentions': where.mention ? { user_ids: [where.mention] } : {},
      ...(where.thread && {
        'm.relates_to': {
          rel_type: 'm.thread',
          event_id: where.thread,
          is_falling_back: true,
          'm.in_reply_to': { event_id: where.thread },
        },
      }),
    })
  }

  react(room: string, event: string, key: string): Promise<string> {
    return this.send(room, 'm.reaction', { 'm.relates_to': { rel_type: 'm.annotation', event_id: event, key } })
  }

  async redact(room: string, event: string): Promise<void> {
    await this.call(
      'PUT',
      `/_matrix/client/v3/rooms/${encodeURIComponent(room)}/redact/${encodeURIComponent(event)}/${randomUUID()}`,
      {},
    )
  }

  async send(room: string, type: string, content: object): Promise<string> {
    const { event_id } = await this.call<{ event_id: string }>(
      'PUT',
      `/_matrix/client/v3/rooms/${encodeURIComponent(room)}/send/${type}/${randomUUID()}`,
      content,
    )
    return event_id
  }

  async members(room: string): Promise<string[]> {
    const { joined } = await this.call<{ joined: object }>(
      'GET',
      `/_matrix/client/v3/rooms/${encodeURIComponent(room)}/joined_members`,
    )
    return Object.keys(joined)
  }

  /** What the room's state says about somebody. */
  async membership(room: string, user: string): Promise<string> {
    const path = `/_matrix/client/v3/rooms/${encodeURIComponent(room)}/state/m.room.member/${encodeURIComponent(user)}`
    return (await this.call<{ membership: string }>('GET', path)).membership
  }

  /** All events of a room, oldest first. */
  async timeline(room: string): Promise<Event[]> {
    const events: Event[] = []
    let from = ''
    for (;;) {
      const page = await this.call<{ chunk: Event[]; end?: string }>(
        'GET',
        `/_matrix/client/v3/rooms/${encodeURIComponent(room)}/messages?dir=b&limit=100${from && `&from=${encodeURIComponent(from)}`}`,
      )
      events.push(...page.chunk)
      if (!page.end || page.chunk.length === 0) return events.reverse()
      from = page.end
    }
  }

  /** What a client shows of a thread (without its root), oldest first; without a thread the main timeline. */
  async shown(room: string, thread?: string): Promise<Shown[]> {
    const events = await this.timeline(room)
    const messages = events.filter((event) => {
      const relation = event.content['m.relates_to']
      if (event.type !== 'm.room.message' || relation?.rel_type === 'm.replace' || event.content.body === undefined)
        return false
      return thread === undefined
        ? relation?.rel_type !== 'm.thread'
        : relation?.rel_type === 'm.thread' && relation.event_id === thread
    })
    return messages.map((message) => {
      const edits = events.filter(
        (event) =>
          event.sender === message.sender &&
          event.content['m.relates_to']?.rel_type === 'm.replace' &&
          event.content['m.relates_to'].event_id === message.event_id,
      )
      const last = edits.at(-1)?.content['m.new_content'] ?? message.content
      return {
        id: message.event_id,
        sender: message.sender,
        text: String(last.body ?? ''),
        html: String((last as { formatted_body?: string }).formatted_body ?? ''),
        mentions: message.content['m.mentions']?.user_ids ?? [],
        msgtype: message.content.msgtype ?? '',
        edits: edits.length,
      }
    })
  }

  /** Resolves with the message of a thread that matches, as soon as it is there. */
  async sees(room: string, thread: string | undefined, what: RegExp, timeoutMs?: number): Promise<Shown> {
    return until(
      async () => (await this.shown(room, thread)).find((message) => what.test(message.text)),
      async () => {
        const shown = await this.shown(room, thread)
        return `${what} in:\n${shown.map((message) => `${message.sender}: ${message.text}`).join('\n---\n')}`
      },
      timeoutMs,
    )
  }
}

/** Looks until there is something; the reason names what there was instead. */
export async function until<Value>(
  look: () => Promise<Value | undefined | false>,
  instead: () => Promise<string> | string,
  timeoutMs = 30_000,
): Promise<Value> {
  const end = Date.now() + timeoutMs
  for (;;) {
    const found = await look()
    if (found) return found
    if (Date.now() > end) throw new Error(`waited in vain for ${await instead()}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
