import type { LoadedConfig } from '../config.ts'
import { createLog } from '../log.ts'
import { createMetrics } from '../metrics.ts'
import { nearest } from '../nearest.ts'
import { type Analyzer, rank, type Severity } from '../tools/analyzers/analyzer.ts'
import { coreAnalyzers } from '../tools/analyzers/diagnose.ts'
import { analyzers } from '../tools/analyzers/index.ts'
import { toJson } from '../tools/analyzers/json.ts'
import { analyze, type Report } from '../tools/analyzers/run.ts'
import { parseSelector } from '../tools/analyzers/selector.ts'
import type { Cluster } from '../tools/kubernetes/cluster.ts'
import { toTerminal } from './analyze-terminal.ts'
import { connect } from './connect.ts'

export interface AnalyzeFlags {
  filter?: string
  labelSelector?: string
  maxConcurrency: number
  output: 'text' | 'json'
  withStat?: boolean
  failOn?: 'error' | 'warning'
}

/** The command was used in a way that cannot work. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/**
 * `kube-agent analyze`: looks at the cluster by rules and prints what is wrong. Resolves to the exit code: 0, or 3 when `--fail-on`
 * is met. Throws `UsageError`.
 */
export async function runAnalyze(loaded: LoadedConfig, flags: AnalyzeFlags): Promise<number> {
  const { config } = loaded
  // Standard output is the report's.
  const log = createLog({
    level: config.log.level === 'info' ? 'error' : config.log.level,
    destination: process.stderr,
  })
  const metrics = createMetrics({ inboxDepth: () => 0, chatReady: () => ({}), reachable: () => ({}) })
  const connections = connect(config, { log, metrics })
  try {
    if (!connections.cluster) throw new UsageError('No cluster: set KUBECONFIG, or KUBE_AGENT_CONTEXT.')
    const report = await look(connections.cluster, flags)
    if (flags.output === 'json') console.log(JSON.stringify(toJson(report), null, 2))
    else console.log(toTerminal(report, { colour: process.stdout.isTTY ?? false, stats: flags.withStat ?? false }))
    return isMet(report, flags.failOn) ? 3 : 0
  } finally {
    await connections.close()
  }
}

function look(cluster: Cluster, { filter, labelSelector, maxConcurrency }: AnalyzeFlags): Promise<Report> {
  const everywhere = cluster.namespaces.includes('*')
  return analyze({
    cluster,
    analyzers: filter ? named(filter, everywhere) : coreAnalyzers(everywhere),
    namespaces: cluster.namespaces,
    maxConcurrency,
    signal: AbortSignal.timeout(10 * 60_000),
    ...(labelSelector && { labels: selector(labelSelector) }),
  })
}

/** Names separated by commas; `all` stands for every analyzer, `core` for those that run without a filter. */
function named(filter: string, everywhere: boolean): Analyzer[] {
  const names = filter
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean)
  return [...new Set(names.flatMap((name) => analyzersCalled(name, everywhere)))]
}

function analyzersCalled(name: string, everywhere: boolean): Analyzer[] {
  if (name === 'all') return analyzers
  if (name === 'core') return coreAnalyzers(everywhere)
  const found = analyzers.find((analyzer) => analyzer.name.toLowerCase() === name.toLowerCase())
  if (found) return [found]
  const known = analyzers.map((analyzer) => analyzer.name)
  const [meant] = nearest(name, known, 1)
  throw new UsageError(
    `There is no analyzer ${name}${meant ? `; did you mean ${meant}?` : '.'} Analyzers: core, all, ${known.join(', ')}.`,
  )
}

function selector(text: string): ReturnType<typeof parseSelector> {
  try {
    return parseSelector(text)
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error })
  }
}

/** K8sGPT knows no severities; `error` stands for what affects users now. */
const thresholds: Record<NonNullable<AnalyzeFlags['failOn']>, Severity> = { error: 'critical', warning: 'warning' }

function isMet({ findings, unchecked }: Report, failOn: AnalyzeFlags['failOn']): boolean {
  if (!failOn) return false
  return unchecked.length > 0 || findings.some(({ severity }) => rank[severity] <= rank[thresholds[failOn]])
}
