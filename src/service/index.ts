import { join, resolve } from 'node:path'
import type { Policy } from '../agent/policy/index.ts'
import { systemPrompt } from '../agent/prompt.ts'
import { createAudit } from '../audit.ts'
import type { Conversation } from '../bot/conversation.ts'
import { createConversations } from '../bot/conversations.ts'
import { createBot } from '../bot/index.ts'
import type { BotJob } from '../bot/jobs/index.ts'
import type { PromptPlace } from '../bot/outbox.ts'
import { createPlatform, type PlatformOptions } from '../bot/platforms.ts'
import type { CiThread, SignalThread } from '../bot/signals/deps.ts'
import { asConfigured, ConfigError, type LoadedConfig, secretsOf } from '../config/index.ts'
import { createHttp, listen } from '../http/index.ts'
import { createLog, type Logger } from '../log.ts'
import { createMetrics, type Metrics } from '../metrics.ts'
import { openSqlite } from '../storage/sqlite/index.ts'
import { languageOf } from '../text/language.ts'
import { sentenceOf } from '../text/sentence.ts'
import { customAnalyzers } from '../tools/analyzers/custom.ts'
import { builtInNames } from '../tools/analyzers/index.ts'
import { createWorkspace } from '../tools/git/workspace.ts'
import type { Seen } from '../tools/gitea/ci/missed.ts'
import { createTools, missingSettings } from '../tools/index.ts'
import { healthOfTarget } from '../tools/kubernetes/health.ts'
import { createArrivals } from '../webhooks/arrivals.ts'
import { webhooks } from '../webhooks/index.ts'
import { createSources } from '../webhooks/sources.ts'
import { createAttendance } from './attendance.ts'
import { type Connections, connect, ownNamespace } from './connect.ts'
import { countAgentEvent } from './count.ts'
import { healthReport, reachable } from './health.ts'
import { createPeople } from './people.ts'
import { createSignals } from './signals.ts'
import { analysisOf, overviewOf, statusText } from './status.ts'

export interface Served {
  /** Address of the HTTP port; empty when there is none. */
  url: string
  /** What it is connected to. */
  servers: Pick<Connections, 'model' | 'cluster' | 'gitea'>
  /** Resolves with a sentence when the bot cannot go on, such as a revoked token. */
  failed: Promise<string>
  /** No new work; what runs gets `graceMs`, what waits survives. */
  close(graceMs?: number): Promise<void>
}

export interface ServeOptions {
  loaded: LoadedConfig
  version: string
  /** Shown in the web room. */
  webNotice?: string
  /** Who sits at the terminal, when that is the only chat: then no port is opened. */
  terminal?: PlatformOptions['terminal']
  log?: Logger
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

const graceMs = 20_000

/**
 * Everything that the running product consists of, in the order in which it starts; it closes in reverse. Resolves when it listens;
 * chats connect behind that. Rejects with `ConfigError` or `StorageError` when it cannot start like this.
 */
export async function serve({ loaded, version, webNotice, terminal, log: given }: ServeOptions): Promise<Served> {
  const { config, warnings } = loaded
  await using started = new AsyncDisposableStack()
  const stopping = new AbortController()
  started.defer(() => stopping.abort(new Error('shutting down')))
  const inSync = new Set<string>()

  const log = given ?? createLog({ level: config.log.level, secrets: secretsOf(config) })
  for (const warning of warnings) log.warn({ component: 'config' }, warning)
  const metrics: Metrics = createMetrics({
    inboxDepth: () => inbox.depth(),
    chatReady: () => Object.fromEntries(chats.map((chat) => [chat.name, chat.health().state === 'ready'])),
    reachable: () => reachable(servers),
  })
  const audit = createAudit(log)

  // A rule that cannot be used is told at the start, not by the first question.
  const probes = asConfigured(() => customAnalyzers(config.analyzers, builtInNames))
  const servers = connect(config, { log, metrics })
  started.defer(() => servers.close())
  const { model, cluster, gitea, dispatcher } = servers

  const store = await openSqlite<Kept>(config.dataDir, {
    log,
    onHandled: (kind, outcome) => {
      metrics.jobs.inc({ kind, outcome })
      for (const chat of chats) if ('handled' in chat) chat.handled(kind, outcome)
    },
  })
  started.defer(() => store.close())
  const { inbox } = store

  const people = createPeople(config)
  const chats = asConfigured(() =>
    config.chat.map((name) =>
      createPlatform(name, {
        matrix: config.matrix,
        mattermost: config.mattermost,
        web: { token: config.web.token, rooms: [webRoom(config.room)], ...(webNotice && { notice: webNotice }) },
        terminal,
        mayInvite: people.mayInvite,
        isNamed: people.isNamed,
        positions: store.caches,
        dispatcher,
        log,
      }),
    ),
  )

  const workspace = createWorkspace({ folder: join(resolve(config.dataDir), 'clones'), roots: config.files.roots })
  const protectedNamespaces = [...config.kubernetes.protectedNamespaces, ...ownNamespace()]
  const policy: Policy = {
    mode: config.mode,
    protectedNamespaces,
    auto: config.auto,
    approvers: people.approvers,
    destroyQuorum: config.approvals.destroyQuorum,
    destroyNeedsOther: config.approvals.destroyNeedsOther,
  }
  const signals = createSignals({
    config,
    gitea,
    cluster,
    probes,
    hasModel: model !== undefined,
    inbox,
    store,
    stopping: stopping.signal,
    log,
  })
  const looking = () => AbortSignal.any([stopping.signal, AbortSignal.timeout(30_000)])
  const report = () => healthReport({ ...servers, chats, inSync, inbox, isClosing: () => stopping.signal.aborted })
  const bot = createBot({
    chats,
    name: 'kube-agent',
    conversations: createConversations(store.sessions),
    prompts: store.prompts,
    inbox,
    agent: {
      model,
      tools: createTools({
        cluster,
        rules: { protectedNamespaces, maxReplicas: config.kubernetes.maxReplicas },
        gitea: gitea && config.gitea.token ? { client: gitea, token: config.gitea.token, ca: servers.ca } : undefined,
        disk: { roots: config.files.roots, dataDir: resolve(config.dataDir), workspace },
        probes,
      }),
      policy,
      limits: config.limits,
      approvalMs: config.approvals.minutes * 60_000,
      system: (language) =>
        systemPrompt({
          namespace: cluster?.namespace ?? 'default',
          namespaces: cluster?.namespaces ?? [],
          mode: config.mode,
          language,
        }),
    },
    signals,
    mayTalk: people.mayTalk,
    languageOf: (text) => (config.language === 'auto' ? languageOf(text) : config.language),
    overview: (text, language) => overviewOf(cluster, text, language, { signal: looking(), log, probes }),
    analysis: (namespace, language) => analysisOf(cluster, namespace, language, { signal: looking(), probes }),
    missingSettings: (tool) => missingSettings(tool, config.gitea),
    status: async () => statusText({ version, mode: config.mode, report: await report(), cluster, model, policy }),
    health: (target) =>
      cluster
        ? healthOfTarget(cluster, target, looking())
        : Promise.resolve({ state: 'unknown', text: 'no cluster is configured' }),
    onEnded: (thread) => workspace.remove(thread),
    recoverySeconds: config.approvals.recoverySeconds,
    // Whoever sits at a terminal asks again as soon as it pleases.
    resumeMs: terminal ? [] : [15_000, 30_000, 60_000, 120_000, 300_000],
    patienceMs: 8_000,
    audit,
    onAgentEvent: (event) => {
      countAgentEvent(event, metrics)
      for (const chat of chats) if ('hear' in chat) chat.hear(event)
    },
    onOutcome: (outcome) => {
      for (const chat of chats) if ('concluded' in chat) chat.concluded(outcome)
    },
    log,
    now: Date.now,
  })

  const url = terminal ? '' : await openPort()

  started.defer(async () => void (await Promise.all(chats.map((chat) => chat.close()))))
  const attendance = createAttendance({
    chats,
    people,
    bot,
    inbox,
    findRooms: signals.start,
    inSync,
    stopping: stopping.signal,
    log,
  })
  await attendance.introduced()

  async function openPort(): Promise<string> {
    const http = createHttp({ log, health: report, registry: metrics.registry })
    started.defer(() => http.close())
    const arrivals = createArrivals(config.gitea.webhookSecret)
    await http.register(arrivals.route)
    await http.register(
      webhooks({
        sources: createSources({ giteaSecrets: config.gitea.webhookSecret }),
        inbox: inbox as Parameters<typeof webhooks>[0]['inbox'],
        arrived: arrivals.note,
        count: (outcome) => metrics.webhooks.inc({ outcome }),
        log,
      }),
    )
    for (const chat of chats) if ('routes' in chat) await http.register(chat.routes)
    const url = await listen(http, config.http).catch((error: Error) => {
      throw new ConfigError([error.message])
    })
    log.info({ component: 'http', url }, 'listening')
    return url
  }

  const failed = Promise.withResolvers<string>()
  attendance.begin().catch((error: unknown) => {
    if (!stopping.signal.aborted) failed.resolve(sentenceOf(error))
  })
  inbox.start(bot)
  const watch = setInterval(() => {
    const reason = attendance.ending()
    if (reason !== undefined) failed.resolve(reason)
  }, 1_000)
  started.defer(() => clearInterval(watch))

  const running = started.move()
  let closing: Promise<void> | undefined
  return {
    url,
    servers,
    failed: failed.promise,
    close(grace = graceMs) {
      closing ??= (async () => {
        stopping.abort(new Error('shutting down'))
        await inbox.stop(grace)
        await running.disposeAsync()
      })()
      return closing
    },
  }
}

/** The web room is called like the room for signals, unless that one is of another chat. */
const webRoom = (room: string | undefined): string => (room && !/[#!/:]/.test(room) ? room : 'ops')
