import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import stringWidth from 'string-width'
import { clean, cut } from '../../../src/bot/terminal/clean.ts'
import { plain } from '../../../src/bot/terminal/paint.ts'
import { panel, resultPanel, unfenced } from '../../../src/bot/terminal/panel.ts'

const look = { colour: 'dim' as const, paint: plain }

test('a result stands in a frame whose sides line up, Korean and emoji included', () => {
  const text = resultPanel('k8s_list_pods', 'NAME      STATUS\n결제-서비스  실행 중 ✅\napi       Running', {
    ...look,
    width: 60,
    height: 10,
  })

  assert.equal(
    text,
    `╭─ k8s_list_pods ─────────╮
│ NAME      STATUS        │
│ 결제-서비스  실행 중 ✅ │
│ api       Running       │
╰─────────────────────────╯`,
  )
})

test('a result is cut to the screen and says how much is missing', () => {
  const lines = Array.from({ length: 30 }, (_, index) => `line ${index + 1} ${'길다'.repeat(20)}`)

  const text = resultPanel('logs', lines.join('\n'), { ...look, width: 30, height: 5 }).split('\n')

  assert.equal(text.length, 7)
  assert.match(text[1] ?? '', /^│ line 1 길다.*… +│$/)
  assert.match(text.at(-1) ?? '', /^╰─ 25 more lines ─+╯$/)
})

test('one line more than fits is shown in place of a sentence about it', () => {
  const text = resultPanel('logs', 'a\nb\nc', { ...look, width: 30, height: 2 })

  assert.match(text, /│ c +│/)
  assert.doesNotMatch(text, /more/)
})

test('every line of a frame is as wide as the others, and never wider than the screen', () => {
  const line = fc.string({ unit: fc.constantFrom('가', 'a', '😀', ' ', 'é', '｜', '한') })

  fc.assert(
    fc.property(fc.array(line), line, fc.integer({ min: 20, max: 50 }), (lines, title, width) => {
      const text = resultPanel(title, lines.join('\n'), { ...look, width, height: 5 }).split('\n')
      const widths = new Set(text.map((one) => stringWidth(one)))
      assert.equal(widths.size, 1, text.join('\n'))
      assert.ok(Math.max(...widths) <= width)
    }),
  )
})

test('a title cannot break the frame', () => {
  const [top, ...rest] = panel(['x'], { ...look, width: 24, title: 'a'.repeat(100) }).split('\n')

  assert.equal(stringWidth(top ?? ''), stringWidth(rest.at(-1) ?? ''))
})

test('what is cut never ends in half a character', () => {
  assert.equal(cut('한글입니다', 6), '한글…')
  assert.equal(cut('한글입니다', 5), '한글…')
  assert.equal(cut('👩‍👩‍👧ab', 3), '👩‍👩‍👧…')
  assert.equal(cut('fits', 4), 'fits')
})

test('the fence that a model reads is not shown to people, the text in it is', () => {
  assert.equal(unfenced('[3] pods in shop\n````k8s_list_pods\nNAME\n```\n````'), 'NAME\n```')
  assert.equal(unfenced('Failed: no such pod'), 'Failed: no such pod')
})

test('Korean that was taken apart is put together, tabs become spaces', () => {
  assert.equal(clean('\u1112\u1161\u11ab\tx'), '한    x')
})
