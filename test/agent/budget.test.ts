import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { checkCaps, estimateTokens, fit, type Limits, noteCall, resultBytes } from '../../src/agent/budget.ts'
import { createRequest, type Message } from '../../src/agent/session.ts'

const limits: Limits = { toolCalls: 3, nudges: 5, minutes: 15, tokens: 1_000 }
const request = () => createRequest('signal', 'question', 0)

test('after the last tool call, or the last minute, only an answer is asked for', () => {
  assert.equal(checkCaps({ ...request(), toolCalls: 2 }, limits, 0).kind, 'ok')
  assert.equal(checkCaps({ ...request(), toolCalls: 3 }, limits, 0).kind, 'last-step')
  assert.equal(checkCaps(request(), limits, 15 * 60_000).kind, 'last-step')
})

test('a request that used up its tokens stops', () => {
  assert.equal(checkCaps({ ...request(), tokens: 1_000 }, limits, 0).kind, 'stop')
})

test('the third identical call in a row is refused, whatever the order of its arguments; another call in between is not repetition', () => {
  const one = request()
  assert.equal(noteCall(one, 'logs', '{"name":"api","tail":5}'), undefined)
  assert.equal(noteCall(one, 'logs', '{"tail":5,"name":"api"}'), undefined)
  assert.match(noteCall(one, 'logs', '{ "name": "api", "tail": 5 }') ?? '', /3 times in a row/)

  const other = request()
  for (const args of ['{"name":"a"}', '{"name":"a"}', '{"name":"b"}', '{"name":"a"}', '{"name":"a"}'])
    assert.equal(noteCall(other, 'logs', args), undefined)
})

test('two calls that alternate are noticed too', () => {
  const one = request()
  const said = ['a', 'b', 'a', 'b', 'a', 'b'].map((name) => noteCall(one, 'logs', JSON.stringify({ name })))

  assert.equal(
    said.slice(0, 5).every((answer) => answer === undefined),
    true,
  )
  assert.match(said[5] ?? '', /alternate/)
})

test('a model that goes on repeating itself gets no more tools', () => {
  const one = request()
  for (let call = 0; call < 5; call++) noteCall(one, 'logs', '{}')

  assert.equal(checkCaps(one, { ...limits, toolCalls: 30 }, 0).kind, 'last-step')
})

test('results share the window: one may have 15 %, eight together 40 %', () => {
  assert.ok(resultBytes(8_192, 1) <= 8_192 * 0.15 * 3)
  assert.ok(resultBytes(8_192, 8) * 8 <= 8_192 * 0.4 * 3)
  assert.ok(resultBytes(200_000, 1) <= 25_000 * 3)
})

/** Turns of a question, calls with results, and an answer. */
const conversation = fc
  .array(
    fc.record({
      question: fc.string({ maxLength: 500 }),
      results: fc.array(fc.string({ maxLength: 3_000 }), { maxLength: 4 }),
    }),
    { minLength: 1, maxLength: 8 },
  )
  .map((turns) =>
    turns.flatMap(({ question, results }, turn): Message[] => [
      { role: 'user', content: question },
      ...results.flatMap((content, index): Message[] => [
        {
          role: 'assistant',
          content: null,
          tool_calls: [{ id: `${turn}-${index}`, type: 'function', function: { name: 'logs', arguments: '{}' } }],
        },
        { role: 'tool', tool_call_id: `${turn}-${index}`, content },
      ]),
    ]),
  )

test('whatever the conversation, what fits keeps the last question and never parts a call from its result', () => {
  fc.assert(
    fc.property(conversation, fc.integer({ min: 2_048, max: 16_384 }), (messages, windowTokens) => {
      const fitted = fit({ system: 'short', messages, tools: [], windowTokens }).messages

      const called = fitted.flatMap((message) =>
        message.role === 'assistant' ? (message.tool_calls ?? []).map((call) => call.id) : [],
      )
      const answered = fitted.flatMap((message) => (message.role === 'tool' ? [message.tool_call_id] : []))
      assert.deepEqual(answered, called)
      const question = messages.findLast((message) => message.role === 'user')?.content as string
      const kept = fitted.findLast((message) => message.role === 'user')?.content as string
      assert.ok(kept === question || kept.startsWith(question.slice(0, 100)))
    }),
  )
})

test('a long conversation is made to fit, a short one is left byte for byte', () => {
  const long: Message[] = Array.from({ length: 40 }, (_, turn): Message[] => [
    { role: 'user', content: `question ${turn}` },
    {
      role: 'assistant',
      content: null,
      tool_calls: [{ id: `${turn}`, type: 'function', function: { name: 'logs', arguments: '{}' } }],
    },
    { role: 'tool', tool_call_id: `${turn}`, content: `[${turn}] logs of api\n${'line of a log\n'.repeat(200)}` },
    { role: 'assistant', content: 'answer' },
  ]).flat()

  const { messages } = fit({ system: '', messages: long, tools: [], windowTokens: 8_192 })

  assert.ok(estimateTokens(JSON.stringify(messages)) < 8_192)
  assert.match(JSON.stringify(messages), /question 39/)
  const short = long.slice(0, 4)
  assert.deepEqual(fit({ system: '', messages: short, tools: [], windowTokens: 8_192 }), {
    messages: short,
    dropped: 0,
  })
})
