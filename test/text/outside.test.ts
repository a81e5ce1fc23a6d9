import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Markdown, md } from '../../src/text/markdown.ts'
import { forModel, fromOutside, type ModelText } from '../../src/text/outside.ts'
import { planted, veiled } from './secrets/corpus.ts'

const doors = (text: string): Record<string, string> => {
  const outside = fromOutside(text)
  return {
    inline: outside.inline(),
    code: outside.code(),
    block: outside.block(),
    link: outside.link(md`page`),
    markdown: outside.markdown(),
    fenced: outside.fenced('log'),
    quoted: outside.quoted(2_000),
    oneLine: outside.oneLine(),
    said: outside.said(),
    plain: outside.plain(),
  }
}

test('no credential leaves through any door, however it is veiled', () => {
  for (const { text, secret } of [...planted, ...veiled])
    for (const [door, shown] of Object.entries(doors(text)))
      assert.ok(!shown.replaceAll(/\\|\u200B/g, '').includes(secret), `${door} of ${JSON.stringify(text)}: ${shown}`)
})

test('a credential is removed before anything is cut, so that no part of it is left at the end', () => {
  const token = `ghp_${'A1b2C3d4E5f6'.repeat(3)}`
  for (let before = 0; before < 60; before++) {
    const outside = fromOutside(`${'x'.repeat(before)} ${token} and more`)
    for (const shown of [outside.inline(40), outside.code(40), outside.quoted(40), outside.fenced('log', 40)])
      assert.ok(!shown.includes('A1b2C3'), shown)
  }
})

test('an address stands behind its text; one that holds a credential, or ends the link, does not', () => {
  const link = (url: string) => fromOutside(url).link(md`run 7`)

  assert.equal(link('https://git.corp/acme/shop/actions/runs/7'), '[run 7](https://git.corp/acme/shop/actions/runs/7)')
  for (const url of ['https://ci:hunter22@git.corp/7', 'https://git.corp/7)[x](http://evil', 'javascript:alert(1)', ''])
    assert.equal(link(url), 'run 7', url)
})

test('inside a line it stays one line, in quotation marks one string, behind a fence data', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const outside = fromOutside(text)
      assert.doesNotMatch(outside.inline(), /[\n\r\u2028\u2029\u202E]/)
      assert.equal(typeof JSON.parse(outside.quoted()), 'string')
      const fenced = outside.fenced('log')
      const marks = /^`+/.exec(fenced)?.[0] ?? ''
      assert.ok(fenced.endsWith(`\n${marks}`))
      assert.ok(!fenced.slice(marks.length, -marks.length).includes(marks))
    }),
  )
})

test('what is too long for the model says how much was cut', () => {
  assert.match(fromOutside('a'.repeat(1_000)).fenced('log', 100), /a{100}\n\[… 900 more bytes were cut/)
  assert.doesNotMatch(fromOutside('a'.repeat(105)).fenced('log', 100), /were cut/)
})

test('a plain string is neither Markdown nor text for the model: forgetting the border does not compile', () => {
  const log: string = '**from outside**'
  // @ts-expect-error a string has to go through fromOutside
  const shown: Markdown = md`The log says ${log}.`
  // @ts-expect-error a string has to go through fromOutside
  const read: ModelText = forModel`The log says ${log}.`
  // @ts-expect-error a string is no Markdown
  const alone: Markdown = log
  assert.ok(shown && read && alone)

  assert.equal(md`The log says ${fromOutside(log).inline()}.`, 'The log says \\*\\*from outside\\*\\*.')
  assert.equal(forModel`The log says ${fromOutside(log).quoted()}.`, 'The log says "**from outside**".')
})
