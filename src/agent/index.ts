import PQueue from 'p-queue'
import type { Logger } from 'pino'
import { checkpoint } from '../checkpoint.ts'
import type { Language } from '../text/language.ts'
import { forModel, fromOutside, type ModelText } from '../text/outside.ts'
import type { Tool, ToolContext } from '../tools/tool.ts'
import type { Approval } from './approval.ts'
import { askForRest } from './ask-for-rest.ts'
import { type Asked, askModel, type Work } from './ask-model.ts'
import { type Limits, noteCall, resultBytes } from './budget.ts'
import type { AgentEvent } from './events.ts'
import type { Model } from './model.ts'
import type { Policy } from './policy/index.ts'
import {
  addReply,
  addResult,
  addSaid,
  approvalOf,
  isOpen,
  openCalls,
  type Request,
  type Session,
  type Step,
  type ToolCall,
  withdrawApproval,
} from './session.ts'
import { type Prepared, prepareCall, runApproved, runRead, settleAsked, type Turn } from './settle.ts'
import { says } from './texts.ts'
import { isUnfinished, nudgeText } from './unfinished.ts'
import { callWasCut, toModel } from './words.ts'

export type Outcome =
  | { kind: 'answered'; text: string }
  | { kind: 'waiting'; approvals: Approval[] }
  /** `retryable`: the model server was away or busy; the same session can be moved on later. */
  | { kind: 'stopped'; reason: string; retryable: boolean }

export interface AgentDeps {
  /** Names the session in approvals: the thread's id. */
  thread: string
  model: Model | undefined
  /** The tools that the model is told about. */
  tools: Map<string, Tool>
  /** What may be done now: read for each decision. */
  policy(): Policy
  limits: Limits
  system: string
  language: Language
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

    // An answer that stands is given before anything newer is taken in: else people would never see it.
    const answer = finalAnswer(session)
    if (answer !== undefined && session.request?.cut === 'goes-on') {
      const outcome = await goOn(answer, { session, request: session.request, deps })
      if (outcome) return outcome
      continue
    }
    if (answer !== undefined && isEnough(answer, session.request, deps))
      return { kind: 'answered', text: shown(answer, session.request, deps) }

    await deps.takeIn('all')
    deps.signal.throwIfAborted()
    const { request } = session
    if (!request) return { kind: 'stopped', reason: '', retryable: false }
    if (request.kind === 'command') return { kind: 'answered', text: lastResults(session) }

    if (finalAnswer(session) !== undefined) {
      request.nudges++
      addSaid(session, nudgeText(deps.language))
      await deps.save('nudge')
    }

    const work = { session, request, deps }
    const asked = await askModel(work)
    const outcome = asked.kind === 'reply' ? await keep(asked, work) : asked
    if (outcome) return outcome
  }
}

const isEnough = (answer: string, request: Request | undefined, { limits }: AgentDeps): boolean =>
  request !== undefined && (request.cut === 'for-good' || !isUnfinished(answer) || request.nudges >= limits.nudges)

/** An answer that stays without its end says so. */
const shown = (answer: string, request: Request | undefined, { language }: AgentDeps): string =>
  request?.cut ? [answer.trim(), says[language].cut].filter(Boolean).join('\n\n') : answer

/** The text of the last message, when it is the model's and calls nothing. */
function finalAnswer(session: Session): string | undefined {
  const last = session.messages.at(-1)
  if (last?.role !== 'assistant' || (last.tool_calls?.length ?? 0) > 0) return undefined
  return typeof last.content === 'string' ? last.content : ''
}

/** Gets the rest of an answer that was cut, once. When it cannot be had, people get what is there. */
async function goOn(begun: string, work: Work): Promise<Outcome | undefined> {
  const asked = await askForRest(begun, work)
  if (asked.kind === 'reply') {
    work.session.messages.pop()
    return keep(asked, work, 'for-good')
  }
  if (begun.trim() === '') return asked
  work.request.cut = 'for-good'
  await work.deps.save('reply')
  return undefined
}

/** Adds a reply to the session. `ifCut`: what becomes of an answer that was cut at a limit of the server. */
async function keep(
  { reply, isLast }: Extract<Asked, { kind: 'reply' }>,
  { session, request, deps }: Work,
  ifCut: Request['cut'] = 'goes-on',
): Promise<Outcome | undefined> {
  const isCut = reply.finish === 'length'
  const isText = !reply.message.tool_calls
  delete request.cut
  if (isCut && isText) request.cut = ifCut
  addReply(session, isCut && isText ? { role: 'assistant', content: reply.text.trimStart() } : reply.message)
  if (isCut && !isText) settleCutCall(session, request, deps)
  await deps.save('reply')
  return isLast && !request.cut ? { kind: 'answered', text: finalAnswer(session) ?? '' } : undefined
}

/**
 * The last call of a reply that was cut is never run, also when its arguments happen to be JSON: nobody knows what was still to come. The
 * calls before it are whole and run: each stands for itself, and a model that had to say all of it again would be cut again.
 */
function settleCutCall(session: Session, request: Request, { limits }: AgentDeps): void {
  const call = openCalls(session).at(-1)
  if (!call) return
  const refused = noteCall(request, call.function.name, call.function.arguments, limits)
  addResult(session, call, refused ?? callWasCut)
}

/** Gives a result to every call that can have one now; returns the approvals that still wait for people. */
async function settleOpenCalls(session: Session, deps: AgentDeps): Promise<Approval[]> {
  const calls = openCalls(session)
  if (calls.length === 0) return []

  const window = await deps.model?.window()
  const context: ToolContext = {
    signal: deps.signal,
    log: deps.log,
    thread: deps.thread,
    maxBytes: resultBytes(window?.tokens ?? 32_768, calls.length),
  }
  const turn: Turn = { session, deps, context }
  const prepared = calls.map((call) => prepare(call, turn))
  await settleReads(prepared, turn)

  const waiting: Approval[] = []
  for (const known of prepared) {
    if (known.kind !== 'change') continue
    await deps.takeIn('votes')
    deps.signal.throwIfAborted()
    // Somebody may have ended the whole request meanwhile.
    if (!isOpen(session, known.call)) continue
    const approval = await settleChange(known, turn)
    if (approval) waiting.push(approval)
  }
  return waiting
}

/** Runs a change that may run now, or gives it its result; returns the approval when people still have to decide. */
async function settleChange(known: Extract<Stepped, { kind: 'change' }>, turn: Turn): Promise<Approval | undefined> {
  const { step } = known
  const { deps } = turn
  const asked = await settleAsked(known, turn)
  switch (asked.kind) {
    case 'waiting':
      mark(step, 'waiting', deps)
      return asked.approval
    case 'refused':
      step.why = asked.why
      await finish(known, { state: 'refused', text: toModel(asked.why) }, turn)
      return undefined
    case 'result':
      await finish(known, { state: 'refused', text: asked.text }, turn)
      return undefined
    case 'start': {
      mark(step, 'running', deps)
      const started = deps.now()
      const ran = await runApproved(asked.approval, known, turn)
      step.ms = deps.now() - started
      await finish(known, { state: ran.ok ? 'done' : 'failed', text: ran.text }, turn)
      return undefined
    }
  }
}

/** A call with the step that people see of it. */
type Stepped = Exclude<Prepared, { kind: 'text' }> & { step: Step }
type Item = Extract<Prepared, { kind: 'text' }> | Stepped

/**
 * Numbers a call the first time it is seen; after a restart the step is found again by the call's id. What the model got wrong is
 * no step: only the model is told.
 */
function prepare(call: ToolCall, { session, deps }: Turn): Item {
  const prepared = prepareCall(call, deps.tools)
  const { request } = session
  const steps = request?.steps ?? []
  const known = steps.find((step) => step.call === call.id)
  if (known) return prepared.kind === 'text' ? prepared : { ...prepared, step: known }

  const refused = request && noteCall(request, call.function.name, call.function.arguments, deps.limits)
  if (refused) return { kind: 'text', call, text: refused }
  if (prepared.kind === 'text') return prepared
  const step: Step = {
    number: ++session.steps,
    call: call.id,
    tool: prepared.tool.name,
    summary: prepared.tool.summary(prepared.input),
    state: 'running',
  }
  steps.push(step)
  return { ...prepared, step }
}

/** Reads run side by side; their results are added in the order of the calls. */
async function settleReads(prepared: Item[], turn: Turn): Promise<void> {
  const { session, deps } = turn
  const queue = new PQueue({ concurrency: parallelReads })
  const settled = await Promise.all(
    prepared.map((item) =>
      queue.add(async () => {
        if (item.kind === 'text') return { text: item.text }
        if (item.kind === 'change') return undefined
        const { step } = item
        mark(step, 'running', deps)
        const started = deps.now()
        const ran = await runRead(item, turn)
        step.ms = deps.now() - started
        mark(step, ran.ok ? 'done' : 'failed', deps, ran.text)
        return { text: label(step, ran.text) }
      }),
    ),
  )
  deps.signal.throwIfAborted()
  let added = false
  for (const [index, result] of settled.entries()) {
    const item = prepared[index]
    if (!item || !result) continue
    // A call that waited for people may have become impossible: its tool or its schema is another one since a restart.
    const approval = item.kind === 'text' ? approvalOf(session, item.call) : undefined
    if (approval) withdrawApproval(approval, { kind: 'not-callable' })
    addResult(session, item.call, result.text)
    added = true
  }
  if (added) await deps.save('results')
}

async function finish(
  { call, step }: Stepped,
  { state, text }: { state: Step['state']; text: ModelText },
  { session, deps }: Turn,
): Promise<void> {
  mark(step, state, deps, text)
  addResult(session, call, label(step, text))
  checkpoint('call:result')
  await deps.save('result')
}

function mark(step: Step, state: Step['state'], deps: AgentDeps, result?: string): void {
  step.state = state
  deps.emit({ kind: 'step', step, ...(result !== undefined && { result }) })
}

/** Results carry their step's number, so that the answer can cite it. */
const label = (step: Step, text: ModelText): ModelText =>
  forModel`[${step.number}] ${fromOutside(step.summary).oneLine()}\n${text}`

function lastResults(session: Session): string {
  const last = session.messages.findLastIndex((message) => message.role === 'assistant')
  return session.messages
    .slice(last + 1)
    .map((message) => (message.role === 'tool' && typeof message.content === 'string' ? message.content : ''))
    .filter(Boolean)
    .join('\n\n')
}
