import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { createSandboxCluster, type SandboxCluster } from '../../sandbox/kubernetes/index.ts'
import { createSandboxModel } from '../../sandbox/model/index.ts'
import { type Asked, calls, type Reply, says, stalls, startModelServer } from '../helpers/model-server.ts'
import { matchesGolden } from '../tools/golden.ts'
import { openTerminal, type Terminal } from './lib/tmux.ts'

const launcher = fileURLToPath(new URL('../../bin/kube-agent.js', import.meta.url))

interface Place {
  env: Record<string, string>
  cluster: SandboxCluster
}

/** A sandbox cluster, and a home of its own for the conversations. */
async function prepare(t: TestContext, modelUrl: string): Promise<Place> {
  const home = mkdtempSync(join(tmpdir(), 'kube-agent-terminal-'))
  t.after(() => rmSync(home, { recursive: true, force: true }))
  const cluster = createSandboxCluster()
  t.after(() => cluster.close())
  await cluster.listen()
  writeFileSync(join(home, 'kubeconfig'), cluster.kubeconfig())
  return {
    cluster,
    env: {
      HOME: home,
      LANG: 'C.UTF-8',
      KUBECONFIG: join(home, 'kubeconfig'),
      KUBE_AGENT_NAMESPACE: 'shop',
      KUBE_AGENT_LLM_URL: modelUrl,
      KUBE_AGENT_LLM_MODEL: 'test-model',
    },
  }
}

async function scripted(t: TestContext, script: Parameters<typeof startModelServer>[0]) {
  const model = await startModelServer(script)
  t.after(() => model.close())
  return model
}

const talk = (t: TestContext, env: Record<string, string>, args = ''): Promise<Terminal> =>
  openTerminal(t, { command: `'${process.execPath}' '${launcher}' ${args}`, env })

/** The terminal before may still be ending. */
async function talkWhenFree(t: TestContext, env: Record<string, string>, args: string): Promise<Terminal> {
  for (;;) {
    const terminal = await talk(t, env, args)
    const text = await terminal.shows(/You: |exit code/)
    if (!text.includes('is open in another terminal')) return terminal
  }
}

/** Says something at the prompt, once it is there. */
async function say(terminal: Terminal, text: string): Promise<void> {
  await terminal.shows(/\nYou:$/)
  await terminal.type(text)
  await terminal.press('Enter')
}

/** The same for every run: what differs has the same width, so that frames keep their shape. */
const steady = (text: string): string =>
  text
    .replaceAll(/127\.0\.0\.1:\d+/g, '127.0.0.1:8000')
    .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z/g, (_all, ms) => `2026-01-05T12:00:00${ms ? '.000' : ''}Z`)
    .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '00000000-0000-0000-0000-000000000000')
    .replaceAll(/\d\d:\d\d UTC/g, '12:30 UTC')
    .replaceAll(/(needed|필요) [0-9a-z]{6}:/g, '$1 abc123:')
    .replaceAll(/\(\d+\.\d s\)/g, '(0.1 s)')
    .replaceAll(/[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏] (.*) \d+s$/gm, '⠋ $1 0s')
    .replaceAll(/(Conversation: +)[a-z0-9]{6}/g, '$1abc123')

const restart = calls(['k8s_restart_deployment', { name: 'api', namespace: 'shop' }])
const generation = ({ objects }: SandboxCluster): number | undefined =>
  objects.find('deployments', 'shop', 'api')?.metadata.generation

describe('the conversation in a terminal', { timeout: 300_000 }, () => {
  test('a question in Korean, results in panels, a change after a yes, and goodbye', async (t) => {
    const script: Reply[] = [
      calls(['k8s_list_deployments', { namespace: 'shop' }]),
      says(
        '**shop** 네임스페이스의 디플로이먼트입니다 [1].\n\n| 이름 | 상태 |\n|---|---|\n| api | 비정상 |\n| checkout | 정상 |',
      ),
      restart,
      says('`api` 를 다시 시작했습니다 [2].'),
    ]
    const model = await scripted(t, () => script.shift() ?? stalls)
    const { env } = await prepare(t, model.url)
    const terminal = await talk(t, env)

    await say(terminal, '현재 네임스페이스의 디플로이먼트 목록을 보여줘')
    await say(terminal, 'api 디플로이먼트를 재시작해줘')
    await terminal.shows(/Run this\? \[y\/N\]$/)
    await terminal.type('y')
    await terminal.press('Enter')
    await say(terminal, 'exit')

    const text = await terminal.shows(/exit code 0$/)
    await matchesGolden('terminal/conversation.txt', steady(text))
  })

  test('the rule model of the demo finds what is broken; Enter alone denies the repair', async (t) => {
    const model = createSandboxModel()
    t.after(() => model.close())
    const { env, cluster } = await prepare(t, await model.listen())
    const before = generation(cluster)
    const terminal = await talk(t, { ...env, KUBE_AGENT_LLM_MODEL: 'sandbox' })

    await say(terminal, 'What is wrong with api?')
    await terminal.shows(/Run this\? \[y\/N\]$/)
    await terminal.press('Enter')

    await terminal.shows(/Nothing was done[\s\S]*\nYou:$/)
    assert.equal(generation(cluster), before)
  })

  test('Ctrl+C during a model call ends it, and the conversation goes on', async (t) => {
    const model = await scripted(t, (_asked, index) => (index === 0 ? stalls : says('I am here.')))
    const { env } = await prepare(t, model.url)
    const terminal = await talk(t, env)
    await say(terminal, 'think hard')
    await terminal.shows(/Thinking\.\.\. \d+s$/)

    await terminal.press('C-c')
    await terminal.shows(/Stopped\.[\s\S]*\nYou:$/)
    await say(terminal, 'still there?')

    const text = await terminal.shows(/I am here\.\n\nYou:$/)
    assert.match(JSON.stringify(model.asked[1]?.messages), /think hard.*still there\?/)
    await matchesGolden('terminal/cancel-model.txt', steady(text))
  })

  test('Ctrl+C during a tool ends it, and the conversation goes on', async (t) => {
    const silent = createServer(() => {}).listen(0, '127.0.0.1')
    t.after(() => {
      silent.closeAllConnections()
      silent.close()
    })
    const model = await scripted(t, (_asked, index) =>
      index === 0 ? calls(['k8s_list_pods', { namespace: 'shop' }]) : says('I am here.'),
    )
    const { env, cluster } = await prepare(t, model.url)
    const { port } = silent.address() as AddressInfo
    writeFileSync(env.KUBECONFIG ?? '', cluster.kubeconfig().replaceAll(/127\.0\.0\.1:\d+/g, `127.0.0.1:${port}`))
    const terminal = await talk(t, env)
    await say(terminal, 'list pods')
    await terminal.shows(/Tool: k8s_list_pods \d+s$/)

    await terminal.press('C-c')
    await terminal.shows(/Stopped\.[\s\S]*\nYou:$/)
    await say(terminal, 'still there?')

    await matchesGolden('terminal/cancel-tool.txt', steady(await terminal.shows(/I am here\.\n\nYou:$/)))
  })

  test('Ctrl+C at an approval takes it back: nothing is changed, and the conversation goes on', async (t) => {
    const model = await scripted(t, (_asked, index) => (index === 0 ? restart : says('I am here.')))
    const { env, cluster } = await prepare(t, model.url)
    const before = generation(cluster)
    const terminal = await talk(t, env)
    await say(terminal, 'restart api')
    await terminal.shows(/Run this\? \[y\/N\]$/)

    await terminal.press('C-c')
    await terminal.shows(/Stopped\.[\s\S]*\nYou:$/)
    await say(terminal, 'still there?')

    await matchesGolden('terminal/cancel-approval.txt', steady(await terminal.shows(/I am here\.\n\nYou:$/)))
    assert.equal(generation(cluster), before)
  })

  test('Ctrl+C twice ends, also while the model is asked', async (t) => {
    const model = await scripted(t, () => stalls)
    const { env } = await prepare(t, model.url)
    const terminal = await talk(t, env)
    await say(terminal, 'think hard')
    await terminal.shows(/Thinking/)

    await terminal.press('C-c', 'C-c')

    await terminal.shows(/Goodbye!\nexit code 0$/)
  })

  test('after Ctrl+D the conversation is listed and resumed, with the approval that is still open', async (t) => {
    const last = ({ messages }: Asked) => String(messages.at(-1)?.content)
    const model = await scripted(t, (asked) => (/restart api$/.test(last(asked)) ? restart : says('It was restarted.')))
    const { env, cluster } = await prepare(t, model.url)
    const before = generation(cluster)
    const first = await talk(t, env)
    await say(first, 'restart api')
    await first.shows(/Run this\? \[y\/N\]$/)
    await first.press('C-d')
    await first.shows(/exit code 0$/)

    const listed = await (await talk(t, env, 'chat --sessions')).shows(/exit code 0$/)
    const next = await talk(t, env, 'chat --resume')
    const asked = await next.shows(/Run this\? \[y\/N\]$/)
    await next.type('y')
    await next.press('Enter')

    await next.shows(/Agent: It was restarted\.\n\nYou:$/)
    assert.match(listed, /^[a-z0-9]{6} {2}this minute +restart api\n/)
    assert.notEqual(generation(cluster), before)
    await matchesGolden('terminal/resume.txt', steady(asked))
  })

  test('a window that is closed ends it; resumed, it goes on with what it was doing', async (t) => {
    const model = await scripted(t, (_asked, index) => (index === 0 ? stalls : says('Here is the answer.')))
    const { env } = await prepare(t, model.url)
    const first = await talk(t, env)
    await say(first, 'think hard')
    await first.shows(/Thinking/)
    await first.close()

    const next = await talkWhenFree(t, env, 'chat --resume')

    await next.shows(/You: think hard[\s\S]*Agent: Here is the answer\.\n\nYou:$/)
  })

  test('what destroys is asked, and refused where somebody said that it needs another person', async (t) => {
    const toZero = calls(['k8s_scale_deployment', { name: 'web', namespace: 'shop', replicas: 0 }])
    const model = await scripted(t, ({ messages }) => (messages.at(-1)?.role === 'user' ? toZero : says('I may not.')))
    const { env } = await prepare(t, model.url)

    const alone = await talk(t, env)
    const strict = await talk(t, { ...env, KUBE_AGENT_APPROVALS_DESTROY_NEEDS_OTHER: 'true' })
    await say(alone, 'scale web to 0')
    await say(strict, 'scale web to 0')

    await alone.shows(/scale deployment shop\/web to 0[\s\S]*Run this\? \[y\/N\]$/)
    await strict.shows(/needs the approval of 1 who did not ask[\s\S]*Agent: I may not\.\n\nYou:$/)
  })

  test('a conversation that is open cannot be resumed in a second terminal; a new one can be begun', async (t) => {
    const model = await scripted(t, () => says('fine'))
    const { env } = await prepare(t, model.url)
    const first = await talk(t, env)
    await say(first, 'hello')
    await first.shows(/Agent: fine/)

    const again = await talk(t, env, '--resume')
    const other = await talk(t, env)

    assert.match(await again.shows(/exit code/), /is open in another terminal[\s\S]*exit code 2$/)
    await say(other, 'hello')
    await other.shows(/Agent: fine/)
  })

  test('a pipe in a terminal answers without colours and says by its exit code whether it worked', async (t) => {
    const model = await scripted(t, () => says('**fine**'))
    const { env } = await prepare(t, model.url)
    const program = `'${process.execPath}' '${launcher}' chat`

    const works = await openTerminal(t, { command: `echo 'how is it?' | ${program}`, env })
    await works.shows(/exit code 0$/)
    const fails = await openTerminal(t, { command: `echo 'how is it?' | ${program} -l http://127.0.0.1:9/v1`, env })

    assert.equal(await works.text({ colours: true }), '**fine**\nexit code 0')
    assert.match(await fails.shows(/exit code/), /exit code 1$/)
  })

  test('with NO_COLOR the screen has none', async (t) => {
    const model = await scripted(t, () => says('**fine**'))
    const { env } = await prepare(t, model.url)
    const plain = await talk(t, { ...env, NO_COLOR: '1' })
    const coloured = await talk(t, env)
    for (const terminal of [plain, coloured]) {
      await say(terminal, 'hello')
      await terminal.shows(/Agent: fine/)
    }

    assert.equal((await plain.text({ colours: true })).includes('\u001b['), false)
    assert.equal((await coloured.text({ colours: true })).includes('\u001b['), true)
  })

  test('a model cannot move the cursor, and a long line of Korean can be edited', async (t) => {
    const model = await scripted(t, () => says('a\u001b[2J\u001b[1;1Hb'))
    const { env } = await prepare(t, model.url)
    const terminal = await talk(t, env)
    await terminal.shows(/\nYou:$/)
    await terminal.type('가나다라마바사 '.repeat(8))
    await terminal.press('C-a')
    await terminal.type('처음 ')
    await terminal.press('C-e')
    await terminal.type('끝')
    await terminal.press('Enter')

    const text = await terminal.shows(/Agent: ab\n\nYou:$/)
    assert.match(text, /^-- kube-agent --/)
    assert.match(String(model.asked[0]?.messages.at(-1)?.content), /: 처음 (가나다라마바사 ){8}끝$/)
    assert.equal(text.replaceAll('\n', '').match(/가나다라마바사/g)?.length, 8)
  })
})
