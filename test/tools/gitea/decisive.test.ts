import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decisiveLines } from '../../../src/tools/gitea/ci/decisive.ts'

const noise = (count: number, word = 'ok') => Array.from({ length: count }, (_, n) => `${word} ${n} building part ${n}`)

const logs: [what: string, decisive: string][] = [
  ['a TAP runner', 'not ok 81 adds: expected 4, got 5'],
  ['go test', '--- FAIL: TestCheckout (0.02s)'],
  ['pytest', 'E       AssertionError: assert 4 == 5'],
  ['node', "TypeError: Cannot read properties of undefined (reading 'id')"],
  ['a compiler of C', 'main.c:12:5: error: expected ‘;’ before ‘return’'],
  ['tsc', "src/pool.ts(3,1): error TS2304: Cannot find name 'foo'."],
  ['cargo', 'error[E0382]: borrow of moved value: `pool`'],
  ['maven', '[ERROR] Failed to execute goal org.apache.maven.plugins:maven-compiler-plugin'],
  ['a shell', './build.sh: line 4: helm: command not found'],
  ['a registry', 'deploy/api.yaml: registry/api:v9: manifest unknown'],
  ['npm', 'npm ERR! code ERESOLVE'],
  ['git', "fatal: unable to access 'https://git/': Could not resolve host: git"],
]
for (const [what, decisive] of logs) {
  test(`the line of ${what} that says why is found in the middle of a long log`, () => {
    const kept = decisiveLines([...noise(400), decisive, ...noise(400)])

    assert.ok(kept.includes(decisive))
    assert.match(kept[0] ?? '', /^… \d+ lines …$/)
    assert.ok(kept.length <= 20)
  })
}

test('lines that only speak of errors are not taken for them', () => {
  const kept = decisiveLines([
    ...noise(50),
    '0 errors, 0 warnings',
    'no failures so far',
    'ignoring error: cache is cold',
    ...noise(50),
    'panic: pool is nil',
    ...noise(30),
  ])

  assert.ok(kept.includes('panic: pool is nil'))
  assert.ok(!kept.some((line) => /0 errors|no failures|ignoring/.test(line)))
})

test('of many errors the first and the last are shown', () => {
  const kept = decisiveLines(Array.from({ length: 300 }, (_, n) => `error: number ${n}`))

  assert.equal(kept[0], 'error: number 0')
  assert.equal(kept.at(-1), 'error: number 299')
  assert.ok(kept.length <= 45)
})

test('without anything that looks like an error the end is shown', () => {
  assert.deepEqual(decisiveLines(noise(40)).slice(-15), noise(40).slice(-15))
  assert.deepEqual(decisiveLines([]), [])
  assert.deepEqual(decisiveLines(['', '  ']), [])
})

test('whatever a log holds, few short lines of it are shown, in their order, its end among them', () => {
  const line = fc.oneof(
    fc.string({ maxLength: 400 }),
    fc.constantFrom('error: x', 'FAIL y', 'failed', '##[error]Process completed with exit code 1.', ''),
  )
  fc.assert(
    fc.property(fc.array(line, { maxLength: 200 }), (lines) => {
      const kept = decisiveLines(lines)
      assert.ok(kept.length <= 2 * 41)
      for (const one of kept) assert.ok(Buffer.byteLength(one) <= 300)
      const end = lines.findLast((one) => one.trim() !== '')
      if (end !== undefined && Buffer.byteLength(end) <= 300) assert.equal(kept.at(-1), end.trimEnd())
      let from = 0
      for (const one of kept.filter((text) => !/^… \d+ lines? …$/.test(text) && !text.endsWith('…'))) {
        const index = lines.findIndex((text, position) => position >= from && text.trimEnd() === one)
        assert.ok(index >= from)
        from = index + 1
      }
    }),
  )
})

test('a credential is removed also where its line is cut', () => {
  const token = `ghp_${'A1b2C3d4E5f6'.repeat(3)}`
  for (let before = 250; before <= 300; before++) {
    const [line = ''] = decisiveLines([`error: ${'x'.repeat(before)} ${token}`])
    assert.doesNotMatch(line, /A1b2C3/)
  }
})

test('a hostile line takes no time worth speaking of to look at', () => {
  const hostile = ['a'.repeat(1_000_000), ' '.repeat(1_000_000), `${'Error'.repeat(200_000)}`]

  assert.equal(decisiveLines(hostile).length, 3)
})
