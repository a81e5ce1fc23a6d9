import type { ChatCompletionChunk } from 'openai/resources/chat/completions'
import { ModelError } from './model-error.ts'
import type { AssistantMessage, ToolCall } from './session.ts'

/** One answer of the model, put together from its stream. */
export interface Reply {
  message: AssistantMessage
  /** What was said, with the spaces at its ends: they matter where a text that was cut goes on. */
  text: string
  usage?: { prompt: number; completion: number }
  /**
   * How it ended, in the server's word. With `length` it was cut at a limit: its last call, or its text when it calls nothing, is not
   * whole. While it streams, vLLM says `tool_calls` of a call that was cut as well: https://github.com/vllm-project/vllm/issues/58228
   */
  finish: string
}

/** A call while it is streamed. */
interface Partial {
  index: number
  id: string
  name: string
  arguments: string
}

/** Puts a streamed answer together, and puts right what small models and their servers get wrong. `offered`: names of the tools. */
export function createReply(offered: string[]): { add(chunk: ChatCompletionChunk): void; end(): Reply } {
  let text = ''
  let finish: string | undefined
  let usage: Reply['usage']
  const calls: Partial[] = []

  function addCall(delta: NonNullable<ChatCompletionChunk.Choice.Delta['tool_calls']>[number]): void {
    const { id, function: called } = delta
    const call = callOf(delta.index, id, called?.name)
    if (id) call.id = id
    // A name may come in pieces; some servers repeat the whole of it with every piece of the arguments.
    if (called?.name && called.name !== call.name) call.name += called.name
    const given: unknown = called?.arguments
    call.arguments +=
      typeof given === 'string' ? given : given === undefined || given === null ? '' : JSON.stringify(given)
  }

  /** A delta belongs to the call with its index, unless another id says that a new one begins: some servers count none of them up. */
  function callOf(index: number | undefined, id: string | undefined, name: string | undefined): Partial {
    const known =
      index === undefined ? (name ? undefined : calls.at(-1)) : calls.findLast((call) => call.index === index)
    const begins = name !== undefined && id !== undefined && known?.id !== '' && known?.id !== id
    if (known && !begins) return known
    const call = { index: index ?? calls.length, id: '', name: '', arguments: '' }
    calls.push(call)
    return call
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
      const streamed = calls.filter((call) => call.name)
      const spoken = withoutThoughts(text)
      const found =
        streamed.length > 0
          ? { calls: streamed, rest: spoken }
          : (finish === 'length' && cutCallIn(spoken, offered)) || callsInText(spoken, offered)
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
      return { message, text: found.rest, finish, ...(usage && { usage }) }
    },
  }
}

/** Reasoning models may put their thoughts into the answer; an unclosed thought is all thought. */
const withoutThoughts = (text: string): string =>
  text.replace(/<think>[\s\S]*?(<\/think>|$)/g, '').replace(/^[\s\S]*?<\/think>/, '')

/**
 * Calls that a model wrote as text because its server did not parse them: `<tool_call>{…}</tool_call>`, whatever is in it, or an answer
 * that is nothing but one JSON object with the name of a tool that was offered. Anything else stays text.
 */
function callsInText(text: string, offered: string[]): { calls: { name: string; arguments: string }[]; rest: string } {
  const tagged = [...text.matchAll(tags)].map(([, body = '']) => asCall(body) ?? { name: 'tool_call', arguments: body })
  if (tagged.length > 0 && offered.length > 0) return { calls: tagged, rest: text.replaceAll(tags, '') }
  const lone = asCall(/^\s*(?:```(?:json)?\s*)?(\{[\s\S]*\})\s*(?:```)?\s*$/.exec(text)?.[1] ?? '')
  return lone && offered.includes(lone.name) ? { calls: [lone], rest: '' } : { calls: [], rest: text }
}

/** An answer that began as the JSON of a call and was cut: without its end it would be shown to people. */
function cutCallIn(text: string, offered: string[]): ReturnType<typeof callsInText> | undefined {
  const [, body = '', name = ''] = /^\s*(?:```(?:json)?\s*)?(\{\s*"name"\s*:\s*"([^"]*)"[\s\S]*)$/.exec(text) ?? []
  return offered.includes(name) ? { calls: [{ name, arguments: body }], rest: '' } : undefined
}

/** The last one may lack its end: servers take it for the end of the answer. */
const tags = /<tool_call>([\s\S]*?)(?:<\/tool_call>|$)/g

function asCall(body: string): { name: string; arguments: string } | undefined {
  try {
    const {
      name,
      arguments: given,
      parameters,
    } = JSON.parse(body) as { name?: unknown; arguments?: unknown; parameters?: unknown }
    if (typeof name !== 'string' || name === '') return undefined
    const input = given ?? parameters ?? {}
    return { name, arguments: typeof input === 'string' ? input : JSON.stringify(input) }
  } catch {
    return undefined
  }
}
