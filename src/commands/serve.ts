import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import type { AgentEvent } from '../agent/events.ts'
import { createModel, type Model } from '../agent/model.ts'
import type { Policy } from '../agent/policy.ts'
import { systemPrompt } from '../agent/prompt.ts'
import { createAudit } from '../audit.ts'
import { createBot } from '../bot/bot.ts'
import type { Conversation } from '../bot/conversation.ts'
import type { BotJob } from '../bot/jobs.ts'
import type { PromptPlace } from '../bot/outbox.ts'
import type { ChatPlatform, RoomId } from '../bot/platform.ts'
import { createPlatform, type PlatformName } from '../bot/platforms.ts'
import type { SignalThread } from '../bot/signals.ts'
import { languageOf } from '../bot/texts.ts'
import type { Web } from '../bot/web/index.ts'
import type { Config, LoadedConfig } from '../config.ts'
import { createHttp, type HealthReport } from '../http.ts'
import { createInbox } from '../inbox.ts'
import { createLog, type Logger } from '../log.ts'
import { createMetrics, type Metrics } from '../metrics.ts'
import { createDispatcher, trustedCertificates } from '../net.ts'
import { openStore } from '../store.ts'
import { createGitea, type Gitea } from '../tools/gitea/client.ts'
import { pushFacts, pushTitle } from '../tools/gitea/push.ts'
import { createTools } from '../tools/index.ts'
import { type Cluster, createCluster } from '../tools/kubernetes/cluster.ts'
import { workloadHealth } from '../tools/kubernetes/health.ts'
import { workloads } from '../tools/kubernetes/overview.ts'
import { wantsPush } from '../webhooks/branches.ts'
import { webhooks } from '../webhooks/server.ts'
import { createSources } from '../webhooks/sources.ts'
import { matchesUser, resolveUsers } from './people.ts'
import { shelf } from './shelf.ts'
import { overviewOf, statusText } from './status.ts'

export interface Served {
  /** Address of the HTTP port. */
  url: string
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
  log?: Logger
}

const graceMs = 20_000

/** Everything that the running product consists of, in the order in which it starts; it closes in reverse. */
export async function serve({ loaded, version, webNotice, log: given }: ServeOptions): Promise<Served> {
  const { config, warnings } = loaded
  const log = given ?? createLog({ level: config.log.level, secrets: secretsOf(config) })
  for (const warning of warnings) log.warn({ component: 'config' }, warning)

  const ca = trustedCertificates(config.caFile)
  const dispatcher = createDispatcher({ ca, headersMs: 90_000, bodyMs: 90_000 })
  const modelDispatcher = createDispatcher({ ca, headersMs: 0, bodyMs: 0 })
  const store = openStore(config.dataDir)
  const audit = createAudit(log)

  let metrics: Metrics | undefined
  const inbox = createInbox<BotJob>({
    database: store.database,
    log,
    onHandled: (kind, outcome) => metrics?.jobs.inc({ kind, outcome }),
  })
  const isUser = (person: string) => config.users.some((pattern) => matchesUser(pattern, person))
  const mayTalk = (person: string) => config.users.length === 0 || isUser(person) || config.approvers.includes(person)
  // Without any list the people of the server decide where the bot is; with one, only they do.
  const mayInvite = (person: string) =>
    isUser(person) || config.approvers.includes(person) || (config.users.length === 0 && config.approvers.length === 0)
  const chats = config.chat.map((name) => createChat(name))
  function createChat(name: PlatformName): ChatPlatform | Web {
    return createPlatform(name, {
      matrix: config.matrix,
      web: {
        token: config.web.token,
        rooms: [config.room && !/[#!/:]/.test(config.room) ? config.room : 'ops'],
        ...(webNotice && { notice: webNotice }),
      },
      mayInvite,
      positions: store.caches,
      dispatcher,
      log,
    })
  }

  const model: Model | undefined = config.llm.url === 'none' ? undefined : modelOf(config)
  function modelOf({ llm }: Config): Model {
    return createModel({
      url: llm.url,
      model: llm.model,
      apiKey: llm.apiKey,
      firstTokenMs: llm.firstTokenSeconds * 1000,
      tokenMs: llm.tokenSeconds * 1000,
      dispatcher: modelDispatcher,
      log,
      ...(llm.context && { context: llm.context }),
    })
  }
  const cluster = connectCluster(config, ca, log)
  const gitea =
    config.gitea.url && config.gitea.token
      ? createGitea({ url: config.gitea.url, token: config.gitea.token, dispatcher })
      : undefined
  metrics = createMetrics({
    inboxDepth: () => inbox.depth(),
    chatReady: () => Object.fromEntries(chats.map((chat) => [chat.name, chat.health().state === 'ready'])),
    modelReachable: () => model?.health().state !== 'unreachable',
  })

  const policy: Policy = {
    mode: config.mode,
    protectedNamespaces: [...config.kubernetes.protectedNamespaces, ...ownNamespace()],
    auto: config.auto,
    approvers: [],
    destroyQuorum: config.approvals.destroyQuorum,
    destroyNeedsOther: config.approvals.destroyNeedsOther,
  }
  const tools = createTools({
    cluster,
    rules: { protectedNamespaces: policy.protectedNamespaces, maxReplicas: config.kubernetes.maxReplicas },
  })
  const stopping = new AbortController()
  const signalRoom: { room?: RoomId; chat?: ChatPlatform } = {}
  const bot = createBot({
    chats,
    name: 'kube-agent',
    conversations: shelf<Conversation>(store.sessions),
    prompts: shelf<PromptPlace>(store.prompts),
    inbox,
    agent: {
      model,
      tools,
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
    signals: {
      get room() {
        return signalRoom.room
      },
      get chat() {
        return signalRoom.chat
      },
      threads: shelf<SignalThread>(store.threads),
      inbox,
      wants: (signal) => unwanted(signal, config, ownLogin),
      title: pushTitle,
      facts: (push) =>
        pushFacts(push, {
          gitea,
          workloads: cluster && ((words, signal) => workloads(cluster, words, signal)),
          signal: AbortSignal.any([stopping.signal, AbortSignal.timeout(60_000)]),
        }),
      continueMs: config.signals.continueMinutes * 60_000,
      checkAgainMs: [60_000, 180_000, 600_000],
      hasModel: model !== undefined,
      now: Date.now,
    },
    mayTalk,
    languageOf: (text) => (config.language === 'auto' ? languageOf(text) : config.language),
    overview: (text, language) => overviewOf(cluster, text, language, AbortSignal.timeout(30_000)),
    status: () => statusText({ version, mode: config.mode, report: report(), cluster, model, policy }),
    health: (target) =>
      cluster
        ? workloadHealth(cluster, target, AbortSignal.any([stopping.signal, AbortSignal.timeout(30_000)]))
        : Promise.resolve({ state: 'unknown', text: 'no cluster is configured' }),
    recoverySeconds: config.approvals.recoverySeconds,
    resumeMs: [15_000, 30_000, 60_000, 120_000, 300_000],
    patienceMs: 8_000,
    audit,
    onAgentEvent: (event) => countAgentEvent(event, metrics),
    log,
    now: Date.now,
  })

  let ownLogin: string | undefined
  const started = new Set<string>()
  const report = (): HealthReport => healthReport({ chats, started, model, cluster, gitea, depth: inbox.depth() })

  const http = createHttp({ log, health: report, registry: metrics.registry })
  await http.register(
    webhooks({
      sources: createSources({ giteaSecrets: config.gitea.webhookSecret }),
      inbox: inbox as Parameters<typeof webhooks>[0]['inbox'],
      deliveries: store.deliveries,
      count: (outcome) => metrics?.webhooks.inc({ outcome }),
      log,
    }),
  )
  for (const chat of chats) if ('routes' in chat) await http.register(chat.routes)
  const url = await listen(http, config.http)
  log.info({ component: 'http', url }, 'listening')

  policy.approvers = await resolveUsers(config.approvers, chats)
  gitea?.login(AbortSignal.timeout(30_000)).then(
    (login) => (ownLogin = login),
    (err: unknown) => log.warn({ component: 'gitea', err }, 'own account not read'),
  )

  const failed = Promise.withResolvers<string>()
  const begin = Promise.all(chats.map((chat) => startChat(chat)))
  async function startChat(chat: ChatPlatform): Promise<void> {
    await chat.start(bot.receive)
    await bot.readBack(chat.name)
    started.add(chat.name)
    log.info({ component: chat.name }, 'chat is in sync')
  }
  begin
    .then(async () => {
      await findSignalRoom(config.room, chats, signalRoom, log)
      inbox.start(bot)
    })
    .catch((error: unknown) => {
      if (!stopping.signal.aborted) failed.resolve(error instanceof Error ? error.message : String(error))
    })
  const watch = setInterval(() => {
    const revoked = chats.map((chat) => chat.health()).find((health) => health.state === 'revoked')
    if (revoked && 'detail' in revoked) failed.resolve(revoked.detail)
  }, 1_000)
  watch.unref()

  let closing: Promise<void> | undefined
  return {
    url,
    failed: failed.promise,
    close(grace = graceMs) {
      closing ??= (async () => {
        clearInterval(watch)
        stopping.abort(new Error('shutting down'))
        await inbox.stop(grace)
        await Promise.all(chats.map((chat) => chat.close()))
        await http.close()
        await store.close()
        await Promise.all([dispatcher.destroy(), modelDispatcher.destroy()])
      })()
      return closing
    },
  }
}

const secretsOf = ({ matrix, mattermost, llm, gitea, web }: Config): string[] =>
  [matrix.token, mattermost.token, llm.apiKey, gitea.token, web.token, ...gitea.webhookSecret].filter(
    (secret) => secret !== undefined,
  )

/** Without a cluster the bot still talks, takes webhooks and says why it cannot look. */
function connectCluster({ kubernetes }: Config, ca: string[] | undefined, log: Logger): Cluster | undefined {
  try {
    return createCluster({
      log,
      ...(kubernetes.kubeconfig && { kubeconfig: kubernetes.kubeconfig }),
      ...(kubernetes.context && { context: kubernetes.context }),
      ...(kubernetes.namespace && { namespace: kubernetes.namespace }),
      ...(kubernetes.namespaces && { namespaces: kubernetes.namespaces }),
      ...(ca && { ca }),
    })
  } catch (error) {
    log.warn({ component: 'kubernetes', err: error }, 'no cluster')
    return undefined
  }
}

/** In a pod, the bot's own namespace is protected from it. */
function ownNamespace(): string[] {
  const { POD_NAMESPACE } = process.env
  return POD_NAMESPACE ? [POD_NAMESPACE] : []
}

async function listen(http: FastifyInstance, { host, port }: Config['http']): Promise<string> {
  try {
    await http.listen({ host, port })
  } catch (error) {
    const code = (error as { code?: string }).code
    throw new Error(`Cannot listen on ${host}:${port} (${code}). Set KUBE_AGENT_HTTP_HOST or KUBE_AGENT_HTTP_PORT.`, {
      cause: error,
    })
  }
  const [address] = http.addresses() as AddressInfo[]
  return `http://${host === '0.0.0.0' ? '127.0.0.1' : host}:${address?.port}`
}

/** Why a signal opens no thread; nothing when it may. */
function unwanted(
  signal: Parameters<Parameters<typeof createBot>[0]['signals']['wants']>[0],
  config: Config,
  ownLogin: string | undefined,
): string | undefined {
  if (ownLogin !== undefined && signal.pusher.login === ownLogin) return 'own push'
  return wantsPush(signal, config.signals.pushBranches) ? undefined : 'branch not wanted'
}

async function findSignalRoom(
  name: string | undefined,
  chats: ChatPlatform[],
  found: { room?: RoomId; chat?: ChatPlatform },
  log: Logger,
): Promise<void> {
  if (!name) return
  const problems: string[] = []
  for (const chat of chats) {
    try {
      found.room = await chat.room(name)
      found.chat = chat
      return
    } catch (error) {
      problems.push(`${chat.name}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  log.error({ component: 'config', room: name, problems }, 'room for signals not found')
}

function countAgentEvent(event: AgentEvent, metrics: Metrics | undefined): void {
  if (event.kind === 'step' && ['done', 'failed', 'refused'].includes(event.step.state)) {
    metrics?.toolCalls.inc({ tool: event.step.tool, outcome: event.step.state })
  }
  if (event.kind === 'asked' || event.kind === 'ended') metrics?.approvals.inc({ state: event.approval.state.kind })
}

interface Parts {
  chats: ChatPlatform[]
  started: Set<string>
  model: Model | undefined
  cluster: Cluster | undefined
  gitea: Gitea | undefined
  depth: number
}

function healthReport({ chats, started, model, cluster, gitea, depth }: Parts): HealthReport {
  const states = chats.map((chat) => ({ name: chat.name, health: chat.health() }))
  const say = (state: { state: string; detail?: string } | undefined) =>
    state ? [state.state, state.detail].filter(Boolean).join(': ') : 'not configured'
  return {
    alive: states.every(({ health }) => health.state !== 'revoked'),
    ready: chats.length > 0 && states.every(({ name, health }) => health.state === 'ready' && started.has(name)),
    parts: {
      ...Object.fromEntries(states.map(({ name, health }) => [name, say(health)])),
      model: say(model?.health()),
      kubernetes: say(cluster?.health()),
      gitea: say(gitea?.health()),
      inbox: `${depth} jobs`,
    },
  }
}
