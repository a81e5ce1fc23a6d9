import { checkRecovery, remind as remindDeciders } from '../recovery.ts'
import { goesOn, type TakeDeps, type ThreadKind } from './kind.ts'

/** Half of the time for a decision is over. */
export const remind = {
  ...goesOn,
  take: (conversation, job, { agent, now }: Pick<TakeDeps, 'agent' | 'now'>) =>
    remindDeciders(conversation, job, agent.policy(), now()),
} satisfies ThreadKind<'remind'>

/** Some time has passed since an approved change. */
export const recover = {
  ...goesOn,
  take: (conversation, job, { health }: Pick<TakeDeps, 'health'>) => checkRecovery(conversation, job, health),
} satisfies ThreadKind<'recover'>

/** The time for a decision is over. It only wakes the thread: what is due follows from its document. */
export const expire = { ...goesOn, take: () => {} } satisfies ThreadKind<'expire'>

/** What waited may go on. It only wakes the thread, too. */
export const resume = { ...goesOn, take: () => {} } satisfies ThreadKind<'resume'>
