import type { Approval } from './approval.ts'
import { stageOf } from './history.ts'
import type { Reason } from './reasons.ts'
import type { Session } from './session.ts'

/** An approval as an earlier version may have written it. */
type Written = Omit<Approval, 'told'> & Partial<Pick<Approval, 'told'>>
/** Its reason was the sentence that people read. */
type Withdrawn = { kind: 'withdrawn'; why?: Reason; reason?: string }

/** Brings a session that an earlier version wrote into the shape of today. One of today stays as it is. */
export function upgrade(session: Session): void {
  for (const approval of session.approvals as Written[]) {
    // That version told itself what had happened until then.
    approval.told ??= stageOf(approval.state)
    if (approval.state.kind !== 'withdrawn') continue
    const { why, reason = '' }: Withdrawn = approval.state
    approval.state = { kind: 'withdrawn', why: why ?? { kind: 'told', said: reason } }
  }
}
