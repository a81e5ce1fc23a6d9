import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as z from 'zod'
import { vote } from '../../src/agent/approval.ts'
import { join } from '../../src/agent/ask-for-rest.ts'
import { defineRead } from '../../src/tools/tool.ts'
import { assertValid } from '../helpers/model.ts'
import { type Asked, calls, fails, type Reply, says, streams } from '../helpers/model-server.ts'
import { restart } from './fixtures.ts'
import { type Agent, bob, look } from './harness.ts'
import { overHttp } from './over-http.ts'

/** A text that the server cut at its limit. */
const cut = (text: string): Reply => streams([{ content: text }], 'length')

/** Calls of which the last was cut, each as name and what came of its arguments. */
const cutCalls = (...wanted: [name: string, args: string][]): Reply =>
  streams(
    wanted.map(([name, args], index) => ({
      tool_calls: [{ index, id: `call_${index}`, type: 'function', function: { name, arguments: args } }],
    })),
    'length',
  )

const lastSaid = ({ asked }: { asked: Asked[] }) => String(asked.at(-1)?.messages.at(-1)?.content)
const answers = ({ session }: Agent) =>
  session.messages.flatMap((message) => (message.role === 'assistant' ? [message.content] : []))

test('an answer that was cut is continued once, and both parts are one answer', async (t) => {
  const { server, one } = await overHttp(t, [cut('The cause is the mem'), says('ory limit of 64Mi [1].')])

  assert.deepEqual(await one.advance(), { kind: 'answered', text: 'The cause is the memory limit of 64Mi [1].' })

  assert.match(lastSaid(server), /Go on exactly where it stopped/)
  assert.deepEqual(answers(one), ['The cause is the memory limit of 64Mi [1].'])
  for (const { messages } of server.asked) assertValid(messages as Parameters<typeof assertValid>[0])
})

test('an answer that is cut again is given as far as it goes, and says so with the way out', async (t) => {
  const { server, one } = await overHttp(t, [cut('First, '), cut('second, ')])

  const outcome = await one.advance()

  assert.deepEqual(outcome, {
    kind: 'answered',
    text: 'First, second,\n\nThis answer was cut: it reached the limit of the model server on the length of an answer. Ask more narrowly, or have that limit raised (max tokens).',
  })
  assert.equal(server.asked.length, 2)
})

test('in a Korean thread the model and the people are told in Korean', async (t) => {
  const { server, one } = await overHttp(t, [cut('원인은 메모리 '), cut('한도이며')], { deps: { language: 'ko' } })

  const outcome = await one.advance()

  assert.match(lastSaid(server), /끊긴 곳에서 그대로 이어 쓰세요/)
  assert.match(outcome.kind === 'answered' ? outcome.text : '', /^원인은 메모리 한도이며\n\n답변이 .* 잘렸습니다/)
})

test('a reply that was cut before it said anything is asked for again, as an answer', async (t) => {
  for (const nothing of ['', '<think>Let me see. The pod']) {
    const { server, one } = await overHttp(t, [cut(nothing), says('All is well.')])

    assert.deepEqual(await one.advance(), { kind: 'answered', text: 'All is well.' })
    assert.match(lastSaid(server), /before you said anything/)
  }
})

test('when nothing comes the second time either, people are told why', async (t) => {
  const { one } = await overHttp(t, [cut(''), cut('')])

  const outcome = await one.advance()

  assert.match(outcome.kind === 'answered' ? outcome.text : '', /^This answer was cut/)
})

test('a continuation is no nudge: one that only announces can still be nudged as often as any', async (t) => {
  const announces = Array.from({ length: 6 }, () => says('Let me check the pods.'))
  const { server, one } = await overHttp(t, [cut('It may be the '), says('database. Let me check.'), ...announces])

  assert.deepEqual(await one.advance(), { kind: 'answered', text: 'Let me check the pods.' })

  assert.equal(server.asked.length, 2 + 5)
  assert.equal(one.session.request?.nudges, 5)
})

test('when the tokens of the request are used up nothing is asked for any more: people get what is there', async (t) => {
  const { server, one } = await overHttp(t, [cut('It was the data')], {
    deps: { limits: { toolCalls: 30, nudges: 5, minutes: 15, tokens: 100 } },
  })

  const outcome = await one.advance()

  assert.match(outcome.kind === 'answered' ? outcome.text : '', /^It was the data\n\nThis answer was cut/)
  assert.equal(server.asked.length, 1)
})

test('a continuation costs tokens like any other question', async (t) => {
  const { one } = await overHttp(t, [cut('It was the '), says('database.')])

  await one.advance()

  assert.equal(one.session.request?.tokens, 2 * 120)
})

test('a model server that fails in between takes nothing away: people get what is there', async (t) => {
  const { one } = await overHttp(t, [cut('It was the data'), fails(500, 'out of memory')])

  const outcome = await one.advance()

  assert.match(outcome.kind === 'answered' ? outcome.text : '', /^It was the data\n\nThis answer was cut/)
})

test('on the last step a cut answer is continued without tools', async (t) => {
  const { server, one } = await overHttp(t, [calls(['look', { name: 'a' }]), cut('What I '), says('found.')], {
    deps: { limits: { toolCalls: 1, nudges: 5, minutes: 15, tokens: 1_000_000 } },
  })

  assert.deepEqual(await one.advance(), { kind: 'answered', text: 'What I found.' })

  assert.deepEqual(
    server.asked.map(({ tools = [] }) => tools.length),
    [1, 0, 0],
  )
})

test('a process that ends after the first part asks for the second', async (t) => {
  const script = [cut('It was the '), says('database.')]
  const { one } = await overHttp(t, script)
  const { save } = one.deps
  one.deps.save = async (point) => {
    await save(point)
    throw new Error('the process ended')
  }
  await assert.rejects(one.advance(), /the process ended/)

  const { one: later } = await overHttp(t, script, { session: one.saved() })

  assert.deepEqual(await later.advance(), { kind: 'answered', text: 'It was the database.' })
})

test('a continuation that calls a tool goes on as any reply that does', async (t) => {
  const { one } = await overHttp(t, [
    cut('I look at '),
    streams(
      [
        { content: 'api.' },
        { tool_calls: [{ index: 0, id: 'a', function: { name: 'look', arguments: '{"name":"api"}' } }] },
      ],
      'tool_calls',
    ),
    says('All is well [1].'),
  ])

  assert.deepEqual(await one.advance(), { kind: 'answered', text: 'All is well [1].' })

  assert.deepEqual(answers(one), ['I look at api.', 'All is well [1].'])
  assert.match(one.results()[0] ?? '', /api is well/)
})

/** A read that would also run without any argument. */
const listing = (seen: string[]) =>
  defineRead({
    name: 'list',
    description: 'List pods.',
    input: z.object({ namespace: z.string().optional() }),
    summary: () => 'pods',
    run: async ({ namespace }) => {
      seen.push(namespace ?? 'all')
      return 'api-1'
    },
  })

const cutInACall: [string, Reply][] = [
  ['before its arguments', cutCalls(['list', ''])],
  ['in its arguments', cutCalls(['list', '{"names'])],
  ['behind arguments that are JSON', cutCalls(['list', '{}'])],
  ['inside of a call that is text', cut('I look. <tool_call>{"name":"list","argu')],
  ['behind a call that is text', cut('<tool_call>{"name":"list","arguments":{}}</tool_call> Then I')],
  ['inside of a text that is a call', cut('```json\n{"name":"list","arguments":{"names')],
]
for (const [what, reply] of cutInACall) {
  test(`a call that was cut ${what} does not run; the model is told, and people see nothing of it`, async (t) => {
    const seen: string[] = []
    const { one } = await overHttp(t, [reply, calls(['list', { namespace: 'shop' }]), says('One pod [1].')], {
      tools: [listing(seen)],
    })

    assert.deepEqual(await one.advance(), { kind: 'answered', text: 'One pod [1].' })

    assert.deepEqual(seen, ['shop'])
    assert.match(one.results()[0] ?? '', /^Not run: .*shorter arguments/)
    assert.equal(one.session.request?.steps.length, 1)
    assert.equal(one.session.request?.nudges, 0)
  })
}

test('of two calls the whole one runs, and the one that was cut does not', async (t) => {
  const ran: string[] = []
  const { server, one } = await overHttp(
    t,
    [cutCalls(['restart', '{"name":"api"}'], ['restart', '{"name":"we']), says('api was restarted [1], web was not.')],
    { tools: [restart({ ran })] },
  )

  assert.equal((await one.advance()).kind, 'waiting')
  assert.deepEqual(
    one.open().map(({ summary }) => summary),
    ['restart deployment shop/api'],
  )
  vote(one.open()[0]!, { id: '$1', by: bob, mark: 'approve' }, one.clock.now)
  await one.advance()

  assert.deepEqual(ran, ['api'])
  assert.match(one.results()[0] ?? '', /restarted api/)
  assert.match(one.results()[1] ?? '', /^Not run: .*inside of this call/)
  for (const { messages } of server.asked) assertValid(messages as Parameters<typeof assertValid>[0])
})

test('a model whose calls are cut again and again comes to its end', async (t) => {
  const endless = Array.from({ length: 10 }, (_, index) => cutCalls(['look', `{"name":"${'x'.repeat(index + 1)}`]))
  const { server, one } = await overHttp(t, [...endless.slice(0, 4), says('I could not ask for it.')], {
    tools: [look()],
    deps: { limits: { toolCalls: 4, nudges: 5, minutes: 15, tokens: 1_000_000 } },
  })

  assert.deepEqual(await one.advance(), { kind: 'answered', text: 'I could not ask for it.' })

  assert.deepEqual(server.asked.at(-1)?.tools, undefined)
})

const parts: [string, string, string, string][] = [
  ['inside of a word', 'because its mem', 'ory limit', 'because its memory limit'],
  ['before a space', 'because its', ' memory limit', 'because its memory limit'],
  ['after a space', 'because its ', 'memory limit', 'because its memory limit'],
  [
    'and says the last words again',
    'killed because its memory ',
    'because its memory limit is 64Mi',
    'killed because its memory limit is 64Mi',
  ],
  [
    'and says the last word again from its beginning',
    'killed because its mem',
    'memory limit',
    'killed because its memory limit',
  ],
  ['with the same letter by chance', 'the com', 'mon cause', 'the common cause'],
  ['behind a sentence', 'api crashes.', 'Its limit is low.', 'api crashes. Its limit is low.'],
  ['before an item of a list', '- api crashes', '- web is well', '- api crashes\n- web is well'],
  [
    'in Korean, and says the last word again',
    '메모리 한도가 낮아',
    '낮아 종료되었습니다.',
    '메모리 한도가 낮아 종료되었습니다.',
  ],
  ['behind a Korean sentence', '종료되었습니다.', '한도를 늘리세요.', '종료되었습니다. 한도를 늘리세요.'],
  ['inside of a name', 'the pod is in CrashLoop', 'BackOff', 'the pod is in CrashLoopBackOff'],
]
for (const [what, begun, rest, whole] of parts) {
  test(`a text that was cut and goes on ${what} reads as one`, () => {
    assert.equal(join(begun, rest), whole)
  })
}
