import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { pages } from '../scripts/pages.ts'

for (const [file, text] of Object.entries(pages())) {
  test(`${file} is what the code says`, () => {
    const written = readFileSync(new URL(`../${file}`, import.meta.url), 'utf8')

    assert.equal(written, text, `${file} is out of date: npm run generate`)
  })
}
