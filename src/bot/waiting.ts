import type { Tool } from '../tools/tool.ts'
import { parseCommand } from './commands.ts'
import type { Conversation } from './conversation.ts'
import { type BotJob, type JobOf, roleOf } from './jobs/index.ts'

type Tools = Map<string, Tool>

/** What is taken up before the model is asked: all, but a tool command waits for its turn, since it would begin something new. */
export function inOrder(waiting: BotJob[], tools: Tools): BotJob[] {
  const end = waiting.findIndex((job) => job.kind === 'message' && parseCommand(job.data.text, tools)?.kind === 'tool')
  return end < 0 ? waiting : waiting.slice(0, end)
}

/**
 * What has to be looked at before a change starts. Votes count in their order, so none is counted ahead of a message that takes back
 * what it is for; what calls something off counts at once, wherever it stands.
 */
export function decisions(waiting: BotJob[], conversation: Conversation, tools: Tools): BotJob[] {
  const spokenAt = waiting.findIndex((job) => roleOf(job, tools) === 'speaks')
  return waiting.filter((job, index) => {
    const role = roleOf(job, tools)
    if (role === 'calls-off') return true
    if (spokenAt < 0 || index < spokenAt) return role === 'decides'
    return job.kind === 'mark' && takesBack(job, conversation)
  })
}

const takesBack = ({ data }: JobOf<'mark'>, { session }: Conversation): boolean =>
  data.withdrawn &&
  session.approvals.some(
    ({ id, votes }) =>
      id === data.approval && votes.some(({ by, mark }) => by === data.vote.by && mark === data.vote.mark),
  )
