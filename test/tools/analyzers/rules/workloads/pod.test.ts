import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pod as analyzer } from '../../../../../src/tools/analyzers/rules/workloads/pod.ts'
import { bearsDamage } from '../../damage.ts'
import { ago, meta, snapshotOf } from '../../snapshot.ts'
import { condition, deployment, event, pod, podWith, replicaSet } from '../../workloads.ts'

type Objects = Parameters<typeof snapshotOf>[0]

/** Pods of Deployment `api`, of which two of two serve unless said otherwise. */
const inspect = (pods: object[], more: Objects = {}) =>
  analyzer.inspect(
    snapshotOf({ Pod: pods, ReplicaSet: [replicaSet()], Deployment: [deployment()], Event: [], Job: [], ...more }),
  )

const down = { Deployment: [deployment({ status: { availableReplicas: 0, readyReplicas: 0 } })] }

const unscheduled = (since: string, reason = 'Unschedulable') =>
  pod({
    spec: { nodeName: undefined, schedulingGates: [{ name: 'acme.io/quota' }] },
    status: {
      phase: 'Pending',
      containerStatuses: undefined,
      conditions: [
        condition('PodScheduled', 'False', {
          reason,
          message: '0/3 nodes are available: 3 Insufficient cpu.',
          lastTransitionTime: since,
        }),
      ],
    },
  })

const crashed = (last: object = {}) => ({
  restartCount: 7,
  state: { waiting: { reason: 'CrashLoopBackOff' } },
  lastState: { terminated: { reason: 'Error', exitCode: 1, startedAt: ago(3), finishedAt: ago(2), ...last } },
})

test('a pod that no node can take is told with the words of the scheduler', () => {
  const [finding, ...others] = inspect([unscheduled(ago(3))])

  assert.equal(finding?.reason, 'Unschedulable')
  assert.equal(finding.text, 'No node can take pod shop/api-1-a: 0/3 nodes are available: 3 Insufficient cpu.')
  assert.equal(finding.since, ago(3))
  assert.deepEqual(finding.owner, { kind: 'Deployment', namespace: 'shop', name: 'api' })
  assert.deepEqual(others, [])
})

test('a pod that has only just become unschedulable is given time', () => {
  assert.deepEqual(inspect([unscheduled(ago(90, 's'))]), [])
})

test('a pod that cannot be scheduled is critical only after the rollout was given up with nothing available', () => {
  const givenUp = deployment({
    status: {
      availableReplicas: 0,
      conditions: [condition('Progressing', 'False', { reason: 'ProgressDeadlineExceeded' })],
    },
  })

  assert.equal(inspect([unscheduled(ago(3))], down)[0]?.severity, 'warning')
  assert.equal(inspect([unscheduled(ago(3))], { Deployment: [givenUp] })[0]?.severity, 'critical')
})

test('scheduling gates are a hint after ten minutes', () => {
  const [finding] = inspect([unscheduled(ago(11), 'SchedulingGated')])

  assert.equal(finding?.reason, 'SchedulingGated')
  assert.equal(finding.severity, 'info')
  assert.match(finding.text, /acme\.io\/quota/)
  assert.deepEqual(inspect([unscheduled(ago(9), 'SchedulingGated')]), [])
})

test('an evicted pod is a hint where others serve, and a warning where they do not', () => {
  const evicted = pod({
    status: { phase: 'Failed', reason: 'Evicted', message: 'The node was low on resource: memory.' },
  })

  assert.equal(inspect([evicted])[0]?.severity, 'info')
  assert.equal(inspect([evicted], down)[0]?.severity, 'warning')
  assert.match(inspect([evicted])[0]!.text, /low on resource: memory/)
})

test('a crash loop names the container, how it ended, and the logs of the run before', () => {
  const [finding, ...others] = inspect([podWith(crashed())])

  assert.equal(finding?.reason, 'CrashLoopBackOff')
  assert.equal(finding.severity, 'warning')
  assert.match(finding.text, /Container app of pod shop\/api-1-a .* Error, exit code 1\./)
  assert.ok(finding.evidence.some(({ path, value }) => path.endsWith('lastState.terminated.exitCode') && value === '1'))
  assert.equal(finding.next, 'k8s_get_pod_logs name=api-1-a namespace=shop container=app previous=true')
  assert.deepEqual(others, [])
})

test('a crash loop is critical when nothing of the workload serves', () => {
  assert.equal(inspect([podWith(crashed())], down)[0]?.severity, 'critical')
})

test('pods of one workload with the same reason are one finding that counts them', () => {
  const pods = ['a', 'b', 'c', 'd'].map((name) => podWith(crashed(), { name: `api-1-${name}` }))

  const findings = inspect(pods)

  assert.equal(findings.length, 1)
  assert.equal(findings[0]?.object.name, 'api-1-a')
  assert.match(findings[0]!.text, /4 pods in shop \(api-1-a, api-1-b, api-1-c and 1 more\)/)
  assert.ok(findings[0]?.evidence.some(({ object }) => object.name === 'api-1-c'))
  assert.ok(!findings[0]?.evidence.some(({ object }) => object.name === 'api-1-d'))
})

test('two containers with the same fault are named in one finding', () => {
  const both = podWith(
    {},
    {
      status: {
        containerStatuses: [
          { name: 'app', ...crashed() },
          { name: 'shipper', ...crashed() },
        ],
      },
    },
  )

  const findings = inspect([both])

  assert.equal(findings.length, 1)
  assert.match(findings[0]!.text, /Container app .*; the same holds for container shipper\.$/)
})

test('a crash loop is still one while the container runs between two crashes', () => {
  const running = { ...crashed(), state: { running: { startedAt: ago(10, 's') } } }

  assert.equal(inspect([podWith(running)])[0]?.reason, 'CrashLoopBackOff')
})

test('a young pod that has crashed twice is a crash loop before the kubelet says so', () => {
  const crashing = { ...crashed(), restartCount: 2, state: { running: { startedAt: ago(5, 's') } } }

  assert.equal(inspect([podWith(crashing, { status: { startTime: ago(2) } })])[0]?.reason, 'CrashLoopBackOff')
})

test('a container that works for an hour and ends each time is no crash loop', () => {
  const hourly = {
    ready: true,
    restartCount: 9,
    state: { running: { startedAt: ago(1) } },
    lastState: { terminated: { reason: 'Completed', exitCode: 0, startedAt: ago(61), finishedAt: ago(1) } },
  }

  assert.equal(inspect([podWith(hourly)])[0]?.reason, 'FrequentRestarts')
})

test('a young pod that has settled after two crashes is well', () => {
  const settled = { ...crashed(), ready: true, restartCount: 2, state: { running: { startedAt: ago(3) } } }

  assert.deepEqual(inspect([podWith(settled, { status: { startTime: ago(5) } })]), [])
})

test('a container that was killed for its memory shows its limit, in a crash loop and after it', () => {
  const limited = { spec: { containers: [{ name: 'app', resources: { limits: { memory: '256Mi' } } }] } }
  const killed = { reason: 'OOMKilled', exitCode: 137, startedAt: ago(90), finishedAt: ago(30) }
  const recovered = {
    ready: true,
    restartCount: 1,
    state: { running: { startedAt: ago(30) } },
    lastState: { terminated: killed },
  }

  assert.equal(inspect([podWith(crashed(killed), limited)])[0]?.reason, 'OOMKilled')
  assert.match(inspect([podWith(crashed(killed), limited)])[0]!.text, /memory limit of 256Mi/)
  assert.equal(inspect([podWith(recovered, limited)])[0]?.reason, 'OOMKilled')
})

test('a kill for memory of yesterday is over', () => {
  const last = { terminated: { reason: 'OOMKilled', exitCode: 137, finishedAt: ago(1, 'd') } }

  assert.deepEqual(
    inspect([
      podWith({ ready: true, restartCount: 1, state: { running: { startedAt: ago(1, 'd') } }, lastState: last }),
    ]),
    [],
  )
})

test('a container that runs after many restarts is a warning while the last is fresh', () => {
  const restarted = (finishedAt: string) =>
    podWith({
      ready: true,
      restartCount: 6,
      state: { running: { startedAt: finishedAt } },
      lastState: { terminated: { reason: 'Error', exitCode: 2, startedAt: ago(3, 'h'), finishedAt } },
    })

  assert.equal(inspect([restarted(ago(30))])[0]?.reason, 'FrequentRestarts')
  assert.deepEqual(inspect([restarted(ago(2, 'h'))]), [])
})

test('a pod that was restarted once a week ago is well', () => {
  const last = { terminated: { reason: 'Unknown', exitCode: 255, finishedAt: ago(7, 'd') } }

  assert.deepEqual(
    inspect([
      podWith({ ready: true, restartCount: 1, state: { running: { startedAt: ago(7, 'd') } }, lastState: last }),
    ]),
    [],
  )
})

test('an image that cannot be pulled is told without a message too, then with the newest event', () => {
  const waiting = podWith({ state: { waiting: { reason: 'ImagePullBackOff' } } })
  const failure = event('Pod', 'api-1-a', 'Failed', 'manifest unknown', {
    involvedObject: { kind: 'Pod', uid: 'uid-api-1-a', fieldPath: 'spec.containers{app}' },
  })

  assert.match(inspect([waiting])[0]!.text, /Container app of pod shop\/api-1-a waits with ImagePullBackOff\./)
  assert.match(inspect([waiting], { Event: [failure] })[0]!.text, /manifest unknown/)
})

test('a first failed pull may pass, and has the same name as the ones after it', () => {
  const waiting = (startTime: string) =>
    podWith({ state: { waiting: { reason: 'ErrImagePull', message: 'timeout' } } }, { status: { startTime } })

  assert.deepEqual(inspect([waiting(ago(1))]), [])
  assert.equal(inspect([waiting(ago(3))])[0]?.reason, 'ImagePullBackOff')
})

test('every reason to wait but the ordinary ones is told', () => {
  for (const reason of [
    'CreateContainerConfigError',
    'InvalidImageName',
    'RunContainerError',
    'SignatureValidationFailed',
  ])
    assert.equal(inspect([podWith({ state: { waiting: { reason, message: 'no' } } })])[0]?.reason, reason)
})

test('init containers and sidecars are looked at like the others', () => {
  const init = podWith(
    {},
    {
      spec: { initContainers: [{ name: 'migrate' }] },
      status: {
        phase: 'Pending',
        initContainerStatuses: [{ name: 'migrate', ...crashed({ exitCode: 3 }) }],
        containerStatuses: [{ name: 'app', state: { waiting: { reason: 'PodInitializing' } } }],
      },
    },
  )

  const findings = inspect([init])

  assert.equal(findings.length, 1)
  assert.match(findings[0]!.text, /Container migrate .* exit code 3/)
})

test('an init container that runs, and a sidecar that is ready, are well', () => {
  const working = pod({
    spec: { initContainers: [{ name: 'proxy', restartPolicy: 'Always' }, { name: 'migrate' }] },
    status: {
      phase: 'Pending',
      initContainerStatuses: [
        { name: 'proxy', ready: true, started: true, state: { running: { startedAt: ago(1, 'h') } } },
        { name: 'migrate', ready: false, state: { running: { startedAt: ago(1, 'h') } } },
      ],
      containerStatuses: [{ name: 'app', ready: false, state: { waiting: { reason: 'PodInitializing' } } }],
    },
  })

  assert.deepEqual(inspect([working]), [])
})

test('an ephemeral container that failed is a hint', () => {
  const debugged = pod({
    status: { ephemeralContainerStatuses: [{ name: 'debugger', state: { terminated: { exitCode: 1 } } }] },
  })

  assert.equal(inspect([debugged])[0]?.severity, 'info')
})

test('a mount that fails is told with its event, a slow start without one only later', () => {
  const creating = (startTime: string) =>
    podWith({ state: { waiting: { reason: 'ContainerCreating' } } }, { status: { phase: 'Pending', startTime } })
  const mount = event('Pod', 'api-1-a', 'FailedMount', 'MountVolume.SetUp failed for volume "data"')

  assert.equal(inspect([creating(ago(3))], { Event: [mount] })[0]?.reason, 'FailedMount')
  assert.match(inspect([creating(ago(3))], { Event: [mount] })[0]!.text, /volume "data"/)
  assert.deepEqual(inspect([creating(ago(3))]), [])
  assert.equal(inspect([creating(ago(11))])[0]?.reason, 'ContainerCreating')
})

test('a failed mount of a pod that runs by now is over', () => {
  assert.deepEqual(inspect([pod()], { Event: [event('Pod', 'api-1-a', 'FailedMount', 'once')] }), [])
})

const unready = (more: { since?: string; probe?: object } = {}) => {
  const { since = ago(5), probe = {} } = more
  return podWith(
    { started: true, state: { running: { startedAt: since } } },
    {
      spec: { containers: [{ name: 'app', readinessProbe: { periodSeconds: 10, failureThreshold: 3, ...probe } }] },
      status: { conditions: [condition('Ready', 'False', { lastTransitionTime: since })] },
    },
  )
}

test('a container that is not ready is told by its state alone, and explained by the event', () => {
  const probe = event('Pod', 'api-1-a', 'Unhealthy', 'Readiness probe failed: statuscode: 500', {
    lastTimestamp: undefined,
    eventTime: ago(1),
  })

  assert.equal(inspect([unready()])[0]?.reason, 'Unhealthy')
  assert.match(
    inspect([unready()], { Event: [probe] })[0]!.text,
    /is not ready: Readiness probe failed: statuscode: 500/,
  )
})

test('a container has as long to get ready as its probe gives it', () => {
  assert.deepEqual(inspect([unready({ since: ago(90, 's') })]), [])
  assert.deepEqual(inspect([unready({ probe: { initialDelaySeconds: 600 } })]), [])
})

test('an unready pod that holds a rollout up says so', () => {
  const stuck = deployment({
    status: { conditions: [condition('Progressing', 'False', { reason: 'ProgressDeadlineExceeded' })] },
  })

  const [finding] = inspect([unready()], { Deployment: [stuck] })

  assert.match(finding!.text, /the rollout waits for it/)
  assert.match(finding!.next, /k8s_rollout_undo name=api namespace=shop/)
})

test('a readiness gate that nobody opens is told', () => {
  const gate = pod({
    spec: { readinessGates: [{ conditionType: 'acme.io/in-balancer' }] },
    status: {
      conditions: [condition('Ready', 'False', { lastTransitionTime: ago(5) }), condition('ContainersReady', 'True')],
    },
  })

  assert.equal(inspect([gate])[0]?.reason, 'ReadinessGatesNotReady')
  assert.match(inspect([gate])[0]!.text, /acme\.io\/in-balancer/)
})

test('a deletion that does not end is told with its finalizers', () => {
  const going = (deletionTimestamp: string) => pod({ metadata: { deletionTimestamp, finalizers: ['acme.io/drain'] } })

  assert.equal(inspect([going(ago(6))])[0]?.reason, 'StuckTerminating')
  assert.match(inspect([going(ago(6))])[0]!.text, /acme\.io\/drain/)
  assert.deepEqual(inspect([going(ago(4))]), [])
})

test('a pod of which nothing is known is told after two minutes', () => {
  const lost = (lastTransitionTime: string) =>
    pod({ status: { phase: 'Unknown', conditions: [condition('Ready', 'Unknown', { lastTransitionTime })] } })

  assert.equal(inspect([lost(ago(3))])[0]?.reason, 'NodeLost')
  assert.deepEqual(inspect([lost(ago(1))]), [])
})

const ended = (owner: 'Job' | 'Deployment' | 'none') =>
  podWith(
    { state: { terminated: { reason: 'Error', exitCode: 3, finishedAt: ago(20) } } },
    { owner, spec: { restartPolicy: 'Never' }, status: { phase: 'Failed' } },
  )

test('a pod without a controller that has failed is told with its exit code', () => {
  const [finding] = inspect([ended('none')])

  assert.equal(finding?.reason, 'Error')
  assert.match(finding.text, /exit code 3/)
})

test('the failed pods of a Job are told only when the Job has given up', () => {
  const job = (conditions: object[]) => ({ Job: [{ metadata: meta('api'), status: { conditions } }] })

  assert.equal(inspect([ended('Job')], job([condition('Failed', 'True')])).length, 1)
  assert.deepEqual(inspect([ended('Job')], job([condition('Complete', 'True')])), [])
  assert.deepEqual(inspect([ended('Job')], job([])), [])
})

test('a failed pod that its controller has replaced is left alone', () => {
  assert.deepEqual(inspect([ended('Deployment')]), [])
  assert.equal(inspect([ended('Deployment')], down).length, 1)
})

test('pods that are new, done, or well give nothing', () => {
  const fresh = podWith(crashed(), { metadata: { creationTimestamp: ago(30, 's') } })

  assert.deepEqual(
    inspect([fresh, pod({ name: 'api-1-b' }), pod({ name: 'api-1-c', status: { phase: 'Succeeded' } })]),
    [],
  )
})

test('a pod without status gives nothing', () => {
  assert.deepEqual(inspect([{ metadata: meta('bare') }]), [])
})

test('damaged pods never make it throw', () => {
  bearsDamage(analyzer, {
    Pod: [
      podWith(crashed()),
      unscheduled(ago(3)),
      unready(),
      ended('none'),
      podWith({ state: { waiting: { reason: 'ImagePullBackOff' } } }, { name: 'b' }),
    ],
    ReplicaSet: [replicaSet()],
    Deployment: [deployment()],
    Event: [event('Pod', 'api-1-a', 'BackOff', 'Back-off restarting')],
  })
})
