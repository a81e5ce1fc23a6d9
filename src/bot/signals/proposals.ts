import type { Conversation } from '../conversation.ts'
import type { SignalDeps } from './deps.ts'
import { lineKey } from './line.ts'

/** CI that takes longer is nobody's answer to the change any more. */
const watchMs = 24 * 60 * 60_000

/** How the CI of a branch goes that a change in this thread makes is told here, from the moment on when the change starts. */
export async function followProposals(
  { thread, room, session }: Conversation,
  { lines, now }: Pick<SignalDeps, 'lines' | 'now'>,
): Promise<void> {
  for (const { state, preview } of session.approvals) {
    if (state.kind !== 'used' || !preview.branch) continue
    const key = lineKey(preview.branch.repository, preview.branch.name)
    const known = await lines.get(key)
    if (known?.thread === thread || known?.state === 'red') continue
    await lines.set(key, {
      thread,
      room,
      state: 'watched',
      at: now(),
      until: now() + watchMs,
      red: {},
      green: {},
      told: [],
    })
  }
}
