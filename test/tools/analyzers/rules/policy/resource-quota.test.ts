import assert from 'node:assert/strict'
import { test } from 'node:test'
import { resourceQuota } from '../../../../../src/tools/analyzers/rules/policy/resource-quota.ts'
import { bearsDamage, type Objects } from '../../damage.ts'
import { ago, meta, snapshotOf } from '../../snapshot.ts'
import { condition, deployment, event, pod, replicaSet } from '../../workloads.ts'

const nothing: Objects = {
  ResourceQuota: [],
  ReplicaSet: [],
  StatefulSet: [],
  DaemonSet: [],
  Job: [],
  Deployment: [],
  Pod: [],
  Event: [],
}

const inspect = (objects: Objects) => resourceQuota.inspect(snapshotOf({ ...nothing, ...objects }))

const quota = (hard: object, used: object, name = 'team') => ({ metadata: meta(name), status: { hard, used } })
const half = quota({ 'requests.cpu': '1', pods: '10' }, { 'requests.cpu': '800m', pods: '2' })

const exceeded =
  'pods "api-1-x" is forbidden: exceeded quota: team, requested: requests.cpu=400m, used: requests.cpu=800m, limited: requests.cpu=1'

const refused = (message = exceeded, more: object = {}) =>
  replicaSet({
    status: { conditions: [condition('ReplicaFailure', 'True', { reason: 'FailedCreate', message })] },
    ...more,
  })

test('a quota that stops a workload is reported with what is short, although it is not used up', () => {
  const [finding] = inspect({ ResourceQuota: [half], ReplicaSet: [refused()], Deployment: [deployment()] })

  assert.equal(finding?.reason, 'QuotaExceeded')
  assert.equal(finding.severity, 'warning')
  assert.equal(
    finding.text,
    'ResourceQuota shop/team does not let Deployment api make more pods: requests.cpu has 800m of 1 used and 400m more wanted.',
  )
  assert.equal(finding.since, ago(1, 'h'))
  assert.deepEqual(finding.owner, { kind: 'ResourceQuota', namespace: 'shop', name: 'team' })
})

test('the workload is a consequence unless its pods have a trouble of their own', () => {
  const objects = { ResourceQuota: [half], ReplicaSet: [refused()], Deployment: [deployment()] }
  const sick = pod({ status: { conditions: [condition('Ready', 'False')] } })
  const affected = (pods: object[]) => inspect({ ...objects, Pod: pods })[0]?.affects?.map(({ kind }) => kind)

  assert.deepEqual(affected([pod()]), ['ReplicaSet', 'Deployment'])
  assert.deepEqual(affected([sick]), ['ReplicaSet'])
})

test('controllers without such a condition are seen by their events, the quota by its name', () => {
  const job = { metadata: meta('migrate') }
  const events = [
    event('Job', 'migrate', 'FailedCreate', `Error creating: ${exceeded}`, { firstTimestamp: ago(20) }),
    event('Job', 'migrate', 'FailedCreate', `Error creating: ${exceeded}`, { firstTimestamp: ago(3) }),
  ]
  const other = quota({ pods: '10' }, { pods: '1' }, 'other')

  const findings = inspect({ ResourceQuota: [half, other], Job: [job], Event: events })

  assert.deepEqual(
    findings.map(({ object, since, affects }) => [object.name, since, affects?.map(({ name }) => name)]),
    [['team', ago(20), ['migrate']]],
  )
})

test('refusals of the past do not count', () => {
  const old = event('Job', 'migrate', 'FailedCreate', exceeded, { lastTimestamp: ago(31) })
  const gone = event('Job', 'gone', 'FailedCreate', exceeded)
  const overcome = event('ReplicaSet', 'api-1', 'FailedCreate', exceeded)
  const scaledDown = refused(exceeded, { spec: { replicas: 0 }, metadata: { name: 'api-0' } })

  const findings = inspect({
    ResourceQuota: [half],
    Job: [{ metadata: meta('migrate') }],
    ReplicaSet: [replicaSet(), scaledDown],
    Event: [old, gone, overcome],
  })

  assert.deepEqual(findings, [])
})

test('a quota of the same name in another namespace refuses nobody here', () => {
  const elsewhere = { ...half, metadata: meta('team', { namespace: 'bank' }) }

  assert.deepEqual(inspect({ ResourceQuota: [elsewhere], ReplicaSet: [refused()] }), [])
})

test('a quota that pods do not speak of is another fault than one that is used up', () => {
  const message =
    'pods "x" is forbidden: failed quota: team: must specify limits.cpu for: app; limits.memory for: app,proxy'

  const [finding] = inspect({ ResourceQuota: [half], ReplicaSet: [refused(message)], Deployment: [deployment()] })

  assert.equal(finding?.reason, 'QuotaNeedsValues')
  assert.match(finding.text, /Deployment api make pods that do not specify limits\.cpu and limits\.memory\.$/)
})

test('a quota is a hint from nine tenths on', () => {
  const used = (amount: string) =>
    inspect({ ResourceQuota: [quota({ 'limits.memory': '1Gi' }, { 'limits.memory': amount })] })

  const [finding] = used('922Mi')

  assert.equal(finding?.severity, 'info')
  assert.match(finding.text, /limits\.memory 922Mi of 1Gi/)
  assert.deepEqual(used('921Mi'), [])
})

test('a resource that is forbidden does not run out', () => {
  const none = quota({ 'services.loadbalancers': '0', pods: '0' }, { 'services.loadbalancers': '0', pods: '1' })

  assert.deepEqual(inspect({ ResourceQuota: [none] }), [])
})

test('damaged quotas never make it throw', () => {
  bearsDamage(resourceQuota, {
    ...nothing,
    ResourceQuota: [half, quota({ pods: '1' }, { pods: '1' }, 'full')],
    ReplicaSet: [refused()],
    Job: [{ metadata: meta('migrate') }],
    Event: [event('Job', 'migrate', 'FailedCreate', exceeded)],
  })
})
