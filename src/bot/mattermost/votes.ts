import type { Mark, MessageId, Vote } from '../platform.ts'
import { type Client, isFinal } from './client.ts'
import { userIdOf } from './ids.ts'
import { patiently } from './patience.ts'
import { every, Reaction } from './wire.ts'

/** A change of the marks under a message. */
export interface Change {
  vote: Vote
  withdrawn: boolean
}

/** The marks under our prompts, as far as we know: an event of a removed one does not tell which it was, and missed ones give none. */
export interface Votes {
  /** Reads what stands under a post now, and watches it from now on. */
  read(message: { id: MessageId; post: string }): Promise<Vote[]>
  /** Watches a post from now on. */
  watch(message: { id: MessageId; post: string }): void
  /** A reaction was set. Nothing for one that means nothing, or stood there before. */
  set(reaction: Reaction): Vote | undefined
  removed(reaction: Reaction): Vote | undefined
  /** What changed under the watched posts while nobody listened. */
  missed(): AsyncIterable<Change & { message: MessageId }>
}

const mostWatched = 100

export function createVotes(client: Client, me: string): Votes {
  const watched = new Map<string, { message: MessageId; votes: Map<string, Vote> }>()

  function watch({ id, post }: { id: MessageId; post: string }) {
    const entry = watched.get(post) ?? { message: id, votes: new Map<string, Vote>() }
    watched.delete(post)
    watched.set(post, entry)
    if (watched.size > mostWatched) watched.delete(watched.keys().next().value as string)
    return entry
  }

  /** A deleted post has none, though the server goes on to list them. */
  async function ask(post: string): Promise<Reaction[]> {
    try {
      await patiently(client, () => client.rest.getPost(post))
      return every(Reaction, await patiently(client, () => client.rest.getReactionsForPost(post)))
    } catch (error) {
      if (isFinal(error)) return []
      throw error
    }
  }

  async function standing(post: string): Promise<Map<string, Vote>> {
    const votes = (await ask(post))
      .toSorted((a, b) => a.update_at - b.update_at)
      .flatMap((one) => {
        const vote = voteOf(one, me)
        return vote ? [[keyOf(one), vote] as const] : []
      })
    return new Map(votes)
  }

  return {
    async read(message) {
      const votes = await standing(message.post)
      watch(message).votes = votes
      return [...votes.values()]
    },
    watch: (message) => void watch(message),
    set(reaction) {
      const vote = voteOf(reaction, me)
      const known = watched.get(reaction.post_id)?.votes
      if (!vote || known?.has(keyOf(reaction))) return undefined
      known?.set(keyOf(reaction), vote)
      return vote
    },
    removed(reaction) {
      const vote = voteOf(reaction, me)
      const known = watched.get(reaction.post_id)?.votes
      const before = known?.get(keyOf(reaction))
      known?.delete(keyOf(reaction))
      return vote && (before ?? vote)
    },
    async *missed() {
      for (const [post, entry] of [...watched]) {
        const before = entry.votes
        const now = await standing(post)
        entry.votes = now
        const { message } = entry
        for (const [key, vote] of before) if (now.get(key)?.id !== vote.id) yield { message, vote, withdrawn: true }
        for (const [key, vote] of now) if (before.get(key)?.id !== vote.id) yield { message, vote, withdrawn: false }
      }
    },
  }
}

const keyOf = ({ user_id, emoji_name }: Reaction): string => `${user_id} ${emoji_name}`

/** Set again after it was removed, a reaction keeps the time of its first setting: only the last one tells the two apart. */
function voteOf({ user_id, post_id, emoji_name, update_at, create_at }: Reaction, me: string): Vote | undefined {
  const mark = markOf(emoji_name)
  if (!mark || user_id === me) return undefined
  return { id: `mattermost|${post_id}|${user_id}|${mark}|${update_at || create_at}`, from: userIdOf(user_id), mark }
}

const marks = new Map<string, Mark>([
  ['white_check_mark', 'approve'],
  ['x', 'deny'],
])

/** The mark that an emoji's name means. A skin tone is part of the name; names of one's own making mean nothing. */
export const markOf = (name: string): Mark | undefined =>
  marks.get(name.replace(/_(?:light|medium_light|medium|medium_dark|dark)_skin_tone$/, ''))
