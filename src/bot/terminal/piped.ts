import { clean } from './clean.ts'
import type { Acts, Ui } from './ui.ts'

export interface PipedOptions {
  question: string
  output: NodeJS.WritableStream
  errors: NodeJS.WritableStream
}

/** One question, one answer, as plain text. Nobody is there to decide. */
export type Piped = Ui & { hasFailed(): boolean }

export function createPiped({ question, output, errors }: PipedOptions): Piped {
  let acts: Acts | undefined
  let asked = false
  let hasFailed = false
  return {
    begin(next) {
      acts = next
    },
    show(_kind, markdown) {
      if (!asked) return
      const stream = hasFailed ? errors : output
      stream.write(`${clean(markdown).trimEnd()}\n`)
    },
    working() {},
    step() {},
    ask: () => false,
    unask() {},
    ready() {
      if (asked) return acts?.end()
      asked = true
      acts?.say(question)
    },
    failed() {
      hasFailed = true
    },
    close() {},
    hasFailed: () => hasFailed,
  }
}
