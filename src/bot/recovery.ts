import type { Approval, UserId } from '../agent/approval.ts'
import { deciders, type Policy } from '../agent/policy/index.ts'
import type { Markdown } from '../text/markdown.ts'
import { fromOutside } from '../text/outside.ts'
import { sentenceOf } from '../text/sentence.ts'
import type { Target } from '../tools/tool.ts'
import { type Conversation, nextPostId, say } from './conversation.ts'
import type { JobOf } from './jobs/index.ts'
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
  const watched = watchedBy(approval)
  if (watched === 'none') return
  const found = await look(health, watched)
  const markdown = sentence(conversation, fromOutside(approval.summary).inline(), found)
  const healthy = found.state === 'healthy'

  const before = conversation.recovery[approval.id]
  if (before?.healthy && healthy) {
    conversation.outbox.push({ kind: 'edit', message: before.message, markdown })
    return
  }
  if (before && !healthy && !job.data.last) return
  const mention = healthy ? [] : approval.askers.filter((asker): asker is UserId => asker !== 'signal')
  const post = { id: nextPostId(conversation), markdown, ...(mention.length > 0 && { mention }) }
  conversation.outbox.push({ kind: 'post', as: 'recovery', approval: approval.id, healthy, post })
}

/** Whose health tells whether a change helped. */
export function watchedBy({ preview, target }: Approval): Target | 'none' {
  return preview.watch ?? target
}

/** A cluster that is away makes no failed job: that nothing could be seen is a finding. */
const look = (health: (target: Target) => Promise<Health>, target: Target): Promise<Health> =>
  health(target).catch((error: unknown) => ({
    state: 'unknown' as const,
    text: sentenceOf(error),
  }))

function sentence(conversation: Conversation, summary: Markdown, found: Health): Markdown {
  const text = texts[conversation.language]
  const seen = fromOutside(found.text).inline()
  switch (found.state) {
    case 'healthy':
      return text.recovered(summary, seen)
    case 'progressing':
      return text.progressing(summary, seen)
    case 'failing':
    case 'gone':
      return text.notRecovered(summary, seen)
    case 'unknown':
      return text.recoveryUnknown(summary, seen)
  }
}

/** Reminds the people who may decide, half-way to the expiry. */
export function remind(conversation: Conversation, job: JobOf<'remind'>, policy: Policy, now: number): void {
  const approval = conversation.session.approvals.find((one) => one.id === job.data.approval)
  if (approval?.state.kind !== 'open' || now >= approval.expiresAt) return
  const minutes = Math.max(1, Math.round((approval.expiresAt - now) / 60_000))
  const text = texts[conversation.language].reminder(approval.id, fromOutside(approval.summary).inline(), minutes)
  say(conversation, text, { mention: deciders(approval, policy) })
}
