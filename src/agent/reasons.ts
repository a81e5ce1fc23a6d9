/** Why the policy refuses a call: nobody is asked. */
export type Refused =
  | { kind: 'observe' }
  | { kind: 'read-only' }
  | { kind: 'protected'; namespace: string }
  | { kind: 'no-approvers' }
  /** `able` people may approve it, `needed` would have to. */
  | { kind: 'too-few'; needed: number; able: number }

/** Why an approval does not hold any more at the moment in which its call would start. */
export type Lapsed =
  | { kind: 'not-intact' }
  | { kind: 'too-late' }
  | { kind: 'not-backed' }
  | { kind: 'target-changed' }
  | { kind: 'not-callable' }

/** What took back a call that waited for people. */
export type CalledOff =
  | { kind: 'message' }
  | { kind: 'stop' }
  | { kind: 'prompt-gone' }
  | { kind: 'prompt-unseen' }
  | { kind: 'left-room' }

/**
 * Why a call is not made. Data, as it is kept in documents and in the audit: the words for the model are in `words.ts`, those for people
 * in the bot, in the language of the thread.
 */
export type Reason =
  | Refused
  | Lapsed
  | CalledOff
  | { kind: 'denied-before' }
  | { kind: 'expired-before' }
  /** The tool looked before the change and refused, or could not look. `said` is its own sentence, in one line. */
  | { kind: 'check-refused'; said: string }
  | { kind: 'check-failed'; said: string }
  /** A document of an earlier version has only the sentence. */
  | { kind: 'told'; said: string }
