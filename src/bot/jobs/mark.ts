import { decide } from '../decide.ts'
import { goesOn, type TakeDeps, type ThreadKind } from './kind.ts'

/** Somebody marked a prompt, or took a mark back. */
export const mark = {
  ...goesOn,
  take: (conversation, job, { chat, agent, audit, now }: Pick<TakeDeps, 'chat' | 'agent' | 'audit' | 'now'>) =>
    decide(conversation, job, { chat, policy: agent.policy, audit, now }),
  roleOf: ({ data }) => (data.vote.mark === 'deny' && !data.withdrawn ? 'calls-off' : 'decides'),
} satisfies ThreadKind<'mark'>
