import type { UserId } from '../../agent/approval.ts'
import type { Positions } from '../../storage/index.ts'
import { sentenceOf } from '../../text/sentence.ts'
import { isStop } from '../commands.ts'
import {
  type ChatEvent,
  type ChatPlatform,
  type Listener,
  type Mark,
  type MessageId,
  type Platform,
  type Post,
  PostRefused,
  type RoomId,
  type ThreadId,
} from '../platform.ts'
import { createTranscript, type Line } from './transcript.ts'
import type { Ui } from './ui.ts'

export interface TerminalOptions {
  /** Names the conversation: letters and digits. */
  conversation: string
  /** Login name of the person at the terminal. */
  person: string
  ui: Ui
  /** Resolves when the header stands on the screen: nothing is shown or taken before. */
  opened: Promise<void>
  /** The person wants to end the program. */
  onEnd(): void
  /** The person said something. */
  onSaid?(text: string): void
  positions: Pick<Positions, 'get' | 'set'>
}

export const personOf = (login: string): UserId => `@${login}:terminal` as UserId

/**
 * The terminal as a chat: one room, one thread, one person. It shows the work itself, so it hears more than other chats: the agent's
 * events, and when the inbox has handled what it delivered.
 */
export function createTerminal(options: TerminalOptions): Required<Pick<Platform, 'chat' | 'hears'>> {
  const { conversation, ui, opened, onEnd, onSaid = () => {} } = options
  const person = personOf(options.person)
  const room = 'terminal|here' as RoomId
  const thread = `terminal|${conversation}` as ThreadId
  const transcript = createTranscript(options.positions)
  const progress = new Set<MessageId>()
  const writing = new Map<string, Promise<MessageId>>()
  let receive: ((event: ChatEvent) => Promise<void>) | undefined
  /** What we delivered and the inbox has not handled yet. */
  let unsettled = 0
  let atWork = false
  /** Questions that wait for an answer; the first is on the screen. */
  const questions: MessageId[] = []
  let asked: MessageId | undefined
  /** One after another, so that what comes fast keeps its order. */
  let lane: Promise<void> = Promise.resolve()

  /** Takes what the person did in its order; `work` says whether it delivered something, which the inbox then handles. */
  function inTurn(work: () => Promise<boolean>): void {
    unsettled++
    lane = lane.then(work).then(
      (delivered) => {
        if (!delivered) settle()
      },
      (error: unknown) => {
        ui.show('remark', sentenceOf(error))
        settle()
      },
    )
  }

  function settle(): void {
    unsettled = Math.max(0, unsettled - 1)
    takeTurns()
  }

  ui.begin({
    say: (text) => inTurn(() => say(text)),
    decide: (mark) => inTurn(() => decide(mark)),
    cancel: () => inTurn(() => say('!stop')),
    end: onEnd,
  })

  async function say(text: string): Promise<boolean> {
    const id = `${thread}|${await transcript.number()}` as MessageId
    const at = Date.now()
    if (!isStop(text)) {
      await transcript.add({ id, kind: 'said', markdown: text, at })
      onSaid(text)
    }
    await receive?.({
      kind: 'message',
      id,
      thread,
      room,
      from: person,
      name: options.person,
      text,
      addressed: true,
      at,
    })
    return true
  }

  async function decide(mark: Mark): Promise<boolean> {
    const message = questions.shift()
    const line = message && transcript.find(message)
    if (!line) return false
    const id = `${message}|v${await transcript.number()}`
    line.votes = [{ id, from: person, mark }]
    line.over = true
    await transcript.save()
    await receive?.({ kind: 'mark', id, message, room, from: person, mark, withdrawn: false })
    takeTurns()
    return true
  }

  /** Whose turn it is: a question goes first, then the work, then the person. */
  function takeTurns(): void {
    const [next] = questions
    if (next) ask(next)
    else if (unsettled === 0 && !atWork) ui.ready()
  }

  function ask(message: MessageId): void {
    if (message === asked) return
    const line = transcript.find(message)
    asked = message
    if (line && ui.ask(line.markdown)) return
    questions.shift()
    takeTurns()
  }

  function close(line: Line): void {
    line.over = true
    const index = questions.indexOf(line.id)
    if (index < 0) return
    questions.splice(index, 1)
    if (index === 0) ui.unask()
    takeTurns()
  }

  /** One that is sent again while it is still being written down is the same one. */
  function post(given: Post): Promise<MessageId> {
    const known = writing.get(given.id)
    if (known) return known
    const written = write(given).finally(() => writing.delete(given.id))
    writing.set(given.id, written)
    return written
  }

  async function write(given: Post): Promise<MessageId> {
    const known = transcript.posted(given.id)
    if (known) return known.id
    const id = `${thread}|${await transcript.number()}` as MessageId
    if (given.progress) {
      progress.add(id)
      return id
    }
    const kind = given.question ? 'question' : given.quiet ? 'remark' : 'answer'
    const markdown = given.question ?? [given.markdown, given.file?.text].filter(Boolean).join('\n\n')
    await transcript.add({ id, kind, markdown, at: Date.now(), post: given.id })
    if (kind !== 'question') ui.show(kind, markdown)
    return id
  }

  /** What was said last, and what is still to be decided. */
  function showAgain(): void {
    const lines = transcript.lines()
    const last = lines.findLastIndex(({ kind }) => kind === 'said')
    for (const { kind, markdown } of lines.slice(Math.max(0, last))) if (kind !== 'question') ui.show(kind, markdown)
    questions.push(...lines.filter(({ kind, over }) => kind === 'question' && !over).map(({ id }) => id))
  }

  const chat: ChatPlatform = {
    name: 'terminal',
    limits: { messageBytes: 1_000_000 },
    async start(next) {
      await transcript.load()
      await opened
      receive = next
      showAgain()
      takeTurns()
    },
    async room(name) {
      throw new Error(`The terminal has no room ${name}.`)
    },
    async user(name) {
      if (name !== person) throw new Error(`${name} is nobody at this terminal; you are ${person}.`)
      return person
    },
    open: async (_room, given) => ({ thread, message: await post(given) }),
    post: (_thread, given) => post(given),
    async edit(message, _markdown, urgency) {
      if (urgency === 'progress' || progress.has(message)) return
      const line = transcript.find(message)
      if (!line) throw new PostRefused(`This terminal has no message ${message} any more.`)
      if (line.kind !== 'question') return
      close(line)
      await transcript.save()
    },
    async offer(message) {
      if (transcript.find(message)?.over) return
      questions.push(message)
      takeTurns()
    },
    votes: async (message) => transcript.find(message)?.votes ?? [],
    isMember: async (_room, user) => user === person,
    acknowledge: async () => {},
    async working(_thread, now) {
      atWork = now
      ui.working(now)
      takeTurns()
    },
    health: () => (receive ? { state: 'ready' } : { state: 'connecting', detail: 'starting' }),
    close: async () => ui.close(),
  }

  const hears: Listener = {
    worked(where, event) {
      if (where === thread && event.kind === 'step') ui.step(event.step, event.result)
    },
    concluded(where, outcome) {
      if (where === thread && outcome === 'stopped') ui.failed()
    },
    handled(lane, kind, outcome) {
      if (lane !== thread || outcome === 'failed' || (kind !== 'message' && kind !== 'mark')) return
      if (outcome === 'set-aside') ui.failed()
      settle()
    },
  }

  return { chat, hears }
}
