import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type BotProcess, startBot } from './lib/bot-process.ts'
import { type House, openHouse } from './lib/house.ts'
import { until } from './lib/matrix-person.ts'

let house: House
let bot: BotProcess
let room: string

before(async () => {
  house = await openHouse()
  bot = await house.start()
  room = await house.room()
})

after(() => house[Symbol.asyncDispose]())

const idOf = (text: string): string => /`?\b([a-z0-9]{6})`?:/.exec(text)?.[1] ?? ''

/** Asks for a restart and waits for its prompt. */
async function propose(
  names: string,
): Promise<{ thread: string; prompt: { id: string; text: string; mentions: string[] } }> {
  const thread = await house.alice.say(room, `restart ${names}`, { mention: house.botId })
  const prompt = await house.alice.sees(room, thread, /Approval needed/)
  return { thread, prompt }
}

test('a mention in the main timeline is answered in a thread; the follow-up there needs no mention', async () => {
  const { alice } = house

  const thread = await alice.say(room, 'hello there', { mention: house.botId })
  const answer = await alice.sees(room, thread, /You said: hello there/)
  assert.deepEqual(answer.mentions, [alice.id])

  await alice.say(room, 'and again', { thread })
  await alice.sees(room, thread, /You said: and again/)
})

test('a restart is shown literally, refused to others, run once for a decider, and its recovery is reported', async () => {
  const { alice, bob } = house
  const before = await house.restarts('api')
  const { thread, prompt } = await propose('api')
  assert.match(prompt.text, /PATCH \/apis\/apps\/v1\/namespaces\/shop\/deployments\/api/)
  assert.match(prompt.text, /\+\s+kubectl\.kubernetes\.io\/restartedAt/)
  assert.match(prompt.text, /!approve [a-z0-9]{6}/)
  assert.deepEqual(prompt.mentions, [bob.id])

  await alice.react(room, prompt.id, '✅')
  await alice.sees(room, thread, /not an approver/)
  assert.equal(await house.restarts('api'), before)

  await bob.react(room, prompt.id, '✅\uFE0F')
  const answer = await alice.sees(room, thread, /Report: restarted/)
  assert.deepEqual(answer.mentions, [alice.id])
  await alice.sees(room, thread, /✅ Approved by .*@bob:rig\.test.*, done/)
  await alice.sees(room, thread, /✓ \[\d+\] .?k8s_restart_deployment/)
  await alice.sees(room, thread, /After .restart deployment shop\/api.*2 of 2 pods available/)
  assert.equal(await house.restarts('api'), before + 1)
})

test("a ✅ under somebody else's edit of the prompt approves nothing", async () => {
  const { alice, bob } = house
  const before = await house.restarts('api')
  const { thread, prompt } = await propose('api')

  const edit = await alice.send(room, 'm.room.message', {
    msgtype: 'm.text',
    body: '* shall I order lunch?',
    'm.new_content': { msgtype: 'm.text', body: 'shall I order lunch?' },
    'm.relates_to': { rel_type: 'm.replace', event_id: prompt.id },
  })
  await bob.react(room, edit, '✅')
  await bob.say(room, `!deny ${idOf(prompt.text)} was no lunch`, { thread })

  await alice.sees(room, thread, /❌ Denied by .*was no lunch/)
  assert.equal(await house.restarts('api'), before)
})

test('a denial by text gives its reason to the model, and nothing runs', async () => {
  const { alice, bob } = house
  const before = await house.restarts('api')
  const { thread, prompt } = await propose('api')

  await bob.say(room, `!deny ${idOf(prompt.text)} not during the sale`, { thread })

  await alice.sees(room, thread, /Report: denied.*not during the sale/)
  await alice.sees(room, thread, /❌ Denied by .*@bob:rig\.test.*: not during the sale/)
  assert.equal(await house.restarts('api'), before)
})

test('a new message while a prompt waits withdraws it; the ✅ that follows runs nothing', async () => {
  const { alice, bob } = house
  const before = await house.restarts('api')
  const { thread, prompt } = await propose('api')

  await alice.say(room, 'wait, logs first', { thread })
  await alice.sees(room, thread, /You said: .*wait, logs first/)
  await bob.react(room, prompt.id, '✅')

  await alice.sees(room, thread, /Too late/)
  await alice.sees(room, thread, /🚫 Withdrawn/)
  assert.equal(await house.restarts('api'), before)
})

test('of two prompts the second is approved alone', async () => {
  const { alice, bob } = house
  const [api, web] = [await house.restarts('api'), await house.restarts('web')]
  const thread = await alice.say(room, 'restart api web', { mention: house.botId })
  const first = await alice.sees(room, thread, /Approval needed.*shop\/api/)
  const second = await alice.sees(room, thread, /Approval needed.*shop\/web/)

  await bob.react(room, second.id, '✅')
  await until(
    async () => (await house.restarts('web')) === web + 1,
    () => 'web to be restarted',
  )
  await bob.react(room, first.id, '❌')

  await alice.sees(room, thread, /Report: denied.*; restarted/)
  assert.equal(await house.restarts('api'), api)
})

test('forty messages, a mark and its withdrawal while the bot is down are handled in order, once', async () => {
  const { alice, bob } = house
  const before = await house.restarts('api')
  const kept = await propose('api')
  const takenBack = await propose('web')
  const web = await house.restarts('web')
  await bot.kill('SIGTERM')

  await bob.react(room, kept.prompt.id, '✅')
  const reaction = await bob.react(room, takenBack.prompt.id, '✅')
  await bob.redact(room, reaction)
  const thread = await alice.say(room, 'message 0', { mention: house.botId })
  for (let index = 1; index < 40; index++) await alice.say(room, `message ${index}`, { thread })
  bot = await house.start()

  await alice.sees(room, kept.thread, /Report: restarted/)
  await alice.sees(room, thread, /message 39/)
  const replies = (await alice.shown(room, thread)).filter(
    (message) => message.sender === house.botId && /You said/.test(message.text),
  )
  const order = replies.flatMap((reply) => [...reply.text.matchAll(/message (\d+)/g)].map((match) => Number(match[1])))
  assert.deepEqual(
    order,
    Array.from({ length: 40 }, (_, index) => index),
  )
  assert.equal(await house.restarts('api'), before + 1)
  assert.equal(await house.restarts('web'), web)
})

test('SIGTERM ends the process cleanly, and what waits is still there afterwards', async () => {
  const { alice, bob } = house
  const before = await house.restarts('web')
  const { thread, prompt } = await propose('web')

  assert.equal(await bot.kill('SIGTERM'), 0)
  bot = await house.start()
  await bob.react(room, prompt.id, '✅')

  await alice.sees(room, thread, /Report: restarted/)
  assert.equal(await house.restarts('web'), before + 1)
})

test('nobody decides: the prompt expires by itself, and a ✅ after that runs nothing', async () => {
  const { alice, bob } = house
  await bot.kill('SIGTERM')
  bot = await house.start({ KUBE_AGENT_APPROVALS_MINUTES: '0.05' })
  const before = await house.restarts('api')
  const { thread, prompt } = await propose('api')

  await alice.sees(room, thread, /Report: nobody decided/)
  await bob.react(room, prompt.id, '✅')

  await alice.sees(room, thread, /⌛ Expired/)
  await alice.sees(room, thread, /Too late/)
  assert.equal(await house.restarts('api'), before)
})

test('scaling to zero is asked of somebody other than the asker, is seen as done, and is reported as well', async () => {
  const { alice, bob } = house
  await bot.kill('SIGTERM')
  bot = await house.start({ KUBE_AGENT_APPROVERS: `${alice.id},${bob.id}` })

  const thread = await alice.say(room, '!k8s_scale_deployment name=web replicas=0', { mention: house.botId })
  const prompt = await alice.sees(room, thread, /Approval needed/)
  await alice.react(room, prompt.id, '✅')
  await alice.sees(room, thread, /somebody else has to approve/)
  await bob.react(room, prompt.id, '✅')

  await alice.sees(room, thread, /now wants 0 replicas/)
  assert.equal(
    await house.cluster.kubectl('-n', 'shop', 'get', 'deployment', 'web', '-o', 'jsonpath={.spec.replicas}'),
    '0',
  )
  await house.cluster.kubectl('-n', 'shop', 'scale', 'deployment', 'web', '--replicas=1')
})

test('what it may not or cannot do is refused in words before anybody is asked', async () => {
  const { alice } = house
  const commands = {
    'k8s_restart_deployment name=coredns namespace=kube-system': /kube-system/,
    'k8s_list_pods namespace=payroll': /payroll/,
    'k8s_get_deployment name=apj': /shop\/apj not found.*api/s,
    'k8s_scale_deployment name=api replicas=51': /At most 50/,
    'k8s_get_pod name=../../secrets': /`!k8s_get_pod`/,
  }

  for (const [command, words] of Object.entries(commands)) {
    const thread = await alice.say(room, `!${command}`, { mention: house.botId })
    const answer = await alice.sees(room, thread, words)
    assert.doesNotMatch(answer.text, /Approval needed/)
  }
})

test('an encrypted room is declined in words', async () => {
  const { alice } = house

  const encrypted = await alice.createRoom({ name: 'secret', invite: [house.botId], encrypted: true })

  await until(
    async () => (await alice.membership(encrypted, house.botId)) === 'leave',
    () => 'the bot to decline',
  )
})

test('a revoked token turns health red and ends the process with a sentence', async () => {
  const login = await house.login()
  const other = await startBot({
    ...house.matrixEnv,
    KUBE_AGENT_MATRIX_TOKEN: login.token,
    KUBE_AGENT_DATA_DIR: login.folder,
  })
  await other.ready()

  await login.logout()

  assert.equal(await other.exited, 1)
  assert.match(JSON.stringify(other.logs), /does not accept the access token/)
})

test('a second process on the same data directory refuses to start and says why', async () => {
  const second = await startBot(house.matrixEnv)

  assert.equal(await second.exited, 2)
  assert.match(JSON.stringify(second.logs), /in use by another kube-agent/)
})

test('no token stands in the log', () => {
  assert.doesNotMatch(JSON.stringify(bot.logs), new RegExp(house.matrixEnv.KUBE_AGENT_MATRIX_TOKEN ?? 'x'))
})
