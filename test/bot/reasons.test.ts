import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { AgentEvent } from '../../src/agent/events.ts'
import type { Policy } from '../../src/agent/policy/index.ts'
import type { Reason } from '../../src/agent/reasons.ts'
import { toModel } from '../../src/agent/words.ts'
import type { ThreadId } from '../../src/bot/platform.ts'
import { reasons } from '../../src/bot/reasons.ts'
import { type ChangeTool, Refusal } from '../../src/tools/tool.ts'
import { restart, restartPreview } from '../agent/fixtures.ts'
import { calls, lastShown, says, scriptedModel } from '../helpers/model.ts'
import { alice, bob, build } from './house.ts'

/** What is only ever said to the model. */
const toTheModel = /Say what a person|Do not ask|Answer now|Read the current state|Call it again/

const all: { [Kind in Reason['kind']]: Extract<Reason, { kind: Kind }> } = {
  observe: { kind: 'observe' },
  'read-only': { kind: 'read-only' },
  protected: { kind: 'protected', namespace: 'kube-system' },
  'no-approvers': { kind: 'no-approvers' },
  'too-few': { kind: 'too-few', needed: 2, able: 1 },
  'not-intact': { kind: 'not-intact' },
  'too-late': { kind: 'too-late' },
  'not-backed': { kind: 'not-backed' },
  'target-changed': { kind: 'target-changed' },
  'not-callable': { kind: 'not-callable' },
  message: { kind: 'message' },
  stop: { kind: 'stop' },
  'prompt-gone': { kind: 'prompt-gone' },
  'prompt-unseen': { kind: 'prompt-unseen' },
  'left-room': { kind: 'left-room' },
  'denied-before': { kind: 'denied-before' },
  'expired-before': { kind: 'expired-before' },
  'check-refused': { kind: 'check-refused', said: 'restart is off' },
  'check-failed': { kind: 'check-failed', said: 'restart is off' },
  told: { kind: 'told', said: 'Withdrawn.' },
}

for (const why of Object.values(all)) {
  test(`the reason ${why.kind} has words for people in both languages, and none that are for the model`, () => {
    const [en, ko] = (['en', 'ko'] as const).map((language) =>
      (reasons[language][why.kind] as (why: Reason) => string)(why),
    ) as [string, string]

    assert.ok(toModel(why))
    for (const text of [en, ko]) assert.doesNotMatch(text, toTheModel)
    for (const value of Object.values(why).slice(1))
      for (const text of [en, ko]) assert.ok(text.includes(String(value)), text)
    if (why.kind !== 'told') assert.match(ko, /\p{Script=Hangul}/u)
  })
}

/** A command that is refused before anybody is asked: what people read, and what whoever follows the work does. */
async function refused(
  t: TestContext,
  options: { policy?: Partial<Policy>; tool?: Partial<ChangeTool>; korean?: boolean },
) {
  const heard: string[] = []
  const house = await build(t, {
    tools: [{ ...restart(), ...options.tool }],
    policy: { approvers: [bob], ...options.policy },
    model: scriptedModel(says('네.')),
    deps: {
      onAgentEvent: (_thread: ThreadId, event: AgentEvent) => {
        if (event.kind === 'step' && event.result !== undefined) heard.push(event.result)
      },
    },
  })
  const thread = options.korean ? await house.chat.say(alice, '안녕하세요') : undefined
  await house.quiet()
  await house.chat.say(alice, '!restart name=api', thread ? { thread } : {})
  await house.quiet()
  return { answer: house.chat.shown.at(-1)?.markdown ?? '', heard, house }
}

const refusals: [string, Parameters<typeof refused>[1], RegExp, RegExp][] = [
  ['observe mode', { policy: { mode: 'observe' } }, /^This bot runs in observe mode/, /^이 봇은 관찰 모드/],
  [
    'a protected namespace',
    { policy: { protectedNamespaces: ['shop'] } },
    /^Namespace shop is prot/,
    /^shop 네임스페이스는/,
  ],
  ['a lack of approvers', { policy: { approvers: [] } }, /^Nobody may approve/, /^변경을 승인할 수 있는/],
  [
    'too few approvers',
    { policy: { approvers: [alice] }, tool: { effect: 'destroy' } },
    /^This needs the approval of 1 /,
    /1명의 승인이 필요하지만 0명/,
  ],
  [
    'its tool',
    {
      tool: {
        preflight: async () => {
          throw new Refusal('At most *20* replicas.')
        },
      },
    },
    /^Refused: At most \\\*20\\\* replicas\.$/,
    /^거부됨: At most \\\*20\\\* replicas\.$/,
  ],
]
for (const [what, options, en, ko] of refusals) {
  test(`a command that is refused because of ${what} is answered in words for people, in their language`, async (t) => {
    const english = await refused(t, options)
    const korean = await refused(t, { ...options, korean: true })

    assert.match(english.answer, en)
    assert.match(korean.answer, ko)
    for (const { answer, heard } of [english, korean]) {
      assert.doesNotMatch(answer, toTheModel)
      assert.deepEqual(heard, [answer])
    }
  })
}

test('what lapses before its start is told people in their language, and the model in its own', async (t) => {
  const house = await build(t, {
    tools: [restart()],
    model: scriptedModel(calls(['restart', { name: 'api' }]), says('관찰 모드라 하지 못했습니다.')),
  })
  await house.chat.say(alice, 'api 를 재시작해줘')
  const prompt = await house.sees(/승인 필요/)
  await house.quiet()

  house.rules.policy = { ...house.rules.policy, mode: 'observe' }
  await house.chat.mark(bob, prompt.id, 'approve')
  await house.sees(/하지 못했습니다/)
  await house.quiet()

  assert.match(
    prompt.markdown,
    /🚫 이 봇은 관찰 모드로 동작하며 아무것도 바꾸지 않습니다\. 아무것도 실행하지 않았습니다\./,
  )
  assert.match(lastShown(house.model, 'tool'), /observe mode and changes nothing\. Say what a person should do/)
})

test('the sentence of a tool that refuses at the last moment stands in the prompt as text, not as Markdown', async (t) => {
  let looks = 0
  const house = await build(t, {
    tools: [
      restart({
        preview: () => {
          if (++looks > 1) throw new Refusal('**Approved** by @room')
          return restartPreview()
        },
      }),
    ],
    model: scriptedModel(calls(['restart', { name: 'api' }]), says('Not done.')),
  })
  await house.chat.say(alice, 'restart api')
  const prompt = await house.sees(/Approval needed/)
  await house.chat.mark(bob, prompt.id, 'approve')
  await house.sees(/Not done/)
  await house.quiet()

  assert.match(prompt.markdown, /🚫 Refused: \\\*\\\*Approved\\\*\\\* by @\u200Broom Nothing was done/)
})
