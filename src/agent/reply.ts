import type { ChatCompletionChunk } from 'openai/resources/chat/completions'
import { ModelError } from './model-error.ts'
import type { AssistantMessage, ToolCall } from './session.ts'

/** One answer of the model, put together from its stream. */
export interface Reply {
  message: AssistantMessage
  usage?: { prompt: number; completion: number }
  finish: string
}

/** Puts a streamed answer together, and puts right what small models and their servers get wrong. `offered`: names of the tools. */
export function createReply(offered: string[]): { add(chunk: ChatCompletionChunk): void; end(): Reply } {
  let text = ''
  let finish: string | undefined
  let usage: Reply['usage']
  const calls: { id: string; name: string; arguments: string }[] = []

  function addCall(delta: NonNullable<ChatCompletionChunk.Choice.Delta['tool_calls']>[number]): void {
    // A delta belongs to the call with its index; servers that send none send one call after another, each with a name.
    const index = delta.index ?? (delta.function?.name ? calls.length : Math.max(0, calls.length - 1))
    const call = (calls[index] ??= { id: '', name: '', arguments: '' })
    if (delta.id) call.id = delta.id
    if (delta.function?.name) call.name += delta.function.name
    const given: unknown = delta.function?.arguments
    call.arguments +=
      typeof given === 'string' ? given : given === undefined || given === null ? '' : JSON.stringify(given)
  }

  return {
    add(chunk) {
      if (chunk.usage)
        usage = { prompt: chunk.usage.prompt_tokens ?? 0, completion: chunk.usage.completion_tokens ?? 0 }
      const [choice] = chunk.choices ?? []
      if (!choice) return
      if (typeof choice.delta?.content === 'string') text += choice.delta.content
      for (const delta of choice.delta?.tool_calls ?? []) addCall(delta)
      if (choice.finish_reason) finish = choice.finish_reason
    },
    end() {
      if (finish === undefined)
        throw new ModelError('malformed', 'The model server broke off in the middle of its answer.')
      const streamed = calls.filter((call) => call?.name)
      const spoken = withoutThoughts(text)
      const found = streamed.length > 0 ? { calls: streamed, rest: spoken } : callsInText(spoken, offered)
      const toolCalls = found.calls.map(
        (call, index): ToolCall => ({
          id: `call-${index}`,
          type: 'function',
          function: { name: call.name.trim(), arguments: call.arguments.trim() || '{}' },
        }),
      )
      const message: AssistantMessage = {
        role: 'assistant',
        content: found.rest.trim() || (toolCalls.length > 0 ? null : ''),
        ...(toolCalls.length > 0 && { tool_calls: toolCalls }),
      }
      return { message, finish, ...(usage && { usage }) }
    },
  }
}

/** Reasoning models may put their thoughts into the answer; an unclosed thought is all thought. */
const withoutThoughts = (text: string): string =>
  text.replace(/<think>[\s\S]*?(<\/think>|$)/g, '').replace(/^[\s\S]*?<\/think>/, '')

/**
 * Calls that a model wrote as text because its server did not parse them: `<tool_call>{…}</tool_call>`, or an answer that is nothing but
 * one JSON object in a fence. Only names that were offered count; anything else stays text.
 */
function callsInText(text: string, offered: string[]): { calls: { name: string; arguments: string }[]; rest: string } {
  const tagged = [...text.matchAll(/<tool_call>([\s\S]*?)<\/tool_call>/g)]
  const bodies = tagged.length > 0 ? tagged.map((match) => match[1] ?? '') : loneJson(text)
  const calls = bodies.map((body) => asCall(body, offered))
  if (calls.length === 0 || calls.some((call) => call === undefined)) return { calls: [], rest: text }
  const rest = tagged.length > 0 ? text.replace(/<tool_call>[\s\S]*?<\/tool_call>/g, '') : ''
  return { calls: calls.filter((call) => call !== undefined), rest }
}

function loneJson(text: string): string[] {
  const body = /^\s*(?:```(?:json)?\s*)?(\{[\s\S]*\})\s*(?:```)?\s*$/.exec(text)?.[1]
  return body ? [body] : []
}

function asCall(body: string, offered: string[]): { name: string; arguments: string } | undefined {
  try {
    const {
      name,
      arguments: given,
      parameters,
    } = JSON.parse(body) as { name?: unknown; arguments?: unknown; parameters?: unknown }
    if (typeof name !== 'string' || !offered.includes(name)) return undefined
    const input = given ?? parameters ?? {}
    return { name, arguments: typeof input === 'string' ? input : JSON.stringify(input) }
  } catch {
    return undefined
  }
}
