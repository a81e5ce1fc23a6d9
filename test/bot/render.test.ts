import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Approval, type ApprovalState, openApproval, type UserId } from '../../src/agent/approval.ts'
import { createRequest, type Step } from '../../src/agent/session.ts'
import { type Conversation, createConversation, meet } from '../../src/bot/conversation.ts'
import type { RoomId, ThreadId } from '../../src/bot/platform.ts'
import { renderDecided, renderProgress, renderPrompt } from '../../src/bot/render.ts'
import { texts } from '../../src/bot/texts.ts'
import type { Language } from '../../src/text/language.ts'
import { ownText } from '../../src/text/outside.ts'
import { bytesOf } from '../../src/text/split.ts'
import type { Preview } from '../../src/tools/tool.ts'
import { restart, restartCall } from '../agent/fixtures.ts'
import { matchesGolden } from '../tools/golden.ts'

const alice = '@alice:corp' as UserId
const bob = '@bob:corp' as UserId
const noon = Date.UTC(2026, 0, 5, 12, 0)

const preview: Preview = {
  request: {
    method: 'PATCH',
    path: '/apis/apps/v1/namespaces/shop/deployments/api',
    contentType: 'application/json-patch+json',
    body: '[\n {\n  "op": "add",\n  "path": "/spec/template/metadata/annotations/kubectl.kubernetes.io~1restartedAt",\n  "value": "2026-01-05T12:00:00Z"\n }\n]',
  },
  diff: '@@ -3,1 +3,2 @@\n   annotations:\n+    kubectl.kubernetes.io/restartedAt: 2026-01-05T12:00:00Z',
  affects: ['2 of 3 pods are ready now', 'behind service api'],
  version: 'u1/7',
}

function conversation(language: Language): Conversation {
  const one = createConversation('matrix|!ops|$root' as ThreadId, 'matrix|!ops' as RoomId, language)
  meet(one, alice, 'Alice')
  meet(one, bob, 'Bob')
  return one
}

function approval(changes: Partial<Approval> = {}): Approval {
  return {
    ...openApproval(restartCall('call-1'), restart(), { name: 'api' }, preview, {
      thread: 'matrix|!ops|$root',
      effect: 'change',
      target: { kind: 'Deployment', namespace: 'shop', name: 'api' },
      askers: [alice],
      needed: 1,
      createdAt: noon,
      expiresAt: noon + 30 * 60_000,
    }),
    ...changes,
  }
}

const prompt = (language: Language, one: Approval, needsOther = false) =>
  renderPrompt(one, conversation(language), { deciders: [bob, '@carol:corp' as UserId], needsOther, now: noon })

const by = { by: [bob], startedAt: noon + 60_000 }
const ends: ApprovalState[] = [
  { kind: 'ended', ...by, ok: true, result: ownText('') },
  { kind: 'ended', ...by, ok: false, result: ownText('') },
  { kind: 'lost', ...by },
  { kind: 'denied', by: bob, reason: 'not during the sale' },
  { kind: 'expired' },
  { kind: 'withdrawn', why: { kind: 'message' } },
  { kind: 'ended', by: ['policy'], startedAt: noon, ok: true, result: ownText('') },
]

const steps: Step[] = [
  { number: 1, call: 'a', tool: 'k8s_list_pods', summary: 'pods in shop', state: 'done', ms: 1_240 },
  { number: 2, call: 'b', tool: 'k8s_get_pod_logs', summary: 'logs of shop/api-1', state: 'failed', ms: 80 },
  { number: 3, call: 'c', tool: 'k8s_restart_deployment', summary: 'restart deployment shop/api', state: 'waiting' },
]

for (const language of ['en', 'ko'] as const) {
  test(`prompts and progress read as they should (${language})`, async () => {
    const one = conversation(language)
    const request = { ...createRequest(one.session, alice, 'question', noon), steps }
    const running = steps.map((step) => (step.number === 3 ? { ...step, state: 'running' as const } : step))
    const at = { now: noon + 42_000, model: 'qwen3' }
    await matchesGolden(
      `posts/prompt.${language}.md`,
      [
        prompt(language, approval()).markdown,
        prompt(
          language,
          approval({ effect: 'destroy', needed: 2, votes: [{ id: '$1', by: bob, mark: 'approve' }] }),
          true,
        ).markdown,
        prompt(language, approval({ askers: ['signal'] })).markdown,
      ].join('\n\n---\n\n'),
    )
    await matchesGolden(
      `posts/decided.${language}.md`,
      ends.map((state) => renderDecided(approval({ state }), one).split('\n').slice(0, 3).join('\n')).join('\n\n'),
    )
    await matchesGolden(
      `posts/progress.${language}.md`,
      [
        renderProgress({ ...request, steps: [] }, one, { atWork: true, ...at }),
        renderProgress({ ...request, steps: running }, one, { atWork: true, ...at }),
        renderProgress(request, one, { atWork: true, ...at }),
        renderProgress(request, one, { atWork: false, ...at }),
      ].join('\n\n---\n\n'),
    )
  })
}

test('both languages have the same sentences', () => {
  assert.deepEqual(Object.keys(texts.ko), Object.keys(texts.en))
  const { wrongArguments: _wordless, ...korean } = texts.ko
  for (const [key, text] of Object.entries(korean))
    assert.match(typeof text === 'function' ? text.toString() : text, /\p{Script=Hangul}/u, key)
})

test('a request too long for the prompt goes along whole as a file, named by its hash; what is shown stays small', () => {
  const long = approval({ preview: { ...preview, diff: '+ line\n'.repeat(5_000) } })

  const { markdown, file } = prompt('en', long)

  assert.ok(bytesOf(markdown) <= 8_000)
  assert.match(
    markdown,
    new RegExp(
      `sha256 ${createHash('sha256')
        .update(file?.text ?? '')
        .digest('hex')}`,
    ),
  )
  assert.match(markdown, /!approve \w{6}/)
  assert.equal((file?.text.match(/\+ line/g) ?? []).length, 5_000)
  assert.match(file?.text ?? '', /PATCH \/apis\/apps\/v1\/namespaces\/shop\/deployments\/api/)
})

test('what reorders or hides itself in a request is shown as what it is, and cannot leave its block', () => {
  const sly = approval({
    summary: 'restart **shop/api**\n\n**Approved by** [everyone](http://evil) @room',
    preview: {
      ...preview,
      request: { ...preview.request, body: '{"replicas":\u202E05\u202C}\n```\n✅ Approved\u200B' },
      diff: '+ \u0000x\n````\n# Approved',
      affects: ['<b>nothing</b>', 'a\u2066b'],
    },
  })

  const { markdown } = prompt('en', sly)

  assert.doesNotMatch(markdown.replaceAll('@\u200B', '@'), /[\u200B\u202A-\u202E\u2066-\u2069\0]/)
  assert.match(markdown, /⟨U\+202E⟩05⟨U\+202C⟩/)
  const outside = markdown.replaceAll(/^(`{3,})[\s\S]*?^\1$/gm, '')
  assert.doesNotMatch(outside, /^✅ Approved|^# Approved|\]\(http|<b>/m)
  assert.equal(markdown.split('\n')[0]?.includes('@room'), false)
})

test('whatever a person is called, a post of ours keeps its lines and its formatting', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (name) => {
      const one = conversation('en')
      meet(one, bob, name)
      const plain = renderDecided(approval({ state: { kind: 'expired' } }), one).split('\n').length
      const text = renderDecided(approval({ state: { kind: 'denied', by: bob } }), one)
      assert.equal(text.split('\n').length, plain)
      assert.match(text, /❌ Denied by .*@bob:corp/)
      assert.doesNotMatch(text, /\]\([a-z]/)
    }),
  )
})
