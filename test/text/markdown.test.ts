import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { marked } from 'marked'
import { codeBlock, escapeMarkdown, inlineCode } from '../../src/text/markdown.ts'

// Weighted towards what Markdown, HTML and chat clients act on.
const pieces = fc.constantFrom(
  ...'`*_{}[]()<>#|~!\\&@:-+=.1/"\' \t\n'.split(''),
  ...[
    '```',
    '~~~',
    '](',
    '![',
    '<img src=x onerror=y>',
    '<!--',
    '</code>',
    '<a href=x>',
    '&lt;',
    '&#64;',
    '@room',
    '@all',
  ],
  ...[
    'https://evil.example',
    'www.evil.example',
    'a@b.example',
    'javascript:x',
    'text',
    '1.',
    '1)',
    '---',
    '===',
    '> ',
  ],
  ...['[x]: http://y', '- [ ] ', '| a |', '\u202E', '\u0007', '\\\\'],
)
const hostile = fc.array(pieces, { maxLength: 25 }).map((parts) => parts.join(''))

/** The tags that a text becomes. */
const tags = (markdown: string): string[] =>
  [...(marked.parse(markdown, { async: false }) as string).matchAll(/<\/?([a-z0-9]+)/gi)].map((match) => match[1]!)

const plainText = (markdown: string): string =>
  (marked.parse(markdown, { async: false }) as string)
    .replaceAll(/<[^>]*>/g, '')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')

test('text from outside is a paragraph of text: no link, no format, no HTML, no mention', () => {
  fc.assert(
    fc.property(hostile, (text) => {
      const markdown = escapeMarkdown(text)

      assert.deepEqual([...new Set(tags(`seen: ${markdown}`))], ['p'])
      assert.deepEqual([...new Set(tags(markdown))], markdown === '' ? [] : ['p'])
      assert.doesNotMatch(markdown, /@(?!\u200B)/)
      assert.ok(![...'\r\n\u202E\u0007'].some((character) => markdown.includes(character)))
    }),
    { numRuns: 2_000 },
  )
})

test('escaped text reads as it was written', () => {
  const text = 'fix(api): use <b> & "quotes", 50% of *all* [things] in https://git.corp/x_y #12 1.2'

  assert.equal(plainText(escapeMarkdown(text)).trim(), text)
  assert.equal(plainText(escapeMarkdown('1. first')).trim(), '1. first')
})

test('inline code holds any text, and nothing of it gets out', () => {
  fc.assert(
    fc.property(hostile, (text) => {
      const markdown = `a ${inlineCode(text)} z`

      assert.deepEqual([...new Set(tags(markdown))], ['p', 'code'])
      assert.equal(tags(markdown).filter((tag) => tag === 'code').length, 2)
      assert.doesNotMatch(markdown, /[\r\n]/)
    }),
    { numRuns: 1_000 },
  )
})

test('a block of code holds any text, and nothing of it gets out', () => {
  fc.assert(
    fc.property(hostile, (text) => {
      const markdown = `before\n\n${codeBlock(text, 'diff')}\n\nafter`

      assert.deepEqual(tags(markdown), ['p', 'p', 'pre', 'code', 'code', 'pre', 'p', 'p'])
    }),
    { numRuns: 1_000 },
  )
})

test('a text of a million backticks is no trouble', () => {
  assert.ok(codeBlock('` '.repeat(500_000)).startsWith('```\n'))
  assert.ok(inlineCode('`'.repeat(1_000_000)).length > 3_000_000)
})
