import { createInterface } from 'node:readline/promises'
import type { Readable, Writable } from 'node:stream'
import type { Model } from '../../agent/model.ts'
import type { Anonymiser } from '../../text/anonymise.ts'
import { visible } from '../../text/fence.ts'
import type { Language } from '../../text/language.ts'
import { fromOutside } from '../../text/outside.ts'
import { type Finding, findingId } from '../../tools/analyzers/analyzer.ts'
import { nameOf } from '../../tools/analyzers/words.ts'
import { messagesAbout, textOf } from './explain.ts'

export interface TalkOptions {
  model: Pick<Model, 'name' | 'complete'>
  language: Language
  anonymiser?: Anonymiser
  /** What the model said about findings before, by their ids. */
  explanations?: Map<string, string>
  input: Readable
  output: Writable
  signal: AbortSignal
}

/** Lets somebody choose a finding and ask the model about it, until the input ends. A model that fails is a sentence; it can be asked again. */
export async function talkAbout(findings: Finding[], options: TalkOptions): Promise<void> {
  const { output, input } = options
  const say = (text: string) => output.write(`${visible(text)}\n`)
  const terminal = createInterface({ input, output })
  const lines = terminal[Symbol.asyncIterator]()
  let isOpen = true
  let hasEnded = false
  terminal.once('close', () => {
    isOpen = false
  })
  // Ctrl+C ends the talk, also while the model is thinking.
  const interrupted = new AbortController()
  terminal.once('SIGINT', () => {
    interrupted.abort()
    terminal.close()
  })
  const signal = AbortSignal.any([options.signal, interrupted.signal])
  /** The next line; nothing when there will be none. */
  async function read(prompt: string): Promise<string | undefined> {
    const isAsked = isOpen
    if (isAsked) {
      terminal.setPrompt(prompt)
      terminal.prompt()
    }
    const line = await lines.next()
    hasEnded = line.done === true
    if (!line.done) return line.value.trim()
    // Whatever is written next shall not stand behind the prompt.
    if (isAsked) output.write('\n')
    return undefined
  }

  try {
    while (!hasEnded) {
      for (const [index, { severity, owner, reason }] of findings.entries())
        say(`${String(index + 1).padStart(3)}  ${severity.padEnd(8)}  ${owner.kind} ${nameOf(owner)}  ${reason}`)
      const choice = await read(`Which one? (1 to ${findings.length}, q ends) `)
      if (choice === undefined || choice === 'q') return
      const finding = /^\d+$/.test(choice) ? findings[Number(choice) - 1] : undefined
      if (!finding) {
        if (choice !== '') say(`There is no finding ${choice}.`)
        continue
      }
      say(finding.text)
      await talk(finding)
    }
  } finally {
    terminal.close()
  }

  async function talk(finding: Finding): Promise<void> {
    const messages = messagesAbout(finding, options)
    const hide = (text: string) => {
      const shown = fromOutside(text).plain()
      return options.anonymiser?.hide(shown) ?? shown
    }
    const known = options.explanations?.get(findingId(finding))
    if (known) messages.push({ role: 'assistant', content: hide(known) })
    for (;;) {
      const question = await read('Question? (nothing: back to the list) ')
      if (!question) return
      try {
        const asked = { role: 'user' as const, content: hide(question) }
        const { message } = await options.model.complete({
          messages: [...messages, asked],
          tools: [],
          signal,
        })
        const said = textOf(message)
        messages.push(asked, { role: 'assistant', content: said })
        say(`${options.model.name}: ${options.anonymiser?.restore(said) ?? said}`)
      } catch (error) {
        options.signal.throwIfAborted()
        if (interrupted.signal.aborted) return
        say((error as Error).message)
      }
    }
  }
}
