import { createHash } from 'node:crypto'
import type { Approval, UserId } from '../agent/approval.ts'
import type { AgentEvent } from '../agent/events.ts'
import type { Reason } from '../agent/reasons.ts'
import type { Request, Step } from '../agent/session.ts'
import { visible } from '../text/fence.ts'
import { codeBlock, escapeMarkdown } from '../text/markdown.ts'
import { bytesOf, head } from '../text/split.ts'
import { type Conversation, nameOf } from './conversation.ts'
import type { Post } from './platform.ts'
import { reasons } from './reasons.ts'
import { texts } from './texts.ts'

const promptBytes = 8_000

/** The prompt for a decision: the literal request, the diff, what it affects, who may decide and until when. */
export function renderPrompt(
  approval: Approval,
  conversation: Conversation,
  { deciders, needsOther, now }: { deciders: UserId[]; needsOther: boolean; now: number },
): Pick<Post, 'markdown' | 'file' | 'question'> {
  const text = texts[conversation.language]
  const names = (people: string[]) => people.map((person) => nameOf(conversation, person as UserId)).join(', ')
  const askers = approval.askers.filter((asker) => asker !== 'signal')
  const minutes = Math.max(1, Math.round((approval.expiresAt - now) / 60_000))
  const until = text.until(clock(approval.expiresAt), minutes)
  const decide = [
    askers.length > 0 ? text.asked(names(askers)) : '',
    text.deciders(names(deciders), approval.needed),
    needsOther ? text.otherThanAsker : '',
    until,
    text.how(approval.id),
    renderState(approval, conversation),
  ]
  const title = text.approvalNeeded(inline(approval.summary), approval.id)
  const details = renderDetails(approval, conversation)
  const whole = [title, details, decide.filter(Boolean).join(' ')].join('\n\n')
  const question = [title, details, until].join('\n\n')
  if (bytesOf(whole) <= promptBytes) return { markdown: whole, question }

  // What cannot be shown in full cannot be approved: the whole goes along as a file, named by its hash.
  const hash = createHash('sha256').update(details).digest('hex')
  return {
    markdown: [
      title,
      head(details, promptBytes - 2_000),
      `… ${approval.id}.md, sha256 ${hash}`,
      decide.filter(Boolean).join(' '),
    ].join('\n\n'),
    file: { name: `${approval.id}.md`, text: details },
    question,
  }
}

/** The prompt in another state than open: what became of it, and still what it was about. */
export function renderDecided(approval: Approval, conversation: Conversation): string {
  const title = texts[conversation.language].approvalNeeded(inline(approval.summary), approval.id)
  const state = renderState(approval, conversation)
  return head([title, state, renderDetails(approval, conversation)].join('\n\n'), promptBytes)
}

function renderDetails(approval: Approval, conversation: Conversation): string {
  const text = texts[conversation.language]
  const { request, shown = request.body, diff, affects } = approval.preview
  return [
    `${text.request}:`,
    codeBlock(visible(`${request.method} ${request.path}\n${shown}`)),
    diff ? `${text.changes}:\n\n${codeBlock(visible(diff), 'diff')}` : '',
    affects.length > 0 ? `${text.affects}:\n\n${affects.map((line) => `- ${inline(line)}`).join('\n')}` : '',
  ]
    .filter(Boolean)
    .join('\n\n')
}

/** What became of an approval, in one line. */
export function renderState(approval: Approval, conversation: Conversation): string {
  const text = texts[conversation.language]
  const { state } = approval
  const by = (people: (UserId | 'policy')[]) =>
    people.map((person) => (person === 'policy' ? text.policy : nameOf(conversation, person))).join(', ')
  switch (state.kind) {
    case 'open':
      return approval.votes.length > 0 ? text.counted(approval.votes.length, approval.needed, approval.id) : ''
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
      return text.stateDenied(nameOf(conversation, state.by), state.reason && inline(state.reason))
    case 'expired':
      return text.stateExpired
    case 'withdrawn':
      return text.stateWithdrawn(renderReason(state.why, conversation))
  }
}

/** Why a call was not made, in a sentence for people. */
function renderReason(why: Reason, { language }: Conversation): string {
  const sentence = reasons[language][why.kind] as (why: Reason) => string
  const safe = Object.entries(why).map(([key, value]) => [key, typeof value === 'string' ? inline(value) : value])
  return sentence(Object.fromEntries(safe) as Reason)
}

/** What became of a call that was not carried out, in words for people: its result is written for the model. */
export function renderNotDone(step: Step, conversation: Conversation): string | undefined {
  if (step.why) return renderReason(step.why, conversation)
  const approval = conversation.session.approvals.find(({ call }) => call.id === step.call)
  return approval && approval.state.kind !== 'ended' ? renderState(approval, conversation) : undefined
}

/** A listener reads the same sentence as the room about a call that was not carried out. */
export function forPeople(event: AgentEvent, conversation: Conversation): AgentEvent {
  if (event.kind !== 'step' || event.result === undefined) return event
  return { ...event, result: renderNotDone(event.step, conversation) ?? event.result }
}

const stepMarks = { running: '⏳', done: '✓', failed: '⚠', refused: '–', waiting: '⏸' } as const

/** The progress post: numbered steps with what they do and how long they took. */
export function renderProgress(
  request: Request,
  conversation: Conversation,
  state: { atWork: boolean; model?: string; now: number },
): string {
  const text = texts[conversation.language]
  const seconds = Math.max(0, Math.round((state.now - request.startedAt) / 1000))
  const is = (wanted: Step['state']) => request.steps.some((step) => step.state === wanted)
  const last = state.atWork
    ? `*${is('running') ? text.working : is('waiting') ? text.waiting : text.thinking}…*`
    : `*${[text.steps(request.steps.length, seconds), state.model && inline(state.model)].filter(Boolean).join(' · ')}*`
  return [...request.steps.map((step) => renderStep(step, state.atWork)), last].join('  \n')
}

/** When nothing is at work any more, a step that did not come to its end never will. */
function renderStep({ number, tool, summary, state, ms }: Step, atWork: boolean): string {
  const isOver = !atWork && (state === 'running' || state === 'waiting')
  const took = ms === undefined ? '' : ` · ${(ms / 1000).toFixed(1)} s`
  return `${stepMarks[isOver ? 'refused' : state]} [${number}] \`${tool}\` ${inline(summary)}${took}`
}

/** Hours and minutes in UTC, such as `16:50`. */
export const clock = (milliseconds: number): string => new Date(milliseconds).toISOString().slice(11, 16)

/** Text from outside inside a line of ours: nothing in it formats, mentions or hides. */
const inline = (outside: string): string => escapeMarkdown(visible(outside).replaceAll(/\s+/g, ' ').trim())
