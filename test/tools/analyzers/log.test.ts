import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { log } from '../../../src/tools/analyzers/log.ts'
import { shapesOf } from '../../../src/tools/analyzers/log-shapes.ts'
import { analyze } from '../../../src/tools/analyzers/run.ts'
import { type ApiServer, pathOf, refuses, startApiServer } from './api-server.ts'

const pods = '/api/v1/namespaces/shop/pods'

const pod = (name: string, ready: boolean, state: object, more: object = {}) => ({
  metadata: { name, namespace: 'shop' },
  spec: { containers: [{ name: 'app' }] },
  status: { phase: 'Running', containerStatuses: [{ name: 'app', ready, state, ...more }] },
})

const running = { running: {} }
const waiting = { waiting: { reason: 'CrashLoopBackOff' } }
const ended = { lastState: { terminated: { exitCode: 1 } } }

async function house(t: TestContext, objects: object[], text: string): Promise<ApiServer> {
  const server = await startApiServer(t)
  server.objects[pods] = objects
  server.faults.push((request, reply) =>
    pathOf(request).endsWith('/log') ? reply.type('text/plain').send(text) : undefined,
  )
  return server
}

const run = ({ cluster }: ApiServer) =>
  analyze({ cluster, analyzers: [], probes: [log], namespaces: ['shop'], signal: AbortSignal.timeout(30_000) })

test('lines that look like errors are told for containers that are not well, grouped, with a count', async (t) => {
  const text = 'GET / 200\nERROR order 17 lost\nERROR order 23 lost\npanic: no database\n'
  const server = await house(t, [pod('api-1', false, running), pod('well-1', true, running)], text)

  const { findings } = await run(server)

  assert.deepEqual(
    findings.map(({ object, severity, confidence }) => [object.name, severity, confidence]),
    [['api-1', 'info', 'low']],
  )
  assert.deepEqual(
    findings[0]?.evidence.map(({ path, value }) => [path, value]),
    [
      ['log[app] ×2', 'ERROR order 23 lost'],
      ['log[app]', 'panic: no database'],
    ],
  )
  assert.match(findings[0]?.next ?? '', /^k8s_get_pod_logs name=api-1 namespace=shop container=app$/)
})

test('a container that waits for its next start is asked about its last run', async (t) => {
  const server = await house(t, [pod('api-1', false, waiting, ended)], 'FATAL no config\n')

  const { findings } = await run(server)

  assert.equal(server.seen.find(({ path }) => path.endsWith('/log'))?.query.previous, 'true')
  assert.match(findings[0]?.next ?? '', /previous=true$/)
})

test('without a log there is nothing to read: a container that never ran is not asked about', async (t) => {
  const server = await house(t, [pod('api-1', false, { waiting: { reason: 'ImagePullBackOff' } })], 'ERROR x\n')

  const { findings } = await run(server)

  assert.deepEqual([findings.length, server.seen.filter(({ path }) => path.endsWith('/log')).length], [0, 0])
})

test('a log that cannot be read is a gap, not a finding', async (t) => {
  const server = await house(t, [pod('api-1', false, running)], '')
  server.faults.unshift(refuses('/log', 403, 'pods/log is forbidden'))

  const { findings, unchecked } = await run(server)

  assert.deepEqual(findings, [])
  assert.match(
    unchecked[0]?.message ?? '',
    /^Log: container app of pod shop\/api-1: No permission: pods\/log is forbidden/,
  )
  assert.equal(unchecked[0]?.reason, 'forbidden')
})

const errors = [
  'level=error msg="cannot connect"',
  '{"level":"fatal","msg":"gone"}',
  '2026-11-20T12:00:00Z ERROR db: timeout',
  'E1120 12:00:00.123456       1 main.go:12] failed',
  'Traceback (most recent call last):',
  'java.lang.IllegalStateException: no bean',
  'panic: runtime error: index out of range',
  'dial tcp 10.0.0.1:5432: connect: connection refused',
  'Error: Cannot find module',
]
for (const line of errors) test(`is an error: ${line}`, () => assert.equal(shapesOf(line).length, 1))

const harmless = [
  '0 errors, 3 warnings',
  'starting failover controller',
  'GET /error 200',
  'level=info err=nil',
  'no failures',
  'error=null done',
]
for (const line of harmless) test(`is no error: ${line}`, () => assert.deepEqual(shapesOf(line), []))

test('lines that differ in numbers, ids and times are one; the newest is shown, the most frequent first', () => {
  const text = [
    'FATAL one',
    '12:00:01 ERROR request 0f8fad5b-d9cb-469f-a165-70867728950e took 12 ms',
    '12:00:02 ERROR request 7c9e6679-7425-40de-944b-e07fc1f90ae7 took 9 ms',
  ].join('\n')

  assert.deepEqual(shapesOf(text), [
    { count: 2, example: '12:00:02 ERROR request 7c9e6679-7425-40de-944b-e07fc1f90ae7 took 9 ms' },
    { count: 1, example: 'FATAL one' },
  ])
})
