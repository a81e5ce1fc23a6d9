import type { Positions } from '../platforms.ts'
import type { Post } from './wire.ts'

/** How far the posts of one channel were taken in. */
interface Place {
  /** Everything up to here is done; the server is asked for what comes after it. */
  anchor: Mark | undefined
  /** What is done after the anchor, oldest first: posts of one moment may come in any order. */
  seen: Mark[]
  /** The newest change of any post. */
  updatedAt: number
}
type Mark = [id: string, at: number]

/** How far all channels of an account were taken in; on disk when a promise resolves. */
export interface Position {
  load(): Promise<void>
  /** Nothing was ever taken in: nobody waits for answers to old posts. */
  isFirstStart(): boolean
  /** The first start is over, whatever channels there were. */
  started(): Promise<void>
  /** The channels that we were in. */
  channels(): string[]
  of(channel: string): Promise<Readonly<Place> | undefined>
  /** Begins a channel; nothing up to this post is of interest. */
  begin(channel: string, newest: Post | undefined): Promise<void>
  has(channel: string, post: string): Promise<boolean>
  /** This post is done. */
  passed(post: Post): Promise<void>
  /** A post was changed; noted with the next one that is done. */
  touched(post: Post): Promise<void>
  leave(channel: string): Promise<void>
}

/** Two servers of a cluster may write in another order than they stamp. */
const overlapMs = 2_000
const mostSeen = 300

export function createPosition(positions: Positions, account: string): Position {
  const key = (name: string) => `mattermost:${account}:${name}`
  const places = new Map<string, Promise<Place | undefined>>()
  let channels: string[] | undefined

  function of(channel: string): Promise<Place | undefined> {
    const known = places.get(channel)
    if (known) return known
    const reading = Promise.resolve(positions.get(key(`channel:${channel}`)) as Promise<Place | undefined>)
    places.set(channel, reading)
    reading.catch(() => places.delete(channel))
    return reading
  }

  async function write(channel: string, place: Place): Promise<void> {
    await positions.set(key(`channel:${channel}`), place)
    places.set(channel, Promise.resolve(place))
    if (!channels?.includes(channel)) await writeChannels([...(channels ?? []), channel])
  }

  async function writeChannels(next: string[]): Promise<void> {
    await positions.set(key('channels'), next)
    channels = next
  }

  return {
    async load() {
      channels = (await positions.get(key('channels'))) as string[] | undefined
    },
    isFirstStart: () => channels === undefined,
    started: () => writeChannels(channels ?? []),
    channels: () => channels ?? [],
    of,
    begin: (channel, newest) =>
      write(channel, {
        anchor: newest && [newest.id, newest.create_at],
        seen: [],
        updatedAt: newest?.update_at ?? 0,
      }),
    async has(channel, post) {
      const place = await of(channel)
      return place?.anchor?.[0] === post || (place?.seen.some(([id]) => id === post) ?? false)
    },
    async passed(post) {
      const place = await of(post.channel_id)
      if (place) await write(post.channel_id, advanced(place, post))
      else await this.begin(post.channel_id, post)
    },
    async touched(post) {
      const place = await of(post.channel_id)
      if (place) place.updatedAt = Math.max(place.updatedAt, post.update_at)
    },
    async leave(channel) {
      places.delete(channel)
      await positions.delete(key(`channel:${channel}`))
      await writeChannels((channels ?? []).filter((one) => one !== channel))
    },
  }
}

function advanced(place: Place, post: Post): Place {
  const updatedAt = Math.max(place.updatedAt, post.update_at)
  const mark: Mark = [post.id, post.create_at]
  const seen = [...place.seen.filter(([id]) => id !== post.id), mark].sort((a, b) => a[1] - b[1])
  const newest = seen.at(-1)?.[1] ?? 0
  const done = seen.findLastIndex(([, at]) => at <= newest - overlapMs)
  // With very many at once the anchor follows all the same, to a post before the newest moment.
  const forced =
    seen.length > mostSeen ? seen.findLastIndex(([, at], index) => at < newest && index < mostSeen / 2) : -1
  const index = Math.max(done, forced)
  return index < 0 ? { ...place, seen, updatedAt } : { anchor: seen[index], seen: seen.slice(index + 1), updatedAt }
}
