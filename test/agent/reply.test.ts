import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { ChatCompletionChunk } from 'openai/resources/chat/completions'
import { createReply } from '../../src/agent/reply.ts'

type Delta = { content?: string; tool_calls?: object[] }

/** The calls and the text of an answer that came in these pieces. */
function put(...deltas: Delta[]): { calls: [name: string, args: string][]; text: unknown } {
  const reply = createReply(['logs', 'pods'])
  for (const delta of deltas) reply.add({ choices: [{ index: 0, delta, finish_reason: null }] } as ChatCompletionChunk)
  reply.add({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] } as unknown as ChatCompletionChunk)
  const { message } = reply.end()
  return {
    calls: (message.tool_calls ?? []).map((call) =>
      call.type === 'function' ? [call.function.name, call.function.arguments] : ['', ''],
    ),
    text: message.content,
  }
}

const called = (index: number | undefined, id: string | undefined, name: string | undefined, args: string) => ({
  tool_calls: [{ index, id, function: { name, arguments: args } }],
})

test('a server that gives every call the index 0 is told apart by its ids', () => {
  const { calls } = put(
    called(0, 'a', 'pods', '{}'),
    called(0, 'b', 'logs', '{"name":'),
    called(0, 'b', undefined, '"x"}'),
  )

  assert.deepEqual(calls, [
    ['pods', '{}'],
    ['logs', '{"name":"x"}'],
  ])
})

test('a name that is repeated with every piece is one name', () => {
  assert.deepEqual(put(called(0, 'a', 'logs', '{"na'), called(0, 'a', 'logs', 'me":"x"}')).calls, [
    ['logs', '{"name":"x"}'],
  ])
})

test('calls without an index begin where a name comes', () => {
  const pieces = [
    called(undefined, undefined, 'pods', '{}'),
    called(undefined, undefined, 'logs', '{'),
    called(undefined, undefined, undefined, '}'),
  ]

  assert.deepEqual(put(...pieces).calls, [
    ['pods', '{}'],
    ['logs', '{}'],
  ])
})

test('indexes that do not begin at 0, or are absurd, harm nothing', () => {
  assert.deepEqual(put(called(7, 'a', 'pods', '{}'), called(1_000_000_000, 'b', 'logs', '{}')).calls, [
    ['pods', '{}'],
    ['logs', '{}'],
  ])
})

test('a tagged call is a call whatever is in it, so that people never see it', () => {
  const shown = (content: string) => put({ content })

  assert.deepEqual(shown('Look. <tool_call>{"name":"podz","arguments":{}}</tool_call>'), {
    calls: [['podz', '{}']],
    text: 'Look.',
  })
  assert.deepEqual(shown('<tool_call>{"name":"pods"}').calls, [['pods', '{}']])
  assert.deepEqual(shown('<tool_call>pods()</tool_call>').calls, [['tool_call', 'pods()']])
})

test('an answer that shows JSON is an answer', () => {
  const text = 'The config is:\n```json\n{"name":"pods","arguments":{}}\n```'

  assert.deepEqual(put({ content: text }), { calls: [], text })
})

test('a thought that never ends is all thought', () => {
  assert.deepEqual(put({ content: '<think>hm, so' }), { calls: [], text: '' })
  assert.equal(put({ content: 'reasoning without a beginning</think>Well.' }).text, 'Well.')
})

test('however a text is split, it is put together again', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme' })), (parts) => {
      const text = parts.join('').replaceAll('<', '')
      fc.pre(!text.includes('{'))
      const pieces = parts.map((part) => ({ content: part.replaceAll('<', '') }))
      assert.equal(put(...pieces).text, text.trim())
    }),
  )
})
