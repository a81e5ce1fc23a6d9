import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Health, healthOfTarget } from '../../../src/tools/kubernetes/health.ts'
import { workloads } from '../../../src/tools/kubernetes/overview.ts'
import { answer } from '../tap.ts'
import { type House, setup } from './house.ts'

const healthOf = ({ cluster }: House, name: string, signal: AbortSignal): Promise<Health> =>
  healthOfTarget(cluster, { kind: 'Deployment', namespace: 'shop', name }, signal)

const approve = async (house: House, tool: string, args: object) =>
  house.carryOut(tool, args, await house.propose(tool, args))

test('each workload of the shop is as its status says', async (t) => {
  const house = await setup(t)

  assert.deepEqual(await healthOf(house, 'web', t.signal), {
    state: 'healthy',
    text: 'shop/web: 2 of 2 pods available, 2 updated.',
  })
  assert.deepEqual(await healthOf(house, 'api', t.signal), {
    state: 'failing',
    text: 'shop/api: 0 of 2 pods available, 2 updated. 2 pods waiting: CrashLoopBackOff, last terminated: Error, exit code 1.',
  })
  const checkout = await healthOf(house, 'checkout', t.signal)
  assert.equal(checkout.state, 'failing')
  assert.match(
    checkout.text,
    /2 pods waiting: ImagePullBackOff \(.*checkout:2\.8\.O: not found\)\. ReplicaSet \S+ has timed out progressing\.$/,
  )
})

test('a deployment that is scaled to 0 is as it should be', async (t) => {
  const house = await setup(t)

  assert.deepEqual(await healthOf(house, 'worker', t.signal), { state: 'healthy', text: 'shop/worker is scaled to 0.' })
})

test('a restart that helps goes from taken up over progressing to healthy', async (t) => {
  const house = await setup(t)
  const states: string[] = []
  const look = async () => states.push((await healthOf(house, 'api', t.signal)).state)

  await approve(house, 'k8s_restart_deployment', { name: 'api' })
  const first = await healthOf(house, 'api', t.signal)
  for (let step = 0; step < 12; step++) {
    await look()
    house.clock.advance(250)
  }
  house.clock.advance(10_000)
  await look()

  assert.deepEqual(first, { state: 'progressing', text: 'shop/api: the change has not been taken up yet.' })
  assert.equal(states.at(-1), 'healthy')
  // The old pods crash until the end; that says nothing about the restart.
  assert.deepEqual([...new Set(states)], ['progressing', 'healthy'])
})

test('a restart that does not help is failing, with the reason', async (t) => {
  const house = await setup(t)

  await approve(house, 'k8s_restart_deployment', { name: 'checkout' })
  house.clock.advance(30_000)

  const { state, text } = await healthOf(house, 'checkout', t.signal)
  assert.equal(state, 'failing')
  assert.match(text, /^shop\/checkout: 0 of 2 pods available, 2 updated\. 2 pods waiting: ImagePullBackOff/)
})

test('available pods of the old version do not make a rollout healthy', async (t) => {
  const house = await setup(t)
  house.edit('web', ({ metadata, status }) => {
    status.observedGeneration = (metadata.generation ?? 0) + 1
    status.updatedReplicas = 1
    status.availableReplicas = 2
    status.replicas = 3
  })

  assert.equal((await healthOf(house, 'web', t.signal)).state, 'progressing')

  house.edit('web', ({ metadata, status }) => {
    status.observedGeneration = (metadata.generation ?? 0) + 1
    status.updatedReplicas = 2
  })
  assert.equal((await healthOf(house, 'web', t.signal)).state, 'progressing', 'an old pod is still there')
})

test('pods that the controller cannot create are a failure in its words', async (t) => {
  const house = await setup(t)
  house.edit('web', ({ metadata, status }) => {
    status.observedGeneration = (metadata.generation ?? 0) + 1
    status.updatedReplicas = 0
    status.availableReplicas = 1
    status.conditions = [
      {
        type: 'ReplicaFailure',
        status: 'True',
        reason: 'FailedCreate',
        message: 'pods "web-1" is forbidden: exceeded quota: compute.',
        lastTransitionTime: '2026-11-24T09:00:00Z',
      },
    ]
  })

  assert.deepEqual(await healthOf(house, 'web', t.signal), {
    state: 'failing',
    text: 'shop/web: 1 of 2 pods available, 0 updated. pods "web-1" is forbidden: exceeded quota: compute.',
  })
})

test('a paused rollout is said to be paused', async (t) => {
  const house = await setup(t)
  house.edit('web', ({ metadata, spec, status }) => {
    spec.paused = true
    status.observedGeneration = (metadata.generation ?? 0) + 1
    status.updatedReplicas = 0
  })

  assert.match((await healthOf(house, 'web', t.signal)).text, /Its rollout is paused\.$/)
})

/** As a kubelet does when readiness probes fail. */
function getUnready(house: House, name: string): void {
  const lastTransitionTime = new Date(house.clock.now()).toISOString()
  for (const pod of house.podsOf(name))
    house.sandbox.objects.change('pods', pod, ({ status }) => {
      status.containerStatuses![0]!.ready = false
      status.conditions = [{ type: 'Ready', status: 'False', reason: 'ContainersNotReady', lastTransitionTime }]
    })
  house.edit(name, ({ metadata, status }) => {
    status.observedGeneration = (metadata.generation ?? 0) + 1
    status.availableReplicas = 0
  })
}

test('pods that run without being ready are named; they fail once the time that their probes give them is over', async (t) => {
  const house = await setup(t)
  getUnready(house, 'web')

  const first = await healthOf(house, 'web', t.signal)
  house.clock.advance(121_000)
  const later = await healthOf(house, 'web', t.signal)

  assert.deepEqual(first, {
    state: 'progressing',
    text: 'shop/web: 0 of 2 pods available, 2 updated. 2 pods running but not ready.',
  })
  assert.deepEqual(later, {
    state: 'failing',
    text: 'shop/web: 0 of 2 pods available, 2 updated. 2 pods running, but not ready in time.',
  })
})

test('while a rollout gets on, it is its deadline that counts, not the probes of its pods', async (t) => {
  const house = await setup(t)
  getUnready(house, 'web')
  house.edit('web', ({ metadata, status }) => {
    status.observedGeneration = (metadata.generation ?? 0) + 1
    status.conditions = [
      { type: 'Progressing', status: 'True', reason: 'ReplicaSetUpdated', lastTransitionTime: '2026-11-24T09:00:00Z' },
    ]
  })
  house.clock.advance(121_000)

  assert.equal((await healthOf(house, 'web', t.signal)).state, 'progressing')
})

test('a pod that no node takes is named with the reason', async (t) => {
  const house = await setup(t)
  house.sandbox.objects.change('pods', house.podsOf('api')[0]!, ({ status }) => {
    status.containerStatuses = []
    status.conditions = [
      {
        type: 'PodScheduled',
        status: 'False',
        reason: 'Unschedulable',
        message: '0/2 nodes are available: 2 Insufficient memory.',
        lastTransitionTime: '2026-11-24T09:00:00Z',
      },
    ]
  })

  assert.match(
    (await healthOf(house, 'api', t.signal)).text,
    /1 pod not scheduled: 0\/2 nodes are available: 2 Insufficient memory\./,
  )
})

test('images that are rewritten on the way do not hide why pods fail', async (t) => {
  const house = await setup(t)
  for (const pod of house.podsOf('api'))
    house.sandbox.objects.change('pods', pod, ({ spec }) => {
      spec.containers[0]!.image = 'mirror.corp/api:3.4.1'
    })

  assert.match((await healthOf(house, 'api', t.signal)).text, /2 pods waiting: CrashLoopBackOff/)
})

test('what cannot be looked at is unknown or said, never well', async (t) => {
  const house = await setup(t)
  house.faults.push(answer(/GET .*\/pods$/, 403, { message: 'pods is forbidden' }))
  const api = await healthOf(house, 'api', t.signal)
  house.faults.push(answer(/GET .*\/deployments\/api$/, 500, { message: 'etcd is away' }))

  assert.equal(api.state, 'progressing')
  assert.match(
    api.text,
    /0 of 2 pods available, 2 updated\. Its pods could not be looked at: No permission: pods is forbidden/,
  )
  assert.equal((await healthOf(house, 'api', t.signal)).state, 'unknown')
  await house.stop()
  assert.equal((await healthOf(house, 'web', t.signal)).state, 'unknown')
})

test('a deployment that was removed is gone', async (t) => {
  const house = await setup(t)
  house.sandbox.objects.remove('deployments', house.deployment('web'))

  assert.deepEqual(await healthOf(house, 'web', t.signal), { state: 'gone', text: 'deployment shop/web is gone.' })
})

test('the overview finds workloads by name, label and image', async (t) => {
  const house = await setup(t)
  const names = async (words: string[]) => (await workloads(house.cluster, words, t.signal)).map(({ name }) => name)
  house.edit('worker', ({ spec }) => {
    spec.template.spec.containers[0]!.image = 'registry.corp:5000/shop/orders:1@sha256:abc'
  })

  assert.deepEqual(await names(['WEB']), ['shop/web'])
  assert.deepEqual(await names(['shop/api', 'orders']), ['shop/api', 'shop/worker'])
  assert.deepEqual(await names(['registry.corp']), [])
})
