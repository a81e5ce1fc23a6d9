import type { Conversation } from '../conversation.ts'
import type { SignalDeps } from './deps.ts'
import { lineKey, newLine } from './line.ts'

/** CI that takes longer is no answer to the change any more. */
const watchMs = 24 * 60 * 60_000

/** A thread that pushed a branch also hears how that branch's CI goes, from the moment on when the push starts. */
export async function followProposals(
  { thread, room, session }: Conversation,
  { lines, now }: Pick<SignalDeps, 'lines' | 'now'>,
): Promise<void> {
  for (const { state, preview } of session.approvals) {
    if (state.kind !== 'used' || !preview.branch) continue
    const key = lineKey(preview.branch.repository, preview.branch.name)
    const known = await lines.get(key)
    if (known?.thread === thread || known?.state === 'red') continue
    await lines.set(key, { ...newLine(thread, room), state: 'watched', at: now(), until: now() + watchMs })
  }
}
