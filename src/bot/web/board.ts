import type { UserId } from '../../agent/approval.ts'
import type { Mark, MessageId, ThreadId, Vote } from '../platform.ts'

/** A message as it stands. */
export interface Message {
  id: MessageId
  thread: ThreadId
  room: string
  from: UserId
  name: string
  markdown: string
  at: number
  bot: boolean
  quiet: boolean
  edited: boolean
  mention: UserId[]
  /** The two marks are offered under it. */
  choice: boolean
  seen: boolean
  marks: Vote[]
  post?: string
  file?: { name: string; text: string }
}

type Draft = Pick<Message, 'from' | 'name' | 'markdown' | 'bot'> &
  Partial<Pick<Message, 'post' | 'quiet' | 'mention' | 'file'>>

export type Change = { kind: 'message'; message: Message } | { kind: 'working'; thread: ThreadId; atWork: boolean }

/** What stands in the rooms: kept in memory, a thread a document on disk. */
export interface Board {
  readonly rooms: string[]
  load(): Promise<void>
  add(room: string, thread: ThreadId | undefined, draft: Draft): Promise<Message>
  /** `keep`: the edit is written to disk; a progress edit is only shown. */
  edit(id: MessageId, markdown: string, keep: boolean): Promise<void>
  offer(id: MessageId): Promise<void>
  acknowledge(id: MessageId): Promise<void>
  mark(id: MessageId, from: UserId, mark: Mark, on: boolean): Promise<{ vote: string; room: string } | undefined>
  votes(id: MessageId): Vote[]
  working(thread: ThreadId, atWork: boolean): void
  messages(): Message[]
  find(id: MessageId): Message | undefined
  hasThread(thread: ThreadId): boolean
  atWork(): ThreadId[]
  listen(listener: (change: Change) => void): () => void
  close(): void
}

/** How many threads a room remembers. */
const mostThreads = 200

export function createBoard({
  rooms,
  positions,
}: {
  rooms: string[]
  positions: { get(key: string): Promise<unknown>; set(key: string, value: unknown): Promise<unknown> }
}): Board {
  const threads = new Map<ThreadId, Message[]>()
  const byId = new Map<MessageId, Message>()
  const byPost = new Map<string, Message>()
  const busy = new Set<ThreadId>()
  const listeners = new Set<(change: Change) => void>()
  let number = 0

  const tell = (change: Change): void => {
    for (const listener of listeners) listener(change)
  }

  function index(message: Message): void {
    byId.set(message.id, message)
    if (message.post) byPost.set(message.post, message)
  }

  async function save(thread: ThreadId): Promise<void> {
    await positions.set(`web:thread:${thread}`, threads.get(thread))
  }

  async function change(id: MessageId, work: (message: Message) => void, keep = true): Promise<void> {
    const message = byId.get(id)
    if (!message) throw new Error(`there is no message ${id}`)
    work(message)
    tell({ kind: 'message', message })
    if (keep) await save(message.thread)
  }

  return {
    rooms,
    async load() {
      number = ((await positions.get('web:number')) as number | undefined) ?? 0
      for (const thread of ((await positions.get('web:threads')) as ThreadId[] | undefined) ?? []) {
        const messages = ((await positions.get(`web:thread:${thread}`)) as Message[] | undefined) ?? []
        threads.set(thread, messages)
        messages.forEach(index)
      }
    },
    async add(room, thread, draft) {
      const known = draft.post ? byPost.get(draft.post) : undefined
      if (known) return known
      const id = `web|${room}|${++number}` as MessageId
      const message: Message = {
        quiet: false,
        mention: [],
        ...draft,
        id,
        thread: thread ?? (id as string as ThreadId),
        room,
        at: Date.now(),
        edited: false,
        choice: false,
        seen: false,
        marks: [],
      }
      const list = threads.get(message.thread) ?? []
      list.push(message)
      threads.set(message.thread, list)
      index(message)
      await positions.set('web:number', number)
      await save(message.thread)
      if (list.length === 1) {
        for (const old of [...threads.keys()].slice(0, Math.max(0, threads.size - mostThreads))) threads.delete(old)
        await positions.set('web:threads', [...threads.keys()])
      }
      tell({ kind: 'message', message })
      return message
    },
    edit: (id, markdown, keep) =>
      change(
        id,
        (message) => {
          message.markdown = markdown
          message.edited = true
        },
        keep,
      ),
    offer: (id) =>
      change(id, (message) => {
        message.choice = true
      }),
    acknowledge: (id) =>
      change(id, (message) => {
        message.seen = true
      }),
    async mark(id, from, mark, on) {
      const message = byId.get(id)
      if (!message) return undefined
      const at = message.marks.findIndex((vote) => vote.from === from && vote.mark === mark)
      if (at >= 0 === on) return undefined
      const vote = on ? `${id}|v${++number}` : `${message.marks[at]?.id}|off`
      await change(id, ({ marks }) => {
        if (on) marks.push({ id: vote, from, mark })
        else marks.splice(at, 1)
      })
      await positions.set('web:number', number)
      return { vote, room: message.room }
    },
    votes: (id) => byId.get(id)?.marks ?? [],
    working(thread, atWork) {
      if (atWork) busy.add(thread)
      else busy.delete(thread)
      tell({ kind: 'working', thread, atWork })
    },
    messages: () => [...threads.values()].flat(),
    find: (id) => byId.get(id),
    hasThread: (thread) => threads.has(thread),
    atWork: () => [...busy],
    listen(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    close: () => listeners.clear(),
  }
}
