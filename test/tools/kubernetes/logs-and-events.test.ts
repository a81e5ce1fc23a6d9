import assert from 'node:assert/strict'
import { test } from 'node:test'
import { answer } from '../tap.ts'
import { setup } from './house.ts'

const logPath = /GET .*\/pods\/queue-0\/log$/

test('the newest lines of a log are kept, and what was cut is said with a way to it', async (t) => {
  const { call, faults } = await setup(t, { maxBytes: 1_000 })
  const lines = Array.from({ length: 100 }, (_, index) => `line ${index} ${'x'.repeat(40)}`)
  faults.push(answer(logPath, 200, `${lines.join('\n')}\n`))

  const text = await call('k8s_get_pod_logs', { name: 'queue-0' })

  assert.ok(Buffer.byteLength(text) <= 1_000)
  assert.match(text, /^… \d+ earlier lines were cut\. Narrow down with match or a smaller tail\.\nline /)
  assert.ok(text.endsWith(lines.at(-1)!))
})

test('lines with a text are searched in the last 2,000', async (t) => {
  const { call, faults, seen } = await setup(t)
  faults.push(answer(logPath, 200, 'ok\nERROR pool\nok\nerror disk\n'))

  const text = await call('k8s_get_pod_logs', { name: 'queue-0', match: 'error' })

  assert.equal(text, '2 of the last 4 lines contain it.\nERROR pool\nerror disk')
  assert.equal(seen.find(({ path }) => path.endsWith('/log'))?.query.get('tailLines'), '2000')
  assert.equal(
    await call('k8s_get_pod_logs', { name: 'queue-0', match: 'panic' }),
    'None of the last 4 lines contains "panic".',
  )
})

test('very long lines do not push out the newest one', async (t) => {
  const { call, faults, seen } = await setup(t)
  const lines = Array.from({ length: 100 }, (_, index) => `${index} `.padEnd(200_000, 'x'))
  faults.push(({ path, query }, response) => {
    if (!path.endsWith('/log')) return undefined
    // As the kubelet does it: the last lines, and of these the first bytes.
    const tail = lines.slice(-Number(query.get('tailLines'))).join('\n')
    response.writeHead(200, { 'content-type': 'text/plain' }).end(tail.slice(0, Number(query.get('limitBytes'))))
    return true
  })

  const text = await call('k8s_get_pod_logs', { name: 'queue-0' })

  assert.deepEqual(
    seen.filter(({ path }) => path.endsWith('/log')).map(({ query }) => query.get('tailLines')),
    ['100', '10'],
  )
  assert.match(text, /\n99 x+/)
})

test('terminal colours are left out', async (t) => {
  const { call, faults } = await setup(t)
  faults.push(answer(logPath, 200, '\u001b[31mred\u001b[0m alert\n'))

  assert.equal(await call('k8s_get_pod_logs', { name: 'queue-0' }), 'red alert')
})

test('of several containers the marked one is read, and the others are named', async (t) => {
  const { call, sandbox, seen } = await setup(t)
  const pod = sandbox.objects.find('pods', 'shop', 'queue-0')!
  const addSidecar = (annotations: Record<string, string>) =>
    sandbox.objects.change('pods', pod, ({ metadata, spec }) => {
      spec.containers = [{ name: 'proxy', image: 'proxy:1' }, ...spec.containers.slice(-1)]
      metadata.annotations = annotations
    })

  addSidecar({ 'kubectl.kubernetes.io/default-container': 'queue' })
  const marked = await call('k8s_get_pod_logs', { name: 'queue-0' })

  assert.match(
    marked,
    /^Container queue \(others: proxy\)\.\nqueue 4\.0\.1 ready|^Container queue \(others: proxy\)\.\n/,
  )
  assert.equal(seen.find(({ path }) => path.endsWith('/log'))?.query.get('container'), 'queue')
  await assert.rejects(
    call('k8s_get_pod_logs', { name: 'queue-0', container: 'sidecar' }),
    /^Error: Pod shop\/queue-0 has no container sidecar\. Containers: proxy, queue\.$/,
  )
})

test('without a choice the container that is not well is read', async (t) => {
  const { call, podsOf, sandbox } = await setup(t)
  const pod = sandbox.objects.change('pods', podsOf('api')[0]!, ({ spec, status }) => {
    spec.containers.unshift({ name: 'proxy', image: 'proxy:1' })
    const [api] = status.containerStatuses!
    const state = { running: { startedAt: '2026-11-24T08:00:00Z' } }
    status.containerStatuses = [{ ...api!, name: 'proxy', state, lastState: {} }, api!]
  })

  assert.match(
    await call('k8s_get_pod_logs', { name: pod.metadata.name }),
    /^Container api, which is not well \(others: proxy\)\.\n[\s\S]*giving up"$/,
  )
})

test('the log before the last restart is another one, and its absence is said', async (t) => {
  const { call, podsOf } = await setup(t)
  const api = podsOf('api')[0]!.metadata.name
  const web = podsOf('web')[0]!.metadata.name

  assert.match(await call('k8s_get_pod_logs', { name: api, previous: true, tail: 1 }), /giving up"$/)
  await assert.rejects(call('k8s_get_pod_logs', { name: web, previous: true }), {
    message: `previous terminated container "web" in pod "${web}" not found.`,
  })
})

test('a log that has not begun is explained in the words of the kubelet', async (t) => {
  const { call, podsOf, faults } = await setup(t)
  const name = podsOf('checkout')[0]!.metadata.name

  await assert.rejects(call('k8s_get_pod_logs', { name }), /is waiting to start: trying and failing to pull image\.$/)
  faults.push(answer(logPath, 200, ''))
  assert.equal(await call('k8s_get_pod_logs', { name: 'queue-0' }), 'The log is empty.')
})

test('a pod that no node has taken has no log, and that is said', async (t) => {
  const { call, faults, sandbox } = await setup(t)
  sandbox.objects.change('pods', sandbox.objects.find('pods', 'shop', 'queue-0')!, ({ spec }) => {
    delete spec.nodeName
  })
  faults.push(answer(logPath, 200, ''))

  assert.match(await call('k8s_get_pod_logs', { name: 'queue-0' }), /^There is no log yet: no node has taken the pod\./)
})

const event = (changes: object) => ({
  metadata: { name: 'x', creationTimestamp: '2026-11-24T08:00:00Z' },
  type: 'Warning',
  reason: 'BackOff',
  message: 'again',
  involvedObject: { kind: 'Pod', name: 'api-1' },
  ...changes,
})

test('equal events are one line with their number, in the order they were last seen, by both event APIs', async (t) => {
  const { call, faults } = await setup(t)
  const items = [
    event({ message: 'third', eventTime: '2026-11-24T08:59:30.123456Z', lastTimestamp: null, firstTimestamp: null }),
    event({
      message: 'second',
      firstTimestamp: '2026-11-24T08:10:00Z',
      lastTimestamp: '2026-11-24T08:50:00Z',
      count: 4,
    }),
    event({ message: 'second', lastTimestamp: '2026-11-24T08:40:00Z', count: 2 }),
    event({
      message: 'fourth',
      series: { count: 9, lastObservedTime: '2026-11-24T08:59:59.000001Z' },
      eventTime: '2026-11-24T08:01:00.000000Z',
    }),
    event({ message: 'first\n  line', type: 'Normal', involvedObject: undefined }),
  ]
  faults.push(answer(/GET .*\/events$/, 200, { items }))

  assert.equal(
    await call('k8s_get_events'),
    [
      '2026-11-24T08:00:00Z (60m ago) Normal BackOff ?/?: first line',
      '2026-11-24T08:50:00Z (10m ago) Warning BackOff Pod/api-1: second (6 times)',
      '2026-11-24T08:59:30Z (30s ago) Warning BackOff Pod/api-1: third',
      '2026-11-24T08:59:59Z (1s ago) Warning BackOff Pod/api-1: fourth (9 times)',
    ].join('\n'),
  )
})

test('when there are many events the newest are shown, whatever their place in the list', async (t) => {
  const { call, faults } = await setup(t)
  const items = Array.from({ length: 100 }, (_, index) =>
    event({
      message: `number ${index}`,
      lastTimestamp: `2026-11-24T08:${String(59 - (index % 60)).padStart(2, '0')}:${index < 60 ? '30' : '10'}Z`,
    }),
  )
  faults.push(answer(/GET .*\/events$/, 200, { items }))

  const text = await call('k8s_get_events', { limit: 2 })

  assert.match(text, /^… 98 older ones\. Ask with a larger limit or with match\.\n.*: number 60\n.*: number 0$/)
  assert.match(await call('k8s_get_events', { match: 'NUMBER 42' }), /^\S+ \(42m ago\) .*: number 42$/)
  assert.equal(await call('k8s_get_events', { match: 'nope' }), 'None of 100 events contains "nope".')
})

test('a failure that names another pod each time is one line, with the newest name', async (t) => {
  const { call, faults } = await setup(t)
  const failing = (pod: string, minute: number, prefix = '') =>
    event({
      reason: 'FailedCreate',
      involvedObject: { kind: 'ReplicaSet', name: 'worker-5648988fb6' },
      message: `${prefix}Error creating: pods "worker-5648988fb6-${pod}" is forbidden: exceeded quota`,
      lastTimestamp: `2026-11-24T08:${minute}:00Z`,
    })
  const items = [
    failing('km2v6', 50),
    failing('bkchq', 58, '(combined from similar events): '),
    failing('ww4b6', 55),
    event({ message: 'other' }),
  ]
  faults.push(answer(/GET .*\/events$/, 200, { items }))

  const lines = (await call('k8s_get_events')).split('\n')

  assert.equal(lines.length, 2)
  assert.match(lines[1]!, /\(2m ago\) .*worker-5648988fb6-bkchq" is forbidden: exceeded quota \(3 times\)$/)
})

test('no events is an answer', async (t) => {
  const { call, faults } = await setup(t)
  faults.push(answer(/GET .*\/events$/, 200, { items: [] }))

  assert.equal(await call('k8s_get_events'), 'No events in namespace shop (they are kept for about an hour).')
})

test('the pods of a workload are read as one log, by time', async (t) => {
  const { call, faults, podsOf, seen } = await setup(t)
  const [first = '', second = ''] = podsOf('web').map(({ metadata }) => metadata.name)
  const tail = (name: string) => name.split('-').at(-1)
  faults.push(
    answer(new RegExp(`${first}/log$`), 200, '2026-11-24T08:00:00.5Z a\n2026-11-24T08:00:02Z c\n'),
    answer(new RegExp(`${second}/log$`), 200, '2026-11-24T08:00:00.55Z b\n2026-11-24T08:00:03.1Z d\n'),
  )

  const text = await call('k8s_get_pod_logs', { name: 'web', tail: 3 })

  assert.equal(
    text,
    [
      `Deployment shop/web, 2 pods: ${first}, ${second}.`,
      `08:00:00 ${tail(second)} b`,
      `08:00:02 ${tail(first)} c`,
      `08:00:03 ${tail(second)} d`,
    ].join('\n'),
  )
  assert.ok(seen.filter(({ path }) => path.endsWith('/log')).every(({ query }) => query.get('timestamps') === 'true'))
})

test('a pod of a workload whose log cannot be read is named, the others are shown', async (t) => {
  const { call, faults, podsOf } = await setup(t)
  const [first = ''] = podsOf('web').map(({ metadata }) => metadata.name)
  faults.push(answer(new RegExp(`${first}/log$`), 500, { message: 'kubelet is away' }))

  const text = await call('k8s_get_pod_logs', { name: 'web', match: 'GET' })

  assert.match(
    text,
    new RegExp(`^Deployment shop/web, 2 pods: [^\\n]*\\n${first}: The API server answered 500: kubelet is away`),
  )
  assert.match(text, /of the last \d+ lines contain it\.\n\d\d:\d\d:\d\d \w{5} .*GET/)
})

test('since is in minutes, however it is written, and an empty time is not an empty log', async (t) => {
  const { call, seen } = await setup(t)

  assert.match(await call('k8s_get_pod_logs', { name: 'queue-0', since: '1h' }), /queue=orders/)
  const postgres = await call('k8s_get_pod_logs', { name: 'postgres-0', since: 1 })

  assert.equal(postgres, 'No lines in the last 1 minutes.')
  const seconds = seen.filter(({ path }) => path.endsWith('/log')).map(({ query }) => query.get('sinceSeconds'))
  assert.deepEqual(seconds, ['3600', '60'])
})

test('a workload without pods has no logs, and that is said', async (t) => {
  const { call } = await setup(t)

  assert.equal(
    await call('k8s_get_pod_logs', { name: 'worker' }),
    'Deployment shop/worker has no pods. See k8s_rollout_status.',
  )
})
