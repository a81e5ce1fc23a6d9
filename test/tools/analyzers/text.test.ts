import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findingLines, groupByOwner, toMarkdown } from '../../../src/tools/analyzers/text.ts'
import { finding, gap, ref, report } from './findings.ts'

const web = ref('Deployment', 'web')

test('a finding says what, where it can be seen, who suffers and what to do next', () => {
  const lines = findingLines(finding({ since: '2026-11-20T11:55:00Z', affects: [ref('Service', 'api')] }))

  assert.deepEqual(lines, [
    'critical CrashLoopBackOff: Container api has the state CrashLoopBackOff. Since 2026-11-20T11:55:00Z.',
    '  Pod api-1 status.containerStatuses[api].state: CrashLoopBackOff',
    '  also affects Service shop/api',
    '  next: k8s_get_pod_logs name=api-1 previous=true',
  ])
})

test('a value from the cluster is one line and of bounded length', () => {
  const value = `first\nsecond ${'x'.repeat(5_000)}`

  const [, line = ''] = findingLines(finding({ evidence: [{ object: web, path: 'status.message', value }] }))

  assert.match(line, /first second x+…$/)
  assert.ok(Buffer.byteLength(line) < 400)
})

test('a cause of hundreds names some and counts the others', () => {
  const affects = Array.from({ length: 300 }, (_, index) => ref('Pod', `api-${index}`))

  const [, , line = ''] = findingLines(finding({ affects }))

  assert.match(line, /Pod shop\/api-4 and 295 more$/)
})

test('findings of one workload stand together, the worst workload first', () => {
  const hint = finding({ owner: web, severity: 'info', reason: 'NoLimits' })
  const crash = finding()
  const slow = finding({ owner: web, severity: 'warning', reason: 'ProbeSlow' })

  const groups = groupByOwner([hint, crash, slow])

  assert.deepEqual(
    groups.map(({ owner, findings }) => [owner.name, findings.length]),
    [
      ['api', 1],
      ['web', 2],
    ],
  )
})

test('a chat sees what is wrong, and beside it what could not be checked', () => {
  const text = toMarkdown(report([finding()], { unchecked: [gap('Node')] }))

  assert.match(text, /^\*\*Deployment shop\/api\*\*\n- 🔴 \*\*CrashLoopBackOff\*\* Container api/)
  assert.match(text, /\n {2}- next: `!k8s_get_pod_logs name=api-1 previous=true`/)
  assert.match(text, /\n\nCould not check:\n- Node: No permission in shop\./)
})

test('a chat is shown the evidence that the sentence does not hold already, and never none', () => {
  const at = (path: string, value: string) => ({ object: web, path, value })
  const text = 'Container api of pod shop/api-7c99 ended with Error, exit code 1.'
  const said = [at('state.reason', 'CrashLoopBackOff'), at('lastState.reason', 'Error')]
  const restarts = [at('restartCount', '7'), { ...at('restartCount', '7'), object: ref('Pod', 'another') }]

  const more = toMarkdown(report([finding({ text, evidence: [...said, ...restarts] })]))
  const none = toMarkdown(report([finding({ text, evidence: [...said, at('message', '')] })]))

  assert.match(more, /exit code 1\.\n {2}- `Deployment web restartCount`: `7`\n {2}- next:/)
  assert.match(none, /exit code 1\.\n {2}- `Deployment web state\.reason`: `CrashLoopBackOff`\n {2}- next:/)
})

test('a chat is told that all is well only when all was looked at', () => {
  assert.equal(toMarkdown(report([])), 'No findings.')
  assert.match(
    toMarkdown(report([], { unchecked: [gap()] })),
    /^No findings in what could be read\.\n\nCould not check:/,
  )
})

test('a report of any size is a post of bounded length that counts what it leaves out', () => {
  const findings = Array.from({ length: 500 }, (_, index) => finding({ owner: ref('Deployment', `app-${index}`) }))
  const unchecked = Array.from({ length: 500 }, (_, index) => gap('Pod', `team-${index}`))

  const text = toMarkdown(report(findings, { unchecked }))

  assert.match(text, /… and 480 more workloads/)
  assert.match(text, /- … and 480 more\.$/)
  assert.ok(text.length < 20_000)
})

test('hints below the wanted severity are counted, not shown', () => {
  const text = toMarkdown(report([finding(), finding({ owner: web, severity: 'info' })]), { least: 'warning' })

  assert.doesNotMatch(text, /shop\/web/)
  assert.match(text, /1 hint of low severity is not shown\./)
})

test('nothing that the cluster says formats, mentions or links', () => {
  const bait = '**x** @room [a](http://evil.example) `code`'
  const text = toMarkdown(
    report(
      [
        finding({
          owner: { kind: bait, name: bait },
          reason: bait,
          text: bait,
          since: bait,
          next: bait,
          affects: [{ kind: bait, name: bait }],
          evidence: [],
        }),
      ],
      { unchecked: [{ ...gap(), message: bait }] },
    ),
  )

  assert.doesNotMatch(text, /@room|\[a\]\(|http:\/\/evil|(?<!\\)`code/)
})

test('no credential that the cluster says reaches a chat, also where a value is cut', () => {
  const token = `ghp_${'A1b2C3d4E5f6'.repeat(3)}`
  for (let before = 250; before <= 300; before += 5) {
    const value = `${'x'.repeat(before)} ${token}`
    const evidence = [{ object: web, path: 'message', value }]
    const one = finding({ owner: web, text: `said ${token}`, evidence, next: `look at ${token}` })
    const text = toMarkdown(report([one], { unchecked: [{ ...gap(), message: `no answer: ${token}` }] }))
    assert.doesNotMatch(text, /A1b2C3/)
    assert.ok((text.match(/«token removed»/g)?.length ?? 0) >= 3, text)
  }
})

test('in Korean every sentence around findings is Korean', () => {
  const findings = [
    ...Array.from({ length: 25 }, (_, index) =>
      finding({
        owner: ref('Deployment', `app-${index}`),
        since: '2026-11-20T11:55:00Z',
        affects: [ref('Service', 'api')],
      }),
    ),
    finding({ owner: web, severity: 'info', reason: 'NoLimits' }),
  ]
  const unchecked = Array.from({ length: 30 }, (_, index) => gap('Pod', `team-${index}`))
  const korean = { least: 'warning', language: 'ko' } as const

  const text = toMarkdown({ findings, unchecked }, korean)

  assert.doesNotMatch(text, /\b(?:next|Since|also affects|more|not shown|Could not check)\b/)
  assert.match(text, /2026-11-20T11:55:00Z 부터\.\n[\s\S]*함께 영향을 받는 것: Service shop\/api\n {2}- 다음 단계: /)
  assert.match(text, /외 워크로드 5개[\s\S]*참고 사항 1건[\s\S]*확인하지 못한 것:\n- /)
  assert.match(toMarkdown({ findings: [], unchecked: [] }, korean), /^발견된 문제가 없습니다\.$/)
})
