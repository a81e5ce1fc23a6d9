import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import type { Step } from '../../../src/agent/session.ts'
import { createScreen, type Screen } from '../../../src/bot/terminal/screen.ts'
import { until } from '../house.ts'
import { altEnter, createTty, ctrlC, ctrlD, type FakeTty, pasted } from './tty.ts'

interface Seat {
  tty: FakeTty
  screen: Screen
  /** What the person did, as the agent hears it. */
  did: string[]
  /** Resolves when the person has done so much. */
  done(count: number): Promise<void>
  shows(what: RegExp): Promise<void>
  clock: { now: number }
  kept: string[][]
}

const open: Screen[] = []
afterEach(() => {
  for (const screen of open.splice(0)) screen.close()
})

/** A person before an open screen, whose turn it is. */
function sit(options: { columns?: number; history?: string[] } = {}): Seat {
  const tty = createTty(options)
  const did: string[] = []
  const clock = { now: 1_000_000 }
  const kept: string[][] = []
  const screen = createScreen({
    ...tty,
    history: { lines: options.history ?? [], keep: (lines) => kept.push([...lines]) },
    now: () => clock.now,
  })
  screen.begin({
    say: (text) => did.push(`say ${text}`),
    decide: (mark) => did.push(mark),
    cancel: () => did.push('cancel'),
    end: () => did.push('end'),
  })
  screen.open('-- kube-agent --\n')
  open.push(screen)
  screen.ready()
  return {
    tty,
    screen,
    did,
    clock,
    kept,
    done: async (count) => void (await until(() => (did.length >= count ? true : undefined), `${count} acts: ${did}`)),
    shows: async (what) =>
      void (await until(() => (what.test(tty.text()) ? true : undefined), `${what} on:\n${tty.text()}`)),
  }
}

const step: Step = { number: 1, call: 'call-1', tool: 'k8s_list_pods', summary: 'pods in shop', state: 'running' }

test('what is typed is sent with Enter, Korean too', async () => {
  const { tty, did, done } = sit()

  tty.press('현재 Pod 목록을 보여줘\r')
  await done(1)

  assert.deepEqual(did, ['say 현재 Pod 목록을 보여줘'])
  assert.match(tty.text(), /^You: 현재 Pod 목록을 보여줘$/m)
})

test('a Korean character that arrives in pieces is one character', async () => {
  const { tty, did, done } = sit()
  const bytes = Buffer.from('한')

  tty.input.write(bytes.subarray(0, 1))
  tty.input.write(bytes.subarray(1))
  tty.press('\r')
  await done(1)

  assert.deepEqual(did, ['say 한'])
})

test('nothing is not sent', async () => {
  const { tty, did, done } = sit()

  tty.press('\r')
  tty.press('  \r')
  tty.press('x\r')
  await done(1)

  assert.deepEqual(did, ['say x'])
})

test('a text has several lines after a backslash, after Alt+Enter, and when it was pasted', async () => {
  const { tty, did, done, screen } = sit()

  tty.press('one\\\r')
  tty.press('two\r')
  await done(1)
  screen.ready()
  tty.press('three')
  tty.press(altEnter)
  tty.press('four\r')
  await done(2)
  screen.ready()
  tty.press(pasted('five\nsix\nseven'))
  tty.press('\r')
  await done(3)

  assert.deepEqual(did, ['say one\ntwo', 'say three\nfour', 'say five\nsix\nseven'])
})

test('the arrow up brings back what was said in an earlier conversation, and what is said is kept', async () => {
  const { tty, did, done, kept } = sit({ history: ['what is wrong with api?'] })

  tty.press('\u001b[A')
  tty.press('\r')
  await done(1)
  assert.deepEqual(did, ['say what is wrong with api?'])

  assert.deepEqual(kept.at(-1), ['what is wrong with api?'])
})

for (const word of ['exit', 'quit', 'bye', ' Exit ']) {
  test(`"${word}" ends`, async () => {
    const { tty, did, done } = sit()

    tty.press(`${word}\r`)
    await done(1)

    assert.deepEqual(did, ['end'])
  })
}

test('Ctrl+D ends at an empty prompt, while the agent works, and at a question without deciding it', async () => {
  for (const turn of ['prompt', 'work', 'question'] as const) {
    const { tty, did, done, screen } = sit()
    if (turn !== 'prompt') {
      tty.press('x\r')
      await done(1)
      did.length = 0
    }
    if (turn === 'question') screen.ask('restart?')

    tty.press(ctrlD)
    await done(1)

    assert.deepEqual(did, ['end'], turn)
  }
})

test('Ctrl+C while the agent works cancels; soon after once more it ends', async () => {
  const { tty, did, done } = sit()
  tty.press('x\r')
  await done(1)

  tty.press(ctrlC)
  await done(2)
  assert.deepEqual(did.slice(1), ['cancel'])

  tty.press(ctrlC)
  await done(3)
  assert.deepEqual(did.slice(1), ['cancel', 'end'])
})

test('two Ctrl+C that arrive at once are two', async () => {
  const { tty, did, done } = sit()
  tty.press('x\r')
  await done(1)

  tty.press(ctrlC + ctrlC)
  await done(3)

  assert.deepEqual(did.slice(1), ['cancel', 'end'])
})

test('a Ctrl+C long after the last one cancels again', async () => {
  const { tty, did, done, clock } = sit()
  tty.press('x\r')
  await done(1)

  tty.press(ctrlC)
  await done(2)
  clock.now += 5_000
  tty.press(ctrlC)
  await done(3)

  assert.deepEqual(did.slice(1), ['cancel', 'cancel'])
})

test('Ctrl+C at the prompt drops the line, at an empty prompt it says how to end', async () => {
  const { tty, did, done, shows, clock } = sit()

  tty.press('delete everyth')
  await shows(/delete everyth/)
  tty.press(ctrlC)
  await until(() => (tty.text().endsWith('You:') ? true : undefined), 'an empty prompt')
  assert.deepEqual(did, [])

  clock.now += 5_000
  tty.press(ctrlC)
  await shows(/Ctrl\+C again or Ctrl\+D ends/)
  tty.press(ctrlC)
  await done(1)
  assert.deepEqual(did, ['end'])
})

const answers: [typed: string, mark: string][] = [
  ['y\r', 'approve'],
  ['YES\r', 'approve'],
  ['\r', 'deny'],
  ['n\r', 'deny'],
  ['no\r', 'deny'],
]
for (const [typed, mark] of answers) {
  test(`${JSON.stringify(typed)} to a question means ${mark}`, async () => {
    const { tty, did, done, screen } = sit()
    tty.press('x\r')
    await done(1)
    screen.ask('**Approval needed**: restart')

    tty.press(typed)
    await done(2)

    assert.deepEqual(did.slice(1), [mark])
  })
}

test('anything else is no answer, and the question is asked again', async () => {
  const { tty, did, done, shows, screen } = sit()
  tty.press('x\r')
  await done(1)
  screen.ask('restart?')

  tty.press('yesterday\r')
  await shows(/Please answer y or n\.\nRun this\? \[y\/N\]$/)
  assert.deepEqual(did, ['say x'])

  tty.press('n\r')
  await done(2)
  assert.deepEqual(did.slice(1), ['deny'])
})

test('what was typed before a question stood there does not answer it, and is in the next prompt', async () => {
  const { tty, did, done, screen } = sit()
  tty.press('x\r')
  await done(1)

  tty.press('y\r')
  tty.press('and then?')
  await new Promise(setImmediate)
  screen.ask('restart?')
  tty.press('\r')
  await done(2)
  assert.deepEqual(did.slice(1), ['deny'])

  screen.ready()
  await until(() => (tty.text().endsWith('You: y and then?') ? true : undefined), 'the text typed before')
  assert.equal(did.length, 2)
})

test('Ctrl+C at a question cancels the request and decides nothing', async () => {
  const { tty, did, done, screen } = sit()
  tty.press('x\r')
  await done(1)
  screen.ask('restart?')

  tty.press(ctrlC)
  await done(2)

  assert.deepEqual(did.slice(1), ['cancel'])
  assert.doesNotMatch(tty.text(), /Run this/)
})

test('a question that is over is taken away', async () => {
  const { tty, done, screen } = sit()
  tty.press('x\r')
  await done(1)
  screen.ask('restart?')

  screen.unask()

  assert.doesNotMatch(tty.text(), /Run this/)
})

test('a question shows everything that is asked, wrapped where it is wider than the screen', async () => {
  const { tty, screen } = sit({ columns: 40 })
  const body = `{ "value": "${'x'.repeat(90)}" }`

  screen.ask(`**Approval needed** \`abc123\`: restart deployment shop/api\n\n\`\`\`\nPATCH /apis\n${body}\n\`\`\``)

  const shown = [...tty.text().matchAll(/^│ (.*) │$/gm)].map(([, line]) => line?.trim()).join('')
  assert.ok(shown.replaceAll(' ', '').includes(body.replaceAll(' ', '')), tty.text())
})

test('what arrives while a person types stands above, and the typed text is still there', async () => {
  const { tty, did, done, shows, screen } = sit({ columns: 30 })
  tty.press('a text that is longer than one line of the screen 가나다')
  await shows(/^다$/m)

  screen.show('remark', 'api is well again')

  assert.match(
    tty.text().replaceAll('\n', '|'),
    /^-- kube-agent --\|+api is well again\|You: a text that is longer tha\|n one line of the screen 가나\|다$/,
  )
  tty.press('!\r')
  await done(1)
  assert.deepEqual(did, ['say a text that is longer than one line of the screen 가나다!'])
})

test('while a tool runs its name and the time stand there, afterwards its result in a panel', async () => {
  const { tty, done, shows, screen, clock } = sit()
  tty.press('x\r')
  await done(1)
  await shows(/Thinking\.\.\. 0s/)

  screen.step(step)
  clock.now += 7_000
  await shows(/Tool: k8s_list_pods 7s$/)

  screen.step(
    { ...step, state: 'done', ms: 7_000 },
    '[1] pods in shop\n```k8s_list_pods\nNAME  STATUS\napi   Running\n```',
  )
  assert.match(
    tty.text(),
    /Tool: k8s_list_pods pods in shop \(7\.0 s\)\n╭─ k8s_list_pods ─+╮\n│ NAME {2}STATUS +│\n│ api {3}Running +│\n╰─+╯$/,
  )
})

test('a tool that was cancelled is forgotten with its request', async () => {
  const { tty, done, shows, screen } = sit()
  tty.press('x\r')
  await done(1)
  screen.step(step)
  await shows(/Tool: k8s_list_pods/)

  screen.ready()
  tty.press('y\r')
  await done(2)

  await shows(/Thinking\.\.\. 0s$/)
})

test('an answer begins with the name of who speaks, and the prompt comes back when it is ready', async () => {
  const { tty, done, screen } = sit()
  tty.press('x\r')
  await done(1)

  screen.show('answer', 'All is **well**.')
  screen.ready()

  assert.match(tty.text(), /\nAgent: All is well\.\n\nYou:$/)
})

test('when it ends, the terminal is as it was before', () => {
  const { tty, screen } = sit()
  assert.equal(tty.input.isRaw, true)

  screen.close()

  assert.equal(tty.input.isRaw, false)
  assert.ok(tty.output.written.endsWith('\u001b[?2004l\u001b[?25hGoodbye!\n'))
})

test('without colours nothing but movement is written', async () => {
  const { tty, done, screen } = sit()
  tty.press('x\r')
  await done(1)

  screen.step({ ...step, state: 'failed' }, 'Failed: no')
  screen.show('answer', '# T\n\n**b**')
  screen.ask('q')

  assert.equal(tty.output.written.split('\u001b[').filter((part) => /^[\d;]*m/.test(part)).length, 0)
})
