import { withdrawApproval, withdrawOpenCalls } from '../../agent/session.ts'
import type { Conversation } from '../conversation.ts'
import { endProgress } from '../progress.ts'
import { texts } from '../texts.ts'
import { goesOn, type TakeDeps, type ThreadKind } from './kind.ts'

type EndDeps = Pick<TakeDeps, 'onEnded' | 'now'>

/** A message was deleted. A prompt that is gone cannot be decided; without its root a thread has come to its end. */
export const gone = {
  ...goesOn,
  async take(conversation, { data: { message } }, deps: EndDeps) {
    const { promptGone } = texts[conversation.language]
    if ((message as string) === conversation.thread) await end(conversation, promptGone, deps)
    for (const approval of conversation.session.approvals) {
      if (conversation.prompts[approval.id]?.message !== message) continue
      withdrawApproval(approval, promptGone)
      delete conversation.prompts[approval.id]
    }
  },
  roleOf: () => 'calls-off',
} satisfies ThreadKind<'gone'>

/** We are not in the room any more. */
export const left = {
  ...goesOn,
  take: (conversation, _job, deps: EndDeps) => end(conversation, texts[conversation.language].leftRoom, deps),
  roleOf: () => 'calls-off',
} satisfies ThreadKind<'left'>

/** Ends what the thread does without a word. */
async function end(conversation: Conversation, reason: string, { onEnded, now }: EndDeps): Promise<void> {
  withdrawOpenCalls(conversation.session, reason)
  endProgress(conversation, { now: now() })
  delete conversation.session.request
  await onEnded(conversation.thread)
}
