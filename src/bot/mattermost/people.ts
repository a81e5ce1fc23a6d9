import type { UserId } from '../../agent/approval.ts'
import { createRecent } from '../recent.ts'
import { type Client, isAbsent } from './client.ts'
import { userIdOf } from './ids.ts'
import { patiently } from './patience.ts'
import { User } from './wire.ts'

/** Who the accounts are. Remembered for minutes; what a right hangs on is asked anew. */
export interface People {
  find(user: string): Promise<User | undefined>
  /** As it is now. */
  look(user: string): Promise<User | undefined>
  named(username: string): Promise<User | undefined>
  /**
   * A person who may be listened to. Bots, guests, deactivated accounts and people of other servers are not, but for guests and people
   * of other servers whom the configuration names.
   */
  isTrusted(user: User): boolean
  forget(user: string): void
}

const rememberMs = 5 * 60_000

export function createPeople(client: Client, isNamed: (person: UserId) => boolean): People {
  const known = createRecent<{ user: User | undefined; at: number }>(2_000)

  async function ask(attempt: () => Promise<unknown>): Promise<User | undefined> {
    try {
      return User.safeParse(await patiently(client, attempt)).data
    } catch (error) {
      if (isAbsent(error)) return undefined
      throw error
    }
  }

  async function look(id: string): Promise<User | undefined> {
    const user = await ask(() => client.rest.getUser(id))
    known.set(id, { user, at: Date.now() })
    return user
  }

  return {
    async find(id) {
      const remembered = known.get(id)
      if (remembered && Date.now() - remembered.at < rememberMs) return remembered.user
      return look(id)
    },
    look,
    named: (username) => ask(() => client.rest.getUserByUsername(username)),
    isTrusted(user) {
      if (user.delete_at > 0 || user.is_bot) return false
      const isOutsider = Boolean(user.remote_id) || user.roles.split(' ').includes('system_guest')
      return !isOutsider || isNamed(userIdOf(user.id))
    },
    forget: (id) => known.set(id, { user: undefined, at: 0 }),
  }
}

/** What a person is called; anybody's to choose. */
export const displayName = (user: User): string =>
  (user.nickname || `${user.first_name} ${user.last_name}`.trim() || user.username).slice(0, 100).toWellFormed()
