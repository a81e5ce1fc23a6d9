import PQueue from 'p-queue'
import type { Logger } from 'pino'
import { checkpoint } from '../checkpoint.ts'
import type { Tool, ToolContext } from '../tools/tool.ts'
import type { Approval } from './approval.ts'
import { checkCaps, fit, type Limits, noteCall, resultBytes } from './budget.ts'
import type { AgentEvent } from './events.ts'
import { type Model, ModelError, toolSchema } from './model.ts'
import type { Policy } from './policy.ts'
import {
  addReply,
  addResult,
  type Message,
  openCalls,
  type Request,
  type Session,
  type Step,
  type ToolCall,
} from './session.ts'
import { type Prepared, prepareCall, runApproved, runRead, settleAsked } from './settle.ts'
import { isUnfinished, nudgeText } from './unfinished.ts'

export type Outcome =
  | { kind: 'answered'; text: string }
  | { kind: 'waiting'; approvals: Approval[] }
  /** `retryable`: the model server was away or busy; the same session can be moved on later. */
  | { kind: 'stopped'; reason: string; retryable: boolean }

export interface AgentDeps {
  /** Names the session in approvals: the thread's id. */
  thread: string
  model: Model | undefined
  tools: Map<string, Tool>
  /** The tools that the model is told about. */
  policy: Policy
  limits: Limits
  system: string
  language: 'en' | 'ko'
  approvalMs: number
  /** Writes the session; nothing that depends on a state happens before this resolved. */
  save(point: string): Promise<void>
  /** Takes in what people did meanwhile: only votes before a change starts, everything before the model is asked. */
  takeIn(what: 'votes' | 'all'): Promise<void>
  emit(event: AgentEvent): void
  now(): number
  /** Ends reads and model calls. A change that has started is never cut off half-way. */
  signal: AbortSignal
  log: Logger
}

const parallelReads = 8

/**
 * Moves a session on until there is an answer, a person has to decide, or it cannot go on. Call it again after a decision, an
 * error or a restart: everything it needs is in the session. Needs `session.request`. Rejects when `signal` is aborted.
 */
export async function advance(session: Session, deps: AgentDeps): Promise<Outcome> {
  for (;;) {
    const waiting = await settleOpenCalls(session, deps)
    if (waiting.length > 0) return { kind: 'waiting', approvals: waiting }

    await deps.takeIn('all')
    deps.signal.throwIfAborted()
    const { request } = session
    if (!request) return { kind: 'stopped', reason: '', retryable: false }
    if (request.kind === 'command') return { kind: 'answered', text: lastResults(session) }

    const answer = finalAnswer(session)
    if (answer !== undefined) {
      if (!isUnfinished(answer) || request.nudges >= deps.limits.nudges) return { kind: 'answered', text: answer }
      request.nudges++
      session.messages.push({ role: 'user', content: nudgeText(deps.language) })
      await deps.save('nudge')
    }

    const stopped = await askModel(session, request, deps)
    if (stopped) return stopped
  }
}

/** The text of the last message, when it is the model's and calls nothing. */
function finalAnswer(session: Session): string | undefined {
  const last = session.messages.at(-1)
  if (last?.role !== 'assistant' || (last.tool_calls?.length ?? 0) > 0) return undefined
  return typeof last.content === 'string' ? last.content : ''
}

async function askModel(session: Session, request: Request, deps: AgentDeps): Promise<Outcome | undefined> {
  if (!deps.model) return { kind: 'stopped', reason: 'No model is configured.', retryable: false }
  const caps = checkCaps(request, deps.limits, deps.now())
  if (caps.kind === 'stop') return { kind: 'stopped', reason: caps.reason, retryable: false }

  // On the last step tools are withheld, so that what was found becomes an answer.
  const tools = caps.kind === 'last-step' ? [] : [...deps.tools.values()].map(toolSchema)
  const lastStep: Message[] = caps.kind === 'last-step' ? [{ role: 'user', content: caps.reason }] : []
  const window = await deps.model.window()
  const fitted = fit({
    system: deps.system,
    messages: [...session.messages, ...lastStep],
    tools,
    windowTokens: window.tokens,
  })

  deps.emit({ kind: 'model-start' })
  try {
    const reply = await deps.model.complete({
      messages: [{ role: 'system', content: deps.system }, ...fitted.messages],
      tools,
      signal: deps.signal,
    })
    request.tokens += (reply.usage?.prompt ?? 0) + (reply.usage?.completion ?? 0)
    addReply(
      session,
      caps.kind === 'last-step' ? { role: 'assistant', content: reply.message.content ?? '' } : reply.message,
    )
    await deps.save('reply')
    if (caps.kind === 'last-step') return { kind: 'answered', text: finalAnswer(session) || caps.reason }
    return undefined
  } catch (error) {
    deps.signal.throwIfAborted()
    if (!(error instanceof ModelError)) throw error
    deps.log.warn({ component: 'agent', err: error, reason: error.kind }, 'model request failed')
    return { kind: 'stopped', reason: error.message, retryable: isTransient(error) }
  } finally {
    deps.emit({ kind: 'model-end' })
  }
}

const isTransient = (error: ModelError): boolean =>
  [
    'unreachable',
    'rate-limited',
    'timeout-first-token',
    'timeout-between-tokens',
    'malformed',
    'server-error',
  ].includes(error.kind)

/** Gives a result to every call that can have one now; returns the approvals that still wait for people. */
async function settleOpenCalls(session: Session, deps: AgentDeps): Promise<Approval[]> {
  const calls = openCalls(session)
  if (calls.length === 0) return []

  const window = await deps.model?.window()
  const context: ToolContext = {
    signal: deps.signal,
    log: deps.log,
    maxBytes: resultBytes(window?.tokens ?? 32_768, calls.length),
  }
  const prepared = calls.map((call) => ({ call, ...prepare(call, session, deps) }))
  await settleReads(prepared, session, deps, context)

  const waiting: Approval[] = []
  for (const item of prepared) {
    if (item.prepared.kind !== 'change') continue
    const { tool, input } = item.prepared
    await deps.takeIn('votes')
    const asked = await settleAsked(item.call, tool, input, session, deps, context)
    if (asked.kind === 'waiting') {
      mark(item.step, 'waiting', deps)
      waiting.push(asked.approval)
      continue
    }
    if (asked.kind === 'result') await finish(item.call, item.step, asked.text, 'refused', session, deps)
    if (asked.kind === 'start') {
      mark(item.step, 'running', deps)
      const ran = await runApproved(tool, input, asked.approval, deps, context)
      await finish(item.call, item.step, ran.text, ran.ok ? 'done' : 'failed', session, deps)
    }
  }
  return waiting
}

/** Numbers a call the first time it is seen; after a restart the step is found again by the call's id. */
function prepare(call: ToolCall, session: Session, deps: AgentDeps): { prepared: Prepared; step: Step } {
  const prepared = prepareCall(call, deps.tools)
  const steps = session.request?.steps ?? []
  const known = steps.find((step) => step.call === call.id)
  if (known) return { prepared, step: known }

  const step: Step = {
    number: ++session.steps,
    call: call.id,
    tool: call.function.name,
    summary: 'tool' in prepared ? prepared.tool.summary(prepared.input) : call.function.name,
    state: 'running',
  }
  steps.push(step)
  const { request } = session
  if (!request) return { prepared, step }
  request.toolCalls++
  const repeated = noteCall(request, call.function.name, call.function.arguments)
  return { prepared: repeated ? { kind: 'text', text: repeated } : prepared, step }
}

/** Reads run side by side; their results are added in the order of the calls. */
async function settleReads(
  prepared: { call: ToolCall; prepared: Prepared; step: Step }[],
  session: Session,
  deps: AgentDeps,
  context: ToolContext,
): Promise<void> {
  const queue = new PQueue({ concurrency: parallelReads })
  const settled = await Promise.all(
    prepared.map(({ prepared: item, step }) =>
      queue.add(async () => {
        if (item.kind === 'text') return { text: item.text, state: 'refused' as const }
        if (item.kind === 'change') return undefined
        mark(step, 'running', deps)
        const started = deps.now()
        const ran = await runRead(item.tool, item.input, context)
        step.ms = deps.now() - started
        mark(step, ran.ok ? 'done' : 'failed', deps)
        return { text: ran.text, state: ran.ok ? ('done' as const) : ('failed' as const) }
      }),
    ),
  )
  deps.signal.throwIfAborted()
  let added = false
  for (const [index, result] of settled.entries()) {
    const item = prepared[index]
    if (!item || !result) continue
    mark(item.step, result.state, deps)
    addResult(session, item.call, label(item.step, result.text))
    added = true
  }
  if (added) await deps.save('results')
}

async function finish(
  call: ToolCall,
  step: Step,
  text: string,
  state: Step['state'],
  session: Session,
  deps: AgentDeps,
): Promise<void> {
  mark(step, state, deps)
  addResult(session, call, label(step, text))
  checkpoint('call:result')
  await deps.save('result')
}

function mark(step: Step, state: Step['state'], deps: AgentDeps): void {
  step.state = state
  deps.emit({ kind: 'step', step })
}

/** Results carry their step's number, so that the answer can cite it. */
const label = (step: Step, text: string): string => `[${step.number}] ${step.summary}\n${text}`

function lastResults(session: Session): string {
  const last = session.messages.findLastIndex((message) => message.role === 'assistant')
  return session.messages
    .slice(last + 1)
    .map((message) => (message.role === 'tool' && typeof message.content === 'string' ? message.content : ''))
    .filter(Boolean)
    .join('\n\n')
}
