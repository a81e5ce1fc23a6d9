import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Forge, openForge } from './lib/forge.ts'
import { chartEngineer } from './lib/guide-model.ts'
import { type House, openHouse } from './lib/house.ts'

let house: House
let forge: Forge

before(async () => {
  house = await openHouse({ script: chartEngineer })
  forge = await openForge({ scopes: ['write:repository', 'read:user'] })
  await house.cluster.apply('broken-crashloop-missing-env')
  await house.cluster.settled('broken-crashloop-missing-env')
})

after(async () => {
  await forge?.[Symbol.asyncDispose]()
  await house?.[Symbol.asyncDispose]()
})

test('one request: the log of the broken app, its chart cloned and read, two files written, committed and pushed, each change after an approval', async () => {
  const { alice, bob } = house
  const repository = await forge.repository('chart', { url: 'http://127.0.0.1:9/', secret: 'unused-here' })
  await repository.push(
    { 'values.yaml': 'replicas: 2\nimage: checkout-api:3.14.0', 'Chart.yaml': 'name: checkout\n' },
    'A chart',
  )
  await house.start({
    KUBE_AGENT_NAMESPACES: 'shop,payments',
    KUBE_AGENT_GITEA_URL: forge.url,
    KUBE_AGENT_GITEA_TOKEN: forge.botToken,
  })
  const room = await house.room()

  const thread = await alice.say(
    room,
    `checkout-api is broken: look at its log, mend its chart and push. The chart is in ${repository.fullName}`,
    { mention: house.botId },
  )

  const prompts: string[] = []
  for (const what of [/write .*configmap\.yaml/, /write .*values\.yaml/, /commit and push/]) {
    const prompt = await alice.sees(room, thread, new RegExp(`Approval needed.*${what.source}`, 's'))
    prompts.push(prompt.text)
    await bob.react(room, prompt.id, '✅')
  }
  await alice.sees(room, thread, /Done\. The log says “DATABASE_URL is not set”\. Commit \w+ was pushed/)

  assert.match(prompts[0] ?? '', /\+ {2}DATABASE_URL: \{\{ \.Values\.databaseUrl \| quote \}\}/)
  assert.match(prompts[2] ?? '', /\+databaseUrl: postgres:\/\/db\.payments\/checkout/)
  // The hash of a commit says what is in its tree: what people saw is what the server has, byte for byte.
  await repository.git('pull', '--quiet', 'origin', 'main')
  const [commit = '', tree = ''] = (await repository.git('log', '-1', '--format=%H %T')).trim().split(' ')
  assert.ok(prompts[2]?.includes(`${commit}:refs/heads/main`))
  assert.ok(prompts[2]?.includes(`tree ${tree}`))
  assert.equal(
    await repository.git('show', 'HEAD:values.yaml'),
    'replicas: 2\nimage: checkout-api:3.14.0\ndatabaseUrl: postgres://db.payments/checkout\n',
  )
})
