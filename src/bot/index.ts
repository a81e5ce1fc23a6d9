import type { Logger } from 'pino'
import type { ApprovalId } from '../agent/approval.ts'
import type { AgentEvent } from '../agent/events.ts'
import type { Transition } from '../agent/history.ts'
import { type AgentDeps, advance, type Outcome } from '../agent/index.ts'
import { withdrawApproval } from '../agent/session.ts'
import { upgrade } from '../agent/upgrade.ts'
import { checkpoint } from '../checkpoint.ts'
import type { Inbox, Namespace } from '../storage/index.ts'
import type { Language } from '../text/language.ts'
import { fromOutside } from '../text/outside.ts'
import { isStop } from './commands.ts'
import { conclude, resumeClock, wake } from './conclude.ts'
import { type Conversation, remember, shortId } from './conversation.ts'
import type { Conversations } from './conversations.ts'
import { createIntake } from './intake.ts'
import { type BotJob, kindOf, roleOf } from './jobs/index.ts'
import type { TakeDeps } from './jobs/kind.ts'
import { flush, type OutboxDeps, type PromptPlace } from './outbox.ts'
import { type Chat, type ChatEvent, platformOf, type RoomId, type ThreadId } from './platform.ts'
import { showProgress } from './progress.ts'
import { reflectApprovals, scheduleTimers } from './prompts.ts'
import { forPeople } from './render.ts'
import { createFlood } from './signals/flood.ts'
import { followProposals } from './signals/proposals.ts'
import { texts } from './texts.ts'
import { tellTransitions } from './trail.ts'
import { decisions, inOrder } from './waiting.ts'

export interface BotDeps extends Omit<TakeDeps, 'chat'> {
  chats: Chat[]
  conversations: Conversations
  prompts: Namespace<PromptPlace>
  inbox: Inbox<BotJob>
  agent: Pick<AgentDeps, 'model' | 'tools' | 'policy' | 'limits' | 'approvalMs'> & {
    system(language: Language): string
  }
  recoverySeconds: number[]
  /** Waits before a model server that was away is asked again, in milliseconds; after the last the bot gives up. */
  resumeMs: number[]
  patienceMs: number
  onAgentEvent(thread: ThreadId, event: AgentEvent): void
  /** Told what an approval became, at least once. */
  onTransition(transition: Transition): void
  /** Told what came out of moving a thread on, before people are. */
  onOutcome?(thread: ThreadId, outcome: Outcome['kind']): void
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
  /** What runs now, by thread, and hears at once of what is put into its lane. */
  const running = new Map<string, (job: BotJob) => void>()
  /** The last flush of each thread's outbox: one at a time, else an item would be forgotten unsent. */
  const flushes = new Map<ThreadId, Promise<void>>()
  const flood = createFlood()
  const { tools } = deps.agent
  const chatOf = (id: ThreadId | RoomId): Chat => {
    const chat = deps.chats.find((one) => one.name === platformOf(id))
    if (!chat) throw new Error(`no platform for ${id}`)
    return chat
  }

  deps.inbox.onPut((job) => running.get(job.thread)?.(job))
  const intake = createIntake({ ...deps, chatOf })

  async function handle(job: BotJob, signal: AbortSignal): Promise<void> {
    const kind = kindOf(job)
    if (kind.about === 'outside') return kind.route(job, { ...deps, flood })
    const conversation = (await load(job.thread)) ?? kind.opens(job, deps)
    if (!conversation) return
    await apply(conversation, job)
    await flushOut(conversation)
    if (concerns(job, conversation)) await moveOn(conversation, signal)
  }

  /** Whether there is work to go on with after this job. A model server that is away is not asked again because of a `!status`. */
  function concerns(job: BotJob, { session: { request } }: Conversation): boolean {
    if (!request) return false
    const waitsForModel = request.resumeAt !== undefined && deps.now() < request.resumeAt
    return !waitsForModel || roleOf(job, tools) === 'speaks'
  }

  async function load(thread: string): Promise<Conversation | undefined> {
    const known = await deps.conversations.get(thread)
    if (!known) return undefined
    upgrade(known.session)
    // The process may have ended between the save of a state and the telling of it.
    await tell(known)
    return known
  }

  /** Lets a job take effect on the document, once. */
  async function apply(conversation: Conversation, job: BotJob): Promise<void> {
    const kind = kindOf(job)
    if (kind.about !== 'thread' || conversation.applied.includes(job.id)) return
    await kind.take(conversation, job, {
      ...deps,
      // Asked for by those who need it: the chat of an old thread may not be configured any more.
      get chat() {
        return chatOf(conversation.thread)
      },
    })
    remember(conversation, job.id)
    await save(conversation, job.kind)
    intake.began(conversation.thread)
  }

  async function moveOn(conversation: Conversation, shutdown: AbortSignal): Promise<void> {
    const { thread, session } = conversation
    resumeClock(conversation, deps.now())
    const chat = chatOf(thread)
    const stop = new AbortController()
    let isThinking = false
    /** What is being answered while the model thinks. The thread waits for it before it takes up the same jobs in their turn. */
    const asides: Promise<void>[] = []
    running.set(thread, (job) => {
      if (job.kind !== 'message') return
      if (isStop(job.data.text) && deps.mayTalk(job.data.from)) stop.abort(new Stopped(job.id))
      else if (isThinking && roleOf(job, tools) === 'asks-us') asides.push(answerAtOnce(conversation, job))
    })
    const model = session.request?.kind === 'question' ? deps.agent.model?.name : undefined
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
        takeIn: async (what) => {
          if (what === 'all') await Promise.all(asides)
          await takeIn(conversation, what)
        },
        emit: (event) => {
          if (event.kind === 'model-start' || event.kind === 'model-end') isThinking = event.kind === 'model-start'
          progress.listen(event)
          deps.onAgentEvent(thread, forPeople(event, conversation))
        },
        now: deps.now,
        signal: AbortSignal.any([shutdown, stop.signal]),
        log: deps.log.child({ correlationId: thread }),
      })
      await progress.end()
      deps.onOutcome?.(thread, outcome.kind)
      await conclude(conversation, outcome, deps)
      await save(conversation, outcome.kind)
      await flushOut(conversation)
      if (outcome.kind === 'answered' && session.request) await wake(conversation, deps)
    } catch (error) {
      await progress.end()
      if (!(stop.signal.reason instanceof Stopped)) throw error
      await Promise.all(asides)
      await stopNow(conversation, stop.signal.reason.job)
    } finally {
      running.delete(thread)
      await Promise.all(asides)
      void chat.working(thread, false)
    }
  }

  /** Models think for minutes; who asks the bot itself something, such as `!status`, need not wait for them. */
  async function answerAtOnce(conversation: Conversation, job: BotJob): Promise<void> {
    try {
      await apply(conversation, job)
      await flushOut(conversation)
    } catch (err) {
      deps.log.warn({ component: 'bot', correlationId: job.thread, err }, 'command not answered at once')
    }
  }

  /** Lets everything up to the command take effect, in order: what was said before `!stop` is stopped with it. */
  async function stopNow(conversation: Conversation, command: string): Promise<void> {
    for (const job of await deps.inbox.waiting(conversation.thread)) {
      await apply(conversation, job)
      if (job.id === command) break
    }
    await flushOut(conversation)
  }

  /** Applies what arrived while the thread was at work. */
  async function takeIn(conversation: Conversation, what: 'votes' | 'all'): Promise<void> {
    const behind = await deps.inbox.waiting(conversation.thread)
    const waiting = behind.filter((job) => !conversation.applied.includes(job.id))
    const next = what === 'votes' ? decisions(waiting, conversation, tools) : inOrder(waiting, tools)
    for (const job of next) await apply(conversation, job)
    if (what === 'all') await flushOut(conversation)
  }

  async function save(conversation: Conversation, point: string): Promise<void> {
    reflectApprovals(conversation, promptDeps)
    checkpoint(`save:before:${point}`)
    await deps.conversations.save(conversation)
    checkpoint(`save:after:${point}`)
    await tell(conversation)
    await followProposals(conversation, deps.signals)
    await scheduleTimers(conversation, promptDeps)
  }

  /** Tells what became of approvals. The document has it already, and then keeps that it was told. */
  async function tell(conversation: Conversation): Promise<void> {
    if (!tellTransitions(conversation, deps)) return
    checkpoint('save:before:told')
    await deps.conversations.save(conversation)
    checkpoint('save:after:told')
  }

  const promptDeps = {
    policy: deps.agent.policy,
    inbox: deps.inbox,
    recoverySeconds: deps.recoverySeconds,
    now: deps.now,
  }

  async function flushOut(conversation: Conversation): Promise<void> {
    const { thread } = conversation
    const before = flushes.get(thread) ?? Promise.resolve()
    const now = before.catch(() => {}).then(() => flush(conversation, outboxDeps(thread)))
    flushes.set(thread, now)
    try {
      await now
    } finally {
      if (flushes.get(thread) === now) flushes.delete(thread)
    }
  }

  const outboxDeps = (thread: ThreadId): OutboxDeps => ({
    chat: chatOf(thread),
    prompts: deps.prompts,
    save,
    onVotes: async (place, votes) => {
      for (const vote of votes) await intake.mark(place, vote, false)
    },
    onUnseen: unseen,
    log: deps.log,
  })

  async function unseen(conversation: Conversation, id: ApprovalId): Promise<void> {
    const approval = conversation.session.approvals.find((one) => one.id === id)
    if (!approval || !withdrawApproval(approval, { kind: 'prompt-unseen' })) return
    const { thread } = conversation
    await deps.inbox.put({ id: `unseen:${thread}:${id}`, thread, kind: 'resume', data: {} })
  }

  /** A poison job: people in the thread hear of it; the log has the details. */
  async function setAside(job: BotJob, reason: string): Promise<void> {
    const kind = kindOf(job)
    if (kind.about === 'outside') return
    const conversation = await deps.conversations.get(job.thread)
    const thread = conversation?.thread ?? kind.saidAsideIn(job)
    if (!thread) return
    const why = fromOutside(reason).inline(300)
    const markdown = texts[conversation?.language ?? deps.languageOf('')].setAside(why)
    await chatOf(thread).post(thread, { id: shortId('a', job.id), markdown })
  }

  return { receive: intake.receive, readBack: intake.readBack, handle, setAside }
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
