import { createRecent } from '../recent.ts'
import { type Client, isAbsent, MatrixError, path } from './client.ts'
import { RoomEvent, relationOf, replyTarget } from './wire.ts'

/** How events hang together: which message an edit belongs to, which thread a message, and what a thread's last message is. */
export interface Relations {
  /** Notes what an event tells about itself, so that it need not be fetched. */
  learn(room: string, event: RoomEvent): void
  /** The event as it was first sent; nothing when we may not see it. */
  find(room: string, event: string): Promise<RoomEvent | undefined>
  /** The message that an id means: an edit means the one that it edits, when its author wrote that too. */
  original(room: string, event: string): Promise<string>
  /** The root of the thread that the event stands in, or that an answer to it would open. */
  root(room: string, event: RoomEvent): Promise<string>
  latest(room: string, root: string): string
  /** We posted this into the thread. */
  posted(room: string, root: string, event: string): void
}

/** Edits of edits and replies to replies are legal; nobody needs more of them. */
const deepest = 4

export function createRelations(client: Client): Relations {
  const originals = createRecent<string>(10_000)
  const roots = createRecent<string>(20_000)
  const latest = createRecent<string>(5_000)
  const senders = createRecent<string>(10_000)
  const key = (room: string, event: string) => `${room} ${event}`

  async function find(room: string, event: string): Promise<RoomEvent | undefined> {
    try {
      const parsed = RoomEvent.safeParse(await client.call('GET', path('rooms', room, 'event', event)))
      if (parsed.success) learn(room, parsed.data)
      return parsed.success ? parsed.data : undefined
    } catch (error) {
      if (isAbsent(error) || (error instanceof MatrixError && error.status === 400)) return undefined
      throw error
    }
  }

  function learn(room: string, event: RoomEvent): void {
    const relation = relationOf(event)
    const isEdit = relation?.rel_type === 'm.replace'
    senders.set(key(room, event.event_id), event.sender)
    originals.set(key(room, event.event_id), isEdit ? relation.event_id : event.event_id)
    if (relation?.rel_type === 'm.thread') {
      roots.set(key(room, event.event_id), relation.event_id)
      latest.set(key(room, relation.event_id), event.event_id)
    } else if (!relation && !replyTarget(event)) roots.set(key(room, event.event_id), event.event_id)
  }

  async function original(room: string, event: string): Promise<string> {
    let id = event
    for (let depth = 0; depth < deepest; depth++) {
      const known = originals.get(key(room, id))
      if (known === id) return id
      if (!known) {
        if (!(await find(room, id))) return id
        continue
      }
      // Anybody can send an edit of anybody's message. Clients show it only when both have one author, so what stands under a foreign
      // one is about that event: https://spec.matrix.org/v1.15/client-server-api/#validity-of-replacement-events
      if ((await senderOf(room, id)) !== (await senderOf(room, known))) return id
      id = known
    }
    return id
  }

  const senderOf = async (room: string, event: string): Promise<string | undefined> =>
    senders.get(key(room, event)) ?? (await find(room, event))?.sender

  async function root(room: string, event: RoomEvent, depth = 0): Promise<string> {
    const relation = relationOf(event)
    if (relation?.rel_type === 'm.thread') return relation.event_id
    const target = relation ? relation.event_id : replyTarget(event)
    if (!target || depth >= deepest) return event.event_id
    const known = roots.get(key(room, target)) ?? (await rootOf(room, target, depth + 1))
    // A reply in the main timeline may begin a thread of its own; what has another relation may not.
    const found = relation || known !== target ? known : event.event_id
    roots.set(key(room, event.event_id), found)
    return found
  }

  async function rootOf(room: string, id: string, depth: number): Promise<string> {
    const event = await find(room, id)
    return event ? root(room, event, depth) : id
  }

  return {
    learn,
    find,
    original,
    root: (room, event) => root(room, event),
    latest: (room, root) => latest.get(key(room, root)) ?? root,
    posted(room, root, event) {
      roots.set(key(room, event), root)
      originals.set(key(room, event), event)
      latest.set(key(room, root), event)
    },
  }
}
