import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fence, visible } from '../../src/text/fence.ts'

test('text that reorders or hides itself is shown as what it is', () => {
  assert.equal(visible('a\u202Eb\u200Bc'), 'a⟨U+202E⟩b⟨U+200B⟩c')
  assert.equal(visible('\u001b[31mred\u001b[0m'), 'red')
  assert.equal(visible('half \ud83d'), 'half \ufffd')
})

test('ordinary text in any script stays as it is', () => {
  for (const text of ['안녕하세요', 'naïve café', '🙂 ok', 'tab\tand\nline']) assert.equal(visible(text), text)
})

test('no text can close its own fence', () => {
  const hostile = fc
    .array(fc.constantFrom('`', '``', '```', '````', '\n', 'text', ' '), { maxLength: 40 })
    .map((parts) => parts.join(''))
  fc.assert(
    fc.property(hostile, (text) => {
      const lines = fence(text, 'log').split('\n')
      const marks = /^`+/.exec(lines[0] ?? '')?.[0] ?? ''
      const closing = lines.slice(1).findIndex((line) => line.startsWith(marks))
      assert.equal(closing, lines.length - 2)
    }),
  )
})

test('nothing that is drawn as nothing stays unseen, but for the selectors of emoji', () => {
  for (const sly of ['\u{E0101}', '\u{E0041}', '\u3164', '\u2028', '\u180B', '\u2066', '\uFEFF', '\u00AD'])
    assert.match(visible(`a${sly}b`), /^a⟨U\+[0-9A-F]{4,6}⟩b$/)
  assert.equal(visible('ok ✔️'), 'ok ✔️')
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const shown = visible(text)
      assert.doesNotMatch(shown, /[\p{Bidi_Control}\u200B-\u200D\0\u2028\u2029]/u)
      assert.equal(visible(shown), shown)
    }),
  )
})
