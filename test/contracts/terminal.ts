import type { TestContext } from 'node:test'
import type { UserId } from '../../src/agent/approval.ts'
import type { ChatEvent, ChatPlatform, MessageId, RoomId, ThreadId } from '../../src/bot/platform.ts'
import { createTerminal } from '../../src/bot/terminal/index.ts'
import { createScreen } from '../../src/bot/terminal/screen.ts'
import { createTty, type FakeTty } from '../bot/terminal/tty.ts'
import { until } from './life.ts'
import { lacks, type Stage } from './scene.ts'

const one = lacks('One person sits at a terminal, in one conversation.')
const own = lacks('There is no server between the bot and the screen.')
const stands = lacks('What stands on the screen stays; the work shows itself while it goes on.')

/** The terminal with its real screen, before a person with keys. A life of it has a screen of its own. */
export async function terminalStage(t: TestContext): Promise<Stage> {
  const kept = new Map<string, unknown>()
  const positions = {
    get: async (key: string) => structuredClone(kept.get(key)),
    set: async (key: string, value: unknown) => void kept.set(key, structuredClone(value)),
  }
  let tty: FakeTty = createTty()
  const said: ChatEvent[] = []

  function live(): ChatPlatform {
    const next = createTty({ columns: 100 })
    const screen = createScreen({ ...next, history: { lines: [], keep: () => {} } })
    const { chat: terminal, hears } = createTerminal({
      conversation: 'abc123',
      person: 'alice',
      ui: screen,
      opened: Promise.resolve(),
      onEnd: () => {},
      positions,
    })
    t.after(() => terminal.close())
    return {
      ...terminal,
      async start(receive) {
        tty = next
        screen.open('-- kube-agent --')
        await terminal.start(async (event) => {
          await receive(event)
          said.push(event)
          // As the inbox does when a job is handled.
          setImmediate(() => hears.handled('terminal|abc123', event.kind, 'done'))
        })
      },
    }
  }

  /** Resolves when the last line of the screen is this. */
  const ends = (what: RegExp): Promise<unknown> =>
    until(
      () => what.test(tty.text().split('\n').at(-1) ?? ''),
      () => `${what} at the end of:\n${tty.text().slice(-2_000)}`,
    )

  return {
    live,
    room: 'terminal|here' as RoomId,
    alice: {
      id: '@alice:terminal' as UserId,
      name: '@alice:terminal',
      async say(text) {
        await ends(/^You:$/)
        const before = said.length
        tty.press(`${text.trim()}\r`)
        const event = await until(
          () => said.slice(before).find((event) => event.kind === 'message'),
          () => `"${text}" to be taken`,
        )
        return event.kind === 'message' ? event.id : ('' as MessageId)
      },
    },
    call: '',
    nowhere: 'terminal|nothing' as ThreadId,
    sees: async () => [{ id: 'terminal|screen' as MessageId, text: tty.text(), files: [] }],
    async mark(_who, _message, mark) {
      await ends(/Run this\? \[y\/N\]$/)
      tty.press(mark === 'approve' ? 'y\r' : 'n\r')
    },
    can: {
      bob: one,
      addressing: lacks('Whatever is said at the terminal is for the agent.'),
      pair: lacks('The terminal is one, and every scenario is played there.'),
      naming: lacks('The terminal has no rooms to choose from.'),
      calls: one,
      files: lacks('A file is shown on the screen, behind its text.'),
      edits: stands,
      offered: lacks('A question is asked on the spot: y or n.'),
      unmark: lacks('An answer to a question is final.'),
      spelling: lacks('An answer is y or n.'),
      away: lacks('The terminal is kube-agent itself: while that is away, nobody can speak.'),
      again: lacks('What could not be taken is said on the spot, and the person says it again.'),
      newborn: lacks('A conversation is its own memory: with an empty one it is a new one.'),
      edit: stands,
      remove: stands,
      rewrite: stands,
      machine: one,
      leave: one,
      join: one,
      expel: one,
      readmit: one,
      wire: own,
      restartServer: own,
      limit: own,
      revocable: lacks('The terminal needs no token.'),
      refusal: lacks('There is one thread, and it is always there.'),
    },
  }
}
