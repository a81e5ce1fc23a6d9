import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import fc from 'fast-check'
import stringWidth from 'string-width'
import { renderMarkdown } from '../../../src/bot/terminal/markdown.ts'
import { createPaint, plain } from '../../../src/bot/terminal/paint.ts'
import { matchesGolden } from '../../tools/golden.ts'
import { createTty } from './tty.ts'

const at = (width: number) => (markdown: string) => renderMarkdown(markdown, { width, paint: plain })
const rendered = at(40)

const document = `# 상태 보고

현재 **shop** 네임스페이스에 \`Pod\` 2개가 실행 중이고, 그중 하나는 다시 시작되고 있습니다 [2].

- api: 0 of 2 pods are ready, CrashLoopBackOff after 12 restarts
  - 마지막 로그: \`connection refused\`
- [x] looked at
- [ ] repaired

9. 아홉
10. 열

| 이름 | STATUS | meaning |
|---|---|---|
| 결제-서비스 | Running | serves everybody who pays for something |
| api | 대기중 | waits |

\`\`\`diff
@@ -1 +1 @@
-replicas: 1
+replicas: 2
\`\`\`

> 인용문입니다
> in two lines

See [the runbook](https://runbook.example/api) or <b>ask</b>.
`

test('Markdown becomes lines for a terminal: Korean wraps, tables line up, addresses are shown', async () => {
  await matchesGolden('terminal/markdown.40.txt', rendered(document))
  await matchesGolden('terminal/markdown.72.txt', at(72)(document))
})

test('every column of a table begins at one place, whatever the width of its characters', () => {
  const lines = rendered('| a | b |\n|---|---|\n| 가나다 | x |\n| ab | x |\n| 😀 | x |').split('\n').slice(2)

  const places = lines.map((line) => stringWidth(line.slice(0, line.lastIndexOf('x'))))
  assert.deepEqual(places, [8, 8, 8])
})

test('no line is wider than the screen, whatever a model writes', () => {
  const text = fc.array(
    fc.constantFrom('가', 'word ', '😀', '\n', '\n\n', '- ', '> ', '`x`', '| a | b |\n|--|--|\n', '**b** ', '\t'),
  )

  fc.assert(
    fc.property(text, (parts) => {
      const widest = Math.max(
        ...rendered(parts.join(''))
          .split('\n')
          .map((line) => stringWidth(line)),
      )
      assert.ok(widest <= 40, `${widest} columns: ${JSON.stringify(parts.join(''))}`)
    }),
  )
})

const attacks = {
  'a control sequence': 'a\u001b[2J\u001b[1;1Hb',
  'a title of the window': '\u001b]0;owned\u0007b',
  'a hidden link': '\u001b]8;;http://evil.example\u0007click\u001b]8;;\u0007',
  'a numbered entity': 'a &#27;[2J b &#x9b;2J',
  'an entity in an address': '[x](http://a/&#27;[2J)',
  'an entity in code': '`&#27;[2J` \u009b2J',
  'a line that is written over': 'rm -rf /\rls',
}
for (const [what, attack] of Object.entries(attacks)) {
  test(`${what} from a model does not reach the terminal`, () => {
    const text = rendered(attack)

    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
    assert.doesNotMatch(text, /[\u0000-\u0009\u000B-\u001F\u007F-\u009F]/)
  })
}

test('text that runs from right to left without saying so is shown as what it is', () => {
  assert.equal(rendered('run \u202Etxt.exe'), 'run ⟨U+202E⟩txt.exe')
})

test('a text that no person wrote is shown as it is, at once', () => {
  const endless = `${'a_'.repeat(60_000)}\n${'> '.repeat(5_000)}deep`

  assert.match(rendered(endless), /a_a_a_/)
})

test('colours stand only where they can be shown', () => {
  const tty = createTty({ colours: true })

  const coloured = renderMarkdown('**bold** `code`', { width: 40, paint: createPaint(tty.output) })

  assert.notEqual(coloured, 'bold code')
  assert.equal(stripVTControlCharacters(coloured), 'bold code')
  const pale = createPaint(createTty({ colours: false }).output)
  assert.equal(renderMarkdown('**bold** `code`', { width: 40, paint: pale }), 'bold code')
})
