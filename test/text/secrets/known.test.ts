import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createRedact } from '../../../src/text/secrets/index.ts'

const own = 'correct/horse+battery=staple "1" 말'
const redact = createRedact([own])

const forms: [string, string][] = [
  ['as it is', own],
  ['in base64', Buffer.from(own).toString('base64')],
  ['in base64 for addresses', Buffer.from(own).toString('base64url')],
  ['in base64 behind one byte', Buffer.from(`x${own}yz`).toString('base64')],
  ['in base64 behind two bytes', Buffer.from(`xx${own}y`).toString('base64')],
  ['in base64 as user and password', Buffer.from(`bot:${own}`).toString('base64')],
  ['URL-encoded', encodeURIComponent(own)],
  ['in hexadecimal', Buffer.from(own).toString('hex')],
  ['in JSON', JSON.stringify({ own })],
  ['broken over lines', `${own.slice(0, 10)}\n${own.slice(10)}`],
  ['broken over lines of a diff', `+${own.slice(0, 10)}\n+${own.slice(10, 20)}\n+${own.slice(20)}`],
  ['in base64 of 20 characters a line', Buffer.from(own).toString('base64').replaceAll(/.{20}/g, '$&\n')],
  ['with colours in it', `${own.slice(0, 10)}\u001B[31m${own.slice(10)}\u001B[0m`],
]

for (const [how, text] of forms)
  test(`an own secret is removed where it stands ${how}`, () => {
    const shown = redact(`before ${text} after`)

    assert.match(shown, /^before .*own secret removed.* after$/s)
    for (const part of partsOf(text)) assert.ok(!shown.includes(part), `${part} is left in ${shown}`)
  })

/** Pieces of a text by which its secret could be known again: its outermost characters may belong to neighbours. */
const partsOf = (text: string): string[] => {
  const core = text.slice(4, -6)
  return [core.slice(0, 12), core.slice(-12)].filter(
    (part) => part.length === 12 && !part.includes('\n') && !part.includes('\u001B'),
  )
}

test('what is too short to be told from ordinary text is left alone', () => {
  assert.equal(createRedact(['', 'ab', 'admin'])('admin ab'), 'admin ab')
})

test('whatever the secret and whatever stands around it, it is not left', () => {
  const secret = fc
    .string({ minLength: 8, maxLength: 60 })
    .filter((text) => text.trim().length >= 8 && !text.includes('«'))
  fc.assert(
    fc.property(secret, fc.string(), fc.string(), (one, before, after) => {
      const clean = createRedact([one])
      for (const form of [one, encodeURIComponent(one), Buffer.from(one).toString('base64').replace(/=+$/, '')])
        assert.ok(!clean(`${before}${form}${after}`).includes(form))
    }),
  )
})
