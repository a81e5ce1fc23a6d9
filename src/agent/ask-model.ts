import { checkCaps, estimateUse, fit } from './budget.ts'
import type { AgentDeps, Outcome } from './index.ts'
import { type Model, ModelError, type ToolSchema, toolSchema } from './model.ts'
import type { Reply } from './reply.ts'
import type { Message, Request, Session, ToolCall } from './session.ts'
import { says } from './texts.ts'

/** A session that is moved on, what it works on, and what that needs. */
export interface Work {
  session: Session
  request: Request
  deps: AgentDeps
}

/** `isLast`: no tools were offered, so what was said is the answer. */
export type Asked = { kind: 'reply'; reply: Reply; isLast: boolean } | Extract<Outcome, { kind: 'stopped' }>

/**
 * Asks the model what comes next, within the limits of the request. `urging` is shown to it last and is not kept. Changes no message of
 * the session. Rejects when `signal` is aborted.
 */
export async function askModel({ session, request, deps }: Work, urging?: string): Promise<Asked> {
  const { model, language } = deps
  if (!model) return { kind: 'stopped', reason: says[language].noModel, retryable: false }
  const caps = checkCaps(request, deps.limits, deps.now())
  if (caps.kind === 'stop')
    return { kind: 'stopped', reason: says[language].noTokens(request.tokens), retryable: false }

  // On the last step tools are withheld, so that what was found becomes an answer.
  const isLast = caps.kind === 'last-step'
  const tools = isLast ? [] : [...deps.tools.values()].map(toolSchema)
  const last = urging ?? (isLast ? caps.reason : undefined)
  const messages: Message[] =
    last === undefined ? session.messages : [...session.messages, { role: 'user', content: last }]

  deps.emit({ kind: 'model-start' })
  try {
    const { asked, reply } = await complete({ model, messages, from: request.from, tools }, deps)
    request.tokens += reply.usage ? reply.usage.prompt + reply.usage.completion : estimateUse(asked, reply.message)
    delete request.retries
    delete request.resumeAt
    return { kind: 'reply', reply: isLast ? withoutCalls(reply) : reply, isLast }
  } catch (error) {
    deps.signal.throwIfAborted()
    if (!(error instanceof ModelError)) throw error
    deps.log.warn({ component: 'agent', err: error, reason: error.kind }, 'model request failed')
    return { kind: 'stopped', reason: error.message, retryable: isTransient(error) }
  } finally {
    deps.emit({ kind: 'model-end' })
  }
}

const shortenings = 3

/** Asks with what fits into the window; once more when the server says that its window is smaller than we believed. */
async function complete(
  { model, messages, from, tools }: { model: Model; messages: Message[]; from: number; tools: ToolSchema[] },
  { system, signal }: AgentDeps,
): Promise<{ asked: Message[]; reply: Reply }> {
  for (let attempt = 1; ; attempt++) {
    const { tokens } = await model.window()
    const fitted = fit({ system, messages: messages.map(readable), from, tools, windowTokens: tokens })
    const asked: Message[] = [{ role: 'system', content: system }, ...fitted.messages]
    try {
      return { asked, reply: await model.complete({ messages: asked, tools, signal }) }
    } catch (error) {
      if (!(error instanceof ModelError) || error.kind !== 'context-exceeded' || attempt >= shortenings) throw error
    }
  }
}

/** Servers parse the arguments of earlier calls and refuse the whole request over one that is no JSON. */
function readable(message: Message): Message {
  if (message.role !== 'assistant' || !message.tool_calls?.some((call) => !isObject(argumentsOf(call)))) return message
  return {
    ...message,
    tool_calls: message.tool_calls.map((call) =>
      call.type !== 'function' || isObject(call.function.arguments)
        ? call
        : { ...call, function: { ...call.function, arguments: JSON.stringify({ not_json: call.function.arguments }) } },
    ),
  }
}

const argumentsOf = (call: { type: string }): string =>
  'function' in call ? (call as ToolCall).function.arguments : '{}'

function isObject(json: string): boolean {
  try {
    const value: unknown = JSON.parse(json)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
  } catch {
    return false
  }
}

/** A model may call tools, also as text, although it was offered none. */
function withoutCalls({ text, ...reply }: Reply): Reply {
  const spoken = text.replace(/<tool_call>[\s\S]*?(?:<\/tool_call>|$)/g, '')
  return { ...reply, text: spoken, message: { role: 'assistant', content: spoken.trim() } }
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
