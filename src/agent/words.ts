import type { Reason } from './reasons.ts'

/** Why a call is not made, in words for the model. They are its alone: people have words of their own. */
export function toModel(why: Reason): string {
  switch (why.kind) {
    case 'observe':
      return 'This bot runs in observe mode and changes nothing. Say what a person should do instead.'
    case 'read-only':
      return 'This is about work from a fork: nothing is changed. Say what a person should do instead.'
    case 'no-target':
      return `${why.tool} does not say what it would change.`
    case 'protected':
      return `Namespace ${why.namespace} is protected: nothing is changed there. A person has to do it by hand.`
    case 'no-approvers':
      return 'Nobody may approve changes (KUBE_AGENT_APPROVERS is empty). Say what a person should do instead.'
    case 'too-few':
      return `This needs the approval of ${why.needed} who did not ask for it, and there ${why.able === 1 ? 'is' : 'are'} only ${why.able}. Say what a person should do instead.`
    case 'no-preview':
      return `${why.tool} cannot show what it would do, so it is not done.`
    case 'denied-before':
      return 'Not asked again: this very call was denied before.'
    case 'expired-before':
      return 'Not asked again: nobody decided on this very call before. Answer now.'
    case 'check-refused':
      return `Refused: ${why.said}`
    case 'check-failed':
      return `Failed: ${why.said}`
    case 'not-intact':
      return 'Not run: the stored call is not the one that was approved.'
    case 'too-late':
      return 'Not run: it was approved, but could not be started in time.'
    case 'not-backed':
      return 'Not run: those who approved it are not enough any more.'
    case 'target-changed':
      return 'Not run: the target changed after the approval was asked for. It has to be looked at again.'
    case 'not-callable':
      return 'Not run: the tool or its arguments are others now.'
    case 'message':
      return 'Withdrawn: a new message came before the decision.'
    case 'stop':
      return 'Stopped by a person before the decision.'
    case 'prompt-gone':
      return 'Withdrawn: the prompt was deleted.'
    case 'prompt-unseen':
      return 'Withdrawn: the chat did not take the prompt, so nobody could decide.'
    case 'left-room':
      return 'Withdrawn: the bot is no longer in the room.'
    case 'told':
      return why.said
  }
}

/** People said no. Their reason is theirs; the rest is for the model. */
export const deniedBy = (person: string, reason: string | undefined): string =>
  `Denied by ${person}${reason ? `: ${reason}` : ''}. Do not ask again for the same action.`

/** The result of a change on which nobody decided. */
export const expired = 'Nobody decided in time, so it was not done. Do not ask again unless somebody wants it.'

/** The result of a change that had started when we were interrupted. */
export const outcomeUnknown =
  'It was started before this bot was interrupted, and its outcome is unknown. It is not run again. Read the current state first.'

/** The result of a call that the server cut at its limit. */
export const callWasCut =
  'Not run: your reply reached the limit on its length inside of this call. Call it again with shorter arguments, one call at a time.'
