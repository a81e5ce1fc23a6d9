import { matchesGlob } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { ChatPlatform } from '../bot/platform.ts'
import type { CiSource, CiThread, SignalDeps, SignalThread } from '../bot/signals/deps.ts'
import type { Config } from '../config/index.ts'
import type { Logger } from '../log.ts'
import type { Repository } from '../signal.ts'
import type { Namespace } from '../storage/index.ts'
import type { Language } from '../text/language.ts'
import { type Markdown, md } from '../text/markdown.ts'
import { fromOutside } from '../text/outside.ts'
import type { Probe } from '../tools/analyzers/analyzer.ts'
import { diagnosisOf, isAbout } from '../tools/analyzers/diagnose.ts'
import type { Report } from '../tools/analyzers/run.ts'
import { toMarkdown } from '../tools/analyzers/text.ts'
import { ciFacts, ciOvertaken, ciResults, isForgeAway } from '../tools/gitea/ci/index.ts'
import type { Seen } from '../tools/gitea/ci/missed.ts'
import type { CiResult } from '../tools/gitea/ci/result.ts'
import type { Gitea } from '../tools/gitea/client.ts'
import { confirmed } from '../tools/gitea/confirm.ts'
import { type ConcernedWorkload, pushFacts, pushTitle } from '../tools/gitea/push.ts'
import type { Cluster } from '../tools/kubernetes/cluster.ts'
import { type WorkloadHealth, workloads } from '../tools/kubernetes/overview.ts'
import { createLookout } from './lookout.ts'
import { createPlaces } from './places.ts'

export interface SignalOptions {
  config: Pick<Config, 'room' | 'signals' | 'language'>
  gitea: Gitea | undefined
  cluster: Cluster | undefined
  /** Analyzers that the configuration adds. */
  probes: Probe[]
  hasModel: boolean
  inbox: SignalDeps['inbox']
  store: { threads: Namespace<SignalThread>; lines: Namespace<CiThread>; seen: Namespace<Seen> }
  stopping: AbortSignal
  /** How often what was not found is looked for again; once a minute. */
  lookAgainMs?: number
  log: Logger
}

/** What the bot needs to turn what happens at the forge into threads. */
export type Signals = SignalDeps & {
  /** Finds the rooms, then looks for what was missed. */
  start(chats: ChatPlatform[]): Promise<void>
}

const keepMs = 30 * 24 * 60 * 60_000
const findRoomsMs = 5_000
const checkAgainMs = [60_000, 180_000, 600_000]

export function createSignals(options: SignalOptions): Signals {
  const { config, gitea, cluster, store, inbox, stopping, lookAgainMs = 60_000, log } = options
  // Nobody asks, so nobody's language is known.
  const analysis: Analysis = { probes: options.probes, language: config.language === 'ko' ? 'ko' : 'en' }
  const { rooms, pushBranches, ciBranches, continueMinutes, lookMinutes } = config.signals
  let ownLogin: string | undefined
  // The bot's own pushes open no thread, so it has to know who it is; Gitea may still be away.
  if (gitea) void repeat(async () => (ownLogin = await askLogin(gitea, stopping, log)))

  const places = createPlaces({ room: config.room, rooms, lookAgainMs, stopping, log })
  const wants = (branch: string, { defaultBranch }: Repository) => isWanted(branch, defaultBranch, pushBranches)
  const lookout = createLookout({
    gitea,
    seen: store.seen,
    wants,
    inbox,
    everyMs: lookMinutes * 60_000,
    stopping,
    log,
  })

  /** Looks until something is found. */
  async function repeat(look: () => Promise<unknown>): Promise<void> {
    while (!stopping.aborted && !(await look()))
      await pause(lookAgainMs, undefined, { signal: stopping, ref: false }).catch(() => {})
  }
  const looking = () => AbortSignal.any([stopping, AbortSignal.timeout(60_000)])

  return {
    async start(chats) {
      lookout.start()
      // A chat that is away may keep its rooms to itself for long; what needs them is looked at again.
      await Promise.race([
        places.find(chats),
        pause(findRoomsMs, undefined, { signal: stopping, ref: false }).catch(() => {}),
      ])
    },
    placeFor: places.of,
    threads: whileNews(store.threads),
    lines: whileNews(store.lines),
    inbox,
    async confirm(signal) {
      const found = gitea ? await confirmed(gitea, signal, looking()) : signal
      if (!found)
        log.warn(
          { component: 'signals', resource: signal.repository.fullName, kind: signal.kind },
          'not confirmed by Gitea',
        )
      return found
    },
    onSeen: lookout.onSeen,
    hasModel: options.hasModel,
    unwanted(push) {
      if (ownLogin !== undefined && push.pusher.login === ownLogin) return 'own push'
      return wants(push.branch, push.repository) ? undefined : 'branch not wanted'
    },
    title: pushTitle,
    facts(push) {
      const look = cluster && ((words: string[], signal: AbortSignal) => concerned(cluster, words, signal, analysis))
      return pushFacts(push, { gitea, workloads: look, signal: looking() })
    },
    ci: gitea && ciOf(gitea, ciBranches, looking),
    ownLogin: () => ownLogin,
    continueMs: continueMinutes * 60_000,
    checkAgainMs,
    now: Date.now,
  }
}

/** Nobody waits for news of a branch that was silent for so long: it is forgotten. */
const whileNews = <Value>(namespace: Namespace<Value>): Namespace<Value> => ({
  ...namespace,
  set: (key, value) => namespace.set(key, value, keepMs),
})

/** Whether a branch is named by the patterns: `default` stands for the repository's default branch, others are globs (`release/*`). */
const isWanted = (branch: string, defaultBranch: string, patterns: string[]): boolean =>
  patterns.some((pattern) => (pattern === 'default' ? branch === defaultBranch : matchesGlob(branch, pattern)))

const ciOf = (gitea: Gitea, branches: string[], looking: () => AbortSignal): CiSource => ({
  // A result is kept with its job, and the output of jobs and the titles of commits may hold credentials.
  results: async (hint) => (await ciResults(gitea, hint, looking())).map(withoutSecrets),
  wants: ({ line, repository }) => isWanted(line.name, repository.defaultBranch, branches),
  isOvertaken: (result) => ciOvertaken(gitea, result, looking()),
  facts: (result) => ciFacts(gitea, result, looking()),
  isAway: isForgeAway,
})

const withoutSecrets = (result: CiResult): CiResult => ({
  ...result,
  what: fromOutside(result.what).plain(),
  title: fromOutside(result.title).plain(),
  url: fromOutside(result.url).plain(),
})

interface Analysis {
  probes: Probe[]
  language: Language
}

/** The workloads that a push may concern. Those that fail come with what rules find about them. */
async function concerned(
  cluster: Cluster,
  words: string[],
  signal: AbortSignal,
  { probes, language }: Analysis,
): Promise<ConcernedWorkload[]> {
  const found = await workloads(cluster, words, signal)
  const unwell = found.filter(({ state }) => state === 'failing')
  if (unwell.length === 0) return found
  const namespaces = [...new Set(unwell.map(({ namespace }) => namespace))]
  const report = await diagnosisOf(cluster, namespaces, signal, probes)
  return found.map((one) => (unwell.includes(one) ? { ...one, findings: findingsOf(one, report, language) } : one))
}

function findingsOf(
  { namespace, workload }: WorkloadHealth,
  { findings, snapshot }: Report,
  language: Analysis['language'],
): Markdown {
  const about = findings.filter(
    (finding) => finding.owner.namespace === namespace && isAbout(finding, workload, snapshot),
  )
  return about.length > 0 ? toMarkdown({ findings: about, unchecked: [] }, { least: 'warning', language }) : md``
}

async function askLogin(gitea: Gitea, stopping: AbortSignal, log: Logger): Promise<string | undefined> {
  try {
    return await gitea.login(AbortSignal.any([stopping, AbortSignal.timeout(30_000)]))
  } catch (err) {
    if (!stopping.aborted) log.warn({ component: 'gitea', err }, 'own account not read')
    return undefined
  }
}
