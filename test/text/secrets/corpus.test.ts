import assert from 'node:assert/strict'
import { test } from 'node:test'
import { redact } from '../../../src/text/secrets/index.ts'
import { lookAlikes, planted, veiled } from './corpus.ts'

for (const { shape, text, secret } of [...planted, ...veiled])
  test(`a credential goes: ${shape}, in ${JSON.stringify(text.slice(0, 50))}`, () => {
    for (const whole of [text, `before\n${text}\nafter`]) assert.ok(!redact(whole).includes(secret), redact(whole))
  })

for (const text of lookAlikes)
  test(`what only looks like one stays: ${JSON.stringify(text.slice(0, 70))}`, () => assert.equal(redact(text), text))

test('there are enough of both to mean something', () => {
  const shapes = new Set([...planted, ...veiled].map(({ shape }) => shape))
  console.log(
    `credentials: ${planted.length + veiled.length} of ${shapes.size} shapes; look-alikes: ${lookAlikes.length}`,
  )
  assert.ok(planted.length + veiled.length >= 200 && shapes.size >= 40 && lookAlikes.length >= 200)
})
