import assert from 'node:assert/strict'
import { test } from 'node:test'
import { networkPolicy } from '../../../../../src/tools/analyzers/rules/network/network-policy.ts'
import { bearsDamage, type Objects } from '../../damage.ts'
import { ago, meta, snapshotOf } from '../../snapshot.ts'

const nothing: Objects = {
  NetworkPolicy: [],
  Pod: [],
  Deployment: [],
  StatefulSet: [],
  DaemonSet: [],
  Job: [],
  CronJob: [],
}
const reasons = (objects: Objects, unread: Parameters<typeof snapshotOf>[1] = []) =>
  networkPolicy
    .inspect(snapshotOf({ ...nothing, ...objects }, unread))
    .map(({ reason, severity }) => [reason, severity])

const policy = (podSelector: object | undefined, more: object = {}) => ({
  metadata: meta('allow', more),
  spec: { podSelector },
})
const forApi = policy({ matchLabels: { app: 'api' } })
const pod = (more: object = {}) => ({ metadata: meta('api-0', { labels: { app: 'api' }, ...more }) })

test('a policy for pods that there are none of is a hint', () => {
  assert.deepEqual(reasons({ NetworkPolicy: [forApi] }), [['SelectorMatchesNothing', 'info']])
})

test('pods of another namespace do not count', () => {
  assert.deepEqual(reasons({ NetworkPolicy: [forApi], Pod: [pod({ namespace: 'blog' })] }), [
    ['SelectorMatchesNothing', 'info'],
  ])
})

test('a pod, or a template that has no pods yet, is enough', () => {
  const template = { metadata: { labels: { app: 'api' } } }
  const cronJob = { metadata: meta('nightly'), spec: { jobTemplate: { spec: { template } } } }

  assert.deepEqual(reasons({ NetworkPolicy: [forApi], Pod: [pod()] }), [])
  assert.deepEqual(
    reasons({ NetworkPolicy: [forApi], Deployment: [{ metadata: meta('api'), spec: { replicas: 0, template } }] }),
    [],
  )
  assert.deepEqual(reasons({ NetworkPolicy: [forApi], CronJob: [cronJob] }), [])
})

test('expressions select too', () => {
  const either = policy({ matchExpressions: [{ key: 'app', operator: 'In', values: ['api', 'web'] }] })
  const neither = policy({ matchExpressions: [{ key: 'app', operator: 'In', values: ['web'] }] })

  assert.deepEqual(reasons({ NetworkPolicy: [either], Pod: [pod()] }), [])
  assert.deepEqual(reasons({ NetworkPolicy: [neither], Pod: [pod()] }), [['SelectorMatchesNothing', 'info']])
})

test('a default deny for a whole namespace is fine', () => {
  assert.deepEqual(reasons({ NetworkPolicy: [policy({}), policy(undefined)] }), [])
})

test('a new policy may come before its pods', () => {
  assert.deepEqual(
    reasons({ NetworkPolicy: [policy({ matchLabels: { app: 'api' } }, { creationTimestamp: ago(5) })] }),
    [],
  )
})

test('nothing is concluded when pods or templates could not be read', () => {
  for (const kind of ['Pod', 'CronJob'] as const)
    assert.deepEqual(reasons({ NetworkPolicy: [forApi] }, [{ kind, gap: 'timeout', message: 'late' }]), [])
})

test('it answers whatever is missing or of another shape', () => {
  bearsDamage(networkPolicy, { ...nothing, NetworkPolicy: [forApi], Pod: [pod({ labels: { app: 'web' } })] })
})
