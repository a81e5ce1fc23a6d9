import type {
  ChatCompletionAssistantMessageParam,
  ChatCompletionMessageFunctionToolCall,
  ChatCompletionMessageParam,
} from 'openai/resources/chat/completions'
import type { Approval, UserId } from './approval.ts'

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
  /** Milliseconds since the epoch, moved on by the time that people took to decide. */
  startedAt: number
  /** Since when people are asked. */
  pausedAt?: number
  /** How often the model server was away. */
  retries?: number
  toolCalls: number
  nudges: number
  tokens: number
  /** Calls so far, oldest first, to notice a model that repeats itself; kept apart from the messages, which may be dropped. */
  recent: string[]
  steps: Step[]
}

/** One call as people see it in the progress post; `ms` is missing while it runs. */
export interface Step {
  number: number
  call: string
  tool: string
  summary: string
  state: 'running' | 'done' | 'failed' | 'refused' | 'waiting'
  ms?: number
}

export function createSession(): Session {
  return { messages: [], approvals: [], steps: 0, calls: 0 }
}

export function createRequest(asker: UserId | 'signal', kind: Request['kind'], now: number): Request {
  return { askers: [asker], kind, startedAt: now, toolCalls: 0, nudges: 0, tokens: 0, recent: [], steps: [] }
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

/** Adds an assistant message with calls whose ids no other call of the session has. */
export function addReply(session: Session, reply: AssistantMessage): void {
  const calls = reply.tool_calls?.filter((call): call is ToolCall => call.type === 'function')
  session.messages.push(
    calls && calls.length > 0
      ? { ...reply, tool_calls: calls.map((call) => ({ ...call, id: `call-${++session.calls}` })) }
      : { role: 'assistant', content: reply.content ?? '' },
  )
}

export function addResult(session: Session, call: ToolCall, content: string): void {
  session.messages.push({ role: 'tool', tool_call_id: call.id, content })
}

/**
 * Gives every open call a result, because no other message may follow a call without one, and takes back its approval.
 * Returns the approvals that were taken back. One that has started keeps its state: its outcome is not ours to decide.
 */
export function withdrawOpenCalls(session: Session, reason: string): Approval[] {
  const withdrawn: Approval[] = []
  for (const call of openCalls(session)) {
    addResult(session, call, reason)
    const approval = approvalOf(session, call)
    if (approval?.state.kind !== 'open' && approval?.state.kind !== 'approved') continue
    approval.state = { kind: 'withdrawn', reason }
    withdrawn.push(approval)
  }
  return withdrawn
}

export function approvalOf(session: Session, call: ToolCall): Approval | undefined {
  return session.approvals.find((approval) => approval.call.id === call.id)
}
