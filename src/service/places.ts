import { matchesGlob } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { ChatPlatform } from '../bot/platform.ts'
import type { Place } from '../bot/signals/deps.ts'
import type { Logger } from '../log.ts'
import type { Repository } from '../signal.ts'
import { sentenceOf } from '../text/sentence.ts'

export interface Places {
  /** The room that is meant for a repository; `later` until it was found. */
  of(repository: Repository): Place | 'later' | undefined
  /** Looks for the configured rooms once, and goes on looking by itself: the bot may still be invited. */
  find(chats: ChatPlatform[]): Promise<void>
}

export interface PlacesOptions {
  /** The default room. */
  room: string | undefined
  /** `acme/*=ROOM`. */
  rooms: string[]
  /** How often what was not found is looked for again. */
  lookAgainMs: number
  stopping: AbortSignal
  log: Logger
}

/** Which room hears of which repository. A private repository has only a room that was named for it: the default one has other readers. */
export function createPlaces({ room, rooms, lookAgainMs, stopping, log }: PlacesOptions): Places {
  const rules = rooms.map((rule) => {
    const [, pattern = '', name = ''] = /^([^=]+)=(.+)$/.exec(rule) ?? []
    return { pattern, name }
  })
  const found = new Map<string, Place>()
  const told = new Set<number>()

  const nameFor = ({ fullName, private: isPrivate }: Repository): string | undefined =>
    rules.find(({ pattern }) => matchesGlob(fullName, pattern))?.name ?? (isPrivate ? undefined : room)

  async function look(name: string, chats: ChatPlatform[]): Promise<boolean> {
    const place = await findRoom(name, chats, log)
    if (place) found.set(name, place)
    return place !== undefined
  }

  async function goOn(name: string, chats: ChatPlatform[]): Promise<void> {
    do await pause(lookAgainMs, undefined, { signal: stopping, ref: false }).catch(() => {})
    while (!stopping.aborted && !(await look(name, chats)))
  }

  return {
    of(repository) {
      const name = nameFor(repository)
      if (name !== undefined) return found.get(name) ?? 'later'
      if (room !== undefined && !told.has(repository.id)) {
        told.add(repository.id)
        log.warn(
          { component: 'signals', resource: repository.fullName },
          'private repository without a room of its own (KUBE_AGENT_SIGNALS_ROOMS): nothing is told of it',
        )
      }
      return undefined
    },
    async find(chats) {
      const names = new Set([...rules.map(({ name }) => name), ...(room === undefined ? [] : [room])])
      await Promise.all([...names].map(async (name) => (await look(name, chats)) || void goOn(name, chats)))
    },
  }
}

async function findRoom(name: string, chats: ChatPlatform[], log: Logger): Promise<Place | undefined> {
  const problems: string[] = []
  const answers = chats.map(async (chat) => {
    try {
      return { room: await chat.room(name), chat }
    } catch (error) {
      problems.push(`${chat.name}: ${sentenceOf(error)}`)
      throw error
    }
  })
  // A chat that is away does not answer; one that knows the room need not wait for it.
  const place = await Promise.any(answers).catch(() => undefined)
  if (place) return place
  log.error({ component: 'config', room: name, problems }, 'room for signals not found')
  return undefined
}
