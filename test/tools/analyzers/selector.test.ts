import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { matchesSelector } from '../../../src/tools/analyzers/kinds/meta.ts'
import { parseSelector } from '../../../src/tools/analyzers/selector.ts'

type Labels = Record<string, string>

/** A requirement as text, and what it means. */
interface Requirement {
  text: string
  isMet(labels: Labels): boolean
}

const key = fc.constantFrom('app', 'tier', 'in', 'notin', 'app.kubernetes.io/name', 'a-b_c')
const value = fc.constantFrom('web', 'api', '', 'v1.2_3-x', 'in')
const space = fc.constantFrom('', ' ', '  ')
const labels: fc.Arbitrary<Labels> = fc.dictionary(key, value)

const has = (given: Labels, name: string): boolean => Object.hasOwn(given, name)

const requirement: fc.Arbitrary<Requirement> = fc.oneof(
  key.map((name) => ({ text: name, isMet: (given: Labels) => has(given, name) })),
  key.map((name) => ({ text: `!${name}`, isMet: (given: Labels) => !has(given, name) })),
  fc.tuple(key, space, fc.constantFrom('=', '=='), value).map(([name, gap, sign, wanted]) => ({
    text: `${name}${gap}${sign}${gap}${wanted}`,
    isMet: (given: Labels) => given[name] === wanted,
  })),
  fc.tuple(key, space, value).map(([name, gap, unwanted]) => ({
    text: `${name}${gap}!=${gap}${unwanted}`,
    isMet: (given: Labels) => given[name] !== unwanted,
  })),
  fc
    .tuple(key, space, fc.constantFrom('in', 'notin'), fc.array(value, { minLength: 1, maxLength: 3 }))
    .map(([name, gap, word, values]) => ({
      text: `${name} ${word}${gap}(${values.join(`,${gap}`)})`,
      isMet: (given: Labels) =>
        (has(given, name) && (values as string[]).includes(given[name] ?? '')) === (word === 'in'),
    })),
)

test('a selector means what kubectl means by it', () => {
  fc.assert(
    fc.property(fc.array(requirement, { minLength: 1, maxLength: 4 }), labels, space, (requirements, given, gap) => {
      const selector = parseSelector(requirements.map(({ text }) => text).join(`${gap},${gap}`))

      assert.equal(
        matchesSelector(selector, given),
        requirements.every(({ isMet }) => isMet(given)),
      )
    }),
    { numRuns: 2_000 },
  )
})

const wrong = [
  '',
  ' ',
  ',',
  'app=web,',
  'app=web,,tier',
  '=web',
  'app in web',
  'app in (a b)',
  'app in (a',
  'a=b=c',
  'app>1',
  '!',
  'ä',
]

for (const text of wrong)
  test(`${JSON.stringify(text)} is refused in words instead of selecting everything`, () => {
    assert.throws(() => parseSelector(text), /is no label selector\. Expected key=value/)
  })

test('a long hopeless selector is refused at once', () => {
  assert.throws(() => parseSelector(`app in (${'a,'.repeat(5_000)}`), /no label selector/)
  assert.throws(() => parseSelector(`app in (${' '.repeat(5_000)}a!)`), /no label selector/)
})

test('whatever is typed is either understood or refused in words', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      try {
        assert.ok((parseSelector(text).matchExpressions ?? []).length > 0)
      } catch (error) {
        assert.match((error as Error).message, /is no label selector/)
      }
    }),
  )
})
