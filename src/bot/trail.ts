import type { AgentEvent } from '../agent/events.ts'
import type { Audit } from '../audit.ts'
import type { ThreadId } from './platform.ts'

/** What the audit keeps of the agent's work: what was proposed, what started, how it ended. */
export function record(audit: Audit, thread: ThreadId, event: AgentEvent): void {
  if (event.kind !== 'asked' && event.kind !== 'started' && event.kind !== 'ended') return
  const { id, call, summary, askers, hash, state } = event.approval
  const { name: tool, arguments: given } = call.function
  const about = { thread, approval: id, tool }
  if (event.kind === 'asked') audit({ kind: 'proposed', ...about, arguments: given, summary, asker: askers.join(', ') })
  if (event.kind === 'started' && state.kind === 'used')
    audit({ kind: 'started', ...about, arguments: given, by: state.by, hash })
  if (event.kind === 'ended')
    audit({ kind: 'ended', ...about, state: state.kind === 'ended' && !state.ok ? 'failed' : state.kind })
}
