import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Effect, effectOf, Refusal } from '../../../src/tools/tool.ts'
import { matchesGolden } from '../golden.ts'
import { answer } from '../tap.ts'
import { type House, setup, stable } from './house.ts'

const restart = 'k8s_restart_deployment'
const scale = 'k8s_scale_deployment'

/** The sentence of a refusal: no person is asked, the model is told why. */
async function refusal(call: Promise<unknown>): Promise<string> {
  const outcome = await call.then(
    () => assert.fail('expected a refusal'),
    (error: unknown) => error,
  )
  assert.ok(outcome instanceof Refusal, `expected a refusal, got ${outcome}`)
  return outcome.message
}

const changesOf = ({ seen }: House) => seen.filter(({ method }) => method === 'PATCH')

test('what an approver sees of a restart and of a scaling', async (t) => {
  const house = await setup(t)
  const shows = async (file: string, tool: string, args: object) => {
    const { request, diff, affects } = await house.propose(tool, args)
    const text = [`${request.method} ${request.path}`, request.contentType, request.body, diff, ...affects].join('\n\n')
    await matchesGolden(`kubernetes/${file}.txt`, stable(text))
  }

  await shows('restart', restart, { name: 'api' })
  await shows('restart-recreate', restart, { name: 'checkout' })
  await shows('scale-up', scale, { name: 'worker', replicas: 2 })
  await shows('scale-to-0', scale, { name: 'web', replicas: 0 })
})

test('a proposal changes nothing, and the server tried it', async (t) => {
  const house = await setup(t)
  const version = house.sandbox.objects.version()

  await house.propose(restart, { name: 'api' })
  await house.propose(scale, { name: 'api', replicas: 5 })
  house.clock.advance(5_000)

  assert.deepEqual(
    changesOf(house).map(({ query }) => query.get('dryRun')),
    ['All', 'All'],
  )
  assert.equal(house.deployment('api').spec.replicas, 2)
  assert.equal(house.deployment('api').spec.template.metadata.annotations, undefined)
  assert.equal(house.deployment('api').metadata.resourceVersion < version, true)
})

for (const { tool, args } of [
  { tool: restart, args: { name: 'api' } },
  { tool: scale, args: { name: 'api', replicas: 5 } },
]) {
  test(`${tool} sends byte for byte what was shown`, async (t) => {
    const house = await setup(t)
    const preview = await house.propose(tool, args)
    const tried = changesOf(house).length

    // Minutes later: the time of the restart is the one that was shown.
    house.clock.advance(120_000)
    await house.carryOut(tool, args, preview)

    const [request, ...more] = changesOf(house).slice(tried)
    assert.deepEqual(more, [])
    assert.equal(request?.path, preview.request.path)
    assert.equal(request?.body, preview.request.body)
    assert.equal(request?.headers['content-type'], 'application/json-patch+json')
    assert.deepEqual([...(request?.query ?? [])], [['fieldManager', 'kube-agent']])
  })

  test(`${tool} is refused by the server when the target changed after it was shown`, async (t) => {
    const house = await setup(t)
    const preview = await house.propose(tool, args)
    house.edit('api', ({ spec }) => {
      spec.replicas = 3
    })

    await assert.rejects(house.carryOut(tool, args, preview), {
      message: 'Not done: the object was changed after the approval was asked for. Look at it again.',
    })

    assert.equal(house.deployment('api').spec.replicas, 3)
    assert.equal(house.deployment('api').spec.template.metadata.annotations, undefined)
  })

  test(`${tool} does not touch a new object of the same name`, async (t) => {
    const house = await setup(t)
    const preview = await house.propose(tool, args)
    const { metadata, spec, status } = house.deployment('api')
    house.sandbox.objects.remove('deployments', house.deployment('api'))
    house.sandbox.objects.create('deployments', {
      metadata: { ...metadata, uid: '00000000-0000-4000-8000-000000000000' },
      spec,
      status,
    })

    await assert.rejects(house.carryOut(tool, args, preview), /^Error: Not done: the object was changed/)
  })

  test(`${tool} has another version when the target has changed`, async (t) => {
    const house = await setup(t)
    const before = await house.propose(tool, args)
    const again = await house.propose(tool, args)
    house.edit('api', ({ metadata }) => {
      metadata.annotations = { note: 'changed' }
    })

    assert.equal(again.version, before.version)
    assert.notEqual((await house.propose(tool, args)).version, before.version)
  })

  test(`${tool} does nothing to another object than the approved one`, async (t) => {
    const house = await setup(t)
    const preview = await house.propose(tool, args)

    await assert.rejects(house.carryOut(tool, { ...args, name: 'web' }, preview), /goes to another object/)

    assert.equal(house.deployment('web').metadata.generation, 1)
  })

  test(`${tool} is refused when the bot itself has no permission`, async (t) => {
    const resource = tool === scale ? 'deployments/scale' : 'deployments'
    const house = await setup(t, { sandbox: { deny: [{ verb: 'patch', resource }] } })

    assert.equal(
      await refusal(house.propose(tool, args)),
      `The bot has no permission to patch ${resource} in namespace shop. Its Role has to allow it.`,
    )
    assert.deepEqual(changesOf(house), [])
  })

  test(`${tool} of something that does not exist names what does`, async (t) => {
    const house = await setup(t)

    await assert.rejects(
      house.propose(tool, { ...args, name: 'apii' }),
      /^Error: Deployment shop\/apii not found\. Deployments in shop: api, /,
    )
  })

  test(`${tool} reports a refusal of an admission webhook before anybody is asked`, async (t) => {
    const house = await setup(t)
    const message = 'admission webhook "policy.corp" denied the request: frozen until Monday'
    house.faults.push(answer(/^PATCH /, 403, { message }))

    assert.equal(
      await refusal(house.propose(tool, args)),
      `The server would not accept this: No permission: ${message}. The bot's Role has to allow it.`,
    )
  })

  test(`${tool} asks to look again when the target changes at this very moment`, async (t) => {
    const house = await setup(t)
    house.faults.push(({ method }) => {
      if (method === 'PATCH') house.edit('api', ({ spec }) => void (spec.replicas = 4))
      return undefined
    })

    assert.match(
      await refusal(house.propose(tool, args)),
      /^The object is being changed at this moment\. Look at it again/,
    )
  })

  test(`${tool} does not claim an outcome that it does not know`, async (t) => {
    const house = await setup(t)
    const preview = await house.propose(tool, args)
    // The change arrives, its answer does not.
    house.faults.push(({ method }, response) => {
      if (method !== 'PATCH') return undefined
      response.destroy()
      return true
    })

    await assert.rejects(
      house.carryOut(tool, args, preview),
      /^OutcomeUnknown: Whether it was done is unknown: .* cannot be reached .* Read the current state first\.$/,
    )
    assert.equal(changesOf(house).filter(({ query }) => !query.get('dryRun')).length, 1, 'it must not be sent again')
  })

  test(`${tool} says that nothing happened when there was no connection`, async (t) => {
    const house = await setup(t)
    const preview = await house.propose(tool, args)
    await house.stop()
    await assert.rejects(house.call('k8s_list_pods'), /ECONNREFUSED/)

    await assert.rejects(
      house.carryOut(tool, args, preview),
      /^ClusterUnreachable: The API server \S+ cannot be reached \(ECONNREFUSED\)/,
    )
  })
}

test('a restart that is asked for within a second of another one is one', async (t) => {
  const house = await setup(t)
  await house.carryOut(restart, { name: 'api' }, await house.propose(restart, { name: 'api' }))

  house.clock.advance(5)

  assert.match((await house.propose(restart, { name: 'api' })).diff, /restartedAt/)
})

test('a restart of a paused rollout is refused with the way out', async (t) => {
  const house = await setup(t)
  house.edit('api', ({ spec }) => {
    spec.paused = true
  })

  assert.match(
    await refusal(house.propose(restart, { name: 'api' })),
    /is paused, so a restart would do nothing .* kubectl rollout resume deployment\/api -n shop\.$/,
  )
})

test('a restart where no pod is wanted is refused with the way out', async (t) => {
  const house = await setup(t)

  assert.match(await refusal(house.propose(restart, { name: 'worker' })), /is scaled to 0: .* k8s_scale_deployment/)
})

test('replicas have bounds, and 0 is a destruction', async (t) => {
  const house = await setup(t)
  const tool = house.change(scale)
  const effect = (replicas: number): Effect => effectOf(tool, { name: 'api', replicas })

  assert.equal(
    await refusal(house.propose(scale, { name: 'api', replicas: 51 })),
    'At most 50 replicas may be asked for, not 51.',
  )
  assert.equal(
    await refusal(house.propose(scale, { name: 'api', replicas: 2 })),
    'Deployment shop/api already has 2 replicas.',
  )
  assert.ok((await house.propose(scale, { name: 'api', replicas: 50 })).diff.includes('+  replicas: 50'))
  assert.equal(tool.input.safeParse({ name: 'api', replicas: -1 }).success, false)
  assert.equal(tool.input.safeParse({ name: 'api', replicas: 1.5 }).success, false)
  assert.deepEqual([effect(0), effect(1)], ['destroy', 'change'])
})

test('an autoscaler that would undo it is shown to the approver', async (t) => {
  const house = await setup(t)
  house.sandbox.objects.create('horizontalpodautoscalers', {
    metadata: { name: 'api-hpa', namespace: 'shop' },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'api' },
      minReplicas: 2,
      maxReplicas: 6,
    },
    status: { currentReplicas: 2, desiredReplicas: 2 },
  })

  const { affects } = await house.propose(scale, { name: 'api', replicas: 8 })

  assert.ok(affects.includes('autoscaler api-hpa sets its replicas (2 to 6) and may undo another number'))
})

test('what could not be looked at is shown to the approver too', async (t) => {
  const house = await setup(t, {
    sandbox: {
      deny: [
        { verb: 'list', resource: 'services' },
        { verb: 'list', resource: 'horizontalpodautoscalers' },
      ],
    },
  })

  const { affects } = await house.propose(scale, { name: 'api', replicas: 3 })

  assert.ok(affects.includes('services could not be looked at'))
  assert.ok(affects.includes('autoscalers could not be looked at'))
})

test('a change that a person approved helps', async (t) => {
  const house = await setup(t)
  const preview = await house.propose(restart, { name: 'api' })

  const text = await house.carryOut(restart, { name: 'api' }, preview)
  house.clock.advance(30_000)

  assert.match(text, /^Restart of deployment shop\/api began .*2026-11-24T09:00:00\.000Z, generation 2/)
  assert.equal(house.deployment('api').status.availableReplicas, 2)
  const grown = await house.propose(scale, { name: 'worker', replicas: 2 })
  assert.match(await house.carryOut(scale, { name: 'worker', replicas: 2 }, grown), /now wants 2 replicas/)
})
