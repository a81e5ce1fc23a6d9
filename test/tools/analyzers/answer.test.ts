import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pino } from 'pino'
import { answerByRules } from '../../../src/tools/analyzers/answer.ts'
import { setup } from '../kubernetes/house.ts'

const context = (signal: AbortSignal) => ({ signal, log: pino({ level: 'silent' }), thread: 'test', maxBytes: 6_000 })

test('a question that names a broken workload is answered with its fault, its events and its last log lines', async (t) => {
  const house = await setup(t)

  const answer = await answerByRules(house.cluster, 'What is wrong with api?', context(t.signal))

  assert.match(answer, /^❌ Deployment shop\/api: 0 of 2 pods available/)
  assert.match(answer, /🔴 \*\*CrashLoopBackOff\*\*/)
  assert.match(answer, /next: `!k8s_get_pod_logs name=api-/)
  assert.match(answer, /```\nEvents of pod api-[\s\S]*Last log lines of pod api-[\s\S]*```/)
  assert.doesNotMatch(answer, /Deployment shop\/checkout/)
})

test('a workload that is well is said to be well', async (t) => {
  const house = await setup(t)

  const answer = await answerByRules(house.cluster, 'shop/web 상태 어때?', context(t.signal))

  assert.match(answer, /^✅ Deployment shop\/web: /)
  assert.match(answer, /No fault of Deployment shop\/web was found/)
})

test('a question that names nothing is answered with what is not well', async (t) => {
  const house = await setup(t)

  const answer = await answerByRules(house.cluster, 'is everything fine?', context(t.signal))

  assert.match(answer, /\*\*Deployment shop\/api\*\*/)
  assert.match(answer, /\*\*Deployment shop\/checkout\*\*/)
})

test('a pod is called by its own name or by what owns it, and only the owner is told', async (t) => {
  const house = await setup(t)
  const pod = house.podsOf('api')[0]!.metadata.name

  const answer = await answerByRules(house.cluster, `look at ${pod}`, context(t.signal))

  assert.match(answer, /CrashLoopBackOff/)
  assert.match(answer, new RegExp(`Events of pod ${pod}`))
})

test('to a Korean question what stands around the findings is Korean; the findings are as the rules have them', async (t) => {
  const house = await setup(t)

  const broken = await answerByRules(house.cluster, 'api 왜 이래?', context(t.signal), { language: 'ko' })
  const well = await answerByRules(house.cluster, 'web 상태 어때?', context(t.signal), { language: 'ko' })

  assert.match(broken, /\*\*CrashLoopBackOff\*\* Container api of /)
  assert.match(broken, /다음 단계: `!k8s_get_pod_logs name=api-/)
  assert.match(broken, /```\npod api-\S+ 의 이벤트:\n[\s\S]*pod api-\S+ 의 마지막 로그:\n/)
  assert.doesNotMatch(broken, /\bnext:|Events of|Last log lines/)
  assert.match(well, /Deployment shop\/web 에서 발견된 문제가 없습니다\./)
})
