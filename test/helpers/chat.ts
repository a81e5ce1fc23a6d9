import type { UserId } from '../../src/agent/approval.ts'
import {
  type ChatEvent,
  type ChatPlatform,
  type Mark,
  type MessageId,
  type Post,
  PostRefused,
  type RoomId,
  type ThreadId,
  type Vote,
} from '../../src/bot/platform.ts'

/** A message as the room shows it now. */
export interface Shown {
  id: MessageId
  thread: ThreadId
  markdown: string
  mention: UserId[]
  quiet: boolean
  edits: string[]
  file?: { name: string; text: string }
}

export interface FakeChat extends ChatPlatform {
  /** Everything the bot posted, in order, each as it stands now. */
  shown: Shown[]
  say(
    from: UserId,
    text: string,
    where?: { thread?: ThreadId; addressed?: boolean; id?: string; name?: string },
  ): Promise<ThreadId>
  mark(from: UserId, message: MessageId, mark: Mark): Promise<string>
  unmark(from: UserId, message: MessageId, mark: Mark): Promise<void>
  /** Marks that nobody delivers: the bot was away. */
  markSilently(from: UserId, message: MessageId, mark: Mark): string
  unmarkSilently(from: UserId, message: MessageId, mark: Mark): string
  /** The same room as it is now, for another life of the bot. */
  copy(): FakeChat
  /** The bot is removed from the room. */
  leave(): Promise<void>
  remove(message: MessageId): Promise<void>
  members: Set<UserId>
  /** The next `post` fails with this. */
  failNext(error: Error): void
  /** No post that matches is taken any more. */
  refuse(what: RegExp): void
  /** Called before a post is shown: what a person does in that moment. */
  beforeShown?: (post: Post) => Promise<void> | void
  /** Called when a post stands in the room, before its sender knows. */
  onShown?: (post: Shown) => Promise<void> | void
}

/** What the server of a chat knows. */
interface ChatState {
  shown: Shown[]
  votes: Map<MessageId, Vote[]>
  sent: Map<string, MessageId>
  clock: number
}

export const room = 'fake|ops' as RoomId

/** A chat that keeps its posts in an array. Sending an id twice shows it once, as real servers do. */
export function createChat(members: UserId[], before?: ChatState): FakeChat {
  const { shown, votes, sent }: ChatState = structuredClone(
    before ?? { shown: [], votes: new Map(), sent: new Map(), clock: 0 },
  )
  let receive: (event: ChatEvent) => Promise<void> = async () => {}
  let isReady = false
  let failure: Error | undefined
  let refused: RegExp | undefined
  let clock = before?.clock ?? 0

  function add(thread: ThreadId | undefined, post: Post): Shown {
    if (failure) {
      const error = failure
      failure = undefined
      throw error
    }
    if (refused?.test(post.markdown)) throw new PostRefused('the room takes no such post')
    const known = sent.get(post.id)
    if (known) return shown.find((one) => one.id === known)!
    const id = `fake|ops|b${shown.length + 1}` as MessageId
    sent.set(post.id, id)
    const one = {
      id,
      thread: thread ?? (id as string as ThreadId),
      markdown: post.markdown,
      mention: post.mention ?? [],
      quiet: post.quiet ?? false,
      edits: [],
      ...(post.file && { file: post.file }),
    }
    shown.push(one)
    return one
  }

  const chat: FakeChat = {
    name: 'fake',
    limits: { messageBytes: 30_000 },
    shown,
    members: new Set(members),
    async start(next) {
      receive = next
      isReady = true
    },
    room: async () => room,
    user: async (name) => name as UserId,
    async open(_room, post) {
      const { id, thread } = add(undefined, post)
      return { thread, message: id }
    },
    async post(thread, post) {
      await chat.beforeShown?.(post)
      const one = add(thread, post)
      await chat.onShown?.(one)
      return one.id
    },
    async edit(message, markdown, urgency) {
      const one = shown.find((post) => post.id === message)
      if (!one && urgency === 'progress') return
      if (!one) throw new PostRefused(`no post ${message}`)
      one.edits.push(markdown)
      one.markdown = markdown
    },
    offer: async () => {},
    votes: async (message) => votes.get(message) ?? [],
    isMember: async (_room, user) => chat.members.has(user),
    acknowledge: async () => {},
    working: async () => {},
    health: () => (isReady ? { state: 'ready' } : { state: 'connecting', detail: 'not started' }),
    close: async () => {},
    failNext(error) {
      failure = error
    },
    refuse(what) {
      refused = what
    },
    async say(from, text, where = {}) {
      clock++
      const id = (where.id ?? `fake|ops|m${clock}`) as MessageId
      const thread = where.thread ?? (id as string as ThreadId)
      await receive({
        kind: 'message',
        id,
        thread,
        room,
        from,
        name: where.name ?? from.slice(1, from.indexOf(':')),
        text,
        addressed: where.addressed ?? !where.thread,
        at: clock,
      })
      return thread
    },
    async mark(from, message, mark) {
      const id = chat.markSilently(from, message, mark)
      await receive({ kind: 'mark', id, message, room, from, mark, withdrawn: false })
      return id
    },
    async unmark(from, message, mark) {
      const id = chat.unmarkSilently(from, message, mark)
      await receive({ kind: 'mark', id, message, room, from, mark, withdrawn: true })
    },
    markSilently(from, message, mark) {
      const id = `fake|ops|r${++clock}`
      votes.set(message, [...(votes.get(message) ?? []), { id, from, mark }])
      return id
    },
    unmarkSilently(from, message, mark) {
      const standing = votes.get(message) ?? []
      const taken = standing.find((vote) => vote.from === from && vote.mark === mark)
      if (!taken) throw new Error(`${from} has no ${mark} there`)
      votes.set(
        message,
        standing.filter((vote) => vote !== taken),
      )
      return taken.id
    },
    copy: () => createChat([...chat.members], { shown, votes, sent, clock }),
    async leave() {
      await receive({ kind: 'left', id: `fake|ops|l${++clock}`, room })
    },
    async remove(message) {
      votes.delete(message)
      await receive({ kind: 'gone', id: `fake|ops|g${++clock}`, message, room })
    },
  }
  return chat
}
