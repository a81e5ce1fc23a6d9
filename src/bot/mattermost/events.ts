import { mentions, withoutMention } from '../mentions.ts'
import type { ChatEvent } from '../platform.ts'
import type { Channels } from './channels.ts'
import { messageIdOf, roomIdOf, threadIdOf, userIdOf } from './ids.ts'
import { displayName, type People } from './people.ts'
import type { Post } from './wire.ts'

export interface ReaderDeps {
  me: { id: string; username: string }
  people: People
  channels: Channels
}

export interface Reader {
  /** What a post means to the bot; nothing for most. */
  posted(post: Post): Promise<ChatEvent | undefined>
  /** Somebody makes "restart web" into "@bot restart web". */
  edited(post: Post): Promise<ChatEvent | undefined>
  deleted(post: Post): ChatEvent
}

/** A mention added by an edit counts as long as people may still expect an answer. */
const editableMs = 10 * 60_000

export function createReader({ me, people, channels }: ReaderDeps): Reader {
  /** Our own, other machines', and what the server says about itself, though it may mention us. */
  const isNotForUs = ({ user_id, type, props, original_id, delete_at }: Post): boolean =>
    user_id === me.id ||
    !['', 'me'].includes(type) ||
    props.from_bot ||
    props.from_webhook ||
    props.from_plugin ||
    original_id !== '' ||
    delete_at > 0

  async function posted(post: Post): Promise<ChatEvent | undefined> {
    if (isNotForUs(post)) return undefined
    const author = await people.find(post.user_id)
    if (!author || !people.isTrusted(author)) return undefined
    const called = mentions(post.message, me.username)
    const files = post.metadata.files.map(({ name }) => name).join(', ')
    const said = withoutMention(post.message, me.username)
    const text = said || files
    return {
      kind: 'message',
      id: messageIdOf(post.channel_id, post.id),
      thread: threadIdOf(post.channel_id, post.root_id || post.id),
      room: roomIdOf(post.channel_id),
      from: userIdOf(post.user_id),
      name: displayName(author),
      text,
      addressed: called || (await channels.isForTwo(post.channel_id)),
      at: post.create_at,
    }
  }

  return {
    posted,
    /** The id is the original's, so what was answered already is not answered again. */
    async edited(post) {
      if (post.edit_at === 0 || post.edit_at - post.create_at > editableMs) return undefined
      return mentions(post.message, me.username) ? posted(post) : undefined
    },
    deleted(post) {
      const message = messageIdOf(post.channel_id, post.id)
      return { kind: 'gone', id: `${message}|gone`, message, room: roomIdOf(post.channel_id) }
    },
  }
}
