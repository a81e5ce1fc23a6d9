import type { Logger } from 'pino'
import { type AgentDeps, advance, type Outcome } from '../agent/advance.ts'
import type { UserId } from '../agent/approval.ts'
import { withdrawOpenCalls } from '../agent/session.ts'
import type { Audit } from '../audit.ts'
import { checkpoint } from '../checkpoint.ts'
import type { Inbox } from '../inbox.ts'
import type { Target } from '../tools/tool.ts'
import { isStop } from './commands.ts'
import { type Conversation, createConversation, remember, say } from './conversation.ts'
import { decide } from './decide.ts'
import type { BotJob, JobOf } from './jobs.ts'
import { beginsCommand, type MessageDeps, takeMessage } from './messages.ts'
import { flush, type PromptPlace } from './outbox.ts'
import {
  type ChatEvent,
  type ChatPlatform,
  type MessageId,
  platformOf,
  type RoomId,
  type ThreadId,
  type Vote,
} from './platform.ts'
import { endProgress, showProgress } from './progress.ts'
import { reflectApprovals, scheduleTimers } from './prompts.ts'
import { checkRecovery, type Health, remind } from './recovery.ts'
import { checkPush, routeSignal, type SignalDeps, takePush } from './signals.ts'
import { type Language, texts } from './texts.ts'

/** A namespace of the store, as far as the bot needs it. */
export interface Shelf<Value> {
  get(key: string): Promise<Value | undefined>
  set(key: string, value: Value): Promise<unknown>
  has(key: string): Promise<boolean>
  delete(key: string): Promise<unknown>
  entries(): AsyncIterable<[string, Value]>
}

export interface BotDeps extends Omit<MessageDeps, 'chat'> {
  chats: ChatPlatform[]
  conversations: Shelf<Conversation>
  prompts: Shelf<PromptPlace>
  inbox: Inbox<BotJob>
  agent: Pick<AgentDeps, 'model' | 'tools' | 'policy' | 'limits' | 'approvalMs'> & {
    system(language: Language): string
  }
  signals: SignalDeps
  health(target: Target): Promise<Health>
  recoverySeconds: number[]
  /** Waits before a model server that was away is asked again, in milliseconds; after the last the bot gives up. */
  resumeMs: number[]
  patienceMs: number
  audit: Audit
  onAgentEvent(event: Parameters<AgentDeps['emit']>[0]): void
  log: Logger
}

export interface Bot {
  /** Where platforms deliver; resolves when the event is in the inbox or of no interest. */
  receive(event: ChatEvent): Promise<void>
  /** Handles a job of the inbox. May be called again for the same job. */
  handle(job: BotJob, signal: AbortSignal): Promise<void>
  setAside(job: BotJob, reason: string): Promise<void>
  /** Reads what people decided under a platform's open prompts while the bot was away. */
  readBack(platform: string): Promise<void>
}

/** The one who turns jobs into sessions moved on, and outcomes into posts. */
export function createBot(deps: BotDeps): Bot {
  /** What runs now, by thread: `!stop` reaches in here. */
  const running = new Map<string, AbortController>()
  const chatOf = (id: ThreadId | RoomId): ChatPlatform => {
    const chat = deps.chats.find((one) => one.name === platformOf(id))
    if (!chat) throw new Error(`no platform for ${id}`)
    return chat
  }

  deps.inbox.onPut((job) => {
    if (job.kind === 'message' && isStop(job.data.text) && deps.mayTalk(job.data.from))
      running.get(job.thread)?.abort(new Stopped(job.id))
  })

  async function receive(event: ChatEvent): Promise<void> {
    switch (event.kind) {
      case 'message': {
        if (!event.addressed && !(await deps.conversations.has(event.thread))) return
        await deps.inbox.put({ id: `message:${event.id}`, thread: event.thread, kind: 'message', data: event })
        return
      }
      case 'mark': {
        const place = await deps.prompts.get(event.message)
        if (place) await putMark(place, event, event.withdrawn)
        return
      }
      case 'gone': {
        const thread = (await deps.prompts.get(event.message))?.thread ?? (event.message as string as ThreadId)
        if (!(await deps.conversations.has(thread))) return
        await deps.inbox.put({ id: `gone:${event.id}`, thread, kind: 'gone', data: { message: event.message } })
        return
      }
      case 'left': {
        if (event.user) return
        for await (const [, place] of deps.prompts.entries()) {
          if (place.room !== event.room) continue
          await deps.inbox.put({ id: `left:${event.id}:${place.thread}`, thread: place.thread, kind: 'left', data: {} })
        }
      }
    }
  }

  async function putMark(place: PromptPlace, vote: Vote, withdrawn: boolean, reason?: string): Promise<void> {
    const data = {
      approval: place.approval,
      vote: { id: vote.id, by: vote.from, mark: vote.mark },
      withdrawn,
      ...(reason && { reason }),
    }
    const id = withdrawn ? `unmark:${vote.id}` : `mark:${vote.id}`
    await deps.inbox.put({ id, thread: place.thread, kind: 'mark', data })
  }

  async function readBack(platform: string): Promise<void> {
    for await (const [message, place] of deps.prompts.entries()) {
      if (platformOf(place.thread) !== platform) continue
      const conversation = await deps.conversations.get(place.thread)
      const approval = conversation?.session.approvals.find((one) => one.id === place.approval)
      if (approval?.state.kind !== 'open') continue
      for (const vote of await chatOf(place.thread).votes(message as MessageId)) await putMark(place, vote, false)
    }
  }

  async function handle(job: BotJob, signal: AbortSignal): Promise<void> {
    if (job.kind === 'signal') return routeSignal(job, deps.signals)
    const conversation = await load(job)
    if (!conversation) return
    await apply(conversation, job)
    await flushOut(conversation)
    if (conversation.session.request) await moveOn(conversation, signal)
  }

  async function load(job: BotJob): Promise<Conversation | undefined> {
    const known = await deps.conversations.get(job.thread)
    if (known) return known
    if (job.kind === 'message')
      return createConversation(job.data.thread, job.data.room, deps.languageOf(job.data.text))
    if (job.kind === 'push' && deps.signals.room)
      return createConversation(job.thread as ThreadId, deps.signals.room, deps.languageOf(''))
    return undefined
  }

  /** Lets a job take effect on the document, once. */
  async function apply(conversation: Conversation, job: BotJob): Promise<void> {
    if (conversation.applied.includes(job.id)) return
    await take(conversation, job)
    remember(conversation, job.id)
    await save(conversation, job.kind)
  }

  async function take(conversation: Conversation, job: BotJob): Promise<void> {
    switch (job.kind) {
      case 'message':
        await takeMessage(conversation, job.data, { ...deps, chat: chatOf(conversation.thread) })
        return
      case 'mark':
        await decide(conversation, job, {
          chat: chatOf(conversation.thread),
          policy: deps.agent.policy,
          audit: deps.audit,
          now: deps.now,
        })
        return
      case 'gone':
        takeGone(conversation, job.data.message)
        return
      case 'left':
        withdraw(conversation, texts[conversation.language].leftRoom)
        return
      case 'push':
        await takePush(conversation, job, deps.signals)
        return
      case 'push-check':
        await checkPush(conversation, job, deps.signals)
        return
      case 'remind':
        remind(conversation, job, deps.now())
        return
      case 'recover':
        await checkRecovery(conversation, job, deps.health)
        return
      // These two only wake the thread: what is due follows from its document.
      case 'expire':
      case 'resume':
        return
      case 'signal':
        throw new Error('a signal has no conversation')
    }
  }

  function takeGone(conversation: Conversation, message: MessageId): void {
    const text = texts[conversation.language]
    const isRoot = (message as string) === conversation.thread
    const isOpenPrompt = conversation.session.approvals.some(
      (approval) => approval.state.kind === 'open' && conversation.prompts[approval.id]?.message === message,
    )
    if (isRoot || isOpenPrompt) withdraw(conversation, text.promptGone)
  }

  /** Ends what waits in the thread without going on. */
  function withdraw(conversation: Conversation, reason: string): void {
    withdrawOpenCalls(conversation.session, reason)
    delete conversation.session.request
    delete conversation.progress
  }

  async function moveOn(conversation: Conversation, shutdown: AbortSignal): Promise<void> {
    const { thread, session } = conversation
    resumeClock(conversation)
    const chat = chatOf(thread)
    const stop = new AbortController()
    running.set(thread, stop)
    const model = deps.agent.model?.name
    const progress = showProgress(conversation, {
      chat,
      patienceMs: deps.patienceMs,
      now: deps.now,
      onError: (err) => deps.log.warn({ component: 'bot', correlationId: thread, err }, 'progress post failed'),
      ...(model && { model }),
    })
    void chat.working(thread, true)
    try {
      const outcome = await advance(session, {
        ...deps.agent,
        thread,
        language: conversation.language,
        system: deps.agent.system(conversation.language),
        save: (point) => save(conversation, point),
        takeIn: (what) => takeIn(conversation, what),
        emit: (event) => {
          progress.listen(event)
          deps.onAgentEvent(event)
        },
        now: deps.now,
        signal: AbortSignal.any([shutdown, stop.signal]),
        log: deps.log.child({ correlationId: thread }),
      })
      await progress.end()
      await conclude(conversation, outcome)
    } catch (error) {
      await progress.end()
      if (!(stop.signal.reason instanceof Stopped)) throw error
      await stopNow(conversation, stop.signal.reason.job)
    } finally {
      running.delete(thread)
      void chat.working(thread, false)
    }
  }

  /** The time that people took to decide is not the request's. */
  function resumeClock({ session: { request } }: Conversation): void {
    if (request?.pausedAt === undefined) return
    request.startedAt += deps.now() - request.pausedAt
    delete request.pausedAt
  }

  /** Lets everything up to the command take effect, in order: what was said before `!stop` is stopped with it. */
  async function stopNow(conversation: Conversation, command: string): Promise<void> {
    for (const job of deps.inbox.waiting(conversation.thread)) {
      await apply(conversation, job)
      if (job.id === command) break
    }
    await flushOut(conversation)
  }

  /** What an outcome means for the room. */
  async function conclude(conversation: Conversation, outcome: Outcome): Promise<void> {
    const { session } = conversation
    const text = texts[conversation.language]
    const mention = (session.request?.askers ?? []).filter((asker): asker is UserId => asker !== 'signal')
    const model = deps.agent.model?.name
    if (outcome.kind !== 'waiting' && !(outcome.kind === 'stopped' && outcome.retryable)) {
      endProgress(conversation, { now: deps.now(), ...(model && { model }) })
    }
    switch (outcome.kind) {
      case 'waiting':
        if (session.request) session.request.pausedAt = deps.now()
        break
      case 'answered':
        say(conversation, outcome.text.trim() || text.emptyAnswer, { mention })
        delete session.request
        break
      case 'stopped':
        withdrawOpenCalls(session, text.withdrawnByStop)
        if (outcome.retryable && (await tryLater(conversation, outcome.reason))) break
        if (outcome.reason)
          say(conversation, outcome.retryable ? text.gaveUp(outcome.reason) : outcome.reason, { mention })
        delete session.request
    }
    await save(conversation, outcome.kind)
    await flushOut(conversation)
  }

  /** The model server is away: says so once and puts a timer. `false` when it has been tried often enough. */
  async function tryLater(conversation: Conversation, reason: string): Promise<boolean> {
    const { request } = conversation.session
    if (!request) return false
    const attempt = request.retries ?? 0
    const wait = deps.resumeMs[attempt]
    if (wait === undefined) return false
    request.retries = attempt + 1
    const minutes = Math.ceil(deps.resumeMs.reduce((sum, next) => sum + next, 0) / 60_000)
    if (attempt === 0) say(conversation, texts[conversation.language].modelAway(reason, minutes), { quiet: true })
    const { thread } = conversation
    const id = `resume:${thread}:${request.startedAt}:${attempt}`
    await deps.inbox.put({ id, thread, kind: 'resume', data: { attempt, reason }, due: deps.now() + wait })
    return true
  }

  /** Applies what arrived while the thread was at work. A tool command waits for its turn: it would begin something new. */
  async function takeIn(conversation: Conversation, what: 'votes' | 'all'): Promise<void> {
    for (const job of deps.inbox.waiting(conversation.thread)) {
      if (what === 'votes' && job.kind !== 'mark') break
      if (job.kind === 'message' && beginsCommand(job.data, deps.agent.tools)) break
      await apply(conversation, job)
    }
    if (what === 'all') await flushOut(conversation)
  }

  async function save(conversation: Conversation, point: string): Promise<void> {
    reflectApprovals(conversation, promptDeps)
    checkpoint(`save:before:${point}`)
    await deps.conversations.set(conversation.thread, conversation)
    checkpoint(`save:after:${point}`)
    await scheduleTimers(conversation, promptDeps)
  }

  const promptDeps = {
    policy: deps.agent.policy,
    inbox: deps.inbox,
    recoverySeconds: deps.recoverySeconds,
    now: deps.now,
  }

  async function flushOut(conversation: Conversation): Promise<void> {
    await flush(conversation, {
      chat: chatOf(conversation.thread),
      prompts: deps.prompts,
      save,
      onVotes: async (place, _message, votes) => {
        for (const vote of votes) await putMark(place, vote, false)
      },
      log: deps.log,
    })
  }

  /** A poison job: people in the thread hear of it; the log has the details. */
  async function setAside(job: BotJob, reason: string): Promise<void> {
    if (job.kind === 'signal') return
    const conversation = await deps.conversations.get(job.thread)
    const thread = conversation?.thread ?? (job.kind === 'message' ? (job as JobOf<'message'>).data.thread : undefined)
    if (!thread) return
    const markdown = texts[conversation?.language ?? deps.languageOf('')].setAside(reason)
    const id = `aside-${Buffer.from(job.id).toString('base64url').slice(-40)}`
    await chatOf(thread).post(thread, { id, markdown })
  }

  return { receive, handle, setAside, readBack }
}

/** A person said `!stop`. */
class Stopped extends Error {
  override readonly name = 'Stopped'
  readonly job: string

  constructor(job: string) {
    super('stopped by a person')
    this.job = job
  }
}
