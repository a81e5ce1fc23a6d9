import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Refusal } from '../../../src/tools/tool.ts'
import { applying, configMap, storageClass } from './applying.ts'
import { setup } from './house.ts'

const apply = 'k8s_apply'
const isRefused = (message: RegExp) => (error: unknown) => error instanceof Refusal && message.test(error.message)

test('a bot that is confined to namespaces changes nothing that belongs to the whole cluster, and nobody is asked', async (t) => {
  const house = await setup(t, { cluster: { namespaces: ['shop', 'web'] } })
  applying(house)

  await assert.rejects(
    house.propose(apply, { manifest: storageClass('evil') }),
    isRefused(/^StorageClass evil belongs to the whole cluster, and this bot is open to shop, web only\.$/),
  )
  await assert.rejects(
    house.propose('k8s_cordon', { name: 'worker-1' }),
    isRefused(/^Node worker-1 belongs to the whole cluster, and this bot is open to shop, web only\.$/),
  )

  assert.ok(!house.seen.some(({ method }) => method === 'PATCH'))
})

test('who may change the cluster sees that it is the cluster that is changed', async (t) => {
  const house = await setup(t, { cluster: { namespaces: ['*'] } })
  applying(house)
  const args = { manifest: storageClass('fast') }

  const preview = await house.propose(apply, args)

  assert.equal(house.change(apply).summary(args), 'apply StorageClass fast')
  assert.deepEqual(await house.change(apply).target(args, house.context), { kind: 'StorageClass', name: 'fast' })
  assert.equal(preview.request.path, '/apis/storage.k8s.io/v1/storageclasses/fast')
  assert.deepEqual(preview.affects, ['it does not exist yet and is created, in the whole cluster'])
  assert.equal(await house.carryOut(apply, args, preview), 'StorageClass fast was created.')
})

test('a namespace that a kind has not is refused: it would stand in the question and nowhere else', async (t) => {
  const house = await setup(t, { cluster: { namespaces: ['*'] } })
  applying(house)

  await assert.rejects(
    house.propose(apply, { manifest: storageClass('fast', 'shop') }),
    isRefused(/^StorageClass belongs to the whole cluster: leave metadata\.namespace out\.$/),
  )
})

test('an object without a namespace goes to the one that the bot works in, and people see which', async (t) => {
  const house = await setup(t)
  applying(house)
  const args = { manifest: configMap('settings') }

  const preview = await house.propose(apply, args)

  assert.equal(preview.request.path, '/api/v1/namespaces/shop/configmaps/settings')
  assert.match(preview.request.body, /^ {2}namespace: shop$/m)
  assert.deepEqual(preview.affects, ['it does not exist yet and is created, in namespace shop'])
  assert.equal(await house.carryOut(apply, args, preview), 'ConfigMap shop/settings was created.')
})

test('what is approved for one object is not sent for another, of whatever kind or namespace', async (t) => {
  const house = await setup(t, { cluster: { namespaces: ['*'] } })
  applying(house)
  const preview = await house.propose(apply, { manifest: configMap('settings') })
  const tried = house.seen.length

  for (const manifest of [configMap('settings', 'web'), configMap('other'), storageClass('settings')])
    await assert.rejects(house.carryOut(apply, { manifest }, preview), /goes to another object than this call names/)

  assert.ok(!house.seen.slice(tried).some(({ method }) => method === 'PATCH'))
})
