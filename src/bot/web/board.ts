import type { UserId } from '../../agent/approval.ts'
import type { Positions } from '../../storage/index.ts'
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
  /** Said by a person and safe with the bot. What was not is delivered again after a restart. */
  heard: boolean
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
  /** A post whose id stands here already is not added again: the known message is returned. */
  add(room: string, thread: ThreadId | undefined, draft: Draft): Promise<Message>
  /** `keep`: the edit is written to disk; a progress edit is only shown. `false` when there is no such message. */
  edit(id: MessageId, markdown: string, keep: boolean): Promise<boolean>
  offer(id: MessageId): Promise<void>
  acknowledge(id: MessageId): Promise<void>
  heard(id: MessageId): Promise<void>
  /** Sets or takes back a mark; nothing when it stands (or does not stand) already. */
  mark(id: MessageId, from: UserId, mark: Mark, on: boolean): Promise<{ vote: string; room: string } | undefined>
  votes(id: MessageId): Vote[]
  working(thread: ThreadId, atWork: boolean): void
  /** The messages of a thread, oldest first. */
  thread(id: ThreadId): Message[]
  threads(): ThreadId[]
  find(id: MessageId): Message | undefined
  atWork(): ThreadId[]
  listen(listener: (change: Change) => void): () => void
  close(): void
}

export interface BoardOptions {
  rooms: string[]
  positions: Positions
  /** How many threads are remembered; the one that was silent for longest goes first. */
  mostThreads?: number
  /** How many messages of a thread; its first always stays. */
  mostMessages?: number
  now?: () => number
}

export function createBoard(options: BoardOptions): Board {
  const { rooms, positions, mostThreads = 200, mostMessages = 500, now = Date.now } = options
  const threads = new Map<ThreadId, Message[]>()
  const byId = new Map<MessageId, Message>()
  const byPost = new Map<string, Message>()
  const busy = new Set<ThreadId>()
  const listeners = new Set<(change: Change) => void>()
  let number = 0

  const tell = (change: Change): void => {
    for (const listener of listeners) listener(change)
  }

  function remember(message: Message): void {
    byId.set(message.id, message)
    if (message.post) byPost.set(message.post, message)
  }

  function forget(message: Message): void {
    byId.delete(message.id)
    if (message.post) byPost.delete(message.post)
  }

  async function save(thread: ThreadId): Promise<void> {
    const messages = threads.get(thread)
    if (messages) await positions.set(`web:thread:${thread}`, messages)
  }

  function threadFor(id: ThreadId): Message[] {
    const known = threads.get(id)
    if (known) return known
    const messages: Message[] = []
    threads.set(id, messages)
    return messages
  }

  async function forgetSilentThreads(): Promise<void> {
    while (threads.size > mostThreads) {
      const [silent] = [...threads].reduce((a, b) => (lastAt(b[1]) < lastAt(a[1]) ? b : a))
      threads.get(silent)?.forEach(forget)
      threads.delete(silent)
      busy.delete(silent)
      await positions.delete(`web:thread:${silent}`)
    }
    await positions.set('web:threads', [...threads.keys()])
  }

  /** `false` when the message is not here (any more). */
  async function change(id: MessageId, work: (message: Message) => void, keep = true): Promise<boolean> {
    const message = byId.get(id)
    if (!message) return false
    work(message)
    await show(message, keep)
    return true
  }

  async function show(message: Message, keep: boolean): Promise<void> {
    tell({ kind: 'message', message })
    if (keep) await save(message.thread)
  }

  return {
    rooms,
    async load() {
      number = ((await positions.get('web:number')) as number | undefined) ?? 0
      for (const thread of ((await positions.get('web:threads')) as ThreadId[] | undefined) ?? []) {
        const messages = (await positions.get(`web:thread:${thread}`)) as Message[] | undefined
        if (!messages) continue
        threads.set(thread, messages)
        messages.forEach(remember)
      }
    },
    async add(room, thread, draft) {
      const known = draft.post === undefined ? undefined : byPost.get(draft.post)
      if (known) return known
      const id = `web|${room}|${++number}` as MessageId
      const message: Message = {
        quiet: false,
        mention: [],
        ...draft,
        id,
        thread: thread ?? (id as string as ThreadId),
        room,
        at: now(),
        edited: false,
        choice: false,
        seen: false,
        heard: draft.bot,
        marks: [],
      }
      const messages = threadFor(message.thread)
      messages.push(message)
      remember(message)
      if (messages.length > mostMessages) messages.splice(1, messages.length - mostMessages).forEach(forget)
      await positions.set('web:number', number)
      await save(message.thread)
      if (messages.length === 1) await forgetSilentThreads()
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
    async offer(id) {
      await change(id, (message) => {
        message.choice = true
      })
    },
    async acknowledge(id) {
      await change(id, (message) => {
        message.seen = true
      })
    },
    async heard(id) {
      await change(id, (message) => {
        message.heard = true
      })
    },
    async mark(id, from, mark, on) {
      const message = byId.get(id)
      if (!message) return undefined
      const { marks, room } = message
      const standing = marks.find((vote) => vote.from === from && vote.mark === mark)
      if ((standing !== undefined) === on) return undefined
      const vote = standing?.id ?? `${id}|v${++number}`
      // Before anything is awaited, so that a double click is one mark.
      if (standing) marks.splice(marks.indexOf(standing), 1)
      else marks.push({ id: vote, from, mark })
      await positions.set('web:number', number)
      await show(message, true)
      return { vote, room }
    },
    votes: (id) => [...(byId.get(id)?.marks ?? [])],
    working(thread, atWork) {
      if (atWork) busy.add(thread)
      else busy.delete(thread)
      tell({ kind: 'working', thread, atWork })
    },
    thread: (id) => threads.get(id) ?? [],
    threads: () => [...threads.keys()],
    find: (id) => byId.get(id),
    atWork: () => [...busy],
    listen(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    close: () => listeners.clear(),
  }
}

const lastAt = (messages: Message[]): number => messages.at(-1)?.at ?? 0
