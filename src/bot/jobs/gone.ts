import type { CalledOff } from '../../agent/reasons.ts'
import { withdrawApproval, withdrawOpenCalls } from '../../agent/session.ts'
import type { Conversation } from '../conversation.ts'
import { endProgress } from '../progress.ts'
import { goesOn, type TakeDeps, type ThreadKind } from './kind.ts'

type EndDeps = Pick<TakeDeps, 'onEnded' | 'now'>

/** A message was deleted. A prompt that is gone cannot be decided; without its root a thread has come to its end. */
export const gone = {
  ...goesOn,
  async take(conversation, { data: { message } }, deps: EndDeps) {
    if ((message as string) === conversation.thread) await end(conversation, { kind: 'prompt-gone' }, deps)
    for (const approval of conversation.session.approvals) {
      if (conversation.prompts[approval.id]?.message !== message) continue
      withdrawApproval(approval, { kind: 'prompt-gone' })
      delete conversation.prompts[approval.id]
    }
  },
  roleOf: () => 'calls-off',
} satisfies ThreadKind<'gone'>

/** We are not in the room any more. */
export const left = {
  ...goesOn,
  take: (conversation, _job, deps: EndDeps) => end(conversation, { kind: 'left-room' }, deps),
  roleOf: () => 'calls-off',
} satisfies ThreadKind<'left'>

/** Ends what the thread does without a word. */
async function end(conversation: Conversation, why: CalledOff, { onEnded, now }: EndDeps): Promise<void> {
  withdrawOpenCalls(conversation.session, why)
  endProgress(conversation, { now: now() })
  delete conversation.session.request
  await onEnded(conversation.thread)
}
