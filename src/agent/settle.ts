import * as z from 'zod'
import { checkpoint } from '../checkpoint.ts'
import { forModel, fromOutside, type ModelText, ownText } from '../text/outside.ts'
import { sentenceOf } from '../text/sentence.ts'
import {
  type ChangeTool,
  effectOf,
  OutcomeUnknown,
  type Preview,
  type ReadTool,
  Refusal,
  type Tool,
  type ToolContext,
} from '../tools/tool.ts'
import { type Approval, canonical, expire, isIntact, openApproval } from './approval.ts'
import type { AgentDeps } from './index.ts'
import { mayDecide, type Policy, rule } from './policy/index.ts'
import type { Reason } from './reasons.ts'
import { approvalOf, type Session, type ToolCall, withdrawApproval } from './session.ts'
import { deniedBy, expired, outcomeUnknown, toModel } from './words.ts'

/** What the calls of one turn share. */
export interface Turn {
  session: Session
  deps: AgentDeps
  context: ToolContext
}

/** A call whose tool is there and whose arguments are right. */
export interface KnownCall<Known extends Tool> {
  call: ToolCall
  tool: Known
  input: Record<string, unknown>
}

/** A call as far as it can be judged without the world: `text` is already its result. */
export type Prepared =
  | { kind: 'text'; call: ToolCall; text: ModelText }
  | ({ kind: 'read' } & KnownCall<ReadTool>)
  | ({ kind: 'change' } & KnownCall<ChangeTool>)

type Ran = { ok: boolean; text: ModelText }
type Asked =
  | { kind: 'waiting'; approval: Approval }
  | { kind: 'start'; approval: Approval }
  /** Nobody was asked. */
  | { kind: 'refused'; why: Reason }
  | { kind: 'result'; text: ModelText }

const changeMs = 60_000

/** Finds the tool and checks the arguments; what is wrong becomes a sentence that helps the model to do better. */
export function prepareCall(call: ToolCall, tools: Map<string, Tool>): Prepared {
  const text = (sentence: ModelText): Prepared => ({ kind: 'text', call, text: sentence })
  const tool = tools.get(call.function.name)
  if (!tool)
    return text(
      forModel`There is no tool named ${fromOutside(call.function.name).quoted(64)}. Tools: ${ownText([...tools.keys()].join(', '))}.`,
    )

  const parsed = parseJson(call.function.arguments)
  if (parsed === undefined)
    return text(forModel`The arguments of ${ownText(tool.name)} were not JSON. ${schemaHint(tool)}`)
  const input = tool.input.safeParse(parsed)
  if (!input.success) {
    const problem = fromOutside(z.prettifyError(input.error)).oneLine()
    return text(forModel`Invalid arguments: ${problem}\n${schemaHint(tool)}`)
  }
  if (tool.effect === 'read') return { kind: 'read', call, tool, input: input.data }
  return { kind: 'change', call, tool, input: input.data }
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json || '{}')
  } catch {
    return undefined
  }
}

const schemaHint = (tool: Tool): ModelText =>
  ownText(`${tool.name} takes ${JSON.stringify(z.toJSONSchema(tool.input, { io: 'input' }).properties ?? {})}.`)

export async function runRead({ tool, input }: KnownCall<ReadTool>, { context }: Turn): Promise<Ran> {
  try {
    return { ok: true, text: fromOutside(await tool.run(input, context)).fenced(tool.name, context.maxBytes) }
  } catch (error) {
    if (context.signal.aborted) throw error
    return failed(error, tool, context)
  }
}

/**
 * Where a change stands: it needs a decision, may start now, or has its result already (refused, denied, expired, started before
 * a crash). Opens the approval when there is none, after everything that can be refused was refused.
 */
export async function settleAsked(known: KnownCall<ChangeTool>, turn: Turn): Promise<Asked> {
  const { session, deps, context } = turn
  const approval = approvalOf(session, known.call) ?? (await ask(known, turn))
  if ('refused' in approval) return { kind: 'refused', why: approval.refused }
  if (expire(approval, deps.now())) await deps.save('expired')

  switch (approval.state.kind) {
    case 'open':
      return { kind: 'waiting', approval }
    case 'denied':
      return result(deniedBy(approval.state.by, approval.state.reason))
    case 'expired':
      return result(expired)
    case 'withdrawn':
      return result(toModel(approval.state.why))
    case 'ended':
      return result(approval.state.result)
    case 'used':
      approval.state = { ...approval.state, kind: 'lost' }
      return result(outcomeUnknown)
    case 'lost':
      return result(outcomeUnknown)
    case 'approved': {
      const why = await recheck(approval, known, turn)
      context.signal.throwIfAborted()
      if (!why) return { kind: 'start', approval }
      withdrawApproval(approval, why)
      return result(toModel(why))
    }
  }
}

async function ask(known: KnownCall<ChangeTool>, turn: Turn): Promise<Approval | { refused: Reason }> {
  const { call, tool, input } = known
  const { session, deps, context } = turn
  const effect = effectOf(tool, input)
  const touched = await tried(() => tool.target(input, context), tool, context)
  if ('refused' in touched) return touched
  const target = touched.found
  const askers = session.request?.askers ?? ['signal']
  const judged = { tool: tool.name, effect, askers, target, readOnly: isReadOnly(session) }
  const ruling = rule(deps.policy(), judged)
  if (ruling.kind === 'refuse') return { refused: ruling.why }
  const before = answeredBefore(call, session)
  if (before) return { refused: before }

  const shown = await tried(() => tool.preflight(input, context), tool, context)
  if ('refused' in shown) return shown
  const now = deps.now()
  const approval = openApproval(call, tool, input, shown.found, {
    thread: deps.thread,
    effect,
    target,
    askers: [...askers],
    needed: ruling.kind === 'ask' ? ruling.needed : 0,
    createdAt: now,
    expiresAt: now + deps.approvalMs,
  })
  if (ruling.kind === 'run') approval.state = { kind: 'approved', by: ['policy'] }
  session.approvals.push(approval)
  await deps.save('asked')
  return approval
}

const isReadOnly = ({ request }: Session): boolean => request?.readOnly ?? false

/** People are not asked twice for the same in one request: whoever said no, or nothing, is not to be worn down. */
function answeredBefore(call: ToolCall, session: Session): Reason | undefined {
  const asked = session.approvals.filter(
    (one) =>
      session.request?.steps.some((step) => step.call === one.call.id) &&
      one.call.function.name === call.function.name &&
      canonical(one.call.function.arguments) === canonical(call.function.arguments),
  )
  if (asked.some(({ state }) => state.kind === 'denied')) return { kind: 'denied-before' }
  if (asked.some(({ state }) => state.kind === 'expired')) return { kind: 'expired-before' }
  return undefined
}

/**
 * What was approved must still be what would run: same call, in time, still allowed, by people who still may, target unchanged. Returns
 * what speaks against it.
 */
async function recheck(
  approval: Approval,
  { tool, input }: KnownCall<ChangeTool>,
  { session, deps, context }: Turn,
): Promise<Reason | undefined> {
  if (!isIntact(approval)) return { kind: 'not-intact' }
  if (deps.now() >= approval.expiresAt) return { kind: 'too-late' }
  const { effect, target, askers } = approval
  const policy = deps.policy()
  const ruling = rule(policy, { tool: tool.name, effect, target, askers, readOnly: isReadOnly(session) })
  if (ruling.kind === 'refuse') return ruling.why
  if (ruling.kind === 'ask' && !isBacked(approval, ruling.needed, policy)) return { kind: 'not-backed' }
  const shown = await tried(() => tool.preflight(input, context), tool, context)
  if ('refused' in shown) return shown.refused
  return shown.found.version === approval.preview.version ? undefined : { kind: 'target-changed' }
}

/** What a tool finds out before its change, or why it does not do it. */
async function tried<Found>(
  look: () => Found | Promise<Found>,
  tool: Tool,
  context: ToolContext,
): Promise<{ found: Found } | { refused: Reason }> {
  try {
    return { found: await look() }
  } catch (error) {
    if (context.signal.aborted) throw error
    return { refused: reasonOf(error, tool, context) }
  }
}

/** The list of deciders may be another one since the votes were cast. */
function isBacked(approval: Approval, needed: number, policy: Policy): boolean {
  if (approval.state.kind !== 'approved') return false
  const able = approval.state.by.filter(
    (person) => person !== 'policy' && mayDecide(policy, approval, person, 'approve').may,
  )
  return new Set(able).size >= Math.max(needed, approval.needed)
}

/** Runs the approved call, once: it is marked as used and saved before it starts. */
export async function runApproved(
  approval: Approval,
  known: KnownCall<ChangeTool>,
  { deps, context }: Turn,
): Promise<Ran> {
  if (approval.state.kind !== 'approved')
    throw new Error(`approval ${approval.id} is ${approval.state.kind}, not approved`)
  const { by } = approval.state
  const startedAt = deps.now()
  approval.state = { kind: 'used', by, startedAt }
  await deps.save('used')

  checkpoint('call:before')
  const ran = await runChange(known, approval.preview, { ...context, signal: AbortSignal.timeout(changeMs) })
  checkpoint('call:after')
  approval.state =
    ran.ok === 'unknown'
      ? { kind: 'lost', by, startedAt }
      : { kind: 'ended', by, startedAt, ok: ran.ok, result: ran.text }
  return { ok: ran.ok === true, text: ran.text }
}

async function runChange(
  { tool, input }: KnownCall<ChangeTool>,
  approved: Preview,
  context: ToolContext,
): Promise<{ ok: boolean | 'unknown'; text: ModelText }> {
  try {
    return { ok: true, text: fromOutside(await tool.run(input, approved, context)).fenced(tool.name, context.maxBytes) }
  } catch (error) {
    const ran = failed(error, tool, context)
    if (error instanceof OutcomeUnknown) return { ok: 'unknown', text: ran.text }
    if (!context.signal.aborted) return ran
    return { ok: 'unknown', text: forModel`${ran.text} Whether it was done is unknown. Read the current state first.` }
  }
}

const failed = (error: unknown, tool: Tool, context: ToolContext): Ran => ({
  ok: false,
  text: toModel(reasonOf(error, tool, context)),
})

/** The one place where an error becomes text: one line. */
function reasonOf(error: unknown, tool: Tool, context: ToolContext): Reason {
  const said = fromOutside(sentenceOf(error)).oneLine()
  if (error instanceof Refusal) return { kind: 'check-refused', said }
  context.log.warn({ component: 'agent', tool: tool.name, err: error }, 'tool failed')
  return { kind: 'check-failed', said }
}

const result = (sentence: ModelText): Asked => ({ kind: 'result', text: sentence })
