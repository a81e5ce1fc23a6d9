import { forModel, fromOutside, type ModelText, ownText } from '../text/outside.ts'
import type { Reason } from './reasons.ts'

/** Why a call is not made, in words for the model. They are its alone: people have words of their own. */
export function toModel(why: Reason): ModelText {
  switch (why.kind) {
    case 'observe':
      return forModel`This bot runs in observe mode and changes nothing. Say what a person should do instead.`
    case 'read-only':
      return forModel`This is about work from a fork: nothing is changed. Say what a person should do instead.`
    case 'protected':
      return forModel`Namespace ${fromOutside(why.namespace).oneLine()} is protected: nothing is changed there. A person has to do it by hand.`
    case 'no-approvers':
      return forModel`Nobody may approve changes (KUBE_AGENT_APPROVERS is empty). Say what a person should do instead.`
    case 'too-few':
      return forModel`This needs the approval of ${why.needed} who did not ask for it, and there ${ownText(why.able === 1 ? 'is' : 'are')} only ${why.able}. Say what a person should do instead.`
    case 'denied-before':
      return forModel`Not asked again: this very call was denied before.`
    case 'expired-before':
      return forModel`Not asked again: nobody decided on this very call before. Answer now.`
    case 'check-refused':
      return forModel`Refused: ${fromOutside(why.said).oneLine()}`
    case 'check-failed':
      return forModel`Failed: ${fromOutside(why.said).oneLine()}`
    case 'not-intact':
      return forModel`Not run: the stored call is not the one that was approved.`
    case 'too-late':
      return forModel`Not run: it was approved, but could not be started in time.`
    case 'not-backed':
      return forModel`Not run: those who approved it are not enough any more.`
    case 'target-changed':
      return forModel`Not run: the target changed after the approval was asked for. It has to be looked at again.`
    case 'not-callable':
      return forModel`Not run: the tool or its arguments are others now.`
    case 'message':
      return forModel`Withdrawn: a new message came before the decision.`
    case 'stop':
      return forModel`Stopped by a person before the decision.`
    case 'prompt-gone':
      return forModel`Withdrawn: the prompt was deleted.`
    case 'prompt-unseen':
      return forModel`Withdrawn: the chat did not take the prompt, so nobody could decide.`
    case 'left-room':
      return forModel`Withdrawn: the bot is no longer in the room.`
    case 'told':
      return fromOutside(why.said).oneLine()
  }
}

/** People said no. Their reason is theirs; the rest is for the model. */
export const deniedBy = (person: string, reason: string | undefined): ModelText => {
  const because = reason ? forModel`: ${fromOutside(reason).oneLine()}` : forModel``
  return forModel`Denied by ${fromOutside(person).oneLine()}${because}. Do not ask again for the same action.`
}

/** The result of a change on which nobody decided. */
export const expired = forModel`Nobody decided in time, so it was not done. Do not ask again unless somebody wants it.`

/** The result of a change that had started when we were interrupted. */
export const outcomeUnknown = forModel`It was started before this bot was interrupted, and its outcome is unknown. It is not run again. Read the current state first.`

/** The result of a call that the server cut at its limit. */
export const callWasCut = forModel`Not run: your reply reached the limit on its length inside of this call. Call it again with shorter arguments, one call at a time.`
