import { type Approval, type ApprovalId, vote, withdrawVote } from '../agent/approval.ts'
import { mayDecide, type Policy } from '../agent/policy.ts'
import type { Audit } from '../audit.ts'
import { type Conversation, nameOf, say, tellOnce } from './conversation.ts'
import type { JobOf } from './jobs.ts'
import type { ChatPlatform } from './platform.ts'
import { renderState } from './render.ts'
import { texts } from './texts.ts'

export interface DecideDeps {
  chat: Pick<ChatPlatform, 'isMember'>
  policy: Policy
  audit: Audit
  now(): number
}

/** Counts a person's mark, or takes it back; says in the thread why one does not count. Runs nothing. */
export async function decide(conversation: Conversation, job: JobOf<'mark'>, deps: DecideDeps): Promise<void> {
  const { vote: given, withdrawn, reason } = job.data
  const text = texts[conversation.language]
  const person = nameOf(conversation, given.by)
  const approval = find(conversation, job.data.approval)
  if (!approval) return

  const why = await entitled(conversation, approval, given.by, given.mark, deps)
  if (why) {
    tellOnce(conversation, `${why}:${approval.id}:${given.by}`, text[refusals[why]](person, approval.id))
    return
  }
  const verdict = withdrawn ? withdrawVote(approval, given.by, given.mark) : vote(approval, given, deps.now(), reason)
  deps.audit({
    kind: 'decision',
    thread: conversation.thread,
    approval: approval.id,
    by: given.by,
    mark: given.mark,
    withdrawn,
    verdict: verdict.kind,
    tool: approval.call.function.name,
    summary: approval.summary,
  })
  if (verdict.kind === 'too-late') sayTooLate(conversation, approval, given.by)
  if (withdrawn && verdict.kind === 'decided')
    say(conversation, text.voteWithdrawn(person, approval.id), { quiet: true })
}

const refusals = {
  'not-an-approver': 'notAnApprover',
  'needs-another': 'needsAnother',
  'not-a-member': 'notAMember',
} as const

/** The person must be on the list and in the room, at this moment. */
async function entitled(
  conversation: Conversation,
  approval: Approval,
  person: JobOf<'mark'>['data']['vote']['by'],
  mark: 'approve' | 'deny',
  deps: DecideDeps,
): Promise<keyof typeof refusals | undefined> {
  const ruling = mayDecide(deps.policy, approval, person, mark)
  if (!ruling.may) return ruling.why
  return (await deps.chat.isMember(conversation.room, person)) ? undefined : 'not-a-member'
}

/** A late mark on a call that somebody else's mark decided needs no remark; a contrary or unlucky one does. */
function sayTooLate(conversation: Conversation, approval: Approval, person: string): void {
  const text = texts[conversation.language]
  tellOnce(
    conversation,
    `late:${approval.id}:${person}`,
    `${text.tooLate(approval.id, approval.state.kind)} ${renderState(approval, conversation)}`,
  )
}

const find = (conversation: Conversation, id: ApprovalId): Approval | undefined =>
  conversation.session.approvals.find((approval) => approval.id === id)
