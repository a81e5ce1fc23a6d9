import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import pino from 'pino'
import { decide, type Move } from '../../sandbox/model/engineer.ts'
import { createSandboxModel } from '../../sandbox/model/index.ts'
import { read } from '../../sandbox/model/reading.ts'
import { createModel, ModelError } from '../../src/agent/model.ts'
import type { Message } from '../../src/agent/session.ts'
import { isUnfinished } from '../../src/agent/unfinished.ts'
import { createDispatcher } from '../../src/http/outgoing.ts'

/** The client of the product itself, connected to the scripted server. */
async function connect(t: TestContext, model = 'sandbox') {
  const server = createSandboxModel()
  const url = await server.listen()
  const dispatcher = createDispatcher({ ca: undefined, headersMs: 0, bodyMs: 0 })
  t.after(async () => {
    await dispatcher.destroy()
    await server.close()
  })
  const log = pino({ enabled: false })
  return createModel({ url, model, apiKey: 'no-key', firstTokenMs: 10_000, tokenMs: 10_000, dispatcher, log })
}

const readTools = [
  'k8s_list_deployments',
  'k8s_list_pods',
  'k8s_get_deployment',
  'k8s_get_pod',
  'k8s_get_pod_logs',
  'k8s_get_events',
]
const allTools = [...readTools, 'k8s_restart_deployment', 'k8s_scale_deployment']
const schema = (name: string) => ({ type: 'function' as const, function: { name, parameters: { type: 'object' } } })

// A cluster that no sandbox has: what is said about it can only come from what was shown.
const deployments = [
  'NAME      READY  UP-TO-DATE  AVAILABLE  AGE',
  'billing   1/3    3           1          4d',
  'mailer    0/0    0           0          4d',
  'search    0/1    1           0          4d',
  'frontend  2/2    2           2          4d',
].join('\n')
const pods = [
  'NAME                       READY  STATUS            RESTARTS      AGE',
  'billing-7d9f8b5c6d-aaaaa   0/1    CrashLoopBackOff  7 (2m ago)    4d',
  'billing-7d9f8b5c6d-bbbbb   0/1    CrashLoopBackOff  9 (1m ago)    4d',
  'billing-7d9f8b5c6d-ccccc   1/1    Running           0             1h',
  'search-5c6d7d9f8b-ddddd    0/1    ErrImagePull      0             3m',
  'frontend-6d7f8b5c9d-eeeee  1/1    Running           0             4d',
  'ledger-0                   1/1    Running           0             20m',
].join('\n')
const results: Record<string, string> = {
  'k8s_list_deployments {}': deployments,
  'k8s_list_pods {}': pods,
  'k8s_get_deployment billing':
    'Deployment shop/billing\nReplicas: 3 wanted, 3 updated, 1 ready, 1 available, 2 unavailable',
  'k8s_get_deployment mailer':
    'Deployment shop/mailer\nReplicas: 0 wanted, 0 updated, 0 ready\n\nEvents:\n2026-01-01T10:00:00Z Normal ScalingReplicaSet Deployment/mailer: Scaled down replica set mailer-1 from 4 to 0',
  'k8s_get_deployment search':
    'Deployment shop/search\nReplicas: 1 wanted, 1 updated, 0 ready\nContainer search: image reg.example/search:1.O.3',
  'k8s_get_deployment frontend': 'Deployment shop/frontend\nReplicas: 2 wanted, 2 updated, 2 ready',
  'k8s_get_deployment frontent':
    'Failed: Deployment shop/frontent not found. Deployments in shop: frontend, billing, mailer, search.',
  'k8s_get_pod search-5c6d7d9f8b-ddddd':
    'Pod shop/search\nWarning Failed Pod/search: Failed to pull image "reg.example/search:1.O.3": not found',
  'k8s_get_pod_logs billing-7d9f8b5c6d-aaaaa':
    'level=warn msg="ledger address from cache" address=10.1.2.3:9000\nlevel=error error="dial tcp 10.1.2.3:9000: connect: connection refused"\nlevel=fatal msg="no ledger"',
  'k8s_get_pod_logs ledger-0': 'jobs=mail waiting=12 consumers=0',
  'k8s_get_events undefined':
    '2026-01-01T10:40:00Z Normal SuccessfulCreate StatefulSet/ledger: create Pod ledger-0 in StatefulSet ledger successful',
}

interface Talk {
  messages: Message[]
  moves: Move[]
  last: Move
}

/** Plays a conversation with the rules: every look is answered from the table above, a proposal with `verdict`. */
function talk(
  question: string,
  options: { verdict?: string; tools?: string[]; before?: Message[]; table?: Record<string, string> } = {},
): Talk {
  const messages: Message[] = [
    ...(options.before ?? [{ role: 'system', content: 'You are kube-agent.' }]),
    { role: 'user', content: question.startsWith('Commits') ? question : `alice (@alice:web): ${question}` },
  ]
  const moves: Move[] = []
  const table = options.table ?? results
  let number = 0
  for (;;) {
    const move = decide(
      read({ model: 'sandbox', messages: messages as never, tools: (options.tools ?? allTools).map(schema) }),
    )
    moves.push(move)
    if (move.kind === 'say') {
      messages.push({ role: 'assistant', content: move.text })
      return { messages, moves, last: move }
    }
    assert.ok(moves.length < 10, 'it comes to an end')
    const calls = move.calls.map((call) => ({ ...call, id: `call-${++number}` }))
    messages.push({
      role: 'assistant',
      content: move.text ?? null,
      tool_calls: calls.map(({ id, tool, input }) => ({
        id,
        type: 'function',
        function: { name: tool, arguments: JSON.stringify(input) },
      })),
    })
    const isProposal = calls.some(({ tool }) => /restart|scale/.test(tool))
    if (isProposal && options.verdict === undefined) return { messages, moves, last: move }
    for (const { id, tool, input } of calls) {
      const step = /\d+$/.exec(id)?.[0]
      const key = `${tool} ${Object.keys(input).length === 0 && tool.includes('list') ? '{}' : input.name}`
      const text = isProposal ? options.verdict : (table[key] ?? assert.fail(`it asks for ${key}, which nobody needs`))
      messages.push({ role: 'tool', tool_call_id: id, content: `[${step}] ${tool}\n\`\`\`${tool}\n${text}\n\`\`\`` })
    }
  }
}

const textOf = (move: Move): string => move.text ?? ''

/** Every citation is of a result that was shown, and every quotation stands in it. */
function assertHonest({ messages, moves }: Talk): void {
  const shown = messages.flatMap((message) => (message.role === 'tool' ? [String(message.content)] : []))
  for (const text of moves.map(textOf)) {
    for (const [, quote = '', number] of text.matchAll(/`([^`]+)` \[(\d+)\]/g)) {
      const source = shown.find((one) => one.startsWith(`[${number}]`))
      assert.ok(source?.includes(quote.replace(/…$/, '')), `${quote} stands in [${number}]`)
    }
    for (const [number] of text.matchAll(/\[\d+\]/g))
      assert.ok(
        shown.some((one) => one.startsWith(number)),
        `${number} was shown`,
      )
  }
}

test('it answers as a model server does: a stream with usage, and its window', async (t) => {
  const model = await connect(t)

  const reply = await model.complete({
    messages: [{ role: 'user', content: 'alice (@alice:web): hello' }],
    tools: [],
    signal: t.signal,
  })

  assert.match(String(reply.message.content), /scripted stand-in/)
  assert.equal(reply.finish, 'stop')
  assert.ok((reply.usage?.prompt ?? 0) > 0 && (reply.usage?.completion ?? 0) > 0)
  assert.deepEqual(await model.window(), { tokens: 65_536, source: 'server' })
})

test('it calls tools as a model server does, several at once', async (t) => {
  const model = await connect(t)

  const reply = await model.complete({
    messages: [{ role: 'user', content: 'alice (@alice:web): what is broken?' }],
    tools: allTools.map(schema),
    signal: t.signal,
  })

  assert.equal(reply.finish, 'tool_calls')
  assert.deepEqual(
    reply.message.tool_calls?.map((call) => call.type === 'function' && [call.function.name, call.function.arguments]),
    [
      ['k8s_list_deployments', '{}'],
      ['k8s_list_pods', '{}'],
    ],
  )
})

test('a model that it does not have is refused, with the one that it has', async (t) => {
  const model = await connect(t, 'gpt-4o')

  const reply = model.complete({ messages: [{ role: 'user', content: 'hello' }], tools: [], signal: t.signal })

  await assert.rejects(reply, (error) => error instanceof ModelError && /sandbox/.test(error.message))
})

test('a workload that works with a stale cache: it looks, gives the evidence, proposes a restart', () => {
  const conversation = talk('What is wrong with billing?')

  assertHonest(conversation)
  assert.deepEqual(conversation.last.kind === 'call' && conversation.last.calls, [
    { tool: 'k8s_restart_deployment', input: { name: 'billing' } },
  ])
  assert.match(textOf(conversation.last), /1 of 3 pods are ready; CrashLoopBackOff after 9 restarts \[2\]/)
  assert.match(textOf(conversation.last), /`level=fatal msg="no ledger"` \[4\]/)
  assert.match(textOf(conversation.last), /create Pod ledger-0.*\[5\]/)
})

test('a crash whose log gives no reason: it says so and proposes nothing', () => {
  const table = { ...results, 'k8s_get_pod_logs billing-7d9f8b5c6d-aaaaa': 'panic: index out of range' }

  const conversation = talk('What is wrong with billing?', { table })

  assertHonest(conversation)
  assert.equal(conversation.last.kind, 'say')
  assert.match(textOf(conversation.last), /propose no change/)
})

test('a workload that was scaled to 0: it proposes as many replicas as the events remember', () => {
  const conversation = talk('What is wrong with mailer?')

  assertHonest(conversation)
  assert.deepEqual(conversation.last.kind === 'call' && conversation.last.calls, [
    { tool: 'k8s_scale_deployment', input: { name: 'mailer', replicas: 4 } },
  ])
  assert.match(textOf(conversation.last), /consumers=0/)
})

test('a workload that was scaled to 0 long ago: it asks how many, and scales to what it is told', () => {
  const table = { ...results, 'k8s_get_deployment mailer': 'Deployment shop/mailer\nReplicas: 0 wanted' }

  const first = talk('What is wrong with mailer?', { table })
  const second = talk('scale it to 3', { table, before: first.messages })

  assert.match(textOf(first.last), /tell me how many/)
  assert.deepEqual(second.last.kind === 'call' && second.last.calls, [
    { tool: 'k8s_scale_deployment', input: { name: 'mailer', replicas: 3 } },
  ])
})

test('an image that does not exist: it says why a restart would not help, even when one is asked for', () => {
  for (const question of ['What is wrong with search?', 'restart search']) {
    const conversation = talk(question)

    assertHonest(conversation)
    assert.equal(conversation.last.kind, 'say')
    assert.match(textOf(conversation.last), /reg\.example\/search:1\.0\.3/)
    assert.match(textOf(conversation.last), /restart would not help/)
  }
})

test('a question about all: it names what is not well and nothing else', () => {
  const conversation = talk('what is broken?')

  assertHonest(conversation)
  assert.match(textOf(conversation.last), /3 of 4 deployments are not well \[1\]/)
  assert.doesNotMatch(textOf(conversation.last), /frontend/)
})

test('a workload that is well is called well; a restart that somebody wants all the same is proposed', () => {
  const asked = talk('how is frontend?')
  const ordered = talk('restart frontend please')

  assert.match(textOf(asked.last), /\*\*frontend\*\* is well/)
  assert.deepEqual(ordered.last.kind === 'call' && ordered.last.calls, [
    { tool: 'k8s_restart_deployment', input: { name: 'frontend' } },
  ])
})

test('a name that there is not: it tells what there is instead, in the words of the tool', () => {
  const { last } = talk('restart frontent')

  assert.match(textOf(last), /I find no \*\*frontent\*\*.*Deployments in shop: frontend/)
})

test('after the decision it reports what became of the proposal and does not ask again', () => {
  const reports = {
    approved: 'Restart of deployment shop/billing began (restartedAt: now, generation 5).',
    denied: 'Denied by @bob:web: not during the sale. Do not ask again for the same action.',
    changed: 'Not run: the target changed after the approval was asked for.',
    refused: 'Refused: Namespace shop is protected: this bot changes nothing there.',
  }

  const said = Object.fromEntries(
    Object.entries(reports).map(([name, verdict]) => [name, talk('What is wrong with billing?', { verdict }).last]),
  )

  for (const move of Object.values(said)) assert.equal(move.kind, 'say')
  assert.match(said.approved?.text ?? '', /restart of \*\*billing\*\* has begun \[\d+\]/)
  assert.match(said.denied?.text ?? '', /Nothing was done.*@bob:web denied it \(not during the sale\)/)
  assert.match(said.changed?.text ?? '', /Nothing was done.*the target changed/)
  assert.match(said.refused?.text ?? '', /Nothing was done.*Namespace shop is protected/)
})

test('a push: it looks at the workload that the push touches, and judges change, CI and workload', () => {
  const push = [
    'Commits were pushed. Say in a few lines whether this change is well.',
    '```push\n{"repository":"acme/shop","branch":"main","commits":[{"title":"Release","files":["deploy/search.yaml"]}]}\n```',
    '```found by rules\nIt touches Kubernetes manifests.\n\nCI:\n- ❌ CI / images \\(push\\): Failing after 3s\n\nWorkloads:\n- ❌ shop/search\n```',
  ].join('\n\n')

  const conversation = talk(push)

  assertHonest(conversation)
  assert.equal(conversation.last.kind, 'say')
  assert.match(textOf(conversation.last), /^\*\*This change is not well\.\*\*/)
  assert.match(textOf(conversation.last), /CI \/ images \(push\): Failing after 3s/)
  assert.match(textOf(conversation.last), /\*\*search\*\* cannot start/)
  assert.doesNotMatch(textOf(conversation.last), /billing|mailer/)
})

test('Korean questions get Korean answers and the same evidence', () => {
  const question = talk('billing 왜 안 돼?')
  const overview = talk('뭐가 고장났어?')
  const order = talk('mailer 를 2개로 늘려줘')

  assertHonest(question)
  assert.match(textOf(question.last), /billing\*\* 이\(가\) 내려가 있습니다[\s\S]*재시작을 제안합니다/)
  assert.match(textOf(overview.last), /4개 중 3개가 정상이 아닙니다 \[1\]/)
  assert.deepEqual(order.last.kind === 'call' && order.last.calls, [
    { tool: 'k8s_scale_deployment', input: { name: 'mailer', replicas: 2 } },
  ])
})

test('small talk and what it has no rule for are answered with what it is', () => {
  assert.match(textOf(talk('thanks!').last), /scripted stand-in/)
  assert.match(textOf(talk('how tall is the Everest').last), /no rule for that/)
})

test('without tools it says that it cannot look, instead of inventing', () => {
  const { last } = talk('What is wrong with billing?', { tools: [] })

  assert.match(textOf(last), /may not look any further/)
})

test('no answer of its looks unfinished, so nobody urges it to go on', () => {
  const questions = [
    'What is wrong with search?',
    'how is frontend?',
    'what is broken?',
    'thanks',
    'x',
    'search 왜 안 돼?',
    '뭐가 고장났어?',
    '안녕',
    '음',
  ]

  for (const question of questions) {
    const { last } = talk(question)
    assert.equal(isUnfinished(textOf(last)), false, textOf(last))
  }
})
