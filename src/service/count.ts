import type { AgentEvent } from '../agent/events.ts'
import type { Transition } from '../agent/history.ts'
import type { Metrics } from '../metrics.ts'

const ends = ['done', 'failed', 'refused']

/** Counts the calls that came to their end. */
export function countAgentEvent(event: AgentEvent, { toolCalls }: Pick<Metrics, 'toolCalls'>): void {
  if (event.kind === 'step' && ends.includes(event.step.state))
    toolCalls.inc({ tool: event.step.tool, outcome: event.step.state })
}

/** Counts the stages that approvals come to. What the allow-list lets through was never open: nobody was asked. */
export function countTransition({ approval, to }: Transition, { approvals }: Pick<Metrics, 'approvals'>): void {
  if (to === 'open' && approval.needed === 0) return
  approvals.inc({ state: to })
}
