import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { scenarios } from './contracts/platform.ts'
import { titlesIn } from './contracts/table.ts'

test('docs/platforms.md tells of every scenario of the contract, and of no other', () => {
  const page = readFileSync(new URL('../docs/platforms.md', import.meta.url), 'utf8')

  assert.deepEqual(
    titlesIn(page),
    scenarios.flatMap(({ of }) => of.map(({ title }) => title)),
  )
})

test('no two scenarios have the same title', () => {
  const titles = scenarios.flatMap(({ of }) => of.map(({ title }) => title))

  assert.equal(new Set(titles).size, titles.length)
})
