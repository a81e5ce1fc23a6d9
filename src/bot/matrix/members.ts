import type { Client } from './client.ts'
import { isAbsent, path } from './client.ts'
import type { RoomEvent } from './wire.ts'

/** Who is in which room, and what each is called there. Read once a room, then kept up by the events. */
export interface Members {
  /** Nobody, of a room that we are not in. */
  of(room: string): Promise<ReadonlyMap<string, string | undefined>>
  /** Who is there now, asked of the server, whatever older events say that are still being read. */
  now(room: string): Promise<ReadonlyMap<string, string | undefined>>
  apply(room: string, event: RoomEvent): void
  /** What is known may be out of date. */
  forget(room: string): void
}

interface Joined {
  joined?: Record<string, { display_name?: unknown } | null>
}

export function createMembers(client: Client): Members {
  const rooms = new Map<string, Promise<Map<string, string | undefined>>>()

  async function read(room: string): Promise<Map<string, string | undefined>> {
    const answer = await client
      .call<Joined>('GET', path('rooms', room, 'joined_members'))
      .catch((error: unknown): Joined => {
        if (!isAbsent(error)) throw error
        return {}
      })
    return new Map(Object.entries(answer.joined ?? {}).map(([user, profile]) => [user, nameOf(profile?.display_name)]))
  }

  return {
    of(room) {
      const known = rooms.get(room)
      if (known) return known
      const reading = read(room)
      rooms.set(room, reading)
      reading.catch(() => rooms.delete(room))
      return reading
    },
    async now(room) {
      const members = await read(room)
      rooms.set(room, Promise.resolve(new Map(members)))
      return members
    },
    apply(room, event) {
      const user = event.state_key
      if (user === undefined) return
      const joined = event.content.membership === 'join'
      const name = nameOf(event.content.displayname)
      rooms.get(room)?.then(
        (members) => (joined ? members.set(user, name) : members.delete(user)),
        () => {},
      )
    },
    forget: (room) => void rooms.delete(room),
  }
}

const nameOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value.trim() ? value.trim().slice(0, 100).toWellFormed() : undefined
