import type { Target } from '../tools/tool.ts'
import { type Conversation, nextPostId, say } from './conversation.ts'
import type { JobOf } from './jobs.ts'
import { texts } from './texts.ts'

/** How a workload is, read from its own status. */
export interface Health {
  state: 'healthy' | 'progressing' | 'failing' | 'gone' | 'unknown'
  text: string
}

/**
 * Says in the thread whether an approved change helped. The first check speaks in any case; a later one that finds the same good
 * state only adds to the first.
 */
export async function checkRecovery(
  conversation: Conversation,
  job: JobOf<'recover'>,
  health: (target: Target) => Promise<Health>,
): Promise<void> {
  const approval = conversation.session.approvals.find((one) => one.id === job.data.approval)
  if (!approval) return
  const found = await health(approval.target)
  const markdown = sentence(conversation, approval.summary, found)
  const healthy = found.state === 'healthy'

  const before = conversation.recovery[approval.id]
  if (before?.healthy && healthy) {
    conversation.outbox.push({ kind: 'edit', message: before.message, markdown })
    return
  }
  if (before && !healthy && !job.data.last) return
  const mention = healthy || approval.asker === 'signal' ? undefined : [approval.asker]
  const post = { id: nextPostId(conversation), markdown, ...(mention && { mention }) }
  conversation.outbox.push({ kind: 'post', as: 'recovery', approval: approval.id, healthy, post })
}

function sentence(conversation: Conversation, summary: string, found: Health): string {
  const text = texts[conversation.language]
  switch (found.state) {
    case 'healthy':
      return text.recovered(summary, found.text)
    case 'progressing':
      return text.progressing(summary, found.text)
    case 'failing':
    case 'gone':
      return text.notRecovered(summary, found.text)
    case 'unknown':
      return text.recoveryUnknown(summary, found.text)
  }
}

/** Reminds the people who may decide, half-way to the expiry. */
export function remind(conversation: Conversation, job: JobOf<'remind'>, now: number): void {
  const approval = conversation.session.approvals.find((one) => one.id === job.data.approval)
  if (approval?.state.kind !== 'open') return
  const minutes = Math.max(1, Math.round((approval.expiresAt - now) / 60_000))
  say(conversation, texts[conversation.language].reminder(approval.id, approval.summary, minutes))
}
