import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Table } from '../../src/tools/kubernetes/cluster.ts'
import { cutBytes, cutLines, firstLines, lastLines, renderTable } from '../../src/tools/output.ts'

const bytes = (text: string): number => Buffer.byteLength(text)
const line = fc.string({ unit: 'grapheme', maxLength: 60 }).map((text) => text.replaceAll(/[\r\n]/g, ' '))
const lines = fc.array(line, { minLength: 1, maxLength: 40 })
const size = fc.integer({ min: 8, max: 400 })

test('lines are cut from the end, whole, and never beyond the bytes', () => {
  fc.assert(
    fc.property(lines, size, (all, maxBytes) => {
      const kept = cutLines(all, maxBytes)

      assert.ok(bytes(kept.join('\n')) <= maxBytes)
      if (bytes(all[0]!) > maxBytes) return
      assert.deepEqual(kept, all.slice(0, kept.length))
      const next = all[kept.length]
      if (next !== undefined) assert.ok(bytes([...kept, next].join('\n')) > maxBytes, 'another line would have fitted')
    }),
  )
})

test('of a log the newest lines stay, and the rest is counted', () => {
  fc.assert(
    fc.property(lines, size, (all, maxBytes) => {
      const { text, cut } = lastLines(all.join('\n'), maxBytes)

      assert.ok(bytes(text) <= maxBytes)
      const whole = all.join('\n').replace(/\n$/, '').split('\n')
      assert.equal(text.split('\n').length + cut, whole.length)
      if (bytes(whole.at(-1)!) <= maxBytes) assert.deepEqual(text.split('\n'), whole.slice(cut))
    }),
  )
})

test('a text is cut between characters, never inside one', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 100 }), fc.integer({ min: 3, max: 80 }), (text, maxBytes) => {
      const whole = text.toWellFormed()
      const cut = cutBytes(whole, maxBytes)

      assert.ok(bytes(cut) <= maxBytes)
      assert.ok(cut === whole || whole.startsWith(cut.replace(/…$/, '')))
    }),
  )
})

test('a cut text says how many lines are missing and stays within the bytes', () => {
  const text = Array.from({ length: 50 }, (_, index) => `line ${index}`).join('\n')

  const cut = firstLines(text, 100)

  assert.ok(bytes(cut) <= 100)
  assert.match(cut, /^line 0\n[\s\S]*\n… \d+ more lines were cut\.$/)
  assert.equal(firstLines('short', 100), 'short')
})

const table = (names: string[], metadata?: Table['metadata']): Table => ({
  columnDefinitions: [
    { name: 'Name', priority: 0 },
    { name: 'Status', priority: 0 },
    { name: 'IP', priority: 1 },
  ],
  rows: names.map((name) => ({ cells: [name, 'Running', '10.0.0.1'] })),
  ...(metadata && { metadata }),
})
const options = { empty: 'Nothing.', rest: 'Ask again.', maxBytes: 10_000 }

test('a table has the columns that kubectl prints without -o wide, aligned', () => {
  assert.equal(renderTable(table(['a', 'longer']), options), 'NAME    STATUS\na       Running\nlonger  Running')
})

test('a table that is cut says how many rows are missing and how to get them', () => {
  const names = Array.from({ length: 100 }, (_, index) => `pod-${index}`)

  const text = renderTable(table(names, { continue: 'x', remainingItemCount: 400 }), { ...options, maxBytes: 300 })

  const shown = text.split('\n').length - 2
  assert.ok(bytes(text) <= 300)
  assert.equal(text.split('\n').at(-1), `… ${500 - shown} more. Ask again.`)
})

test('rows that the server did not count are not passed over in silence', () => {
  assert.match(renderTable(table(['a'], { continue: 'x' }), options), /… 1 more\. Ask again\.$/)
})

test('a table can be narrowed down to the rows with a text, whatever its case', () => {
  const text = renderTable(table(['api-1', 'web-1']), { ...options, match: 'API' })

  assert.match(text, /^NAME[^\n]*\napi-1 [^\n]*$/)
  assert.equal(renderTable(table(['api-1', 'web-1']), { ...options, match: 'nope' }), 'None of 2 contains "nope".')
})

test('a row is one line, whatever its cells hold', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary', minLength: 1 }), { minLength: 1, maxLength: 5 }), (names) => {
      const text = renderTable(table(names), options)

      assert.equal(text.split('\n').length, names.length + 1)
    }),
  )
})
