import type { Step } from '../../agent/session.ts'
import type { Mark } from '../platform.ts'

/** What a person at the terminal does. */
export interface Acts {
  say(text: string): void
  decide(mark: Mark): void
  /** Ends the running request; the conversation goes on. */
  cancel(): void
  /** Ends the program. */
  end(): void
}

/** What the terminal conversation is shown on: a screen with keys, or pipes. Texts are Markdown and come from outside. */
export interface Ui {
  begin(acts: Acts): void
  /** What one of the two said, or a remark beside the matter. */
  show(kind: 'answer' | 'remark' | 'said', markdown: string): void
  /** Whether the agent is at work. */
  working(atWork: boolean): void
  /** A step began or ended; `result` is what it returned. */
  step(step: Step, result?: string): void
  /** Asks for a decision. `false`: there is nobody to ask. */
  ask(question: string): boolean
  /** The question that stands is no longer one. */
  unask(): void
  /** Nothing is at work: it is the person's turn. */
  ready(): void
  /** What was asked could not be done. */
  failed(): void
  close(): void
}
