import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { toHtml, toPlain } from '../../../src/bot/matrix/html.ts'
import { markdown } from './markdown.ts'

const allowedTags = new Set(
  'del h1 h2 h3 h4 h5 h6 blockquote p a ul ol sup sub li b i u strong em s code hr br div table thead tbody tr th td caption pre span details summary'.split(
    ' ',
  ),
)
const allowedAttributes: Record<string, RegExp> = {
  'a href': /^(?:https?:|ftp:|mailto:|magnet:|[^:]*$)/i,
  'ol start': /^\d+$/,
  'code class': /^language-\S+$/,
}

/** What is in the HTML that Matrix does not allow. Whatever follows a `<` and is no plain tag is not allowed either. */
function forbidden(html: string): string[] {
  return html
    .split('<')
    .slice(1)
    .flatMap((piece) => {
      const tag = /^\/?([a-z0-9]+)((?: [a-z-]+="[^"]*")*)(?: \/)?>/.exec(piece)
      if (!tag?.[1] || !allowedTags.has(tag[1])) return [piece]
      return [...(tag[2] ?? '').matchAll(/ ([a-z-]+)="([^"]*)"/g)].flatMap(([, key, value = '']) => {
        const isAllowed = allowedAttributes[`${tag[1]} ${key}`]?.test(value)
        return isAllowed && !/^(?:[a-z]+:)?[\\/]*matrix\.to/i.test(value) ? [] : [`${tag[1]} ${key}=${value}`]
      })
    })
}

test('Markdown becomes the HTML that Matrix allows', () => {
  const html = toHtml('# Title\n\n**bold** `code`\n\n- [x] done\n\n```ts\nlet a = "<b>"\n```\n\n| a |\n|---|\n| 1 |')

  assert.match(html, /<h1>Title<\/h1>/)
  assert.match(html, /<strong>bold<\/strong> <code>code<\/code>/)
  assert.match(html, /<li>☑ done<\/li>/)
  assert.match(
    html,
    /<code class="language-ts">let a = "&lt;b&gt;"|<code class="language-ts">let a = &quot;&lt;b&gt;&quot;/,
  )
  assert.match(html, /<td>1<\/td>/)
})

test('HTML inside the Markdown is shown, not obeyed', () => {
  const html = toHtml('<script>alert(1)</script> <b onclick="x">hi</b> <img src="https://spy.test/x.png">')

  assert.deepEqual(forbidden(html), [])
  assert.match(html, /&lt;script&gt;/)
  assert.match(html, /&lt;b onclick/)
})

test('a picture becomes a link, and links that would call people or run code lose their effect', () => {
  assert.equal(toHtml('![cat](https://spy.test/x.png)'), '<p><a href="https://spy.test/x.png">cat</a></p>')
  for (const href of [
    'https://matrix.to/#/@alice:hs.test',
    '//matrix.to/#/@alice:hs.test',
    'https:matrix.to/#/@alice:hs.test',
    'https://MATRIX.TO./#/@alice:hs.test',
    'matrix:u/alice:hs.test',
    'javascript:alert(1)',
    'data:text/html,x',
  ])
    assert.doesNotMatch(toHtml(`[Alice](${href})`), /href/, href)
})

test('@room is readable and without effect', () => {
  assert.doesNotMatch(toHtml('@room all hands, @ROOM'), /@room/i)
  assert.doesNotMatch(toPlain('@room all hands, @ROOM'), /@room/i)
  assert.equal(toPlain('mail @rooms and @alice'), 'mail @rooms and @alice')
})

test('plain text keeps what the Markdown says', () => {
  assert.equal(
    toPlain(
      '## Found\n\n1. **web** is `down` &amp; out\n2. see [log](https://x.test/a)\n\n> quoted\n\n```sh\nls <x>\n```',
    ),
    'Found\n\n1. web is `down` & out\n2. see log (https://x.test/a)\n\n> quoted\n\n```sh\nls <x>\n```',
  )
})

test('a text that no person wrote is shown as it is', () => {
  const wild = [
    '> '.repeat(15_000),
    '>'.repeat(1_400).concat('\n').repeat(20),
    `${'a'.repeat(30_000)}@`,
    '_a'.repeat(15_000),
  ]
  for (const text of wild) {
    assert.deepEqual(forbidden(toHtml(text)), [])
    assert.ok(toPlain(text).length > 0)
  }
  assert.match(toHtml(`${'> '.repeat(200)}deep`), /deep/)
  assert.equal(toHtml(`${'a'.repeat(2_000)} **b**`), `<pre><code>${'a'.repeat(2_000)} **b**</code></pre>`)
})

test('a long rule is still a rule', () => {
  assert.match(toHtml(`a\n\n${'-'.repeat(100)}\n\nb`), /<hr \/>/)
})

test('a long line in a code block does not cost the rest its form', () => {
  const html = toHtml(`**found**\n\n\`\`\`\n{"a":"${'x'.repeat(5_000)}"}\n\`\`\``)

  assert.match(html, /<strong>found<\/strong>/)
})

test('whatever the Markdown, the HTML holds only what Matrix allows, and both forms are well-formed', () => {
  fc.assert(
    fc.property(markdown, (text) => {
      const given = text.toWellFormed()
      const html = toHtml(given)
      const plain = toPlain(given)

      assert.deepEqual(forbidden(html), [])
      assert.doesNotMatch(html + plain, /@room\b/i)
      assert.ok(html.isWellFormed() && plain.isWellFormed())
    }),
    { numRuns: 500 },
  )
})
