import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { checkCaps, estimateTokens, fit, type Limits, noteCall, resultBytes } from '../../src/agent/budget.ts'
import { createRequest, createSession, type Message } from '../../src/agent/session.ts'
import { assertValid } from '../helpers/model.ts'

const limits: Limits = { toolCalls: 3, nudges: 5, minutes: 15, tokens: 1_000 }
const many = { ...limits, toolCalls: 30 }
const request = () => createRequest(createSession(), 'signal', 'question', 0)

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
  assert.equal(noteCall(one, 'logs', '{"name":"api","tail":5}', many), undefined)
  assert.equal(noteCall(one, 'logs', '{"tail":5,"name":"api"}', many), undefined)
  assert.match(noteCall(one, 'logs', '{ "name": "api", "tail": 5 }', many) ?? '', /3 times in a row/)

  const other = request()
  for (const args of ['{"name":"a"}', '{"name":"a"}', '{"name":"b"}', '{"name":"a"}', '{"name":"a"}'])
    assert.equal(noteCall(other, 'logs', args, many), undefined)
})

test('two calls that alternate are noticed too', () => {
  const one = request()
  const said = ['a', 'b', 'a', 'b', 'a', 'b'].map((name) => noteCall(one, 'logs', JSON.stringify({ name }), many))

  assert.equal(
    said.slice(0, 5).every((answer) => answer === undefined),
    true,
  )
  assert.match(said[5] ?? '', /alternate/)
})

test('a model that goes on repeating itself gets no more tools', () => {
  const one = request()
  for (let call = 0; call < 5; call++) noteCall(one, 'logs', '{}', many)

  assert.equal(checkCaps(one, { ...limits, toolCalls: 30 }, 0).kind, 'last-step')
})

test('results share the window: one may have 15 %, eight together 40 %', () => {
  assert.ok(resultBytes(8_192, 1) <= 8_192 * 0.15 * 3)
  assert.ok(resultBytes(8_192, 8) * 8 <= 8_192 * 0.4 * 3)
  assert.ok(resultBytes(200_000, 1) <= 25_000 * 3)
})

/** Turns of a question, steps of one or more calls with results, nudges, more words from people, and an answer; the last is going on. */
const conversation = fc
  .array(
    fc.record({
      question: fc.string({ maxLength: 500 }),
      steps: fc.array(
        fc.record({
          results: fc.array(fc.string({ maxLength: 3_000, unit: 'grapheme' }), { minLength: 1, maxLength: 4 }),
          args: fc.string({ maxLength: 2_000 }),
          said: fc.option(fc.string({ maxLength: 300 })),
        }),
        { maxLength: 6 },
      ),
    }),
    { minLength: 1, maxLength: 6 },
  )
  .map((turns) => {
    const messages: Message[] = []
    let from = 0
    for (const [turn, { question, steps }] of turns.entries()) {
      from = messages.length
      messages.push({ role: 'user', content: `question ${turn} ${question}` })
      for (const [step, { results, args, said }] of steps.entries()) {
        const ids = results.map((_, index) => `${turn}-${step}-${index}`)
        messages.push({
          role: 'assistant',
          content: null,
          tool_calls: ids.map((id) => ({
            id,
            type: 'function',
            function: { name: 'logs', arguments: JSON.stringify({ args }) },
          })),
        })
        for (const [index, content] of results.entries())
          messages.push({ role: 'tool', tool_call_id: ids[index]!, content: `[${step}] logs\n${content}` })
        if (said !== null) messages.push({ role: 'user', content: said })
      }
      if (turn < turns.length - 1) messages.push({ role: 'assistant', content: 'answer' })
    }
    return { messages, from }
  })

test('whatever the conversation, it fits, keeps what is asked now, and never parts a call from its results', () => {
  fc.assert(
    fc.property(conversation, fc.integer({ min: 3_072, max: 16_384 }), ({ messages, from }, windowTokens) => {
      const before = structuredClone(messages)
      const fitted = fit({ system: 'short', messages, from, tools: [], windowTokens }).messages

      assertValid([{ role: 'system', content: 'short' }, ...fitted])
      assert.ok(estimateTokens(JSON.stringify(fitted)) <= windowTokens * 0.8, 'too long')
      const question = String(messages[from]?.content).slice(0, 10)
      assert.ok(
        fitted.some((message) => message.role === 'user' && String(message.content).startsWith(question)),
        'the question is gone',
      )
      assert.deepEqual(messages, before)
    }),
  )
})

test('on the last step of a long turn the question and the newest results are still there', () => {
  const turn: Message[] = Array.from({ length: 12 }, (_, step): Message[] => [
    {
      role: 'assistant',
      content: null,
      tool_calls: [{ id: `${step}`, type: 'function', function: { name: 'logs', arguments: '{}' } }],
    },
    { role: 'tool', tool_call_id: `${step}`, content: `[${step}] logs of api\n${'line of a log\n'.repeat(150)}` },
  ]).flat()
  const messages: Message[] = [
    { role: 'user', content: 'why does api crash?' },
    ...turn,
    { role: 'user', content: 'You have used all 12 tool calls of this request. Answer now with what you found.' },
  ]

  const fitted = fit({ system: '', messages, from: 0, tools: [], windowTokens: 4_096 }).messages

  const text = JSON.stringify(fitted)
  assert.match(text, /why does api crash/)
  assert.match(text, /\[11\] logs of api\\nline of a log/)
  assert.match(text, /Answer now/)
})

test('the results of the only step are never taken away from the model that just asked for them', () => {
  const messages: Message[] = [
    { role: 'user', content: 'why?' },
    {
      role: 'assistant',
      content: null,
      tool_calls: [{ id: 'a', type: 'function', function: { name: 'logs', arguments: '{}' } }],
    },
    { role: 'tool', tool_call_id: 'a', content: `[1] logs\n${'line of a log\n'.repeat(2_000)}` },
  ]

  const fitted = fit({ system: '', messages, from: 0, tools: [], windowTokens: 4_096 }).messages

  assert.match(String(fitted.at(-1)?.content), /line of a log\nline of a log/)
  assert.match(String(fitted.at(-1)?.content), /cut to save room/)
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

  const { messages } = fit({ system: '', messages: long, from: long.length - 4, tools: [], windowTokens: 8_192 })

  assert.ok(estimateTokens(JSON.stringify(messages)) < 8_192)
  assert.match(JSON.stringify(messages), /question 39/)
  const short = long.slice(0, 4)
  assert.deepEqual(fit({ system: '', messages: short, from: 0, tools: [], windowTokens: 8_192 }), {
    messages: short,
    dropped: 0,
  })
})
