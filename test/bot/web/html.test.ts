import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { toHtml } from '../../../src/bot/web/html.ts'

const dangerous = [
  '<script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '<svg/onload=alert(1)>',
  '<a href="javascript:alert(1)">x</a>',
  '[x](javascript:alert(1))',
  '[x](JaVaScRiPt&colon;alert(1))',
  '[x](data:text/html;base64,PHNjcmlwdD4=)',
  '![x](https://elsewhere.example/pixel.png)',
  '<iframe srcdoc="<script>">',
  '<style>*{display:none}</style>',
  '<p style="position:fixed" onclick=alert(1)>',
  '<form action=/web/marks><button>',
  '<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>',
  '<!--><script>-->',
  '<a href="//elsewhere.example">x</a>',
  '[x]: javascript:alert(1)\n\n[x]',
  '<https://fine.example>',
  '&lt;script&gt;',
  '```html\n<b onclick=x>\n```',
  '"><b>',
  '`',
  '<',
  '\u0000',
]
const markdown = fc
  .array(
    fc.oneof(fc.constantFrom(...dangerous), fc.string({ maxLength: 12 }), fc.string({ unit: 'binary', maxLength: 6 })),
    {
      maxLength: 8,
    },
  )
  .map((parts) => parts.join(''))

const tag = /<\/?([a-z][a-z0-9]*)((?:\s+[a-z]+="[^"<>]*")*)\s*\/?>/g
const harmless =
  /^(del|h[1-6]|blockquote|p|a|ul|ol|sup|sub|li|b|i|u|strong|em|code|hr|br|div|table|thead|tbody|tr|th|td|pre|span|details|summary)$/

test('whatever a text contains, its HTML has only formatting tags, no handlers, and links only to http, https and mailto', () => {
  fc.assert(
    fc.property(markdown, (text) => {
      const html = toHtml(text)

      assert.doesNotMatch(html.replaceAll(tag, ''), /</, 'everything that begins a tag is a whole, plain tag')
      for (const [, name = '', attributes = ''] of html.matchAll(tag)) {
        assert.match(name, harmless)
        for (const [, key = '', value = ''] of attributes.matchAll(/([a-z]+)="([^"]*)"/g)) {
          assert.match(`${name} ${key}`, /^(a (href|rel|target)|code class|ol start)$/)
          if (key === 'href') assert.match(value, /^(https?:\/\/|mailto:)/i)
        }
      }
    }),
    { numRuns: 500 },
  )
})

test('links lead out of the room into a page of their own that does not learn where it was opened', () => {
  const html = toHtml('[compare](https://gitea.example/acme/shop/compare)')

  assert.match(
    html,
    /<a href="https:\/\/gitea\.example\/acme\/shop\/compare" rel="noreferrer noopener" target="_blank">/,
  )
})

test('what the bot writes keeps its form: code with its language, lists, tables, emphasis', () => {
  const html = toHtml('**a** `b`\n\n```diff\n+ c < d\n```\n\n- e\n\n| f |\n|---|\n| g |')

  assert.match(html, /<strong>a<\/strong> <code>b<\/code>/)
  assert.match(html, /<code class="language-diff">\+ c &lt; d/)
  assert.match(html, /<li>e<\/li>/)
  assert.match(html, /<td>g<\/td>/)
})
