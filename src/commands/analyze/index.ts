import { join } from 'node:path'
import type { Model } from '../../agent/model.ts'
import { asConfigured, type LoadedConfig, secretsOf } from '../../config/index.ts'
import { createLog } from '../../log.ts'
import { createMetrics } from '../../metrics.ts'
import { connect } from '../../service/connect.ts'
import { createAnonymiser } from '../../text/anonymise.ts'
import { visible } from '../../text/fence.ts'
import type { Language } from '../../text/language.ts'
import { keepSecret } from '../../text/secrets/index.ts'
import { sentenceOf } from '../../text/sentence.ts'
import { rank, type Severity } from '../../tools/analyzers/analyzer.ts'
import { customAnalyzers } from '../../tools/analyzers/custom.ts'
import { type Docs, docsOf } from '../../tools/analyzers/doc.ts'
import { builtInNames } from '../../tools/analyzers/index.ts'
import { toJson } from '../../tools/analyzers/json.ts'
import { analyze, type Report } from '../../tools/analyzers/run.ts'
import { parseSelector } from '../../tools/analyzers/selector.ts'
import type { Cluster } from '../../tools/kubernetes/cluster.ts'
import { type Choice, choose, UsageError } from './choice.ts'
import { type Explained, explain } from './explain.ts'
import { createAnswers, pseudonymKey } from './explain-answers.ts'
import { namesIn } from './explain-names.ts'
import { talkAbout } from './interactive.ts'
import { toTerminal } from './terminal.ts'

export { UsageError } from './choice.ts'

export interface AnalyzeFlags {
  filter?: string
  labelSelector?: string
  maxConcurrency: number
  output: 'text' | 'json'
  withStat?: boolean
  withDoc?: boolean
  explain?: boolean
  anonymize?: boolean
  interactive?: boolean
  failOn?: 'error' | 'warning'
}

/**
 * `kube-agent analyze`: looks at the cluster by rules and prints what is wrong. Resolves to the exit code: 0, or 3 when `--fail-on`
 * is met. Throws `UsageError` or `ConfigError`.
 */
export async function runAnalyze(loaded: LoadedConfig, flags: AnalyzeFlags): Promise<number> {
  const { config } = loaded
  const custom = asConfigured(() => customAnalyzers(config.analyzers, builtInNames))
  // Standard output is the report's.
  const log = createLog({
    level: config.log.level === 'info' ? 'error' : config.log.level,
    secrets: secretsOf(config),
    destination: process.stderr,
  })
  keepSecret(secretsOf(config))
  const metrics = createMetrics()
  const connections = connect(config, { log, metrics })
  try {
    const { cluster } = connections
    if (!cluster || isNobodys(cluster, config.kubernetes.kubeconfig))
      throw new UsageError('No cluster: there is no kubeconfig. Set KUBECONFIG or --kubeconfig.')
    const choice = choose(flags.filter, custom, cluster.namespaces.includes('*'))
    const speaker = speakerOf(connections.model, flags)
    const signal = AbortSignal.timeout(lookMs)
    const report = await look(cluster, choice, flags, signal)
    const docs = flags.withDoc ? await docsOf(report.findings, cluster, signal) : undefined
    const anonymiser = flags.anonymize
      ? createAnonymiser({ key: pseudonymKey(config.dataDir), names: namesIn(report) })
      : undefined
    const voice = speaker && {
      model: speaker,
      language: languageOf(config.language),
      ...(anonymiser && { anonymiser }),
    }
    const explained =
      voice && flags.explain
        ? await explain(report.findings, {
            ...voice,
            answers: answersIn(config.dataDir),
            signal: AbortSignal.timeout(explainMs),
          })
        : undefined

    print(report, flags, { docs, explained, model: voice?.model.name })
    if (voice && flags.interactive && report.findings.length > 0)
      await talkAbout(report.findings, {
        ...voice,
        ...(explained && { explanations: explained.texts }),
        input: process.stdin,
        output: process.stdout,
        signal: new AbortController().signal,
      })
    return isMet(report, flags.failOn) ? 3 : 0
  } finally {
    await connections.close()
  }
}

const lookMs = 10 * 60_000
// Self-hosted models are slow, and there may be hundreds of findings.
const explainMs = 60 * 60_000

/** The model, where the flags ask for its words. Throws `UsageError` when it cannot be had, before anything is looked at. */
function speakerOf(model: Model | undefined, flags: AnalyzeFlags): Model | undefined {
  const { explain, interactive, anonymize, output } = flags
  if (!explain && !interactive) {
    // Whoever gave it may hand the report on, in which the names stand.
    if (anonymize)
      throw new UsageError(
        '--anonymize hides names from the model, not in the report: it goes with --explain or --interactive.',
      )
    return undefined
  }
  if (!model) throw new UsageError(`${explain ? '--explain' : '--interactive'} needs a model. Set KUBE_AGENT_LLM_URL.`)
  if (!interactive) return model
  if (output === 'json') throw new UsageError('--interactive goes with text only, not with --output json.')
  if (!process.stdin.isTTY || !process.stdout.isTTY)
    throw new UsageError('--interactive needs a terminal. Use --explain where there is none.')
  return model
}

const languageOf = (language: LoadedConfig['config']['language']): Language => (language === 'ko' ? 'ko' : 'en')

const answersIn = (dataDir: string) =>
  createAnswers(join(dataDir, 'explanations'), { warn: (sentence) => console.error(`warning: ${sentence}`) })

interface Extras {
  docs: Docs | undefined
  explained: Explained | undefined
  model: string | undefined
}

/** The report goes to standard output; why something beside it is missing, to standard error. */
function print(report: Report, { output, withStat }: AnalyzeFlags, { docs, explained, model }: Extras): void {
  for (const problem of [...(docs?.problems ?? []), ...(explained?.problems ?? [])]) console.error(visible(problem))
  const extras = {
    ...(docs && { docs: docs.texts }),
    ...(explained && { explanations: explained.texts }),
  }
  if (output === 'text') {
    const colour = process.stdout.isTTY ?? false
    console.log(toTerminal(report, { colour, stats: withStat ?? false, ...extras, ...(model && { model }) }))
    return
  }
  console.log(JSON.stringify(toJson(report, { ...extras, ...(explained && model && { provider: model }) }), null, 2))
}

/** Without any kubeconfig the client library assumes an API server of long ago. */
const isNobodys = ({ server }: Cluster, kubeconfig: string | undefined): boolean =>
  kubeconfig === undefined && server === 'http://localhost:8080'

function look(
  cluster: Cluster,
  choice: Choice,
  { labelSelector, maxConcurrency }: AnalyzeFlags,
  signal: AbortSignal,
): Promise<Report> {
  return analyze({
    cluster,
    ...choice,
    namespaces: cluster.namespaces,
    maxConcurrency,
    signal,
    ...(labelSelector && { labels: selector(labelSelector) }),
  })
}

function selector(text: string): ReturnType<typeof parseSelector> {
  try {
    return parseSelector(text)
  } catch (error) {
    throw new UsageError(sentenceOf(error), { cause: error })
  }
}

/** K8sGPT knows no severities; `error` stands for what affects users now. */
const thresholds: Record<NonNullable<AnalyzeFlags['failOn']>, Severity> = { error: 'critical', warning: 'warning' }

function isMet({ findings, unchecked }: Report, failOn: AnalyzeFlags['failOn']): boolean {
  if (!failOn) return false
  return unchecked.length > 0 || findings.some(({ severity }) => rank[severity] <= rank[thresholds[failOn]])
}
