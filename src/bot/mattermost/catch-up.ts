import { type Client, isFinal } from './client.ts'
import { patiently } from './patience.ts'
import type { Position } from './position.ts'
import { type Channel, listed, type Post } from './wire.ts'

export interface CatchUpDeps {
  client: Client
  me: string
  position: Position
  posted(post: Post): Promise<void>
  /** A post that we may know was edited or deleted. */
  changed(post: Post): Promise<void>
  /** More was written than is read back; the newest is. */
  onGap(channel: string): Promise<void>
}

const pageSize = 200
const mostPages = 25
/** Changes of posts are asked for by time, and a little before the last one known. */
const overlapMs = 1_000

/** Reads what happened in a channel while nobody listened, oldest first. A channel that was never read begins in silence. */
export function createCatchUp(deps: CatchUpDeps): (channel: Channel, isFirstStart: boolean) => Promise<void> {
  const { client, me, position, posted, changed, onGap } = deps
  const ask = async (attempt: () => Promise<unknown>): Promise<Post[]> => listed(await patiently(client, attempt))
  const newestPage = (channel: string, size = pageSize) => ask(() => client.rest.getPosts(channel, 0, size, false))

  async function read({ id: channel, type }: Channel, isFirstStart: boolean): Promise<void> {
    const place = await position.of(channel)
    if (!place) return begin(channel, type, isFirstStart)
    const { updatedAt } = place
    if (place.anchor) await readAfter(channel, place.anchor)
    else await takeNew(await wholeChannel(channel))
    await readChanges(channel, updatedAt)
  }

  /** For a channel that was empty when we first looked. New posts move the pages meanwhile, so some are read twice. */
  async function wholeChannel(channel: string): Promise<Post[]> {
    const posts: Post[] = []
    for (let page = 0; page < mostPages; page++) {
      const older = await ask(() => client.rest.getPosts(channel, page, pageSize, false))
      posts.unshift(...older)
      if (older.length < pageSize) break
    }
    return posts
  }

  /** Somebody brought us in, or wrote to us for the first time, while we were away: what was said since is for us. */
  async function begin(channel: string, type: string, isFirstStart: boolean): Promise<void> {
    const posts = isFirstStart ? await newestPage(channel, 1) : await newestPage(channel)
    const joined = posts.findLastIndex((post) => isOurJoin(post, me))
    const isOurs = !isFirstStart && (type === 'D' || type === 'G' || joined >= 0)
    const old = isOurs ? posts[joined] : posts.at(-1)
    await position.begin(channel, old, old && (await changesSince(channel, old.update_at)))
    if (isOurs) await takeNew(posts.slice(joined + 1))
  }

  async function takeNew(posts: Post[]): Promise<void> {
    for (const post of posts) if (!(await position.has(post.channel_id, post.id))) await posted(post)
  }

  async function readAfter(channel: string, [anchor, at]: readonly [string, number]): Promise<void> {
    let from = anchor
    for (let page = 0; page < mostPages; page++) {
      const posts = await ask(() => client.rest.getPostsAfter(channel, from, 0, pageSize, false))
      await takeNew(posts)
      if (page === 0 && posts.length === 0) return readUnanchored(channel, at)
      if (posts.length < pageSize) return
      // Posts of one moment may be parted by the border of a page: the next one begins at an earlier moment.
      const newest = posts.at(-1) as Post
      const earlier = posts.findLast((post) => post.create_at < newest.create_at)
      from = earlier && earlier.id !== from ? earlier.id : newest.id
    }
    await onGap(channel)
    await takeNew(await newestPage(channel))
  }

  /** After a post that the server does not know (any more) it lists nothing, as if there were nothing. */
  async function readUnanchored(channel: string, at: number): Promise<void> {
    const [newest] = await newestPage(channel, 1)
    if (!newest || newest.create_at <= at) return
    const posts = await newestPage(channel)
    await takeNew(posts.filter((post) => post.create_at > at))
  }

  /** Edits and deletions. The server lists at most a thousand and not surely the newest: good enough for what is no new message. */
  async function readChanges(channel: string, updatedAt: number): Promise<void> {
    for (const post of await changesSince(channel, updatedAt)) {
      const isChange = post.delete_at > 0 || post.edit_at > updatedAt - overlapMs
      if (isChange && !(await position.hasChange(post))) await changed(post)
      else await position.touched(post)
    }
  }

  async function changesSince(channel: string, updatedAt: number): Promise<Post[]> {
    const posts = await ask(() => client.rest.getPostsSince(channel, updatedAt - overlapMs, false))
    return posts.filter(({ original_id }) => original_id === '')
  }

  /** A channel that we were removed from in this moment must not keep us from the others. */
  return (channel, isFirstStart) =>
    read(channel, isFirstStart).catch((error: unknown) => {
      if (!isFinal(error)) throw error
    })
}

const isOurJoin = ({ type, user_id, props }: Post, me: string): boolean =>
  (type.startsWith('system_add_to_') && props.addedUserId === me) || (type.startsWith('system_join_') && user_id === me)
