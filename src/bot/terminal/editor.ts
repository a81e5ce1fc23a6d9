import { createInterface, type Interface } from 'node:readline'
import { PassThrough } from 'node:stream'

export interface EditorOptions {
  output: NodeJS.WritableStream
  prompt: string
  /** Begins the further lines of a text with several. */
  further?: string
  /** Earlier texts, the newest first. Without it nothing is remembered. */
  history?: { lines: string[]; keep(lines: string[]): void }
  onText(text: string): void
  onInterrupt(): void
  onEnd(): void
}

/** One prompt with the editing of a shell. It reads only what is fed to it, so that keys always go to who is meant. */
export interface Editor {
  feed(keys: string): void
  show(): void
  /** Clears its lines off the screen and keeps what was typed. */
  hide(): void
  /** What was typed and not sent. */
  draft(): string
  /** Throws away what was typed. */
  clear(): void
  /** Types this. */
  type(text: string): void
  close(): void
}

/**
 * Node's readline with several lines: a backslash at the end or Alt+Enter goes on in the next line, and what is pasted is one text,
 * however many lines it has.
 */
export function createEditor(options: EditorOptions): Editor {
  const { output, prompt, further = '', history, onText, onInterrupt, onEnd } = options
  const keys = new PassThrough()
  const readline: Interface = createInterface({
    input: keys,
    output,
    terminal: true,
    prompt,
    tabSize: 4,
    ...(history
      ? { history: [...history.lines], historySize: 500, removeHistoryDuplicates: true }
      : { historySize: 0 }),
  })
  /** The lines before the one that is being edited. */
  let before: string[] = []
  let pasting = false
  let breaks = false

  keys.on('keypress', (_text, key: { name?: string; meta?: boolean } | undefined) => {
    if (key?.name === 'paste-start') pasting = true
    if (key?.name === 'paste-end') pasting = false
    if (key?.meta && (key.name === 'return' || key.name === 'enter')) {
      breaks = true
      readline.write(null, { name: 'return' })
    }
  })
  readline.on('line', (line) => {
    const continued = line.endsWith('\\')
    if (!pasting && !breaks && !continued) return finish(line)
    breaks = false
    before.push(continued && !pasting ? line.slice(0, -1) : line)
    readline.setPrompt(further)
    readline.prompt()
  })
  readline.on('history', (lines) => history?.keep(lines))
  readline.on('SIGINT', onInterrupt)
  let closed = false
  readline.on('close', () => {
    if (!closed) onEnd()
  })

  function finish(line: string): void {
    const text = [...before, line].join('\n')
    reset()
    onText(text)
  }

  function reset(): void {
    before = []
    readline.setPrompt(prompt)
  }

  return {
    feed(typed) {
      // Readline forgets the rows that several lines fill when they come at once, and draws them twice afterwards.
      for (const key of typed) keys.write(key)
    },
    show() {
      atFirstRow(readline)
      readline.prompt(true)
    },
    hide() {
      const { rows } = readline.getCursorPos()
      output.write(`${rows > 0 ? `\u001b[${rows}A` : ''}\r\u001b[J`)
      atFirstRow(readline)
    },
    draft: () => [...before, readline.line].join('\n'),
    clear() {
      reset()
      readline.write(null, { ctrl: true, name: 'e' })
      readline.write(null, { ctrl: true, name: 'u' })
    },
    type: (text) => readline.write(text),
    close() {
      closed = true
      readline.close()
    },
  }
}

/** Readline goes up by as many rows as it believes to stand below its first; we have cleared them. */
function atFirstRow(readline: Interface): void {
  Object.assign(readline, { prevRows: 0 })
}
