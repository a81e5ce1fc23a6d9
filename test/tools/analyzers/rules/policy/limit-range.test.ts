import assert from 'node:assert/strict'
import { test } from 'node:test'
import { limitRange } from '../../../../../src/tools/analyzers/rules/policy/limit-range.ts'
import { bearsDamage, type Objects } from '../../damage.ts'
import { ago, meta, snapshotOf } from '../../snapshot.ts'
import { condition, deployment, event, podWith, replicaSet } from '../../workloads.ts'

const nothing: Objects = {
  LimitRange: [],
  ReplicaSet: [],
  StatefulSet: [],
  DaemonSet: [],
  Job: [],
  Deployment: [],
  Pod: [],
  Event: [],
}

const inspect = (objects: Objects) => limitRange.inspect(snapshotOf({ ...nothing, ...objects }))

const range = (limits: object[], name = 'limits') => ({ metadata: meta(name), spec: { limits } })
const smallMemory = range([{ type: 'Container', max: { memory: '512Mi' } }])

const refused = (message: string) => ({
  ReplicaSet: [replicaSet({ status: { conditions: [condition('ReplicaFailure', 'True', { message })] } })],
  Deployment: [deployment()],
})
const tooMuchMemory = 'pods "x" is forbidden: maximum memory usage per Container is 512Mi, but limit is 1Gi'

test('a range that forbids the pods of a workload is reported with its limit', () => {
  const [finding] = inspect({ LimitRange: [smallMemory], ...refused(tooMuchMemory) })

  assert.equal(finding?.severity, 'warning')
  assert.equal(
    finding.text,
    'LimitRange shop/limits does not let Deployment api make pods: maximum memory usage per Container is 512Mi, but limit is 1Gi.',
  )
  assert.ok(finding.evidence.some(({ path, value }) => path === 'spec.limits[0].max.memory' && value === '512Mi'))
  assert.deepEqual(
    finding.affects?.map(({ kind }) => kind),
    ['ReplicaSet', 'Deployment'],
  )
})

test('of several ranges only the one with that limit is to blame', () => {
  const others = [
    range([{ type: 'Container', max: { memory: '2Gi' } }], 'larger'),
    range([{ type: 'Pod', max: { memory: '512Mi' } }], 'of-pods'),
    range([{ type: 'Container', min: { memory: '512Mi' } }], 'lower'),
    { ...smallMemory, metadata: meta('limits', { namespace: 'bank' }) },
  ]

  const findings = inspect({ LimitRange: [...others, smallMemory], ...refused(tooMuchMemory) })

  assert.deepEqual(
    findings.map(({ object }) => `${object.namespace}/${object.name}`),
    ['shop/limits'],
  )
})

test('several limits in one refusal are all told, ratios among them', () => {
  const limits = range([{ type: 'Container', max: { cpu: '1' }, maxLimitRequestRatio: { cpu: '2' } }])
  const message =
    'pods "x" is forbidden: [maximum cpu usage per Container is 1, but limit is 2, cpu max limit to request ratio per Container is 2, but provided ratio is 4.000000]'

  const [finding] = inspect({ LimitRange: [limits], ...refused(message) })

  assert.match(finding?.text ?? '', /maximum cpu usage per Container is 1, but limit is 2/)
  assert.match(finding?.text ?? '', /ratio per Container is 2, but provided ratio is 4/)
  assert.deepEqual(
    finding?.evidence.slice(1).map(({ path }) => path),
    ['spec.limits[0].max.cpu', 'spec.limits[0].maxLimitRequestRatio.cpu'],
  )
})

test('a missing limit is a refusal too', () => {
  const message = 'pods "x" is forbidden: maximum memory usage per Container is 512Mi.  No limit is specified'

  assert.match(inspect({ LimitRange: [smallMemory], ...refused(message) })[0]?.text ?? '', /No limit is specified/)
})

test('claims that a StatefulSet may not make are seen by its events', () => {
  const storage = range([{ type: 'PersistentVolumeClaim', max: { storage: '1Gi' } }])
  const message =
    'create Claim data-db-0 for Pod db-0 in StatefulSet db failed error: persistentvolumeclaims "data-db-0" is forbidden: maximum storage usage per PersistentVolumeClaim is 1Gi, but request is 5Gi'

  const [finding] = inspect({
    LimitRange: [storage],
    StatefulSet: [{ metadata: meta('db') }],
    Event: [event('StatefulSet', 'db', 'FailedCreate', message)],
  })

  assert.match(finding?.text ?? '', /does not let StatefulSet db .* but request is 5Gi\.$/)
})

test('a range that nobody runs into, and refusals of other makers, are no finding', () => {
  assert.deepEqual(inspect({ LimitRange: [smallMemory] }), [])
  assert.deepEqual(inspect({ LimitRange: [smallMemory], ...refused('exceeded quota: team, requested: pods=1') }), [])
})

const defaults = range([{ type: 'Container', default: { memory: '256Mi' } }])

const killed = ({ limit = '256Mi', annotation = 'memory limit for container app', finishedAt = ago(5) } = {}) =>
  podWith(
    { lastState: { terminated: { reason: 'OOMKilled', exitCode: 137, finishedAt } } },
    {
      metadata: {
        annotations: {
          'kubernetes.io/limit-ranger': `LimitRanger plugin set: cpu request for container app; ${annotation}`,
        },
      },
      spec: { containers: [{ name: 'app', resources: { limits: { memory: limit } } }] },
    },
  )

test('a default limit at which containers are killed is the cause of it', () => {
  const [finding] = inspect({
    LimitRange: [defaults],
    Pod: [killed()],
    ReplicaSet: [replicaSet()],
    Deployment: [deployment()],
  })

  assert.equal(finding?.reason, 'DefaultLimitKills')
  assert.match(finding.text, /without a memory limit 256Mi, and 1 pod of Deployment api were OOMKilled at it/)
  assert.deepEqual(
    finding.affects?.map(({ kind }) => kind),
    ['Pod', 'Deployment'],
  )
})

test('a limit that people have set, or a death of long ago, is not the range’s doing', () => {
  const deaths = [
    killed({ limit: '1Gi' }),
    killed({ annotation: 'memory limit for container other' }),
    killed({ finishedAt: ago(61) }),
  ]

  assert.deepEqual(inspect({ LimitRange: [defaults], Pod: deaths }), [])
})

test('damaged ranges never make it throw', () => {
  bearsDamage(limitRange, {
    ...nothing,
    LimitRange: [smallMemory, defaults],
    ...refused(tooMuchMemory),
    Pod: [killed()],
  })
})
