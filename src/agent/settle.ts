import * as z from 'zod'
import { checkpoint } from '../checkpoint.ts'
import { effectOf, Refusal, type Tool, type ToolContext } from '../tools/tool.ts'
import type { AgentDeps } from './advance.ts'
import { type Approval, expire, isIntact, openApproval } from './approval.ts'
import { fence } from './guard/fence.ts'
import { redact } from './guard/redact.ts'
import { rule } from './policy.ts'
import { approvalOf, type Session, type ToolCall } from './session.ts'

/** A call as far as it can be judged without the world: `text` is already its result. */
export type Prepared =
  | { kind: 'text'; text: string }
  | { kind: 'read' | 'change'; tool: Tool; input: Record<string, unknown> }

type Ran = { ok: boolean; text: string }
type Asked =
  | { kind: 'waiting'; approval: Approval }
  | { kind: 'start'; approval: Approval }
  | { kind: 'result'; text: string }

const changeMs = 60_000

const outcomeUnknown =
  'It was started before this bot was interrupted, and its outcome is unknown. It is not run again. Read the current state first.'

/** Finds the tool and checks the arguments; what is wrong becomes a sentence that helps the model to do better. */
export function prepareCall(call: ToolCall, tools: Map<string, Tool>): Prepared {
  const tool = tools.get(call.function.name)
  if (!tool)
    return text(`There is no tool named ${JSON.stringify(call.function.name)}. Tools: ${[...tools.keys()].join(', ')}.`)

  const parsed = parseJson(call.function.arguments)
  if (parsed === undefined) return text(`The arguments of ${tool.name} were not JSON. ${schemaHint(tool)}`)
  const input = tool.input.safeParse(parsed)
  if (!input.success) return text(`Invalid arguments: ${z.prettifyError(input.error)}\n${schemaHint(tool)}`)
  return { kind: effectOf(tool, input.data) === 'read' ? 'read' : 'change', tool, input: input.data }
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json || '{}')
  } catch {
    return undefined
  }
}

const schemaHint = (tool: Tool): string =>
  `${tool.name} takes ${JSON.stringify(z.toJSONSchema(tool.input, { io: 'input' }).properties ?? {})}.`

export async function runRead(tool: Tool, input: Record<string, unknown>, context: ToolContext): Promise<Ran> {
  try {
    return { ok: true, text: outside(await tool.run(input, context), tool.name) }
  } catch (error) {
    if (context.signal.aborted) throw error
    return failed(error, tool, context)
  }
}

/**
 * Where a change stands: it needs a decision, may start now, or has its result already (refused, denied, expired, started before
 * a crash). Opens the approval when there is none, after everything that can be refused was refused.
 */
export async function settleAsked(
  call: ToolCall,
  tool: Tool,
  input: Record<string, unknown>,
  session: Session,
  deps: AgentDeps,
  context: ToolContext,
): Promise<Asked> {
  const approval = approvalOf(session, call) ?? (await ask(call, tool, input, session, deps, context))
  if ('refused' in approval) return result(approval.refused)
  if (expire(approval, deps.now())) await deps.save('expired')

  switch (approval.state.kind) {
    case 'open':
      return { kind: 'waiting', approval }
    case 'denied':
      return result(
        `Denied by ${approval.state.by}${approval.state.reason ? `: ${approval.state.reason}` : ''}. Do not ask again for the same action.`,
      )
    case 'expired':
      return result('Nobody decided in time, so it was not done. Do not ask again unless somebody wants it.')
    case 'withdrawn':
      return result(approval.state.reason)
    case 'ended':
      return result(approval.state.result)
    case 'used':
      approval.state = { ...approval.state, kind: 'lost' }
      deps.emit({ kind: 'ended', approval })
      return result(outcomeUnknown)
    case 'lost':
      return result(outcomeUnknown)
    case 'approved': {
      const changed = await recheck(approval, tool, input, deps, context)
      if (!changed) return { kind: 'start', approval }
      approval.state = { kind: 'withdrawn', reason: changed }
      deps.emit({ kind: 'ended', approval })
      return result(changed)
    }
  }
}

async function ask(
  call: ToolCall,
  tool: Tool,
  input: Record<string, unknown>,
  session: Session,
  deps: AgentDeps,
  context: ToolContext,
): Promise<Approval | { refused: string }> {
  const effect = effectOf(tool, input)
  const target = tool.target?.(input)
  const ruling = rule(deps.policy, { tool: tool.name, effect, ...(target && { target }) })
  if (ruling.kind === 'refuse') return { refused: ruling.reason }
  if (!tool.preflight || !target) return { refused: `${tool.name} cannot show what it would do, so it is not done.` }

  try {
    const preview = await tool.preflight(input, context)
    const now = deps.now()
    const approval = openApproval(call, tool, input, preview, {
      thread: deps.thread,
      effect,
      target,
      asker: session.request?.askers[0] ?? 'signal',
      needed: ruling.kind === 'ask' ? ruling.needed : 0,
      createdAt: now,
      expiresAt: now + deps.approvalMs,
    })
    if (ruling.kind === 'run') approval.state = { kind: 'approved', by: ['policy'] }
    session.approvals.push(approval)
    deps.emit({ kind: 'asked', approval })
    await deps.save('asked')
    return approval
  } catch (error) {
    if (context.signal.aborted) throw error
    return { refused: failed(error, tool, context).text }
  }
}

/** What was approved must still be what would run: same call, still allowed, target unchanged. Returns what speaks against it. */
async function recheck(
  approval: Approval,
  tool: Tool,
  input: Record<string, unknown>,
  deps: AgentDeps,
  context: ToolContext,
): Promise<string | undefined> {
  if (!isIntact(approval)) return 'Not run: the stored call is not the one that was approved.'
  const ruling = rule(deps.policy, { tool: tool.name, effect: effectOf(tool, input), target: approval.target })
  if (ruling.kind === 'refuse') return ruling.reason
  try {
    const preview = await tool.preflight?.(input, context)
    if (preview?.version === approval.preview.version) return undefined
    return 'Not run: the target changed after the approval was asked for. Look at it again before you propose anything.'
  } catch (error) {
    if (context.signal.aborted) throw error
    return `Not run: ${failed(error, tool, context).text}`
  }
}

/** Runs the approved call, once: it is marked as used and saved before it starts. */
export async function runApproved(
  tool: Tool,
  input: Record<string, unknown>,
  approval: Approval,
  deps: AgentDeps,
  context: ToolContext,
): Promise<Ran> {
  if (approval.state.kind !== 'approved')
    throw new Error(`approval ${approval.id} is ${approval.state.kind}, not approved`)
  const { by } = approval.state
  const startedAt = deps.now()
  approval.state = { kind: 'used', by, startedAt }
  await deps.save('used')
  deps.emit({ kind: 'started', approval })

  checkpoint('call:before')
  const ran = await runChange(tool, input, {
    ...context,
    approved: approval.preview,
    signal: AbortSignal.timeout(changeMs),
  })
  checkpoint('call:after')
  approval.state = { kind: 'ended', by, startedAt, ok: ran.ok, result: ran.text }
  deps.emit({ kind: 'ended', approval })
  return ran
}

async function runChange(tool: Tool, input: Record<string, unknown>, context: ToolContext): Promise<Ran> {
  try {
    return { ok: true, text: outside(await tool.run(input, context), tool.name) }
  } catch (error) {
    return failed(error, tool, context)
  }
}

/** The one place where an error becomes text for the model. */
function failed(error: unknown, tool: Tool, context: ToolContext): Ran {
  const message = error instanceof Error ? error.message : String(error)
  if (error instanceof Refusal) return { ok: false, text: `Refused: ${message}` }
  context.log.warn({ component: 'agent', tool: tool.name, err: error }, 'tool failed')
  return { ok: false, text: `Failed: ${redact(message)}` }
}

/** Text from outside: credentials removed, fenced as data. */
const outside = (result: string, label: string): string => fence(redact(result), label)

const text = (sentence: string): Prepared => ({ kind: 'text', text: sentence })
const result = (sentence: string): Asked => ({ kind: 'result', text: sentence })
