import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import type { TestContext } from 'node:test'
import { promisify } from 'node:util'

const execute = promisify(execFile)

/** A terminal that a script types into and looks at: tmux, on a server of its own. */
export interface Terminal {
  type(text: string): Promise<void>
  /** Presses keys by tmux's names: `Enter`, `C-c`, `Up`. */
  press(...keys: string[]): Promise<void>
  /** Everything that stood there, from the top; lines as they are broken on the screen. */
  text(options?: { colours?: boolean }): Promise<string>
  /** Closes the window: what runs in it is told that its terminal is gone. */
  close(): Promise<void>
  /** Resolves when something that matches stands there. */
  shows(what: RegExp): Promise<string>
}

export interface TerminalOptions {
  /** A line for the shell. */
  command: string
  env: Record<string, string>
  columns?: number
  rows?: number
}

const patienceMs = 60_000

/** Runs a command in a terminal that stays open, with the exit code, when it has ended. */
export async function openTerminal(t: TestContext, options: TerminalOptions): Promise<Terminal> {
  const { command, env, columns = 80, rows = 40 } = options
  const socket = `kube-agent-test-${randomBytes(6).toString('hex')}`
  const tmux = async (...args: string[]) =>
    (
      await execute('tmux', ['-u', '-L', socket, '-f', '/dev/null', ...args], {
        env: { PATH: process.env.PATH ?? '', ...env },
      })
    ).stdout
  const size = ['-x', String(columns), '-y', String(rows)]
  await tmux('new-session', '-d', ...size, `${command}; echo "exit code $?"; exec cat`)
  t.after(() => tmux('kill-server').catch(() => {}))

  const terminal: Terminal = {
    type: async (text) => void (await tmux('send-keys', '-l', text)),
    press: async (...keys) => void (await tmux('send-keys', ...keys)),
    text: async ({ colours = false } = {}) =>
      (await tmux('capture-pane', '-p', ...(colours ? ['-e'] : []), '-S', '-'))
        .split('\n')
        .map((line) => line.trimEnd())
        .join('\n')
        .trimEnd(),
    close: async () => void (await tmux('kill-server')),
    async shows(what) {
      const deadline = Date.now() + patienceMs
      for (;;) {
        const text = await terminal.text()
        if (what.test(text)) return text
        if (Date.now() > deadline || /exit code \d+$/.test(text))
          throw new Error(`waited in vain for ${what} in:\n${text}`)
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    },
  }
  return terminal
}
