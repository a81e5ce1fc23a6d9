import assert from 'node:assert/strict'
import type { Model } from '../../src/agent/model.ts'
import type { AssistantMessage, Message } from '../../src/agent/session.ts'

export const says = (content: string): AssistantMessage => ({ role: 'assistant', content })

export const calls = (...wanted: [name: string, input: object][]): AssistantMessage => ({
  role: 'assistant',
  content: null,
  tool_calls: wanted.map(([name, input], index) => ({
    id: `call_${index}`,
    type: 'function',
    function: { name, arguments: JSON.stringify(input) },
  })),
})

type Scripted =
  | AssistantMessage
  | Error
  | ((request: { messages: Message[]; tools: unknown[]; signal: AbortSignal }) => Promise<AssistantMessage>)

export interface ScriptedModel extends Model {
  requests: { messages: Message[]; tools: string[] }[]
  script: Scripted[]
}

/** A model that decides by what it is shown, as often as it is asked. */
export function playedModel(play: (messages: Message[]) => AssistantMessage): ScriptedModel {
  const model = scriptedModel()
  const complete = model.complete
  return {
    ...model,
    complete(request) {
      model.script.push(play(request.messages))
      return complete(request)
    },
  }
}

/** What OpenAI's API demands of a conversation: every call is answered once, in order, with nothing in between. */
export function assertValid(messages: Message[]): void {
  let open: string[] = []
  for (const [index, message] of messages.entries()) {
    if (message.role === 'tool') {
      assert.equal(message.tool_call_id, open.shift(), `message ${index} answers a call that does not stand before it`)
      continue
    }
    assert.deepEqual(open, [], `message ${index} stands between a call and its result`)
    assert.equal(message.role === 'system', index === 0, 'the system prompt comes first, and once')
    if (message.role !== 'assistant') continue
    open = (message.tool_calls ?? []).map((call) => call.id)
    assert.equal(new Set(open).size, open.length, 'ids of calls are unique')
    for (const call of message.tool_calls ?? [])
      if (call.type === 'function') assert.equal(typeof JSON.parse(call.function.arguments), 'object')
  }
  assert.deepEqual(open, [], 'the last calls have no results')
}

/** A model that says what it is told to, in the process: for tests of what is around it. */
export function scriptedModel(...script: Scripted[]): ScriptedModel {
  const requests: ScriptedModel['requests'] = []
  return {
    name: 'scripted',
    requests,
    script,
    async complete(request) {
      requests.push({
        messages: structuredClone(request.messages),
        tools: request.tools.map((tool) => (tool.type === 'function' ? tool.function.name : '')),
      })
      assertValid(request.messages)
      const next = script.shift() ?? assert.fail('the model was asked more often than scripted')
      if (next instanceof Error) throw next
      const message = typeof next === 'function' ? await next(request) : next
      const text = typeof message.content === 'string' ? message.content : ''
      return { message, text, finish: message.tool_calls ? 'tool_calls' : 'stop', usage: { prompt: 10, completion: 5 } }
    },
    window: async () => ({ tokens: 32_768, source: 'configured' }),
    health: () => ({ state: 'ready', since: 0 }),
  }
}

/** The last text that the model was shown with this role. */
export function lastShown(model: ScriptedModel, role: Message['role']): string {
  const message = model.requests.at(-1)?.messages.findLast((one) => one.role === role)
  return typeof message?.content === 'string' ? message.content : ''
}
