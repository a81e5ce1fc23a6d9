import type { Step } from './session.ts'

/** What happens while a session moves on. Progress, metrics and the terminal listen; nobody answers. */
export type AgentEvent =
  | { kind: 'model-start' }
  | { kind: 'model-end' }
  /** `result` is what the model reads, when the step has come to its end. The bot passes it on in words for people. */
  | { kind: 'step'; step: Step; result?: string }
