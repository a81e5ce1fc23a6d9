import type { Approval } from '../agent/approval.ts'
import { deciders, type Policy } from '../agent/policy/index.ts'
import type { Inbox } from '../storage/index.ts'
import type { Markdown } from '../text/markdown.ts'
import { fromOutside } from '../text/outside.ts'
import { type Conversation, nextPostId, say } from './conversation.ts'
import type { BotJob } from './jobs/index.ts'
import { watchedBy } from './recovery.ts'
import { renderDecided, renderPrompt } from './render.ts'

export interface PromptDeps {
  policy(): Policy
  inbox: Pick<Inbox<BotJob>, 'put'>
  recoverySeconds: number[]
  now(): number
}

/**
 * Brings the prompts in the room in line with the approvals in the session: a new open approval gets a prompt, one whose state
 * changed gets its prompt edited. What stands in the room is only a picture; the session is the truth.
 */
export function reflectApprovals(conversation: Conversation, deps: PromptDeps): void {
  for (const approval of conversation.session.approvals) {
    const shown = shownState(approval)
    const prompt = conversation.prompts[approval.id]
    if (prompt) {
      // Between the decision and the end lie moments; only what stays is worth an edit.
      if (prompt.shown === shown || approval.state.kind === 'approved' || approval.state.kind === 'used') continue
      prompt.shown = shown
      const markdown =
        approval.state.kind === 'open'
          ? openPrompt(approval, conversation, deps).markdown
          : renderDecided(approval, conversation)
      conversation.outbox.push({ kind: 'edit', message: prompt.message, markdown })
    } else if (approval.state.kind === 'open' && !isQueued(approval, conversation)) {
      const post = {
        id: nextPostId(conversation),
        mention: deciders(approval, deps.policy()),
        ...openPrompt(approval, conversation, deps),
      }
      const reason = reasonFor(approval, conversation)
      if (reason) say(conversation, reason)
      conversation.outbox.push({ kind: 'post', as: 'prompt', approval: approval.id, shown, post })
    }
  }
}

/** What the model said with the calls that it wants approved: said once, above the first prompt of them. */
function reasonFor(approval: Approval, { session }: Conversation): Markdown | undefined {
  const message = session.messages.find(
    (one) => one.role === 'assistant' && one.tool_calls?.some((call) => call.id === approval.call.id),
  )
  if (message?.role !== 'assistant' || typeof message.content !== 'string') return undefined
  const calls = message.tool_calls ?? []
  const first = session.approvals.find(({ call }) => calls.some(({ id }) => id === call.id))
  return first === approval ? fromOutside(message.content.trim()).markdown() : undefined
}

const forgottenMs = 24 * 60 * 60_000

/** The timers that belong to approvals: reminder, expiry, recovery checks. Putting them again changes nothing. */
export async function scheduleTimers(conversation: Conversation, deps: PromptDeps): Promise<void> {
  const { thread } = conversation
  for (const approval of conversation.session.approvals) {
    const { id, state } = approval
    if (state.kind === 'open') {
      const halfway = approval.createdAt + (approval.expiresAt - approval.createdAt) / 2
      await deps.inbox.put({
        id: `remind:${thread}:${id}`,
        thread,
        kind: 'remind',
        data: { approval: id },
        due: halfway,
      })
      await deps.inbox.put({
        id: `expire:${thread}:${id}`,
        thread,
        kind: 'expire',
        data: { approval: id },
        due: approval.expiresAt,
      })
    }
    if (state.kind !== 'lost' && !(state.kind === 'ended' && state.ok)) continue
    if (watchedBy(approval) === 'none') continue
    for (const [index, seconds] of deps.recoverySeconds.entries()) {
      const last = index === deps.recoverySeconds.length - 1
      const due = state.startedAt + seconds * 1000
      // The inbox forgets ids after days: a thread that goes on that long must not check again.
      if (due < deps.now() - forgottenMs) continue
      await deps.inbox.put({
        id: `recover:${thread}:${id}:${index}`,
        thread,
        kind: 'recover',
        data: { approval: id, last },
        due,
      })
    }
  }
}

function openPrompt(approval: Approval, conversation: Conversation, deps: PromptDeps) {
  const policy = deps.policy()
  return renderPrompt(approval, conversation, {
    deciders: deciders(approval, policy),
    needsOther:
      approval.effect === 'destroy' && policy.destroyNeedsOther && approval.askers.some((asker) => asker !== 'signal'),
    now: deps.now(),
  })
}

const isQueued = (approval: Approval, conversation: Conversation): boolean =>
  conversation.outbox.some((item) => item.kind === 'post' && item.as === 'prompt' && item.approval === approval.id)

const shownState = (approval: Approval): string => `${approval.state.kind}:${approval.votes.length}`
