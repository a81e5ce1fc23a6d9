import { setTimeout as pause } from 'node:timers/promises'
import { redact } from '../agent/guard/redact.ts'
import type { ChatPlatform, RoomId } from '../bot/platform.ts'
import type { SignalDeps, SignalThread } from '../bot/signals.ts'
import type { Config } from '../config.ts'
import type { Logger } from '../log.ts'
import type { Signal } from '../signal.ts'
import type { Store } from '../store.ts'
import { diagnosisOf, isAbout } from '../tools/analyzers/diagnose.ts'
import type { Report } from '../tools/analyzers/run.ts'
import { toMarkdown } from '../tools/analyzers/text.ts'
import type { Gitea } from '../tools/gitea/client.ts'
import { type ConcernedWorkload, pushFacts, pushTitle } from '../tools/gitea/push.ts'
import type { Cluster } from '../tools/kubernetes/cluster.ts'
import { type WorkloadHealth, workloads } from '../tools/kubernetes/overview.ts'
import { wantsPush } from '../webhooks/branches.ts'
import { shelf } from './shelf.ts'

export interface SignalOptions {
  config: Config
  gitea: Gitea | undefined
  cluster: Cluster | undefined
  hasModel: boolean
  inbox: SignalDeps['inbox']
  threads: Store['threads']
  stopping: AbortSignal
  /** How often what was not found is looked for again; once a minute. */
  lookAgainMs?: number
  log: Logger
}

/** What the bot needs to turn a push into a thread. The room is known only after `findRoom`. */
export type Signals = SignalDeps & {
  /** Looks for the configured room once, and goes on looking by itself: the bot may still be invited. */
  findRoom(chats: ChatPlatform[]): Promise<void>
}

const checkAgainMs = [60_000, 180_000, 600_000]

export function createSignals(options: SignalOptions): Signals {
  const { config, gitea, cluster, stopping, lookAgainMs = 60_000, log } = options
  let place: { room: RoomId; chat: ChatPlatform } | undefined
  let ownLogin: string | undefined
  // The bot's own pushes open no thread, so it has to know who it is; Gitea may still be away.
  if (gitea) void repeat(async () => (ownLogin = await askLogin(gitea, stopping, log)))

  /** Looks until something is found. */
  async function repeat(look: () => Promise<unknown>, firstMs = 0): Promise<void> {
    for (let wait = firstMs; !stopping.aborted; wait = lookAgainMs) {
      await pause(wait, undefined, { signal: stopping, ref: false }).catch(() => {})
      if (stopping.aborted || (await look())) return
    }
  }

  return {
    get room() {
      return place?.room
    },
    get chat() {
      return place?.chat
    },
    async findRoom(chats) {
      const name = config.room
      if (!name) return
      const look = async () => (place = await findRoom(name, chats, log))
      if (!(await look())) void repeat(look, lookAgainMs)
    },
    threads: shelf<SignalThread>(options.threads),
    inbox: options.inbox,
    hasModel: options.hasModel,
    wants: (signal) => unwanted(signal, config.signals.pushBranches, ownLogin),
    title: pushTitle,
    facts: (push) =>
      pushFacts(push, {
        gitea,
        workloads: cluster && ((words, signal) => concerned(cluster, words, signal)),
        signal: AbortSignal.any([stopping, AbortSignal.timeout(60_000)]),
      }),
    continueMs: config.signals.continueMinutes * 60_000,
    checkAgainMs,
    now: Date.now,
  }
}

/** The workloads that a push may concern; those that are not well with what rules find about them. */
async function concerned(cluster: Cluster, words: string[], signal: AbortSignal): Promise<ConcernedWorkload[]> {
  const found = await workloads(cluster, words, signal)
  const unwell = found.filter(({ state }) => state === 'failing')
  if (unwell.length === 0) return found
  const report = await diagnosisOf(cluster, [...new Set(unwell.map(({ namespace }) => namespace))], signal)
  return found.map((one) => (unwell.includes(one) ? { ...one, findings: redact(findingsOf(one, report)) } : one))
}

function findingsOf({ namespace, workload }: WorkloadHealth, { findings, snapshot }: Report): string {
  const about = findings.filter(
    (finding) => finding.owner.namespace === namespace && isAbout(finding, workload, snapshot),
  )
  return about.length > 0 ? toMarkdown({ findings: about, unchecked: [] }, { least: 'warning' }) : ''
}

/** Why a signal opens no thread; nothing when it may. */
function unwanted(signal: Signal, branches: string[], ownLogin: string | undefined): string | undefined {
  if (ownLogin !== undefined && signal.pusher.login === ownLogin) return 'own push'
  return wantsPush(signal, branches) ? undefined : 'branch not wanted'
}

async function askLogin(gitea: Gitea, stopping: AbortSignal, log: Logger): Promise<string | undefined> {
  try {
    return await gitea.login(AbortSignal.any([stopping, AbortSignal.timeout(30_000)]))
  } catch (err) {
    if (!stopping.aborted) log.warn({ component: 'gitea', err }, 'own account not read')
    return undefined
  }
}

async function findRoom(
  name: string,
  chats: ChatPlatform[],
  log: Logger,
): Promise<{ room: RoomId; chat: ChatPlatform } | undefined> {
  const problems: string[] = []
  for (const chat of chats) {
    try {
      return { room: await chat.room(name), chat }
    } catch (error) {
      problems.push(`${chat.name}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  log.error({ component: 'config', room: name, problems }, 'room for signals not found')
  return undefined
}
