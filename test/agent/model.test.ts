import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import pino from 'pino'
import * as z from 'zod'
import { createModel, type Model, type ModelError, type ModelOptions, toolSchema } from '../../src/agent/model.ts'
import { createDispatcher } from '../../src/http/outgoing.ts'
import { defineRead } from '../../src/tools/tool.ts'
import {
  breaksOff,
  calls,
  fails,
  type ModelServer,
  type Reply,
  raw,
  says,
  stalls,
  stallsAfter,
  startModelServer,
  streams,
} from '../helpers/model-server.ts'

const logs = defineRead({
  name: 'logs',
  description: 'Reads logs.',
  input: z.object({ name: z.string(), tail: z.number().optional() }),
  summary: () => '',
  run: async () => '',
})

async function setup(
  t: TestContext,
  script: Reply[],
  options: Partial<ModelOptions> = {},
  models?: object[],
): Promise<{ server: ModelServer; model: Model }> {
  const server = await startModelServer(script, models)
  const dispatcher = createDispatcher({ ca: undefined, headersMs: 0, bodyMs: 0 })
  t.after(async () => {
    await dispatcher.close()
    await server.close()
  })
  const model = createModel({
    url: server.url,
    model: 'test-model',
    apiKey: 'sk-secret-key',
    firstTokenMs: 5_000,
    tokenMs: 5_000,
    dispatcher,
    log: pino({ enabled: false }),
    ...options,
  })
  return { server, model }
}

const ask = (model: Model, signal = new AbortController().signal) =>
  model.complete({ messages: [{ role: 'user', content: 'hi' }], tools: [toolSchema(logs)], signal })

async function problemOf(model: Model): Promise<ModelError> {
  const error = await ask(model).then(
    () => assert.fail('expected a ModelError'),
    (problem: ModelError) => problem,
  )
  assert.equal(error.name, 'ModelError')
  assert.doesNotMatch(error.message, /sk-secret-key/)
  return error
}

test('a streamed answer is put together, with what it cost', async (t) => {
  const { model } = await setup(t, [says('api 는 정상입니다 🙂')])

  const reply = await ask(model)

  assert.equal(reply.message.content, 'api 는 정상입니다 🙂')
  assert.deepEqual(reply.usage, { prompt: 100, completion: 20 })
})

test('calls are put together from deltas that are split anywhere', async (t) => {
  const { model } = await setup(t, [calls(['logs', { name: 'api', tail: 5 }], ['logs', { name: 'web' }])])

  const { message } = await ask(model)

  assert.deepEqual(
    message.tool_calls?.map((call) => call.type === 'function' && JSON.parse(call.function.arguments)),
    [{ name: 'api', tail: 5 }, { name: 'web' }],
  )
})

const odd: [string, object[], string][] = [
  [
    'arguments as an object',
    [{ tool_calls: [{ index: 0, id: 'a', function: { name: 'logs', arguments: { name: 'api' } } }] }],
    '{"name":"api"}',
  ],
  ['no arguments at all', [{ tool_calls: [{ index: 0, id: 'a', function: { name: 'logs', arguments: null } }] }], '{}'],
  [
    'no id and no index',
    [
      { tool_calls: [{ function: { name: 'logs', arguments: '{"name":' } }] },
      { tool_calls: [{ function: { arguments: '"api"}' } }] },
    ],
    '{"name":"api"}',
  ],
  [
    'a call in the text',
    [{ content: 'I look. <tool_call>{"name":"logs","arguments":{"name":"api"}}</tool_call>' }],
    '{"name":"api"}',
  ],
  [
    'a call as the whole text',
    [{ content: '```json\n{"name":"logs","parameters":{"name":"api"}}\n```' }],
    '{"name":"api"}',
  ],
]
for (const [what, deltas, expected] of odd) {
  test(`${what}: understood all the same`, async (t) => {
    const { model } = await setup(t, [streams(deltas)])

    const call = (await ask(model)).message.tool_calls?.[0]

    assert.equal(call?.type === 'function' && call.function.arguments, expected)
    assert.ok(call?.id)
  })
}

test('text that looks like a call of a tool that was not offered stays text', async (t) => {
  const { model } = await setup(t, [streams([{ content: '{"name":"delete_everything","arguments":{}}' }])])

  const { message } = await ask(model)

  assert.equal(message.tool_calls, undefined)
  assert.match(String(message.content), /delete_everything/)
})

test('thoughts are left out of the answer', async (t) => {
  const { model } = await setup(t, [streams([{ content: '<think>hm, maybe</think>All is well.' }])])

  assert.equal((await ask(model)).message.content, 'All is well.')
})

test('a server that is not there is unreachable, by host and reason', async (t) => {
  const { server, model } = await setup(t, [])
  await server.close()

  const problem = await problemOf(model)

  assert.equal(problem.kind, 'unreachable')
  assert.match(problem.message, /127\.0\.0\.1:\d+ cannot be reached \(ECONNREFUSED\)/)
  assert.equal(model.health().state, 'unreachable')
})

test('a refused key names the variable', async (t) => {
  const { model } = await setup(t, [fails(401, 'invalid key sk-secret-key')])

  const problem = await problemOf(model)

  assert.equal(problem.kind, 'unauthorized')
  assert.match(problem.message, /KUBE_AGENT_LLM_API_KEY/)
})

test('an unknown model is answered with the list of those there are', async (t) => {
  const { model } = await setup(t, [fails(404, 'The model does not exist')], {}, [{ id: 'qwen3' }, { id: 'llama' }])

  const problem = await problemOf(model)

  assert.equal(problem.kind, 'no-such-model')
  assert.match(problem.message, /It has: qwen3, llama.*KUBE_AGENT_LLM_MODEL/)
})

test('a conversation that is too long teaches us the window', async (t) => {
  const { model } = await setup(t, [
    fails(400, "This model's maximum context length is 8192 tokens. However, you requested 9001 tokens"),
  ])

  assert.equal((await problemOf(model)).kind, 'context-exceeded')

  assert.deepEqual(await model.window(), { tokens: 8192, source: 'learned' })
})

test('a busy server is waited for as long as it asks, then answered from', async (t) => {
  const { model, server } = await setup(t, [
    fails(429, 'slow down', { 'retry-after': '0' }),
    fails(503, 'loading', { 'retry-after': new Date(0).toUTCString() }),
    says('ok'),
  ])

  assert.equal((await ask(model)).message.content, 'ok')
  assert.equal(server.asked.length, 3)
})

test('a server that asks for too long a wait is not waited for', async (t) => {
  const { model } = await setup(t, [fails(429, 'slow down', { 'retry-after': '3600' })])

  assert.equal((await problemOf(model)).kind, 'rate-limited')
})

test('silence before the first token, and between tokens, ends the request', async (t) => {
  const { model } = await setup(t, [stalls, stallsAfter('half an')], { firstTokenMs: 30, tokenMs: 30 })

  assert.equal((await problemOf(model)).kind, 'timeout-first-token')
  const second = await setup(t, [stallsAfter('half an')], { firstTokenMs: 5_000, tokenMs: 30 })
  assert.equal((await problemOf(second.model)).kind, 'timeout-between-tokens')
})

const malformed: [string, Reply][] = [
  ['a cut connection', breaksOff('half an ans')],
  ['a stream without an end', streams([{ content: 'half' }], null)],
  ['a page of a proxy', raw('<html>Bad gateway</html>', 'text/html')],
  ['broken JSON', raw('data: {"choices": [\n\ndata: [DONE]\n\n')],
]
for (const [what, reply] of malformed) {
  test(`${what} is malformed, not an answer`, async (t) => {
    const { model } = await setup(t, [reply])

    assert.equal((await problemOf(model)).kind, 'malformed')
  })
}

test('a field that the server does not know is left out from then on', async (t) => {
  const { model, server } = await setup(t, [fails(400, 'Unknown parameter: stream_options'), says('ok'), says('ok')])

  await ask(model)
  await ask(model)

  assert.deepEqual(
    server.asked.map((asked) => 'stream_options' in asked),
    [true, false, false],
  )
})

test('who aborts gets the own reason back', async (t) => {
  const { model } = await setup(t, [stalls])
  const controller = new AbortController()

  const pending = ask(model, controller.signal)
  controller.abort(new Error('stop it'))

  await assert.rejects(pending, /stop it/)
})

test('the window is what is configured, else what the server says, else assumed', async (t) => {
  const configured = await setup(t, [], { context: 4_000 })
  const told = await setup(t, [], {}, [{ id: 'test-model', max_model_len: 16_000 }])
  const unknown = await setup(t, [])

  assert.deepEqual(await configured.model.window(), { tokens: 4_000, source: 'configured' })
  assert.deepEqual(await told.model.window(), { tokens: 16_000, source: 'server' })
  assert.deepEqual(await unknown.model.window(), { tokens: 32_768, source: 'assumed' })
})

test('a tool is described flat and always the same', () => {
  assert.equal(
    JSON.stringify(toolSchema(logs)),
    '{"type":"function","function":{"name":"logs","description":"Reads logs.","parameters":{"type":"object","properties":{"name":{"type":"string"},"tail":{"type":"number"}},"required":["name"]}}}',
  )
})
