import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createAudit } from '../src/audit.ts'
import { createLog } from '../src/log.ts'

function capture(level = 'info', secrets: string[] = []) {
  const lines: string[] = []
  const log = createLog({ level, secrets, destination: { write: (line) => void lines.push(line) } })
  return { log, lines }
}

test('secrets do not reach the log: not by key, not inside messages, not inside errors', () => {
  const { log, lines } = capture('info', ['syt_"quoted"_token'])
  const error = Object.assign(new Error('GET https://hs/sync?access_token=syt_"quoted"_token failed'), {
    request: { headers: { authorization: 'Bearer syt_"quoted"_token' } },
  })

  log.warn({ err: error, gitea: { token: 'abc-def' }, headers: { authorization: 'Bearer x-y-z' } }, 'request failed')

  const text = lines.join('')
  assert.doesNotMatch(text, /syt_|abc-def|x-y-z/)
  assert.match(text, /request failed/)
})

test('an error keeps its message, its code and its cause', () => {
  const { log, lines } = capture()

  log.error(
    { err: new Error('outer', { cause: Object.assign(new Error('inner'), { code: 'ECONNREFUSED' }) }) },
    'failed',
  )

  const { err } = JSON.parse(lines[0] ?? '{}')
  assert.equal(err.message, 'outer')
  assert.equal(err.cause.code, 'ECONNREFUSED')
})

test('audit lines are written also when only errors are logged', () => {
  const { log, lines } = capture('error')

  createAudit(log)({ kind: 'asked', thread: 't', by: '@alice:corp' })

  assert.deepEqual(JSON.parse(lines[0] ?? '{}').by, '@alice:corp')
})
