import type { ApprovalState } from '../agent/approval.ts'
import { markTold, type Transition, transitionsOf } from '../agent/history.ts'
import type { Reason } from '../agent/reasons.ts'
import type { Audit } from '../audit.ts'
import type { Conversation } from './conversation.ts'
import type { ThreadId } from './platform.ts'

export interface TrailDeps {
  audit: Audit
  /** Counts what an approval became. */
  onTransition(transition: Transition): void
}

/** Tells audit and metrics what the thread's approvals became since they were told last. Says whether there was anything. */
export function tellTransitions({ thread, session }: Conversation, { audit, onTransition }: TrailDeps): boolean {
  const transitions = transitionsOf(session)
  for (const transition of transitions) {
    record(audit, thread, transition)
    onTransition(transition)
    markTold(transition)
  }
  return transitions.length > 0
}

function record(audit: Audit, thread: ThreadId, { approval, to }: Transition): void {
  const { id, call, summary, askers, hash, state } = approval
  const { name: tool, arguments: given } = call.function
  const about = { thread, approval: id, tool }
  switch (to) {
    case 'open':
      audit({ kind: 'proposed', ...about, arguments: given, summary, asker: askers.join(', ') })
      return
    case 'approved':
      audit({ kind: 'approved', ...about, by: approversOf(state) })
      return
    case 'reopened':
      audit({ kind: 'reopened', ...about })
      return
    case 'started':
      audit({ kind: 'started', ...about, arguments: given, by: approversOf(state), hash })
      return
    default:
      audit({ kind: 'ended', ...about, state: to, ...causeOf(state) })
  }
}

/** Who let it through: a state that follows from `approved` still knows. */
const approversOf = (state: ApprovalState): string[] => ('by' in state && Array.isArray(state.by) ? state.by : [])

/** Who or what ended it before it ran. */
function causeOf(state: ApprovalState): { by?: string[]; why?: Reason } {
  if (state.kind === 'denied') return { by: [state.by] }
  return state.kind === 'withdrawn' ? { why: state.why } : {}
}
