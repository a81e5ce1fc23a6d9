import assert from 'node:assert/strict'
import { test } from 'node:test'
import { restart } from '../agent/fixtures.ts'
import { calls, scriptedModel } from '../helpers/model.ts'
import { alice, build } from './house.ts'

test('what the model says with the changes that it proposes stands once, above their prompts', async (t) => {
  const proposal = {
    ...calls(['restart', { name: 'api' }], ['restart', { name: 'web' }]),
    content: 'Both hold on to an old address [2].',
  }
  const house = await build(t, { tools: [restart({ ran: [] })], model: scriptedModel(proposal) })

  await house.chat.say(alice, 'what is wrong?')
  await house.sees(/Approval needed.*web/)
  await house.quiet()

  const shown = house.chat.shown.filter(({ quiet }) => !quiet).map(({ markdown }) => markdown.split('\n')[0] ?? '')
  assert.equal(shown.length, 3)
  assert.match(shown[0] ?? '', /^Both hold on to an old address \[2\]\.$/)
  assert.match(shown[1] ?? '', /Approval needed.*api/)
  assert.match(shown[2] ?? '', /Approval needed.*web/)
})

test('a proposal without words brings its prompt alone', async (t) => {
  const house = await build(t, {
    tools: [restart({ ran: [] })],
    model: scriptedModel(calls(['restart', { name: 'api' }])),
  })

  await house.chat.say(alice, 'restart api')
  const prompt = await house.sees(/Approval needed/)
  await house.quiet()

  assert.deepEqual(
    house.chat.shown.filter(({ quiet }) => !quiet),
    [prompt],
  )
})
