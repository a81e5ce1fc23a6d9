import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decide } from '../../sandbox/model/engineer.ts'
import { read } from '../../sandbox/model/reading.ts'
import type { UserId } from '../../src/agent/approval.ts'
import type { Message } from '../../src/agent/session.ts'
import { deniedBy } from '../../src/agent/words.ts'
import { type Conversation, createConversation } from '../../src/bot/conversation.ts'
import { ci } from '../../src/bot/jobs/ci.ts'
import type { JobOf } from '../../src/bot/jobs/index.ts'
import { push } from '../../src/bot/jobs/push.ts'
import type { RoomId, ThreadId } from '../../src/bot/platform.ts'
import type { SignalDeps } from '../../src/bot/signals/deps.ts'

// The sandbox's model imports nothing of the product, as no model server does. So it knows some of its sentences by heart.

const thread = (): Conversation => createConversation('fake|ops|t' as ThreadId, 'fake|ops' as RoomId, 'en')

const deps = {
  hasModel: true,
  now: () => 0,
  facts: async () => ({ markdown: 'all well', settled: true }),
  ci: { facts: async () => 'job test failed' },
} as unknown as SignalDeps

const asked = ({ session }: Conversation) => ({ model: 'sandbox', messages: session.messages as Asked[] })
type Asked = Parameters<typeof read>[0]['messages'][number] & Message

function failure(isFork: boolean): JobOf<'ci'> {
  const repository = { id: 1, fullName: 'acme/shop' }
  const line = { name: 'main', isFork }
  const result = { repository, line, subject: 'ci.yml', run: 7, commit: 'c0ffee', what: 'job test', title: 'Break it' }
  return { id: 'ci:1', thread: 'fake|ops|t', kind: 'ci', data: { result, as: 'opened' } } as unknown as JobOf<'ci'>
}

test('a CI failure that the bot hands to the model is one to the sandbox, with what failed', async () => {
  const conversation = thread()
  await ci.take(conversation, failure(false), { signals: deps })

  const shown = read(asked(conversation))

  assert.equal(shown.topic.kind, 'ci')
  assert.deepEqual(decide({ ...shown, offered: new Set(['gitea_get_run']) }), {
    kind: 'call',
    calls: [{ tool: 'gitea_get_run', input: { owner: 'acme', repo: 'shop', run: 7 } }],
  })
})

test('the sandbox proposes a change for a branch of the repository, and none for one of a fork', async () => {
  const result = (tool: string, text: string) => ({ number: '[1]', tool, input: {}, text })
  const results = [
    result('gitea_get_run', 'job 9 images: failure'),
    result('gitea_get_job_log', 'deploy/search.yaml: registry.local/search:1.4.O: manifest unknown'),
    result('gitea_read_file', 'image: registry.local/search:1.4.O'),
  ]
  const moves = []
  for (const isFork of [false, true]) {
    const conversation = thread()
    await ci.take(conversation, failure(isFork), { signals: deps })
    moves.push(decide({ ...read(asked(conversation)), results, offered: new Set(['gitea_propose_change']) }).kind)
  }

  assert.deepEqual(moves, ['call', 'say'])
})

test('a push that the bot hands to the model is one to the sandbox', async () => {
  const conversation = thread()
  const signal = { id: 'push:1', repository: { id: 1, fullName: 'acme/shop' }, branch: 'main', commits: [] }
  const job = { id: 'push:1', thread: 'fake|ops|t', kind: 'push', data: { signal, as: 'opened' } }
  await push.take(conversation, job as unknown as JobOf<'push'>, { signals: deps })

  assert.equal(read(asked(conversation)).topic.kind, 'push')
})

test('a denial as the agent words it is one to the sandbox: it says who denied, and why', () => {
  const messages = [
    { role: 'user', content: 'alice (@alice:corp): restart api' },
    {
      role: 'assistant',
      content: null,
      tool_calls: [{ id: 'c', function: { name: 'k8s_restart_deployment', arguments: '{"name":"api"}' } }],
    },
    {
      role: 'tool',
      tool_call_id: 'c',
      content: `[1] restart deployment shop/api\n${deniedBy('@bob:corp' as UserId, 'not during the sale')}`,
    },
  ]

  const move = decide(read({ model: 'sandbox', messages }))

  assert.match(move.text ?? '', /@bob:corp denied it \(not during the sale\)/)
})
