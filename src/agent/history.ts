import type { Approval, ApprovalState, Stage } from './approval.ts'
import type { Session } from './session.ts'

/** An approval has come to this stage. */
export interface Transition {
  approval: Approval
  to: Stage
}

/**
 * What the session's approvals have become since audit and metrics were told last, in the order in which it happened. It is worked out
 * from the document, so no place that changes a state has to tell it. A stage that was skipped between two looks is told as well: what
 * runs was approved.
 */
export const transitionsOf = (session: Session): Transition[] =>
  session.approvals.flatMap((approval) => stagesSince(approval).map((to) => ({ approval, to })))

/**
 * Remembers in the document that a transition was told. It is told after the save of its state and remembered by the next save: when the
 * process ends in between, the same transition is told once more. So each is told at least once.
 */
export function markTold({ approval, to }: Transition): void {
  approval.told = to
}

/** The stage that a state stands for. */
export function stageOf(state: ApprovalState): Stage {
  if (state.kind === 'used') return 'started'
  if (state.kind === 'ended') return state.ok ? 'ended' : 'failed'
  return state.kind
}

function stagesSince({ told, state }: Approval): Stage[] {
  const now = stageOf(state)
  if (now === 'open' && told === 'approved') return ['reopened']
  return [...passed(now), now].filter((stage) => rank(stage) > rank(told))
}

/** What an approval must have been before. */
function passed(stage: Stage): Stage[] {
  if (stage === 'open') return []
  if (stage === 'started') return ['open', 'approved']
  if (stage === 'lost' || stage === 'ended' || stage === 'failed') return ['open', 'approved', 'started']
  return ['open']
}

/** Stages come in this order. `reopened` counts as `open`, and of the ends there is one. */
function rank(stage: Stage | 'nothing'): number {
  if (stage === 'nothing') return 0
  if (stage === 'open' || stage === 'reopened') return 1
  if (stage === 'approved') return 2
  return stage === 'started' ? 3 : 4
}
