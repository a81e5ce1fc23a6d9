import { StringDecoder } from 'node:string_decoder'
import type { Step } from '../../agent/session.ts'
import { clean } from './clean.ts'
import { createEditor, type Editor } from './editor.ts'
import { renderMarkdown } from './markdown.ts'
import { createPaint } from './paint.ts'
import { innerWidth, panel, resultPanel, unfenced } from './panel.ts'
import { createSpinner } from './spinner.ts'
import type { Acts, Ui } from './ui.ts'

export interface ScreenOptions {
  input: NodeJS.ReadableStream & { setRawMode?(on: boolean): unknown }
  output: NodeJS.WritableStream & { columns?: number; rows?: number }
  history: { lines: string[]; keep(lines: string[]): void }
  now?: () => number
}

/** The conversation on a screen with keys. What is printed stands above what is being typed. */
export type Screen = Ui & {
  /** Shows the header and begins to take keys. */
  open(header: string): void
  print(text: string): void
}

/** Whose turn it is. While `waiting` the agent works. */
type Mode = 'closed' | 'waiting' | 'prompt' | 'question' | 'ending'

const twiceMs = 1_500
const ctrlC = '\u0003'
const ctrlD = '\u0004'
const pasteOn = '\u001b[?2004h'
const pasteOff = '\u001b[?2004l'
const farewells = /^\s*(?:exit|quit|bye)\s*$/i

export function createScreen({ input, output, history, now = Date.now }: ScreenOptions): Screen {
  const paint = createPaint(output)
  const width = (): number => Math.max(20, output.columns ?? 80)
  const spinner = createSpinner(output, { width, now })
  const decoder = new StringDecoder('utf8')
  let acts: Acts | undefined
  let mode: Mode = 'closed'
  let interruptedAt = Number.NEGATIVE_INFINITY
  /** What was typed while the agent worked: it stands in the next prompt, not sent. */
  let ahead = ''

  const prompt = createEditor({
    output,
    prompt: paint(['bold', 'green'], 'You: '),
    further: paint('dim', '...  '),
    history,
    onText: say,
    onInterrupt: interrupt,
    onEnd: end,
  })
  let question: Editor | undefined

  function say(text: string): void {
    if (farewells.test(text)) end()
    else if (text.trim() === '') prompt.show()
    else {
      enter('waiting')
      acts?.say(text)
    }
  }

  function decide(answer: string): void {
    const word = answer.trim().toLowerCase()
    if (!/^(?:y|yes|n|no|)$/.test(word)) {
      output.write('Please answer y or n.\n')
      question?.show()
      return
    }
    dropQuestion()
    enter('waiting')
    acts?.decide(word.startsWith('y') ? 'approve' : 'deny')
  }

  function dropQuestion(): void {
    question?.close()
    question = undefined
  }

  /** Ctrl+C: ends what runs, or the line that is typed; the second time, soon after, the program. */
  function interrupt(): void {
    const isSecond = now() - interruptedAt < twiceMs
    interruptedAt = now()
    if (isSecond || mode === 'ending') end()
    else if (mode === 'prompt') dropDraft()
    else cancel()
  }

  function dropDraft(): void {
    const hadText = prompt.draft() !== ''
    prompt.clear()
    if (!hadText) print(paint('dim', 'Ctrl+C again or Ctrl+D ends; so does exit.'))
  }

  function cancel(): void {
    hideBottom()
    dropQuestion()
    enter('waiting')
    print(paint('dim', 'Cancelling. A change that has started is brought to its end.'))
    acts?.cancel()
  }

  function end(): void {
    hideBottom()
    if (mode === 'question') dropQuestion()
    if (mode === 'waiting') print(paint('dim', 'Ending. A change that has started is brought to its end.'))
    enter('ending')
    acts?.end()
  }

  function enter(next: Mode): void {
    mode = next
    if (next === 'waiting') spinner.start()
    else spinner.stop()
  }

  function onKeys(chunk: Buffer | string): void {
    const keys = typeof chunk === 'string' ? chunk : decoder.write(chunk)
    if (mode === 'prompt') prompt.feed(keys)
    else if (mode === 'question') question?.feed(keys)
    else whileWorking(keys)
  }

  function whileWorking(keys: string): void {
    const commands = [...keys].filter((key) => key === ctrlC || key === ctrlD)
    for (const command of commands) command === ctrlC ? interrupt() : end()
    // Keys that move a cursor have none to move.
    if (commands.length === 0 && !keys.startsWith('\u001b')) ahead += clean(keys.replaceAll(/[\r\n\b]+/g, ' '))
  }

  function hideBottom(): void {
    if (mode === 'prompt') prompt.hide()
    else if (mode === 'question') question?.hide()
    else spinner.hide()
  }

  /** Writes above what stands at the bottom. */
  function print(text: string): void {
    hideBottom()
    output.write(`${text}\n`)
    if (mode === 'prompt') prompt.show()
    if (mode === 'question') question?.show()
  }

  const restore = (): void => {
    output.write(`${pasteOff}\u001b[?25h`)
    input.setRawMode?.(false)
  }

  return {
    begin(next) {
      acts = next
    },
    open(header) {
      input.setRawMode?.(true)
      input.on('data', onKeys)
      input.on('end', end)
      process.once('exit', restore)
      output.write(pasteOn)
      enter('waiting')
      print(header)
    },
    print,
    show(kind, markdown) {
      const look = { width: width(), paint }
      if (kind === 'answer') print(`\n${renderMarkdown(labelled('Agent', markdown), look)}\n`)
      if (kind === 'said') print(`${paint(['bold', 'green'], 'You: ')}${clean(markdown).split('\n').join('\n...  ')}`)
      if (kind === 'remark') print(paint('dim', renderMarkdown(markdown, look)))
    },
    working(atWork) {
      if (!atWork || mode !== 'prompt') return
      hideBottom()
      enter('waiting')
    },
    step(step, result) {
      if (step.state === 'running') return spinner.begin(step.call, step.tool)
      spinner.end(step.call)
      if (result !== undefined) print(stepText(step, result))
    },
    ask(text) {
      hideBottom()
      const look = { width: width(), paint }
      const lines = renderMarkdown(text, { ...look, width: innerWidth(look.width) }).split('\n')
      output.write(`${panel(lines, { ...look, title: 'Approval', colour: 'yellow' })}\n`)
      question = createEditor({
        output,
        prompt: paint(['bold', 'yellow'], 'Run this? [y/N] '),
        onText: decide,
        onInterrupt: interrupt,
        onEnd: end,
      })
      enter('question')
      question.show()
      return true
    },
    unask() {
      if (mode !== 'question') return
      hideBottom()
      dropQuestion()
      enter('waiting')
    },
    ready() {
      if (mode !== 'waiting') return
      enter('prompt')
      prompt.show()
      if (ahead.trim()) prompt.type(ahead.trimStart())
      ahead = ''
    },
    failed() {},
    close() {
      if (mode === 'closed') return
      spinner.stop()
      mode = 'closed'
      dropQuestion()
      prompt.close()
      input.off('data', onKeys)
      input.off('end', end)
      process.off('exit', restore)
      restore()
      input.pause()
      output.write('Goodbye!\n')
    },
  }

  function stepText({ tool, summary, state, ms }: Step, result: string): string {
    const took = ms === undefined ? '' : ` (${(ms / 1000).toFixed(1)} s)`
    const name = clean(tool)
    const head = `${paint('cyan', `Tool: ${name}`)} ${paint('dim', `${clean(summary).replaceAll('\n', ' ')}${took}`)}`
    const box = resultPanel(name, unfenced(result), {
      width: width(),
      height: Math.max(8, Math.floor((output.rows ?? 24) / 3)),
      colour: state === 'done' ? 'dim' : state === 'failed' ? 'red' : 'yellow',
      paint,
    })
    return `${head}\n${box}`
  }
}

/** The label stands in the first line of a paragraph, and above anything else. */
const labelled = (who: string, markdown: string): string =>
  blockStart.test(markdown) ? `**${who}:**\n\n${markdown}` : `**${who}:** ${markdown}`

const blockStart = /^(?:\s|#{1,6}\s|[>|<]|```|~~~|[-*+]\s|\d+[.)]\s|[-*_]{3})/
