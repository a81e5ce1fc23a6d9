import { checkpoint } from '../../checkpoint.ts'
import type { Positions } from '../../storage/index.ts'
import type { Post } from './wire.ts'

/** How far the posts of one channel were taken in. */
interface Place {
  /** Everything up to here is done; the server is asked for what comes after it. */
  anchor: Mark | undefined
  /** What is done after the anchor, oldest first: posts of one moment may come in any order. */
  seen: Mark[]
  /** The newest change of any post. */
  updatedAt: number
  /** The changes of about that moment that are done: the server will list them again. */
  changed?: Change[]
}
type Mark = [id: string, at: number]
/** `edit` tells one change of a post from the next; a deletion is the last one. */
type Change = [id: string, edit: number | 'gone', at: number]

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
  /** Begins a channel; nothing up to this post is of interest, nor are these changes. */
  begin(channel: string, newest: Post | undefined, changes?: Post[]): Promise<void>
  has(channel: string, post: string): Promise<boolean>
  /** This post is done. */
  passed(post: Post): Promise<void>
  hasChange(post: Post): Promise<boolean>
  /** A post was changed, which meant something to somebody, and is done. */
  changed(post: Post): Promise<void>
  /** A post was changed, and it did not matter; noted with the next one that is done. */
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
    async begin(channel, newest, changes = []) {
      const place: Place = {
        anchor: newest && [newest.id, newest.create_at],
        seen: [],
        updatedAt: newest?.update_at ?? 0,
      }
      for (const post of changes) note(place, post)
      await write(channel, place)
    },
    async has(channel, post) {
      const place = await of(channel)
      return place?.anchor?.[0] === post || (place?.seen.some(([id]) => id === post) ?? false)
    },
    async passed(post) {
      checkpoint('sync:before-token')
      const place = await of(post.channel_id)
      if (place) await write(post.channel_id, advanced(place, post))
      else await this.begin(post.channel_id, post)
    },
    async hasChange(post) {
      const place = await of(post.channel_id)
      return place?.changed?.some(([id, edit]) => id === post.id && edit === editOf(post)) ?? false
    },
    async changed(post) {
      const place = await of(post.channel_id)
      if (!place) return
      note(place, post)
      await write(post.channel_id, place)
    },
    async touched(post) {
      const place = await of(post.channel_id)
      if (place) note(place, post)
    },
    async leave(channel) {
      places.delete(channel)
      await positions.delete(key(`channel:${channel}`))
      await writeChannels((channels ?? []).filter((one) => one !== channel))
    },
  }
}

const editOf = ({ edit_at, delete_at }: Post): number | 'gone' => (delete_at > 0 ? 'gone' : edit_at)

function note(place: Place, post: Post): void {
  place.updatedAt = Math.max(place.updatedAt, post.update_at)
  const recent = (place.changed ?? []).filter(([id, , at]) => id !== post.id && at > place.updatedAt - overlapMs)
  place.changed = [...recent, [post.id, editOf(post), post.update_at]]
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
  const next = { ...place, seen, updatedAt }
  return index < 0 ? next : { ...next, anchor: seen[index], seen: seen.slice(index + 1) }
}
