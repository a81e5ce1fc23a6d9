import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type House, openHouse } from './lib/house.ts'

let house: House
let room: string
let folder: string

/** The bot without a model, with a rule of its own, on a cluster in which one workload crashes and another cannot pull its image. */
before(async () => {
  const scenarios = ['broken-crashloop-missing-env', 'broken-imagepull-tag-not-found']
  folder = await mkdtemp(join(tmpdir(), 'kube-agent-diagnosis-'))
  house = await openHouse()
  await house.cluster.apply(...scenarios)
  await house.cluster.settled(...scenarios)
  const config = join(folder, 'config.yaml')
  await writeFile(
    config,
    `analyzers:
  - name: NoTeam
    kind: Deployment
    when: '!object.metadata.?labels.?team.hasValue()'
    text: 'Nobody is called for \${object.metadata.name}.'
`,
  )
  await house.start({
    KUBE_AGENT_LLM_URL: 'none',
    KUBE_AGENT_NAMESPACE: 'payments',
    KUBE_AGENT_NAMESPACES: 'payments,storefront',
    KUBE_AGENT_CONFIG: config,
  })
  room = await house.room()
})

after(async () => {
  await house?.[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

const ask = (text: string) => house.alice.say(room, text, { mention: house.botId })

test('without a model a question is answered with the fault, its evidence, the next step, events and the decisive log line', async () => {
  const thread = await ask('what is wrong with checkout-api?')

  const { html } = await house.alice.sees(room, thread, /CrashLoopBackOff/)

  assert.match(html, /<p>❌ Deployment payments\/checkout-api: 0 of 2 pods available/)
  assert.match(html, /<strong>CrashLoopBackOff<\/strong> Container checkout-api of 2 pods in payments \(/)
  assert.match(
    html,
    /<code>Pod checkout-api-\S+ status\.containerStatuses\[checkout-api\]\.restartCount<\/code>: <code>\d/,
  )
  assert.match(
    html,
    /<li>next: <code>!k8s_get_pod_logs name=checkout-api-\S+ namespace=payments .*previous=true<\/code>/,
  )
  assert.match(html, /<pre><code>Events of pod checkout-api-[\s\S]*BackOff[\s\S]*panic: DATABASE_URL is not set/)
  assert.doesNotMatch(html, /storefront/)
})

test('the next step is a command that can be sent as it stands', async () => {
  const { html } = await house.alice.sees(room, await ask('checkout-api?'), /CrashLoopBackOff/)
  const [, command = ''] = /next: <code>(!k8s_get_pod_logs [^<]*)<\/code>/.exec(html) ?? []

  const thread = await ask(command)

  await house.alice.sees(room, thread, /panic: DATABASE_URL is not set/)
})

test('!analyze shows one namespace, rules of one’s own beside the others', async () => {
  const thread = await ask('!analyze storefront')

  const { html } = await house.alice.sees(room, thread, /Findings in storefront/)

  assert.match(html, /<strong>Deployment storefront\/web<\/strong>/)
  assert.match(html, /🟠 <strong>ImagePullBackOff<\/strong>.*2\.31\.0-rc7: not found/)
  assert.match(html, /🟠 <strong>NoTeam<\/strong> Nobody is called for web\./)
  assert.doesNotMatch(html, /payments/)
})

test('a Korean question gets Korean around the findings', async () => {
  const thread = await ask('checkout-api 왜 이래?')

  const { text } = await house.alice.sees(room, thread, /CrashLoopBackOff/)

  assert.match(text, /다음 단계: `!k8s_get_pod_logs name=checkout-api-/)
  assert.match(text, /의 이벤트:\n[\s\S]*의 마지막 로그:\n[\s\S]*panic: DATABASE_URL is not set/)
  assert.doesNotMatch(text, /\bnext:|Events of|Since /)
})

test('a namespace that is not open to the bot is a sentence', async () => {
  const thread = await ask('!analyze kube-system')

  await house.alice.sees(room, thread, /Namespace kube-system is not open to this bot/)
})
