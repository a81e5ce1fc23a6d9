import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Agent } from 'undici'
import { createSandboxGitea } from '../../../sandbox/gitea/index.ts'
import { createGitea } from '../../../src/tools/gitea/client.ts'
import { giteaTools } from '../../../src/tools/gitea/index.ts'
import { failureIn } from '../../../src/tools/gitea/job-log.ts'
import { type Fault, tap } from '../tap.ts'
import { caller } from './caller.ts'

async function setup(t: TestContext, maxBytes = 14_000) {
  const sandbox = createSandboxGitea()
  t.after(() => sandbox.close())
  const wire = await tap(t, await sandbox.listen())
  const dispatcher = new Agent()
  t.after(() => dispatcher.destroy())
  const gitea = createGitea({ url: wire.url, token: sandbox.token, dispatcher, pauseMs: 1 })
  return { sandbox, ...wire, ...caller(giteaTools(gitea), { signal: t.signal, maxBytes }) }
}

const stamp = '2026-07-16T10:00:00.0000000Z '
const job = { owner: 'acme', repo: 'shop', job: 1 }

/** A server that has this log, and gives its end when it is asked for it, if it can. */
const logOf =
  (text: string, { ranges = true } = {}): Fault =>
  ({ path, headers }, response) => {
    if (!path.endsWith('/logs')) return undefined
    const bytes = Buffer.from(text)
    const wanted = Number(/^bytes=-(\d+)$/.exec(headers.range ?? '')?.[1])
    if (!ranges || !wanted || wanted >= bytes.length) {
      response.writeHead(200).end(bytes)
      return true
    }
    const start = bytes.length - wanted
    response
      .writeHead(206, { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` })
      .end(bytes.subarray(start))
    return true
  }

test('the run, its job and the failed step of a bad release are found', async (t) => {
  const { call, sandbox } = await setup(t)
  await sandbox.pushSample()

  const runs = await call('gitea_list_runs', { owner: 'acme', repo: 'shop', status: 'failure' })
  const run = Number(/\n(\d+) +failure +main/.exec(runs)?.[1])
  const seen = await call('gitea_get_run', { owner: 'acme', repo: 'shop', run })
  const log = await call('gitea_get_job_log', { ...job, job: Number(/job (\d+) images/.exec(seen)?.[1]) })

  assert.match(
    log,
    /^job \d+ images: failure\nFailed step: check images, run: \.\/check-images deploy\/\*\.yaml; exit code 1\ndeploy\/checkout\.yaml: .*manifest unknown/,
  )
  assert.doesNotMatch(log, /Cleaning up|\d{7}Z/)
})

const lines = (count: number) =>
  Array.from({ length: count }, (_, index) => `${stamp}\u001b[31mline ${index}\u001b[0m\r\n`).join('')

for (const ranges of [true, false]) {
  test(`of a large log only the end is read, ${ranges ? 'by a range' : 'also when the server knows no ranges'}`, async (t) => {
    const { call, faults } = await setup(t, 1_000)
    faults.push(logOf(lines(40_000), { ranges }))

    const log = await call('gitea_get_job_log', job)

    assert.match(log, /… \d+ earlier lines were cut\. Narrow down with match\.\nline 3\d+\n/)
    assert.match(log, /\nline 39999$/)
    assert.ok(Buffer.byteLength(log) < 1_100)
    assert.ok(!['\u001b', '\r', '10:00'].some((gone) => log.includes(gone)))
    assert.match(
      await call('gitea_get_job_log', { ...job, match: 'LINE 39998' }),
      /1 of the last \d+ lines contain it\.\nline 39998$/,
    )
  })
}

test('a log that is not there is told with the reason', async (t) => {
  const { call, faults } = await setup(t)
  faults.push(({ path }, response) => {
    if (!path.endsWith('/logs')) return undefined
    response
      .writeHead(404, { 'content-type': 'application/json' })
      .end('{"errors":["job not started"],"message":"not found"}')
    return true
  })

  await assert.rejects(
    call('gitea_get_job_log', job),
    /The log of job 1 is not in acme\/shop, or the bot may not see it \(job not started\)/,
  )
})

test('the failed step is the last one that ended with an error, without its script', () => {
  const log = [
    '::group::Run echo first',
    'echo first',
    '::endgroup::',
    'first',
    '::group::Run make test',
    'make test',
    'shell: bash',
    '::endgroup::',
    'FAIL',
    '##[error]Process completed with exit code 2.',
    '::group::Run always',
    'always',
    '::endgroup::',
    'cleaned',
  ]

  assert.deepEqual(failureIn({ lines: log, cut: false }), {
    step: 'make test',
    exitCode: 2,
    lines: ['FAIL', '##[error]Process completed with exit code 2.'],
  })
  assert.equal(failureIn({ lines: ['all well'], cut: false }), undefined)
  assert.deepEqual(
    failureIn({ lines: ['x', '##[error]Process completed with exit code 1.'], cut: true })?.lines.length,
    2,
  )
})
