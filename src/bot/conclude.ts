import type { UserId } from '../agent/approval.ts'
import type { AgentDeps, Outcome } from '../agent/index.ts'
import { withdrawOpenCalls } from '../agent/session.ts'
import type { Inbox } from '../storage/index.ts'
import type { Markdown } from '../text/markdown.ts'
import { fromOutside } from '../text/outside.ts'
import { type Conversation, endRequest, say } from './conversation.ts'
import type { BotJob } from './jobs/index.ts'
import { endProgress } from './progress.ts'
import { renderNotDone } from './render.ts'
import { texts } from './texts.ts'

export interface ConcludeDeps {
  agent: Pick<AgentDeps, 'model'>
  inbox: Pick<Inbox<BotJob>, 'put'>
  /** Waits before a model server that was away is asked again, in milliseconds; after the last the bot gives up. */
  resumeMs: number[]
  now(): number
}

/** What an outcome means for the room. */
export async function conclude(conversation: Conversation, outcome: Outcome, deps: ConcludeDeps): Promise<void> {
  const { session } = conversation
  const text = texts[conversation.language]
  switch (outcome.kind) {
    case 'waiting':
      pauseClock(conversation, deps.now())
      break
    case 'answered':
      end(conversation, commandResult(conversation) ?? (answerOf(outcome) || text.emptyAnswer), deps)
      break
    case 'stopped': {
      withdrawOpenCalls(session, { kind: 'stop' })
      const reason = fromOutside(outcome.reason).inline()
      if (!outcome.retryable) end(conversation, reason, deps)
      else if (!(await tryLater(conversation, reason, deps))) end(conversation, text.gaveUp(reason), deps)
    }
  }
}

/** A question that had to wait for a command: the timer it waited for may be over. */
export async function wake({ thread, posts }: Conversation, deps: Pick<ConcludeDeps, 'inbox'>): Promise<void> {
  await deps.inbox.put({ id: `resume:${thread}:after-${posts}`, thread, kind: 'resume', data: {} })
}

/** Gives the last word to those who asked, if there is one, and shows the work as done. */
function end(conversation: Conversation, lastWord: Markdown, deps: ConcludeDeps): void {
  const { askers = [], kind } = conversation.session.request ?? {}
  const model = kind === 'question' ? deps.agent.model?.name : undefined
  endProgress(conversation, { now: deps.now(), ...(model && { model }) })
  endRequest(conversation)
  const mention = askers.filter((asker): asker is UserId => asker !== 'signal')
  if (lastWord) say(conversation, lastWord, { mention })
}

/** What the model wrote, or what a command printed, in its fence. */
const answerOf = ({ text }: Extract<Outcome, { kind: 'answered' }>): Markdown => fromOutside(text.trim()).markdown()

/** A command is one call: when it was not carried out, people read why instead of its result. */
function commandResult(conversation: Conversation): Markdown | undefined {
  const { request } = conversation.session
  const step = request?.kind === 'command' ? request.steps.at(-1) : undefined
  return step && renderNotDone(step, conversation)
}

/** The model server is away: says so once and puts a timer. `false` when it has been tried often enough. */
async function tryLater(conversation: Conversation, reason: Markdown, deps: ConcludeDeps): Promise<boolean> {
  const { request } = conversation.session
  if (!request) return false
  pauseClock(conversation, deps.now())
  // Somebody wrote meanwhile and it was tried once more than planned: that uses up no attempt.
  if (request.resumeAt !== undefined && deps.now() < request.resumeAt) return true
  const attempt = request.retries ?? 0
  const wait = deps.resumeMs[attempt]
  if (wait === undefined) return false
  const due = deps.now() + wait
  request.retries = attempt + 1
  request.resumeAt = due
  const minutes = Math.ceil(deps.resumeMs.reduce((sum, next) => sum + next, 0) / 60_000)
  if (attempt === 0) say(conversation, texts[conversation.language].modelAway(reason, minutes), { quiet: true })
  const { thread } = conversation
  await deps.inbox.put({ id: `resume:${thread}:${due}`, thread, kind: 'resume', data: {}, due })
  return true
}

/** The time that people or the model server took is not the request's. */
function pauseClock({ session: { request } }: Conversation, now: number): void {
  if (request) request.pausedAt = now
}

export function resumeClock({ session: { request } }: Conversation, now: number): void {
  if (request?.pausedAt === undefined) return
  request.startedAt += now - request.pausedAt
  delete request.pausedAt
}
