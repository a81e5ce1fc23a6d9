import type { AgentEvent } from '../agent/events.ts'
import type { Metrics } from '../metrics.ts'

const ends = ['done', 'failed', 'refused']

/** Counts what happens in sessions. */
export function countAgentEvent(event: AgentEvent, { toolCalls, approvals }: Metrics): void {
  if (event.kind === 'step' && ends.includes(event.step.state))
    toolCalls.inc({ tool: event.step.tool, outcome: event.step.state })
  if (event.kind === 'asked' || event.kind === 'ended') approvals.inc({ state: event.approval.state.kind })
}
