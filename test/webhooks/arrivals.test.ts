import assert from 'node:assert/strict'
import { test } from 'node:test'
import { arrivalsPath, createArrivals, proofHeader, proofOf } from '../../src/webhooks/gitea/arrivals.ts'
import { deriveSecret } from '../../src/webhooks/gitea/secret.ts'
import { createReceiver, plain, recorded, sign } from './receiver.ts'

const probe = recorded('push-test')

async function setup() {
  const arrivals = createArrivals(['a newer one', plain.secret])
  const { app, jobs } = await createReceiver({ arrived: arrivals.note })
  await app.register(arrivals.route)
  const send = (body: string, signature = sign(body)) =>
    app.inject({
      method: 'POST',
      url: '/webhooks/gitea',
      payload: body,
      headers: {
        'content-type': 'application/json',
        'x-gitea-delivery': 'one',
        'x-gitea-event': 'push',
        'x-gitea-signature': signature,
      },
    })
  const ask = async (scope: string, proof = proofOf(deriveSecret(plain.secret, scope), scope, 'n')) => {
    const query = new URLSearchParams({ scope, nonce: 'n' })
    const { statusCode, body } = await app.inject({
      url: `${arrivalsPath}?${query}`,
      headers: { [proofHeader]: proof },
    })
    return statusCode === 200 ? JSON.parse(body).tests : body
  }
  return { app, jobs, send, ask }
}

test('every test delivery that is signed counts for its repository and its owner, the same one again too', async () => {
  const { send, ask } = await setup()
  assert.equal(await ask('acme/shop'), 0)

  await send(probe.body)
  await send(probe.body)
  await send(probe.body, sign(probe.body, 'wrong'))
  await send(plain.body)

  assert.equal(await ask('acme/shop'), 2)
  assert.equal(await ask('Acme'), 2)
  assert.equal(await ask('acme/other'), 0)
})

test('who does not know the secret finds nothing there, as anywhere else', async () => {
  const { app, send, ask } = await setup()
  await send(probe.body)
  const nowhere = (await app.inject('/nowhere')).body
  const derived = deriveSecret(plain.secret, 'acme/shop')

  for (const proof of [
    '',
    '0'.repeat(64),
    proofOf(plain.secret, 'acme/shop', 'n'),
    proofOf(derived, 'acme/shop', 'another'),
    proofOf(derived, 'acme', 'n'),
    sign('', derived),
  ])
    assert.equal(await ask('acme/shop', proof), nowhere)
  assert.equal(await ask('acme', proofOf(derived, 'acme', 'n')), nowhere)
  for (const address of [arrivalsPath, `${arrivalsPath}?scope=a&scope=b&nonce=n`, `${arrivalsPath}?scope=a`])
    assert.equal((await app.inject(address)).body, nowhere)
})

test('a proof signs no delivery, and the signature of a delivery proves nothing', async () => {
  const { send, ask, jobs } = await setup()
  const derived = deriveSecret(plain.secret, 'acme/shop')

  await send(probe.body, proofOf(derived, 'acme/shop', 'n'))
  assert.deepEqual(jobs, [])
  assert.equal(await ask('acme/shop', sign(probe.body, derived)), 'not found\n')
})
