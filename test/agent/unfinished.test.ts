import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isUnfinished } from '../../src/agent/unfinished.ts'

const unfinished = [
  '',
  '   \n ',
  'Let me check the logs.',
  "Let's look at the events first.",
  "I'll check the pods now.",
  'I will now restart the deployment.',
  "I'm going to list the pods in shop.",
  'I need to look at the logs of api.',
  'The pod is crashing. Let me get the logs.',
  'Found 3 pods. Next, I will inspect the first one.',
  'Checking the deployment now.',
  'Looking at the events next.',
  'Here are the steps:',
  'The logs say…',
  'First the pods, then the events, ...',
  'One moment please.',
  'Hold on while I gather the data.',
  '```\nunclosed code',
  '**Next step**\nI will fetch the events.',
  '로그를 확인하겠습니다.',
  '이제 파드 상태를 조회하겠습니다.',
  '먼저 이벤트를 살펴보겠습니다',
  '파드 목록을 확인해 보겠습니다.',
  'api 파드가 재시작되고 있습니다. 로그를 가져오겠습니다.',
  '디플로이먼트를 재시작할게요.',
  '한번 확인해 볼게요.',
  '잠시만 기다려 주세요.',
  '현재 로그를 분석하는 중입니다.',
  '지금 확인 중입니다.',
  '다음 단계를 진행하겠습니다.',
  '확인한 내용은 다음과 같습니다:',
  '설정을 살펴보려고 합니다.',
]

const finished = [
  'api crashes because DB_HOST is missing [2].',
  'All pods in shop are running.',
  'Done. The deployment was restarted and 3 of 3 pods are ready [4].',
  'No.',
  'Nothing is wrong with web.',
  'I checked the logs: the connection to the database is refused [3].',
  'I could not look at the events: no permission.',
  'I restarted api; it recovered.',
  'Shall I restart it?',
  'Do you want me to check the other namespaces?',
  'Let me know if you want me to restart it.',
  'If you want, I will restart the deployment.',
  'Feel free to ask for the logs.',
  'Which namespace do you mean?',
  'The cause is a mistyped tag. Fix it in values.yaml and push.',
  'The deployment will recover by itself when the node is back.',
  'It will take about 30 s.',
  'Here is the command:\n```\nkubectl rollout undo deploy/api\n```\nIt brings back revision 3.',
  'You should check the quota with your administrator.',
  'Summary: 2 pods fail, 1 runs. Cause: OOMKilled [2].',
  'The log says "let me check later", nothing else.',
  '모든 파드가 정상입니다.',
  'api 가 계속 재시작되는 원인은 DB_HOST 누락입니다 [2].',
  '재시작을 완료했습니다. 파드 3개가 모두 준비되었습니다.',
  '재시작할까요?',
  '다른 네임스페이스도 확인해 드릴까요?',
  '원하시면 디플로이먼트를 재시작하겠습니다.',
  '필요하시면 말씀해 주세요. 추가로 확인하겠습니다.',
  '권한이 없어 이벤트는 볼 수 없었습니다.',
  '로그를 확인했습니다. 데이터베이스 연결이 거부되었습니다.',
  '문제가 없습니다',
  '요약: 파드 2개 실패, 1개 정상.',
]

for (const text of unfinished) {
  test(`unfinished: ${JSON.stringify(text)}`, () => assert.equal(isUnfinished(text), true))
}

for (const text of finished) {
  test(`finished: ${JSON.stringify(text)}`, () => assert.equal(isUnfinished(text), false))
}

test('the length of an answer alone never makes it unfinished', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 400 }), (count) => {
      assert.equal(isUnfinished(`${'All is well here. '.repeat(count)}The cause is known.`), false)
      assert.equal(isUnfinished(`${'All is well here. '.repeat(count)}Let me check the logs.`), true)
    }),
  )
})
