import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { bytesOf, fenceAfter, head } from '../../src/text/split.ts'

test('a text that fits is left alone', () => {
  assert.equal(head('one\ntwo', 7), 'one\ntwo')
})

test('a longer text is cut between lines', () => {
  const text = `${'first line\n'.repeat(20)}last`

  const cut = head(text, 100)

  assert.ok(cut.split('\n').every((line) => line === 'first line'))
})

test('a code fence that the cut leaves open is closed', () => {
  const text = `before\n\`\`\`\`diff\n${'+ line\n'.repeat(100)}\`\`\`\`\nafter`

  const lines = head(text, 200).split('\n')

  assert.equal(lines.at(-1), '````')
})

test('one endless line is cut between characters', () => {
  assert.match(head('😀'.repeat(100), 100), /^(😀)+$/u)
})

test('whatever the text, the head fits, is well-formed and is its beginning', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 400 }), fc.integer({ min: 64, max: 600 }), (text, limit) => {
      const cut = head(text, limit)
      assert.ok(bytesOf(cut) <= limit)
      assert.ok(text.startsWith(cut) || /(`{3,}|~{3,})$/.test(cut))
      if (text.isWellFormed()) assert.ok(cut.isWellFormed())
    }),
  )
})

const fences: [what: string, open: string | undefined, line: string, after: string | undefined][] = [
  ['three marks open one', undefined, '```ts', '```'],
  ['so do tildes, indented a little', undefined, '   ~~~~', '~~~~'],
  ['four spaces make it code of another kind', undefined, '    ```', undefined],
  ['two marks are none', undefined, '``', undefined],
  ['text opens none', undefined, 'text', undefined],
  ['text stands in it', '```', 'text', '```'],
  ['like marks close it', '```', '```', undefined],
  ['so do more of them', '```', '`````', undefined],
  ['fewer do not', '````', '```', '````'],
  ['other marks do not', '```', '~~~', '```'],
]

for (const [what, open, line, after] of fences)
  test(`a code fence: ${what}`, () => {
    assert.equal(fenceAfter(open, line), after)
  })
