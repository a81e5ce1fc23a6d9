import { type Approval, type PersonsVote, type UserId, vote, withdrawVote } from '../agent/approval.ts'
import { mayDecide, type Policy } from '../agent/policy/index.ts'
import type { Audit } from '../audit.ts'
import { md } from '../text/markdown.ts'
import { type Conversation, nameOf, say, tellOnce } from './conversation.ts'
import type { JobOf } from './jobs/index.ts'
import type { Chat } from './platform.ts'
import { renderState } from './render.ts'
import { texts } from './texts.ts'

export interface DecideDeps {
  chat: Pick<Chat, 'isMember'>
  policy(): Policy
  audit: Audit
  now(): number
}

/** Counts a person's mark, or takes it back; says in the thread why one does not count. Runs nothing. */
export async function decide(conversation: Conversation, job: JobOf<'mark'>, deps: DecideDeps): Promise<void> {
  const approval = conversation.session.approvals.find((one) => one.id === job.data.approval)
  if (!approval) return
  const verdict = job.data.withdrawn
    ? takeBack(conversation, approval, job.data.vote)
    : await count(conversation, approval, job.data, deps)
  const { by, mark } = job.data.vote
  deps.audit({
    kind: 'decision',
    thread: conversation.thread,
    approval: approval.id,
    by,
    mark,
    withdrawn: job.data.withdrawn,
    verdict,
    tool: approval.call.function.name,
    summary: approval.summary,
  })
}

/** A person may take a vote back even after losing the right to decide. */
function takeBack(conversation: Conversation, approval: Approval, given: PersonsVote): string {
  const { kind } = withdrawVote(approval, given.by, given.mark)
  if (kind === 'too-late') sayTooLate(conversation, approval, given.by)
  if (kind === 'decided')
    say(conversation, texts[conversation.language].voteWithdrawn(nameOf(conversation, given.by), approval.id), {
      quiet: true,
    })
  return kind
}

async function count(
  conversation: Conversation,
  approval: Approval,
  { vote: given, reason }: JobOf<'mark'>['data'],
  deps: DecideDeps,
): Promise<string> {
  const why = await refusalFor(conversation, approval, given, deps)
  if (why) {
    const sentence = texts[conversation.language][refusals[why]](nameOf(conversation, given.by), approval.id)
    tellOnce(conversation, `${why}:${approval.id}:${given.by}`, sentence)
    return why
  }
  if (given.mark === 'approve') await dropLapsed(conversation, approval, deps)
  const { kind } = vote(approval, given, deps.now(), reason)
  // A ✅ under what runs or ran already says nothing that is not so; any other late mark would mislead its author.
  const isSo = given.mark === 'approve' && ['used', 'lost', 'ended'].includes(approval.state.kind)
  if (kind === 'too-late' && !isSo) sayTooLate(conversation, approval, given.by)
  return kind
}

/** With a quorum votes may be old: who left the room or the list since does not count any more. */
async function dropLapsed(conversation: Conversation, approval: Approval, deps: DecideDeps): Promise<void> {
  for (const old of [...approval.votes])
    if (await refusalFor(conversation, approval, old, deps)) withdrawVote(approval, old.by, old.mark)
}

const refusals = {
  'not-an-approver': 'notAnApprover',
  'needs-another': 'needsAnother',
  'not-a-member': 'notAMember',
} as const

/** The person must be on the list and in the room, at this moment. */
async function refusalFor(
  conversation: Conversation,
  approval: Approval,
  { by, mark }: PersonsVote,
  deps: DecideDeps,
): Promise<keyof typeof refusals | undefined> {
  const ruling = mayDecide(deps.policy(), approval, by, mark)
  if (!ruling.may) return ruling.why
  return (await deps.chat.isMember(conversation.room, by)) ? undefined : 'not-a-member'
}

function sayTooLate(conversation: Conversation, approval: Approval, person: UserId): void {
  const sentence = texts[conversation.language].tooLate(approval.id)
  tellOnce(conversation, `late:${approval.id}:${person}`, md`${sentence} ${renderState(approval, conversation)}`)
}
