import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openCalls } from '../../src/agent/session.ts'
import { assertValid } from '../helpers/model.ts'
import { breaksOff, calls, fails, type Reply, raw, says, stallsAfter, streams } from '../helpers/model-server.ts'
import { overHttp } from './over-http.ts'

const faults: [string, Reply][] = [
  ['a connection that is cut in a text', breaksOff('It was the data')],
  ['a text that stalls', stallsAfter('It was the data')],
  [
    'a call whose arguments never end',
    streams([{ tool_calls: [{ index: 0, id: 'a', function: { name: 'look', arguments: '{"na' } }] }], null),
  ],
  ['a page of a proxy', raw('<html>Bad gateway</html>', 'text/html')],
  ['a server error', fails(500, 'out of memory')],
]
for (const [what, fault] of faults) {
  test(`${what} leaves the session as it was; later the same question is answered`, async (t) => {
    const { server, one } = await overHttp(t, [
      calls(['look', { name: 'api' }]),
      fault,
      says('It was the database [1].'),
    ])

    const outcome = await one.advance()
    assert.equal(outcome.kind === 'stopped' && outcome.retryable, true)
    assert.deepEqual(openCalls(one.session), [])
    assert.doesNotMatch(JSON.stringify(one.session.messages), /It was/)

    assert.deepEqual(await one.advance(), { kind: 'answered', text: 'It was the database [1].' })
    assert.equal(server.asked.length, 3)
    for (const { messages } of server.asked) assertValid(messages as Parameters<typeof assertValid>[0])
    assert.deepEqual(server.asked[2]?.messages, server.asked[1]?.messages)
  })
}

test('ids that a server repeats in every turn do not mix up the calls', async (t) => {
  const { server, one } = await overHttp(t, [
    calls(['look', { name: 'a' }]),
    calls(['look', { name: 'b' }], ['look', { name: 'c' }]),
    says('Seen.'),
  ])

  await one.advance()

  assertValid(server.asked.at(-1)?.messages as Parameters<typeof assertValid>[0])
  assert.deepEqual(
    one.results().map((result) => /look at (\w)/.exec(result)?.[1]),
    ['a', 'b', 'c'],
  )
})

test('what was sent before stays the same bytes, so that the server can keep what it read', async (t) => {
  const { server, one } = await overHttp(t, [
    calls(['look', { name: 'a' }]),
    calls(['look', { name: 'b' }]),
    says('Seen.'),
  ])

  await one.advance()

  for (const [index, asked] of server.asked.slice(1).entries()) {
    const before = server.asked[index]
    assert.equal(JSON.stringify(asked.tools), JSON.stringify(before?.tools))
    assert.ok(JSON.stringify(asked.messages).startsWith(JSON.stringify(before?.messages).slice(0, -1)))
  }
})

test('a server that knows a smaller window than it told is asked again with less', async (t) => {
  const { server, one } = await overHttp(t, [
    fails(400, "This model's maximum context length is 4096 tokens. However, you requested 9001 tokens"),
    says('Short enough.'),
  ])
  one.session.messages.unshift({ role: 'user', content: 'old '.repeat(8_000) }, { role: 'assistant', content: 'ok' })
  one.session.request!.from = 2

  assert.deepEqual(await one.advance(), { kind: 'answered', text: 'Short enough.' })

  const sizes = server.asked.map(({ messages }) => JSON.stringify(messages).length)
  assert.ok(sizes[1]! < sizes[0]! / 2, String(sizes))
})
