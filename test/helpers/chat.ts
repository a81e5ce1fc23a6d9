import type { UserId } from '../../src/agent/approval.ts'
import type { ChatEvent, ChatPlatform, Mark, MessageId, Post, RoomId, ThreadId, Vote } from '../../src/bot/platform.ts'

/** A message as the room shows it now. */
export interface Shown {
  id: MessageId
  thread: ThreadId
  markdown: string
  mention: UserId[]
  quiet: boolean
  edits: string[]
}

export interface FakeChat extends ChatPlatform {
  /** Everything the bot posted, in order, each as it stands now. */
  shown: Shown[]
  say(from: UserId, text: string, where?: { thread?: ThreadId; addressed?: boolean; id?: string }): Promise<ThreadId>
  mark(from: UserId, message: MessageId, mark: Mark): Promise<string>
  unmark(from: UserId, message: MessageId, mark: Mark): Promise<void>
  /** Marks that nobody delivers: the bot was away. */
  markSilently(from: UserId, message: MessageId, mark: Mark): void
  remove(message: MessageId): Promise<void>
  members: Set<UserId>
  /** The next `post` fails with this. */
  failNext(error: Error): void
}

export const room = 'fake|ops' as RoomId

/** A chat that keeps its posts in an array. Sending an id twice shows it once, as real servers do. */
export function createChat(members: UserId[]): FakeChat {
  const shown: Shown[] = []
  const votes = new Map<MessageId, Vote[]>()
  const sent = new Map<string, MessageId>()
  let receive: (event: ChatEvent) => Promise<void> = async () => {}
  let failure: Error | undefined
  let clock = 0

  function add(thread: ThreadId | undefined, post: Post): Shown {
    if (failure) {
      const error = failure
      failure = undefined
      throw error
    }
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
    },
    room: async () => room,
    user: async (name) => name as UserId,
    async open(_room, post) {
      const { id, thread } = add(undefined, post)
      return { thread, message: id }
    },
    post: async (thread, post) => add(thread, post).id,
    async edit(message, markdown) {
      const one = shown.find((post) => post.id === message)
      if (!one) throw new Error(`no post ${message}`)
      one.edits.push(markdown)
      one.markdown = markdown
    },
    offer: async () => {},
    votes: async (message) => votes.get(message) ?? [],
    isMember: async (_room, user) => chat.members.has(user),
    acknowledge: async () => {},
    working: async () => {},
    health: () => ({ state: 'ready' }),
    close: async () => {},
    failNext(error) {
      failure = error
    },
    async say(from, text, where = {}) {
      const id = (where.id ?? `fake|ops|m${++clock}`) as MessageId
      const thread = where.thread ?? (id as string as ThreadId)
      await receive({
        kind: 'message',
        id,
        thread,
        room,
        from,
        name: from.slice(1),
        text,
        addressed: where.addressed ?? !where.thread,
        at: clock,
      })
      return thread
    },
    async mark(from, message, mark) {
      const id = `fake|ops|r${++clock}`
      chat.markSilently(from, message, mark)
      await receive({ kind: 'mark', id, message, room, from, mark, withdrawn: false })
      return id
    },
    async unmark(from, message, mark) {
      const left = (votes.get(message) ?? []).filter((vote) => vote.from !== from || vote.mark !== mark)
      votes.set(message, left)
      await receive({ kind: 'mark', id: `fake|ops|u${++clock}`, message, room, from, mark, withdrawn: true })
    },
    markSilently(from, message, mark) {
      votes.set(message, [...(votes.get(message) ?? []), { id: `fake|ops|s${votes.size}-${from}`, from, mark }])
    },
    async remove(message) {
      await receive({ kind: 'gone', id: `fake|ops|g${++clock}`, message, room })
    },
  }
  return chat
}
