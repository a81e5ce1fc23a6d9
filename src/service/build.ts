import { join, resolve } from 'node:path'
import type { Policy } from '../agent/policy/index.ts'
import { systemPrompt } from '../agent/prompt.ts'
import { createAudit } from '../audit.ts'
import type { Conversation } from '../bot/conversation.ts'
import { createConversations } from '../bot/conversations.ts'
import { type Bot, type BotDeps, createBot } from '../bot/index.ts'
import type { BotJob } from '../bot/jobs/index.ts'
import type { PromptPlace } from '../bot/outbox.ts'
import type { ChatPlatform, Platform } from '../bot/platform.ts'
import { createPlatform } from '../bot/platforms.ts'
import type { CiThread, SignalThread } from '../bot/signals/deps.ts'
import { asConfigured, type Config } from '../config/index.ts'
import type { HealthReport } from '../http/index.ts'
import type { Metrics } from '../metrics.ts'
import type { Inbox, Store } from '../storage/index.ts'
import { openSqlite } from '../storage/sqlite/index.ts'
import { languageOf } from '../text/language.ts'
import type { Probe } from '../tools/analyzers/analyzer.ts'
import { customAnalyzers } from '../tools/analyzers/custom.ts'
import { builtInNames } from '../tools/analyzers/index.ts'
import { createWorkspace, type Workspace } from '../tools/git/workspace.ts'
import type { Seen } from '../tools/gitea/ci/missed.ts'
import { createTools, missingSettings } from '../tools/index.ts'
import { healthOfTarget } from '../tools/kubernetes/health.ts'
import { type Connections, ownNamespace } from './connect.ts'
import { countAgentEvent, countTransition } from './count.ts'
import { healthReport, reachable } from './health.ts'
import type { Start } from './index.ts'
import { createPeople, type People } from './people.ts'
import { createSignals, type Signals } from './signals.ts'
import { analysisOf, overviewOf, statusText } from './status.ts'

/** Everything that works, put together and not yet at work. */
export interface Product {
  platforms: Platform[]
  chats: ChatPlatform[]
  people: People
  inbox: Inbox<BotJob>
  signals: Signals
  bot: Bot
  /** Names of the chats that are in sync; filled while they attend. */
  inSync: Set<string>
  report(): Promise<HealthReport>
}

/** What the store keeps for us. */
export interface Kept {
  sessions: Conversation
  prompts: PromptPlace
  threads: SignalThread
  lines: CiThread
  seen: Seen
  jobs: BotJob
}

interface Parts {
  servers: Connections
  metrics: Metrics
}

/** Puts the product together. Nothing of it asks a server or a person for anything yet. Rejects with `ConfigError` or `StorageError`. */
export async function build(start: Start, { servers, metrics }: Parts): Promise<Product> {
  const { loaded, log, started, stopping } = start
  const { config } = loaded
  // A rule that cannot be used is told at the start, not by the first question.
  const probes = asConfigured(() => customAnalyzers(config.analyzers, builtInNames))
  const store = await openSqlite<Kept>(config.dataDir, {
    log,
    onHandled({ thread, kind }, outcome) {
      metrics.jobs.inc({ kind, outcome })
      for (const { hears } of platforms) hears?.handled(thread, kind, outcome)
    },
  })
  started.defer(() => store.close())
  const { inbox } = store
  const people = createPeople(config)
  const platforms = platformsOf(start, { servers, metrics, people, store })
  const chats = platforms.map(({ chat }) => chat)

  const inSync = new Set<string>()
  const report = () => healthReport({ ...servers, chats, inSync, inbox, isClosing: () => stopping.aborted })
  metrics.gauge({
    inboxDepth: () => inbox.depth(),
    chatReady: () => Object.fromEntries(chats.map((chat) => [chat.name, chat.health().state === 'ready'])),
    reachable: () => reachable(servers),
  })

  const { cluster, gitea, model } = servers
  const workspace = createWorkspace({ folder: join(resolve(config.dataDir), 'clones'), roots: config.files.roots })
  const policy = policyOf(config, people)
  const signals = createSignals({
    config,
    gitea,
    cluster,
    probes,
    hasModel: model !== undefined,
    inbox,
    store,
    stopping,
    log,
  })
  const looking = () => AbortSignal.any([stopping, AbortSignal.timeout(30_000)])
  const bot = createBot({
    chats,
    name: 'kube-agent',
    conversations: createConversations(store.sessions),
    prompts: store.prompts,
    inbox,
    agent: agentOf(config, { servers, policy, probes, workspace }),
    signals,
    mayTalk: people.mayTalk,
    languageOf: (text) => (config.language === 'auto' ? languageOf(text) : config.language),
    overview: (text, language) => overviewOf(cluster, text, language, { signal: looking(), log, probes }),
    analysis: (namespace, language) => analysisOf(cluster, namespace, language, { signal: looking(), probes }),
    missingSettings: (tool) => missingSettings(tool, config.gitea),
    status: async () =>
      statusText({ version: start.version, mode: config.mode, report: await report(), cluster, model, policy }),
    health: (target) =>
      cluster
        ? healthOfTarget(cluster, target, looking())
        : Promise.resolve({ state: 'unknown', text: 'no cluster is configured' }),
    onEnded: (thread) => workspace.remove(thread),
    recoverySeconds: config.approvals.recoverySeconds,
    // A person at a terminal asks again when it suits them, so nothing is retried there.
    resumeMs: start.terminal ? [] : [15_000, 30_000, 60_000, 120_000, 300_000],
    patienceMs: 8_000,
    audit: createAudit(log),
    onAgentEvent(thread, event) {
      countAgentEvent(event, metrics)
      for (const { hears } of platforms) hears?.worked(thread, event)
    },
    onTransition: (transition) => countTransition(transition, metrics),
    onOutcome(thread, outcome) {
      for (const { hears } of platforms) hears?.concluded(thread, outcome)
    },
    log,
    now: Date.now,
  })
  return { platforms, chats, people, inbox, signals, bot, inSync, report }
}

function platformsOf(
  { loaded: { config }, webNotice, terminal, log }: Start,
  { servers, metrics, people, store }: Parts & { people: People; store: Store<Kept> },
): Platform[] {
  return asConfigured(() =>
    config.chat.map((name) =>
      createPlatform(name, {
        matrix: config.matrix,
        mattermost: config.mattermost,
        web: { token: config.web.token, rooms: [webRoom(config.room)], ...(webNotice && { notice: webNotice }) },
        terminal,
        mayInvite: people.mayInvite,
        isNamed: people.isNamed,
        positions: store.caches,
        dispatcher: servers.dispatcher,
        metrics,
        log,
      }),
    ),
  )
}

/** The web room is called like the room for signals, unless that one is of another chat. */
const webRoom = (room: string | undefined): string => (room && !/[#!/:]/.test(room) ? room : 'ops')

const protectedNamespacesOf = ({ kubernetes }: Config): string[] => [
  ...kubernetes.protectedNamespaces,
  ...ownNamespace(),
]

const policyOf = (config: Config, people: People): Policy => ({
  mode: config.mode,
  protectedNamespaces: protectedNamespacesOf(config),
  auto: config.auto,
  approvers: people.approvers,
  destroyQuorum: config.approvals.destroyQuorum,
  destroyNeedsOther: config.approvals.destroyNeedsOther,
})

/** What the agent may do and how far it may go. */
function agentOf(
  config: Config,
  parts: { servers: Connections; policy: Policy; probes: Probe[]; workspace: Workspace },
): BotDeps['agent'] {
  const { servers, policy, probes, workspace } = parts
  const { model, cluster, gitea, ca } = servers
  return {
    model,
    tools: createTools({
      cluster,
      rules: { maxReplicas: config.kubernetes.maxReplicas },
      gitea: gitea && config.gitea.token ? { client: gitea, token: config.gitea.token, ca } : undefined,
      disk: { roots: config.files.roots, dataDir: resolve(config.dataDir), workspace },
      probes,
    }),
    policy: () => policy,
    limits: config.limits,
    approvalMs: config.approvals.minutes * 60_000,
    system: (language) =>
      systemPrompt({
        namespace: cluster?.namespace ?? 'default',
        namespaces: cluster?.namespaces ?? [],
        mode: config.mode,
        language,
      }),
  }
}
