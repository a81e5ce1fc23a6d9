import { createHash } from 'node:crypto'
import type { Approval, UserId } from '../agent/approval.ts'
import type { AgentEvent } from '../agent/events.ts'
import type { Reason } from '../agent/reasons.ts'
import type { Request, Step } from '../agent/session.ts'
import { visible } from '../text/fence.ts'
import { codeBlock, inlineCode, joined, type Markdown, md, ownMarkdown } from '../text/markdown.ts'
import { fromOutside } from '../text/outside.ts'
import { bytesOf, head } from '../text/split.ts'
import { type Conversation, nameOf } from './conversation.ts'
import type { OwnPost } from './platform.ts'
import { reasons, type ShownReason } from './reasons.ts'
import { texts } from './texts.ts'

const promptBytes = 8_000

/** The prompt for a decision: the literal request, the diff, what it affects, who may decide and until when. */
export function renderPrompt(
  approval: Approval,
  conversation: Conversation,
  { deciders, needsOther, now }: { deciders: UserId[]; needsOther: boolean; now: number },
): Pick<OwnPost, 'markdown' | 'file' | 'question'> {
  const text = texts[conversation.language]
  const askers = approval.askers.filter((asker): asker is UserId => asker !== 'signal')
  const minutes = Math.max(1, Math.round((approval.expiresAt - now) / 60_000))
  const until = text.until(clock(approval.expiresAt), minutes)
  const decide = joined(
    [
      askers.length > 0 && text.asked(namesOf(askers, conversation)),
      text.deciders(namesOf(deciders, conversation), approval.needed),
      needsOther && text.otherThanAsker,
      until,
      text.how(approval.id),
      renderState(approval, conversation),
    ],
    ' ',
  )
  const title = text.approvalNeeded(fromOutside(approval.summary).inline(), approval.id)
  const details = renderDetails(approval, conversation)
  const whole = joined([title, details, decide])
  const question = joined([title, details, until])
  if (bytesOf(whole) <= promptBytes) return { markdown: whole, question }

  // What cannot be shown in full cannot be approved: the whole goes along as a file, named by its hash.
  const hash = createHash('sha256').update(details).digest('hex')
  return {
    markdown: joined([
      title,
      head(details, promptBytes - 2_000),
      ownMarkdown(`… ${approval.id}.md, sha256 ${hash}`),
      decide,
    ]),
    file: { name: `${approval.id}.md`, text: details },
    question,
  }
}

/** The prompt in another state than open: what became of it, and still what it was about. */
export function renderDecided(approval: Approval, conversation: Conversation): Markdown {
  const title = texts[conversation.language].approvalNeeded(fromOutside(approval.summary).inline(), approval.id)
  const state = renderState(approval, conversation)
  return head(joined([title, state, renderDetails(approval, conversation)]), promptBytes)
}

/**
 * The request and the diff stand as they are: what people approve is what runs, so nothing in them is removed, cut or escaped. Whatever hides
 * or reorders text in them is visible. What a request may show of a credential is its tool's to say, in `shown`.
 */
function renderDetails(approval: Approval, conversation: Conversation): Markdown {
  const text = texts[conversation.language]
  const { request, shown = request.body, diff, affects } = approval.preview
  const affected = affects.map((line) => md`- ${fromOutside(line).inline()}`)
  return joined([
    md`${text.request}:`,
    codeBlock(visible(`${request.method} ${request.path}\n${shown}`)),
    diff && md`${text.changes}:\n\n${codeBlock(visible(diff), 'diff')}`,
    affects.length > 0 && md`${text.affects}:\n\n${joined(affected, '\n')}`,
  ])
}

/** What became of an approval, in one line. */
export function renderState(approval: Approval, conversation: Conversation): Markdown {
  const text = texts[conversation.language]
  const { state } = approval
  const by = (people: (UserId | 'policy')[]) => namesOf(people, conversation)
  switch (state.kind) {
    case 'open':
      return approval.votes.length > 0 ? text.counted(approval.votes.length, approval.needed, approval.id) : md``
    case 'approved':
      return text.stateApproved(by(state.by))
    case 'used':
      return text.stateApproved(by(state.by))
    case 'lost':
      return text.stateLost(by(state.by), clock(state.startedAt))
    case 'ended':
      return state.ok
        ? text.stateDone(by(state.by), clock(state.startedAt))
        : text.stateFailed(by(state.by), clock(state.startedAt))
    case 'denied':
      return text.stateDenied(nameOf(conversation, state.by), fromOutside(state.reason ?? '').inline(500))
    case 'expired':
      return text.stateExpired
    case 'withdrawn':
      return text.stateWithdrawn(renderReason(state.why, conversation))
  }
}

function namesOf(people: (UserId | 'policy')[], conversation: Conversation): Markdown {
  const { policy } = texts[conversation.language]
  const names = people.map((person) => (person === 'policy' ? policy : nameOf(conversation, person)))
  return joined(names, ', ')
}

/** Why a call was not made, in a sentence for people. */
function renderReason(why: Reason, { language }: Conversation): Markdown {
  const sentence = reasons[language][why.kind] as (why: ShownReason) => Markdown
  const shown = Object.entries(why).map(([key, value]) => [
    key,
    typeof value === 'string' && key !== 'kind' ? fromOutside(value).inline() : value,
  ])
  return sentence(Object.fromEntries(shown))
}

/** What became of a call that was not carried out, in words for people: its result is written for the model. */
export function renderNotDone(step: Step, conversation: Conversation): Markdown | undefined {
  if (step.why) return renderReason(step.why, conversation)
  const approval = conversation.session.approvals.find(({ call }) => call.id === step.call)
  return approval && approval.state.kind !== 'ended' ? renderState(approval, conversation) : undefined
}

/** A listener reads the same sentence as the room about a call that was not carried out. */
export function forPeople(event: AgentEvent, conversation: Conversation): AgentEvent {
  if (event.kind !== 'step' || event.result === undefined) return event
  return { ...event, result: renderNotDone(event.step, conversation) ?? event.result }
}

const stepMarks = { running: md`⏳`, done: md`✓`, failed: md`⚠`, refused: md`–`, waiting: md`⏸` }

/** The progress post: numbered steps with what they do and how long they took. */
export function renderProgress(
  request: Request,
  conversation: Conversation,
  state: { atWork: boolean; model?: string; now: number },
): Markdown {
  const text = texts[conversation.language]
  const seconds = Math.max(0, Math.round((state.now - request.startedAt) / 1000))
  const is = (wanted: Step['state']) => request.steps.some((step) => step.state === wanted)
  const last = state.atWork
    ? md`*${is('running') ? text.working : is('waiting') ? text.waiting : text.thinking}…*`
    : md`*${joined([text.steps(request.steps.length, seconds), state.model && fromOutside(state.model).inline()], ' · ')}*`
  return joined([...request.steps.map((step) => renderStep(step, state.atWork)), last], '  \n')
}

/** When nothing is at work any more, a step that did not come to its end never will. */
function renderStep({ number, tool, summary, state, ms }: Step, atWork: boolean): Markdown {
  const isOver = !atWork && (state === 'running' || state === 'waiting')
  const took = ms === undefined ? md`` : md` · ${ownMarkdown((ms / 1000).toFixed(1))} s`
  const mark = stepMarks[isOver ? 'refused' : state]
  return md`${mark} [${number}] ${inlineCode(tool)} ${fromOutside(summary).inline()}${took}`
}

/** Hours and minutes in UTC, such as `16:50`. */
export const clock = (milliseconds: number): Markdown => ownMarkdown(new Date(milliseconds).toISOString().slice(11, 16))
