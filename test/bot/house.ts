import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import pino from 'pino'
import type { UserId } from '../../src/agent/approval.ts'
import type { Policy } from '../../src/agent/policy/index.ts'
import { createConversations } from '../../src/bot/conversations.ts'
import { type Bot, type BotDeps, createBot } from '../../src/bot/index.ts'
import type { BotJob } from '../../src/bot/jobs/index.ts'
import type { Kept } from '../../src/service/build.ts'
import type { Inbox } from '../../src/storage/index.ts'
import { openSqlite } from '../../src/storage/sqlite/index.ts'
import { languageOf } from '../../src/text/language.ts'
import { md, ownMarkdown } from '../../src/text/markdown.ts'
import type { Tool } from '../../src/tools/tool.ts'
import { createChat, type FakeChat, type Shown } from '../helpers/chat.ts'
import { type ScriptedModel, scriptedModel } from '../helpers/model.ts'

export const alice = '@alice:corp' as UserId
export const bob = '@bob:corp' as UserId
export const mallory = '@mallory:corp' as UserId

export interface House {
  chat: FakeChat
  model: ScriptedModel
  clock: { now: number }
  inbox: Inbox<BotJob>
  bot: Bot
  audit: object[]
  /** What may be done now; another policy may be put in its place. */
  rules: { policy: Policy }
  /** Resolves when the room shows such a post. */
  sees(what: RegExp): Promise<Shown>
  /** Resolves when nothing is left to do but timers. */
  quiet(): Promise<void>
  /** Lets the process "crash": nothing more is handled here; another house may be built on the same folder. */
  leave(): Promise<void>
}

interface Options {
  tools?: Tool[]
  model?: ScriptedModel | 'none'
  policy?: Partial<Policy>
  chat?: FakeChat
  folder?: string
  clock?: { now: number }
  deps?: Partial<BotDeps>
  signals?: Partial<BotDeps['signals']>
  /** Jobs are not handled yet: as if they had been left by the last run. */
  asleep?: boolean
}

/** A bot with a real inbox and a real store; the chat, the model and the tools are small working things. */
export async function build(t: TestContext, options: Options = {}): Promise<House> {
  const folder = options.folder ?? temporaryFolder(t)
  const log = pino({ enabled: false })
  const clock = options.clock ?? { now: 1_000_000 }
  const now = () => clock.now
  const store = await openSqlite<Kept>(folder, { log, now, retryDelays: [0, 0] })
  const { inbox } = store
  const chat = options.chat ?? createChat([alice, bob, mallory])
  const model = options.model === 'none' ? undefined : (options.model ?? scriptedModel())
  const audit: object[] = []
  const rules: House['rules'] = {
    policy: {
      mode: 'approve',
      protectedNamespaces: ['kube-system'],
      auto: [],
      approvers: [bob],
      destroyQuorum: 1,
      destroyNeedsOther: true,
      ...options.policy,
    },
  }
  const bot = createBot({
    chats: [chat],
    name: 'kube-agent',
    conversations: createConversations(store.sessions),
    prompts: store.prompts,
    inbox,
    agent: {
      model,
      tools: new Map((options.tools ?? []).map((tool) => [tool.name, tool])),
      policy: () => rules.policy,
      limits: { toolCalls: 30, nudges: 5, minutes: 15, tokens: 1_000_000 },
      approvalMs: 30 * 60_000,
      system: () => 'You are a test.',
    },
    signals: {
      placeFor: () => undefined,
      threads: store.threads,
      lines: store.lines,
      inbox,
      confirm: async (signal) => signal,
      onSeen: async () => {},
      unwanted: () => undefined,
      title: (signal) => ownMarkdown(`push to ${signal.repository.fullName} ${signal.branch}`),
      facts: async () => ({ markdown: md`all well`, settled: true }),
      ci: undefined,
      ownLogin: () => 'kube-agent',
      continueMs: 3_600_000,
      checkAgainMs: [],
      hasModel: model !== undefined,
      now,
      ...options.signals,
    },
    mayTalk: (person) => person !== mallory || options.policy !== undefined,
    languageOf,
    overview: async () => md`api is broken`,
    analysis: async (namespace) => {
      if (namespace === 'closed') throw new Error('Namespace closed is not open to this bot.')
      return ownMarkdown(`findings in ${namespace ?? 'all'}`)
    },
    status: async () => md`fine`,
    health: async () => ({ state: 'healthy', text: '3 of 3 pods ready' }),
    recoverySeconds: [30, 300],
    resumeMs: [1_000],
    patienceMs: 60_000,
    audit: (event) => audit.push(event),
    onEnded: async () => {},
    onAgentEvent: () => {},
    onTransition: () => {},
    log,
    now,
    ...options.deps,
  })
  await chat.start(bot.receive)
  if (!options.asleep) inbox.start(bot)

  let gone = false
  const leave = async () => {
    if (gone) return
    gone = true
    await inbox.stop(0)
    await store.close()
  }
  t.after(leave)
  return {
    chat,
    model: model ?? scriptedModel(),
    clock,
    inbox,
    bot,
    audit,
    rules,
    sees: (what) =>
      until(
        () => chat.shown.find((post) => what.test(post.markdown)),
        `a post that matches ${what}; shown:\n${shownAs(chat)}`,
      ),
    quiet: async () => {
      await until(async () => (await inbox.depth()) === 0 || undefined, 'an empty inbox')
    },
    leave,
  }
}

export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'kube-agent-test-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

const shownAs = (chat: FakeChat): string => chat.shown.map((post) => post.markdown).join('\n---\n')

/** Looks again after every turn of the event loop; the test's own time limit ends it when nothing comes. */
export async function until<Value>(
  look: () => Promise<Value | undefined> | Value | undefined,
  what: string,
): Promise<Value> {
  const deadline = Date.now() + 10_000
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    if (Date.now() > deadline) throw new Error(`waited in vain for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}
