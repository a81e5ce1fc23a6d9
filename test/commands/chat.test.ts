import assert from 'node:assert/strict'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { createSandboxCluster } from '../../sandbox/kubernetes/index.ts'
import { openConversations } from '../../src/commands/chat/conversations.ts'
import { calls, fails, type ModelServer, says, startModelServer } from '../helpers/model-server.ts'
import { type Ended, folder, run, start, webEnv } from './program.ts'

/** What a question from a pipe needs, and where its conversations are kept. */
function chatEnv(t: TestContext, model: ModelServer | undefined): Record<string, string> {
  return {
    KUBE_AGENT_LLM_URL: model?.url ?? 'none',
    KUBE_AGENT_LLM_MODEL: 'test-model',
    XDG_STATE_HOME: folder(t),
  }
}

function pipe(t: TestContext, question: string, args: string[], env: Record<string, string>): Promise<Ended> {
  const { child, ended } = start(t, args, env)
  child.stdin?.end(question)
  return ended
}

for (const args of [['chat'], []]) {
  test(`a question from a pipe is answered as plain text (kube-agent ${args.join('')})`, async (t) => {
    await using model = await startModelServer([says('**셋** of 3 pods run.\u001b[31m')])

    const ended = await pipe(t, '현재 Pod 는?\n', args, { ...chatEnv(t, model), FORCE_COLOR: '1' })

    assert.deepEqual(ended, { code: 0, stdout: '**셋** of 3 pods run.\n', stderr: '' })
    assert.match(String(model.asked[0]?.messages.at(-1)?.content), /현재 Pod 는\?$/)
  })
}

test('without a model it is answered by rules', async (t) => {
  const { code, stdout } = await pipe(t, 'what is wrong?', ['chat'], chatEnv(t, undefined))

  assert.equal(code, 0)
  assert.match(stdout, /No model is configured/)
})

test('when the model cannot be asked, the reason stands on standard error and it fails at once', async (t) => {
  await using model = await startModelServer(() => fails(503, 'overloaded'))

  const { code, stdout, stderr } = await pipe(t, 'what is wrong?', ['chat'], chatEnv(t, model))

  assert.deepEqual([code, stdout], [1, ''])
  assert.match(stderr, /I gave up/)
})

test('a change is refused in a pipe, whatever mode is asked for', async (t) => {
  const cluster = createSandboxCluster()
  t.after(() => cluster.close())
  await cluster.listen()
  const kubeconfig = join(folder(t), 'kubeconfig')
  writeFileSync(kubeconfig, cluster.kubeconfig())
  await using model = await startModelServer([
    calls(['k8s_restart_deployment', { name: 'api', namespace: 'shop' }]),
    says('I may not.'),
  ])
  const env = { ...chatEnv(t, model), KUBECONFIG: kubeconfig, KUBE_AGENT_NAMESPACE: 'shop' }

  const { code, stdout } = await pipe(t, 'restart api', ['chat', '--mode', 'auto'], env)

  assert.deepEqual([code, stdout], [0, 'I may not.\n'])
  assert.match(String(model.asked[1]?.messages.at(-1)?.content), /observe mode and changes nothing/)
})

test('there is no flag that says yes to everything', async (t) => {
  const { code, stderr } = await pipe(t, 'restart api', ['chat', '--yes'], chatEnv(t, undefined))

  assert.equal(code, 2)
  assert.match(stderr, /unknown option '--yes'/)
})

test('without a terminal and without a question it says what is missing', async (t) => {
  const { code, stdout, stderr } = await pipe(t, ' \n', [], chatEnv(t, undefined))

  assert.deepEqual([code, stdout], [2, ''])
  assert.match(stderr, /no terminal, and nothing came in.*kubectl exec -it/)
})

test('a question from a pipe leaves no conversation behind', async (t) => {
  const env = chatEnv(t, undefined)
  await pipe(t, 'what is wrong?', ['chat'], env)

  const { code, stdout } = await run(t, ['chat', '--sessions'], env)

  assert.deepEqual([code, stdout], [0, 'There is no conversation yet. `kube-agent` begins one.\n'])
})

test('a conversation is listed, resumed from a pipe, and the model knows what was said in it', async (t) => {
  await using model = await startModelServer([says('first answer'), says('second answer')])
  const env = chatEnv(t, model)
  const conversations = openConversations(join(env.XDG_STATE_HOME ?? '', 'kube-agent'))
  conversations.note('abc123', 'what is\nwrong?')
  await pipe(t, 'what is wrong?', ['--resume', 'abc123'], env)

  const { stdout } = await pipe(t, 'and now?', ['chat', '--resume'], env)

  assert.equal(stdout, 'second answer\n')
  assert.match(JSON.stringify(model.asked[1]?.messages), /what is wrong\?.*first answer.*and now\?/)
  assert.match((await run(t, ['--sessions'], env)).stdout, /^abc123 {2}this minute {5}what is wrong\?\n$/)
})

test('a conversation that nobody knows is refused with the way out', async (t) => {
  const env = chatEnv(t, undefined)
  const none = await run(t, ['--resume'], env)
  openConversations(join(env.XDG_STATE_HOME ?? '', 'kube-agent')).note('abc123', 'hi')

  const wrong = await run(t, ['--resume', 'nope'], env)

  assert.deepEqual([none.code, none.stderr], [2, 'There is no conversation to resume yet.\n'])
  assert.equal(wrong.code, 2)
  assert.match(wrong.stderr, /no conversation nope.*--sessions` lists them; the newest is abc123/)
})

test('a running serve with the same data directory is not in the way', async (t) => {
  const env = webEnv(t)
  await start(t, ['serve'], env).listening

  const { code, stdout } = await pipe(t, '!status', ['chat'], env)
  const listed = await run(t, ['chat', '--sessions'], env)

  assert.deepEqual([code, listed.code], [0, 0])
  assert.match(stdout, /terminal: ready/)
})

test('the options and variables of the guide hold, a flag before a variable', async (t) => {
  const { stdout } = await run(t, ['--help'])
  const options = [
    '-l, --llm-url',
    '-m, --llm-model',
    '--llm-api-key',
    '-g, --gitea-url',
    '--gitea-token',
    '-n, --namespace',
    '--kube-context',
    '-v, --verbose',
    '--version',
    '-h, --help',
  ]
  for (const option of options) assert.ok(stdout.includes(option), option)

  await using first = await startModelServer([says('from the variable')])
  await using second = await startModelServer([says('from the flag')])
  const env = chatEnv(t, first)
  assert.equal((await pipe(t, 'x', ['-l', second.url, '-m', 'other'], env)).stdout, 'from the flag\n')
  assert.equal(second.asked[0]?.model, 'other')
  assert.equal((await pipe(t, 'x', [], env)).stdout, 'from the variable\n')
})

test('with -v the log stands on standard error, the answer alone on standard output', async (t) => {
  await using model = await startModelServer([says('fine')])

  const { stdout, stderr } = await pipe(t, 'x', ['chat', '-v'], chatEnv(t, model))

  assert.equal(stdout, 'fine\n')
  assert.match(stderr, /"component":"audit".*"by":"@/)
})

test('files of a conversation are for its user alone, and an old one beyond those that are kept is removed', (t) => {
  const root = folder(t)
  const day = 24 * 60 * 60_000
  const clock = { now: 0 }
  const conversations = openConversations(root, () => clock.now)
  for (let index = 0; index < 60; index++) {
    clock.now = index * day
    conversations.note(`talk${index}`, `question ${index}`)
  }
  conversations.history.keep(['what is wrong?'])

  conversations.tidy('talk59')

  assert.equal(conversations.list().length, 50)
  assert.equal(conversations.list()[0]?.id, 'talk59')
  assert.deepEqual(openConversations(root).history.lines, ['what is wrong?'])
  for (const file of [join(conversations.folder('talk59'), 'about.json'), join(root, 'history.json')])
    assert.equal(statSync(file).mode & 0o077, 0, file)
  assert.match(readFileSync(join(conversations.folder('talk59'), 'about.json'), 'utf8'), /question 59/)
})
