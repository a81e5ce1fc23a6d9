import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Analyzer, Finding } from '../../../src/tools/analyzers/analyzer.ts'
import { toJson } from '../../../src/tools/analyzers/json.ts'
import type { KindName } from '../../../src/tools/analyzers/kinds/index.ts'
import { analyze, rightsOf } from '../../../src/tools/analyzers/run.ts'
import { parseSelector } from '../../../src/tools/analyzers/selector.ts'
import type { Snapshot } from '../../../src/tools/analyzers/snapshot.ts'
import { refuses, startApiServer } from './api-server.ts'
import { finding, ref } from './findings.ts'

const shop = '/api/v1/namespaces/shop'

const analyzer = (
  name: string,
  inspect: (snapshot: Snapshot) => Finding[] = () => [],
  reads: KindName[] = ['Pod'],
): Analyzer => ({ name, finds: 'nothing', core: true, reads, inspect })

const finds = (name: string, ...findings: Finding[]): Analyzer => analyzer(name, () => findings)

test('findings come worst first, then by their ids, whatever the order of the analyzers', async (t) => {
  const { cluster, objects } = await startApiServer(t)
  objects[`${shop}/pods`] = [{ metadata: { name: 'api-1', namespace: 'shop' } }]
  const hint = finding({ owner: ref('Deployment', 'a'), reason: 'NoLimits', severity: 'info' })
  const later = finding({ owner: ref('Deployment', 'web') })
  const first = finding({ owner: ref('Deployment', 'api') })
  const run = (...analyzers: Analyzer[]) => analyze({ cluster, analyzers, namespaces: ['shop'], signal: t.signal })

  const one = await run(finds('One', hint, later), finds('Two', first))
  const other = await run(finds('Two', first), finds('One', later, hint))

  assert.deepEqual(one.findings, [first, later, hint])
  assert.deepEqual(other.findings, one.findings)
})

test('what two analyzers see is told once, by the one that takes it more seriously', async (t) => {
  const { cluster } = await startApiServer(t)
  const mild = finding({ severity: 'warning' })
  const bad = finding({ severity: 'critical' })

  const { findings } = await analyze({
    cluster,
    analyzers: [finds('One', mild), finds('Two', bad)],
    namespaces: ['shop'],
    signal: t.signal,
  })

  assert.deepEqual(findings, [bad])
})

test('an analyzer that fails is a gap in the report and stops no other', async (t) => {
  const { cluster, objects } = await startApiServer(t)
  objects[`${shop}/pods`] = [{ metadata: { name: 'api-1', namespace: 'shop' } }]
  const broken = analyzer('Broken', () => {
    throw new Error('no such field')
  })

  const { findings, unchecked, stats } = await analyze({
    cluster,
    analyzers: [broken, finds('Well', finding())],
    namespaces: ['shop'],
    signal: t.signal,
  })

  assert.deepEqual(findings, [finding()])
  assert.deepEqual(
    unchecked.map(({ analyzers, message }) => [analyzers, message]),
    [[['Broken'], 'Analyzer Broken failed: no such field']],
  )
  assert.deepEqual(
    stats.map((one) => [one.analyzer, one.findings]),
    [['Well', 1]],
  )
})

test('what could not be read names the analyzers that go without, and the report is not OK', async (t) => {
  const { cluster, objects, faults } = await startApiServer(t)
  objects[`${shop}/services`] = [{ metadata: { name: 'web', namespace: 'shop' } }]
  faults.push(refuses('/pods', 403, 'pods is forbidden'))

  const report = await analyze({
    cluster,
    analyzers: [
      analyzer('Pod'),
      analyzer('Service', () => [], ['Service', 'Pod']),
      analyzer('Other', () => [], ['Service']),
    ],
    namespaces: ['shop'],
    signal: t.signal,
  })

  assert.deepEqual(
    report.unchecked.map(({ analyzers, kind, namespace, reason }) => ({ analyzers, kind, namespace, reason })),
    [{ analyzers: ['Pod', 'Service'], kind: 'Pod', namespace: 'shop', reason: 'forbidden' }],
  )
  assert.equal(toJson(report).status, 'Incomplete')
})

test('a kind that the cluster does not have is no gap', async (t) => {
  const { cluster, objects } = await startApiServer(t)
  objects[shop] = []

  const report = await analyze({
    cluster,
    analyzers: [analyzer('HTTPRoute', () => [], ['HTTPRoute'])],
    namespaces: ['shop'],
    signal: t.signal,
  })

  assert.deepEqual(report.unchecked, [])
  assert.equal(toJson(report).status, 'OK')
})

test('a namespace that does not exist is told, although the server lists it as empty', async (t) => {
  const { cluster, objects, faults } = await startApiServer(t)
  objects['/api/v1/namespaces/shpo/pods'] = []
  objects[`${shop}/pods`] = []
  objects[shop] = []
  faults.push(refuses('/namespaces/shpo', 404, 'namespaces "shpo" not found'))

  const report = await analyze({
    cluster,
    analyzers: [analyzer('Pod')],
    namespaces: ['shpo', 'shop'],
    signal: t.signal,
  })

  assert.deepEqual(
    report.unchecked.map(({ namespace }) => namespace),
    ['shpo'],
  )
  assert.match(report.unchecked[0]?.message ?? '', /There is no namespace shpo\./)
})

test('an empty namespace that may not be looked at itself is just empty', async (t) => {
  const { cluster, objects, faults } = await startApiServer(t)
  objects[`${shop}/pods`] = []
  faults.push(refuses('/namespaces/shop', 403, 'namespaces is forbidden'))

  const { unchecked } = await analyze({ cluster, analyzers: [analyzer('Pod')], namespaces: ['shop'], signal: t.signal })

  assert.deepEqual(unchecked, [])
})

test('labels choose findings by the object, its owner or what suffers with it', async (t) => {
  const { cluster, objects } = await startApiServer(t)
  const labelled = (name: string, app: string) => ({ metadata: { name, namespace: 'shop', labels: { app } } })
  objects[`${shop}/pods`] = [labelled('api-1', 'api'), labelled('api-2', 'api'), labelled('web-1', 'web')]
  const own = finding({ object: ref('Pod', 'api-1'), owner: ref('ReplicaSet', 'unread'), reason: 'One' })
  const sufferer = finding({ owner: ref('Node', 'worker-1', null), reason: 'Two', affects: [ref('Pod', 'api-2')] })
  const foreign = finding({ object: ref('Pod', 'web-1'), owner: ref('Pod', 'web-1'), reason: 'Three' })

  const { findings } = await analyze({
    cluster,
    analyzers: [finds('Pod', own, sufferer, foreign)],
    namespaces: ['shop'],
    labels: parseSelector('app=api'),
    signal: t.signal,
  })

  assert.deepEqual(findings.map(({ reason }) => reason).sort(), ['One', 'Two'])
})

test('the rights of a run name group and resource of each kind once', () => {
  const rights = rightsOf([
    analyzer('Pod', undefined, ['Pod', 'Deployment']),
    analyzer('Node', undefined, ['Node', 'Pod']),
  ])

  assert.deepEqual(rights, [
    { group: '', resource: 'pods', namespaced: true },
    { group: 'apps', resource: 'deployments', namespaced: true },
    { group: '', resource: 'nodes', namespaced: false },
  ])
})
