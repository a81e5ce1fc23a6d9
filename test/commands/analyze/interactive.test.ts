import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { pino } from 'pino'
import { Agent } from 'undici'
import { createModel } from '../../../src/agent/model.ts'
import { talkAbout } from '../../../src/commands/analyze/interactive.ts'
import { createAnonymiser } from '../../../src/text/anonymise.ts'
import { fails, type Reply, says, startModelServer } from '../../helpers/model-server.ts'
import { finding, ref } from '../../tools/analyzers/findings.ts'

const findings = [finding(), finding({ owner: ref('Deployment', 'web'), text: 'Container web is away.' })]

/** Somebody who types these lines and then goes away. */
async function talk(t: TestContext, lines: string[], replies: Reply[], more: { names?: string[] } = {}) {
  const model = await startModelServer(replies)
  const dispatcher = new Agent()
  t.after(async () => {
    await dispatcher.destroy()
    await model.close()
  })
  const client = createModel({
    url: model.url,
    model: 'test-model',
    apiKey: 'none',
    firstTokenMs: 30_000,
    tokenMs: 30_000,
    dispatcher,
    log: pino({ level: 'silent' }),
  })
  const input = new PassThrough()
  const output = new PassThrough()
  input.end(`${lines.join('\n')}\n`)
  await talkAbout(findings, {
    model: client,
    language: 'en',
    ...(more.names && {
      anonymiser: createAnonymiser({ key: 'key', names: more.names.map((name) => ({ type: 'name', name })) }),
    }),
    input,
    output,
    signal: new AbortController().signal,
  })
  output.end()
  return { shown: await text(output), asked: model.asked }
}

test('somebody chooses a finding, asks about it, goes back and leaves', async (t) => {
  const { shown, asked } = await talk(t, ['2', 'why?', 'and then?', '', 'q'], [says('Nobody knows.'), says('Look.')])

  assert.match(
    shown,
    / {2}1 {2}critical {2}Deployment shop\/api {2}CrashLoopBackOff\n {2}2 {2}critical {2}Deployment shop\/web/,
  )
  assert.match(shown, /Container web is away\./)
  assert.match(shown, /test-model: Nobody knows\./)
  assert.match(shown, /test-model: Look\./)
  assert.match(String(asked[0]?.messages[1]?.content), /Deployment shop\/web/)
  assert.deepEqual(
    asked[1]?.messages.slice(2).map(({ role, content }) => [role, content]),
    [
      ['user', 'why?'],
      ['assistant', 'Nobody knows.'],
      ['user', 'and then?'],
    ],
  )
})

test('a choice that is none is told, and the list is there again', async (t) => {
  const { shown, asked } = await talk(t, ['7', 'x', 'q'], [])

  assert.match(shown, /There is no finding 7\.\n {2}1 {2}critical/)
  assert.match(shown, /There is no finding x\./)
  assert.equal(asked.length, 0)
})

test('the end of the input ends the talk, wherever it is', async (t) => {
  const { shown } = await talk(t, ['1'], [])

  assert.match(shown, /Container api has the state CrashLoopBackOff\.\n$/)
})

test('a model that fails is a sentence, and the question can be asked again', async (t) => {
  const { shown, asked } = await talk(t, ['1', 'why?', 'why?'], [fails(500, 'no memory'), says('Now I know.')])

  assert.match(shown, /The model server .*/)
  assert.match(shown, /test-model: Now I know\./)
  assert.equal(asked[1]?.messages.length, 3)
})

test('questions and findings are told with pseudonyms, answers shown with names', async (t) => {
  const repeats: Reply = (response, asked) =>
    says(`You mean ${/name-\w{6}/.exec(String(asked.messages.at(-1)?.content))?.[0]}.`)(response, asked)

  const { shown, asked } = await talk(t, ['1', 'is shop at fault?'], [repeats], { names: ['shop', 'api-1'] })

  assert.match(shown, /test-model: You mean shop\./)
  assert.doesNotMatch(JSON.stringify(asked), /shop|api-1/)
})
