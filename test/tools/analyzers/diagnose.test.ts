import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pino } from 'pino'
import { answerByRules } from '../../../src/tools/analyzers/answer.ts'
import { customAnalyzers } from '../../../src/tools/analyzers/custom.ts'
import { coreAnalyzers, diagnose } from '../../../src/tools/analyzers/diagnose.ts'
import { setup } from '../kubernetes/house.ts'
import { type ApiServer, refuses, startApiServer } from './api-server.ts'

const log = pino({ level: 'silent' })

const ask = ({ cluster }: Pick<ApiServer, 'cluster'>, signal: AbortSignal, name?: string, maxBytes = 14_000) =>
  diagnose(cluster).run({ namespace: undefined, name }, { signal, log, thread: 'test', maxBytes })

test('a broken workload is told with its events and the last lines of its log', async (t) => {
  const house = await setup(t)

  const text = await ask(house, t.signal, 'api')

  assert.match(text, /Deployment api\n {2}critical /)
  assert.match(text, /\n {4,}next: k8s_/)
  assert.match(text, /Events of pod api-/)
  assert.match(text, /Last log lines of pod api-/)
  assert.doesNotMatch(text, /Deployment checkout/)
})

test('a namespace is told as a whole', async (t) => {
  const house = await setup(t)

  const text = await ask(house, t.signal)

  assert.match(text, /Deployment api\n/)
  assert.match(text, /Deployment checkout\n/)
})

test('rules of one’s own speak in a diagnosis and in an answer too', async (t) => {
  const { cluster } = await setup(t)
  const rule = {
    name: 'NoTeam',
    kind: 'Deployment',
    when: '!object.metadata.?labels.?team.hasValue()',
    text: 'It has no label team.',
    severity: 'warning' as const,
  }
  const probes = customAnalyzers([rule])
  const context = { signal: t.signal, log, thread: 'test', maxBytes: 14_000 }

  const diagnosis = await diagnose(cluster, probes).run({ namespace: undefined, name: 'web' }, context)
  const answer = await answerByRules(cluster, 'what about web?', context, { probes })

  assert.match(diagnosis, /Deployment web\n {2}warning NoTeam: It has no label team\./)
  assert.match(answer, /\*\*NoTeam\*\* It has no label team\./)
})

test('a name that nothing has is told as such, not as a workload that is well', async (t) => {
  const house = await setup(t)

  assert.match(await ask(house, t.signal, 'aip'), /no workload of that name/)
})

test('a workload without findings is not called well where something could not be read', async (t) => {
  const server = await startApiServer(t)
  server.faults.push(refuses('/pods', 403, 'pods is forbidden'))

  const text = await ask(server, t.signal, 'api')

  assert.match(text, /Could not check: Pod: No permission/)
})

test('the answer keeps to its bytes and says how to see the rest', async (t) => {
  const house = await setup(t)

  const text = await ask(house, t.signal, undefined, 600)

  assert.ok(Buffer.byteLength(text) <= 600)
  assert.match(text, /… \d+ more lines\. Ask for one workload with name\.$/)
})

test('within one namespace no analyzer of the cluster as a whole runs', () => {
  const names = (everywhere: boolean) => coreAnalyzers(everywhere).map(({ name }) => name)

  assert.ok(names(true).includes('Node'))
  assert.ok(!names(false).includes('Node'))
  assert.ok(names(false).includes('Pod'))
})
