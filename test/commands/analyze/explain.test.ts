import assert from 'node:assert/strict'
import { readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type ExplainOptions, explain } from '../../../src/commands/analyze/explain.ts'
import { createAnswers, pseudonymKey } from '../../../src/commands/analyze/explain-answers.ts'
import type { Finding } from '../../../src/tools/analyzers/analyzer.ts'
import { finding, ref } from '../../tools/analyzers/findings.ts'
import { folder } from '../program.ts'

const dayMs = 24 * 60 * 60_000

/** Asks about each of these runs, with one memory; resolves to how often the model was asked. */
async function askedIn(...runs: Finding[][]): Promise<number> {
  const kept = new Map<string, string>()
  let asked = 0
  const options: ExplainOptions = {
    model: {
      name: 'test-model',
      async complete() {
        asked++
        return { message: { role: 'assistant', content: 'Hm.' }, usage: undefined, finish: 'stop' } as never
      },
    },
    language: 'en',
    answers: {
      get: async (key) => kept.get(key),
      set: async (key, text) => void kept.set(key, text),
    },
    signal: new AbortController().signal,
  }
  for (const findings of runs) assert.equal((await explain(findings, options)).texts.size, findings.length)
  return asked
}

test('what only counts on is no other fault; another exit code is', async () => {
  const storm = (times: number) => finding({ reason: 'EventStorm', text: `BackOff was recorded ${times} times.` })
  const crash = (code: number) => finding({ text: `Container api ended with exit code ${code}.` })

  assert.equal(await askedIn([storm(198)], [storm(204)]), 1)
  assert.equal(await askedIn([crash(1)], [crash(137)]), 2)
})

test('the time since when belongs to no key, the owner does', async () => {
  assert.equal(await askedIn([finding({ since: '2026-01-01T00:00:00Z' })], [finding()]), 1)
  assert.equal(await askedIn([finding(), finding({ owner: ref('Deployment', 'web') })]), 2)
})

test('an answer is kept for 30 days, and what nobody asks for any more is put away', async (t) => {
  const directory = join(folder(t), 'explanations')
  const openAt = (ms: number) => createAnswers(directory, { warn: assert.fail, now: () => ms })
  const made = Date.now() - 31 * dayMs
  await openAt(made).set('old', 'It was so.')
  utimesSync(join(directory, 'old.json'), new Date(made), new Date(made))

  assert.equal(await openAt(made + 29 * dayMs).get('old'), 'It was so.')
  await openAt(Date.now()).set('new', 'It is so.')

  assert.deepEqual(readdirSync(directory), ['new.json'])
})

test('half a file is asked anew', async (t) => {
  const directory = folder(t)
  writeFileSync(join(directory, 'key.json'), '{"at": 1, "te')

  assert.equal(await createAnswers(directory, { warn: assert.fail }).get('key'), undefined)
})

test('the key of the pseudonyms is made once, for its owner alone', (t) => {
  const directory = join(folder(t), 'data')

  const first = pseudonymKey(directory)

  assert.deepEqual(pseudonymKey(directory), first)
  assert.equal(statSync(join(directory, 'pseudonyms.key')).mode & 0o777, 0o600)
  writeFileSync(join(directory, 'pseudonyms.key'), 'short')
  assert.equal(pseudonymKey(directory).length, 32)
})
