import type {
  ChatCompletionAssistantMessageParam,
  ChatCompletionMessageFunctionToolCall,
  ChatCompletionMessageParam,
} from 'openai/resources/chat/completions'
import { forModel, fromOutside, type ModelText, ownText } from '../text/outside.ts'
import type { Approval, UserId } from './approval.ts'
import type { Reason } from './reasons.ts'
import { outcomeUnknown, toModel } from './words.ts'

/** The openai package's message types are ours: a second model of them would be translated twice. */
export type Message = ChatCompletionMessageParam
export type AssistantMessage = ChatCompletionAssistantMessageParam
export type ToolCall = ChatCompletionMessageFunctionToolCall

/** Everything that the agent knows about one conversation. Plain JSON, saved as a whole. */
export interface Session {
  messages: Message[]
  approvals: Approval[]
  /** Numbers the steps through the whole session, so that `[4]` means one thing in a thread. */
  steps: number
  /** Numbers the calls: servers repeat their ids (`call_0`), ours are unique in the session. */
  calls: number
  /** What is being worked on. Without it there is nothing to move on. */
  request?: Request
}

export interface Request {
  /** Who is answered, the first asker first; `signal` when no person asked. */
  askers: (UserId | 'signal')[]
  /** A `command` names its tool call itself: the model is not asked and the results are the answer. */
  kind: 'question' | 'command'
  /** What began it was written by somebody who may not write there: nothing is changed, whoever would approve. */
  readOnly?: true
  /** Where it begins in the session's messages; everything from here on belongs to what is worked on. */
  from: number
  /** Milliseconds since the epoch, moved on by the time that people took to decide. */
  startedAt: number
  /** Since when people are asked. */
  pausedAt?: number
  /** How often the model server was away in a row, and when it is to be asked again. */
  retries?: number
  resumeAt?: number
  /** A question that had to wait for the model server when a command came in between; it is taken up again afterwards. */
  parked?: Request
  toolCalls: number
  nudges: number
  /** The last answer was cut at a limit of the server: its rest is to be asked for, or is not to be had. */
  cut?: 'goes-on' | 'for-good'
  tokens: number
  /** Calls so far, oldest first, to notice a model that repeats itself; kept apart from the messages, which may be dropped. */
  recent: string[]
  steps: Step[]
}

/** One call as people see it in the progress post; `ms` is missing while it runs. `why`: it was refused, and nobody was asked. */
export interface Step {
  number: number
  call: string
  tool: string
  summary: string
  state: 'running' | 'done' | 'failed' | 'refused' | 'waiting'
  ms?: number
  why?: Reason
}

export function createSession(): Session {
  return { messages: [], approvals: [], steps: 0, calls: 0 }
}

/** A request that begins with the next message of the session. */
export function createRequest(session: Session, asker: UserId | 'signal', kind: Request['kind'], now: number): Request {
  return {
    askers: [asker],
    kind,
    from: session.messages.length,
    startedAt: now,
    toolCalls: 0,
    nudges: 0,
    tokens: 0,
    recent: [],
    steps: [],
  }
}

/** The calls of the last assistant message that have no result yet. A session needs no other "pending" state. */
export function openCalls(session: Session): ToolCall[] {
  const last = session.messages.findLastIndex((message) => message.role === 'assistant')
  const assistant = session.messages[last]
  if (assistant?.role !== 'assistant') return []

  const settled = new Set(
    session.messages.slice(last).map((message) => message.role === 'tool' && message.tool_call_id),
  )
  return (assistant.tool_calls ?? []).filter(
    (call): call is ToolCall => call.type === 'function' && !settled.has(call.id),
  )
}

export const isOpen = (session: Session, call: ToolCall): boolean =>
  openCalls(session).some((open) => open.id === call.id)

/** Adds what is said to the model: by a person, or by us. */
export function addSaid(session: Session, content: ModelText): void {
  session.messages.push({ role: 'user', content })
}

/** Adds an assistant message with calls whose ids no other call of the session has. Its text is one from outside, like any other. */
export function addReply(session: Session, { content, tool_calls }: AssistantMessage): void {
  const calls = tool_calls?.filter((call): call is ToolCall => call.type === 'function')
  const said = typeof content === 'string' ? fromOutside(content).markdown() : content
  session.messages.push(
    calls && calls.length > 0
      ? {
          role: 'assistant',
          ...(said !== undefined && { content: said }),
          tool_calls: calls.map((call) => ({ ...call, id: `call-${++session.calls}` })),
        }
      : { role: 'assistant', content: said ?? '' },
  )
}

/** Gives a call its one result, in the order of the calls; a call that has one keeps it. */
export function addResult(session: Session, call: ToolCall, content: ModelText): void {
  if (!isOpen(session, call)) return
  const { messages } = session
  const asked = messages.findLastIndex((message) => message.role === 'assistant')
  const ids = (messages[asked] as AssistantMessage).tool_calls?.map(({ id }) => id) ?? []
  const next = messages.findIndex(
    (message, index) =>
      index > asked && (message.role !== 'tool' || ids.indexOf(message.tool_call_id) > ids.indexOf(call.id)),
  )
  messages.splice(next < 0 ? messages.length : next, 0, { role: 'tool', tool_call_id: call.id, content })
}

/**
 * Gives every open call a result, because no other message may follow a call without one, and takes back its approval. What
 * became of one that has started is not ours to decide.
 */
export function withdrawOpenCalls(session: Session, why: Reason): void {
  for (const call of openCalls(session)) {
    const approval = approvalOf(session, call)
    if (approval?.state.kind === 'used') approval.state = { ...approval.state, kind: 'lost' }
    const isOver = approval && !withdrawApproval(approval, why)
    const said = toModel(why)
    addResult(
      session,
      call,
      approval?.state.kind === 'lost'
        ? outcomeUnknown
        : isOver
          ? forModel`${said} (${ownText(approval.state.kind)})`
          : said,
    )
  }
}

/** Takes an approval back that people could still decide on. Says whether it did. */
export function withdrawApproval(approval: Approval, why: Reason): boolean {
  if (approval.state.kind !== 'open' && approval.state.kind !== 'approved') return false
  approval.state = { kind: 'withdrawn', why }
  return true
}

export function approvalOf(session: Session, call: ToolCall): Approval | undefined {
  return session.approvals.find((approval) => approval.call.id === call.id)
}

/** How many characters of a session's messages are kept, as JSON: far more than any window, and still written in milliseconds. */
const keptCharacters = 1_000_000

/** Forgets the oldest turns of a session that grew too long. Only between requests: a turn goes as a whole. */
export function forgetOldTurns(session: Session): void {
  const sizes = session.messages.map((message) => JSON.stringify(message).length)
  let total = sizes.reduce((sum, size) => sum + size, 0)
  let from = 0
  for (const [index, message] of session.messages.entries()) {
    if (total <= keptCharacters) break
    total -= sizes[index] ?? 0
    const next = session.messages[index + 1]
    if (message.role !== 'user' && next?.role === 'user') from = index + 1
  }
  session.messages.splice(0, from)
}
