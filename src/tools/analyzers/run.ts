import { sentenceOf } from '../../text/sentence.ts'
import type { Cluster } from '../kubernetes/cluster.ts'
import { ClusterError } from '../kubernetes/errors.ts'
import { type Analyzer, type Finding, findingId, type ObjectRef, type Probe, rank } from './analyzer.ts'
import { foldConsequences } from './fold.ts'
import { type Kind, type KindName, kinds } from './kinds/index.ts'
import type { LabelSelector } from './kinds/meta.ts'
import { matchesSelector } from './kinds/meta.ts'
import { readSnapshot } from './read.ts'
import type { Snapshot } from './snapshot.ts'

export interface AnalyzeOptions {
  cluster: Cluster
  analyzers: Analyzer[]
  probes?: Probe[]
  namespaces: string[]
  /** Only findings about objects with these labels, or whose owners or sufferers have them. */
  labels?: LabelSelector
  maxConcurrency?: number
  signal: AbortSignal
}

/** What a run found, and what it could not look at. */
export interface Report {
  /** Worst first, then by owner. */
  findings: Finding[]
  unchecked: Unchecked[]
  /** Milliseconds that each analyzer took and how many findings it had before folding. */
  stats: { analyzer: string; ms: number; findings: number }[]
  checkedAt: number
  snapshot: Snapshot
}

export interface Unchecked {
  /** The analyzers that go without. */
  analyzers: string[]
  kind: string
  namespace?: string
  reason: string
  /** A sentence with the way out. */
  message: string
}

/** Reads what the analyzers need, once, and lets each of them look. An analyzer that fails is a gap of the report and stops no other. */
export async function analyze(options: AnalyzeOptions): Promise<Report> {
  const { analyzers, probes = [] } = options
  const all = [...analyzers, ...probes]
  const snapshot = await readSnapshot({ ...options, kinds: kindsOf(all) })
  const unchecked = [...(await missingNamespaces(snapshot, options)), ...gapsOf(snapshot, all)]
  const stats: Report['stats'] = []
  const found: Finding[] = []
  for (const analyzer of analyzers) {
    const began = performance.now()
    try {
      const findings = analyzer.inspect(snapshot)
      found.push(...findings)
      stats.push({ analyzer: analyzer.name, ms: performance.now() - began, findings: findings.length })
    } catch (error) {
      unchecked.push(failed(analyzer, error))
    }
  }
  const folded = foldConsequences(distinct(found)).filter((finding) => isWanted(finding, snapshot, options.labels))
  const looked: Finding[] = []
  for (const probe of probes) {
    const began = performance.now()
    const look = await lookThrough(probe, snapshot, options)
    looked.push(...look.findings)
    unchecked.push(...look.unchecked)
    stats.push({ analyzer: probe.name, ms: performance.now() - began, findings: look.findings.length })
  }
  const findings = sorted(distinct([...folded, ...looked]))
  return { findings, unchecked, stats, checkedAt: snapshot.now, snapshot }
}

async function lookThrough(probe: Probe, snapshot: Snapshot, options: AnalyzeOptions): ReturnType<Probe['look']> {
  const { maxConcurrency = 10, signal } = options
  try {
    return await probe.look({ ...options, snapshot, maxConcurrency })
  } catch (error) {
    signal.throwIfAborted()
    return { findings: [], unchecked: [failed(probe, error)] }
  }
}

const failed = ({ name }: Pick<Analyzer, 'name'>, error: unknown): Unchecked => ({
  analyzers: [name],
  kind: name,
  reason: 'error',
  message: `Analyzer ${name} failed: ${sentenceOf(error)}`,
})

/** The API server answers for a namespace that it does not have with empty lists, as if all were well there. */
async function missingNamespaces(snapshot: Snapshot, options: AnalyzeOptions): Promise<Unchecked[]> {
  const { cluster, analyzers, probes = [], namespaces, signal } = options
  if (namespaces.includes('*')) return []
  const empty = [...new Set(namespaces)].sort(order).filter((namespace) => !hasObjects(snapshot, namespace))
  const looks = empty.map(async (namespace): Promise<Unchecked[]> => {
    try {
      await cluster.get(`/api/v1/namespaces/${encodeURIComponent(namespace)}`, { signal })
      return []
    } catch (error) {
      signal.throwIfAborted()
      // Not allowed to look: then nobody can say, and most likely it is just empty.
      if (!(error instanceof ClusterError) || error.status !== 404) return []
      const message = `There is no namespace ${namespace}. \`kubectl get namespaces\` lists those that are there.`
      return [
        {
          analyzers: [...analyzers, ...probes].map(({ name }) => name),
          kind: 'Namespace',
          namespace,
          reason: 'not-found',
          message,
        },
      ]
    }
  })
  return (await Promise.all(looks)).flat()
}

const hasObjects = (snapshot: Snapshot, namespace: string): boolean =>
  (Object.keys(kinds) as KindName[]).some((kind) =>
    (snapshot.list(kind) as { metadata: { namespace?: string } }[]).some(
      ({ metadata }) => metadata.namespace === namespace,
    ),
  )

const kindsOf = (analyzers: Pick<Analyzer, 'reads'>[]): Set<KindName> =>
  new Set(analyzers.flatMap((analyzer) => analyzer.reads))

/** The rights that a run of these analyzers needs: `list` on each. */
export const rightsOf = (
  analyzers: Pick<Analyzer, 'reads'>[],
): { group: string; resource: string; namespaced: boolean }[] =>
  [...kindsOf(analyzers)].map((name) => {
    const { api, resource, namespaced }: Kind = kinds[name]
    const [, root, group = ''] = ([api].flat()[0] ?? '').split('/')
    return { group: root === 'apis' ? group : '', resource, namespaced }
  })

/** A kind that the cluster does not have is no gap: nothing of it can be wrong. */
function gapsOf(snapshot: Snapshot, analyzers: Pick<Analyzer, 'name' | 'reads'>[]): Unchecked[] {
  return snapshot.unread
    .filter(({ gap }) => gap !== 'not-served')
    .map(({ kind, namespace, gap, message }) => ({
      analyzers: analyzers.filter(({ reads }) => reads.includes(kind)).map(({ name }) => name),
      kind,
      ...(namespace !== undefined && { namespace }),
      reason: gap,
      message,
    }))
    .sort((a, b) => order(`${a.kind} ${a.namespace ?? ''}`, `${b.kind} ${b.namespace ?? ''}`))
}

/** One finding an id: two analyzers may see the same fault. */
function distinct(findings: Finding[]): Finding[] {
  const byId = new Map<string, Finding>()
  for (const finding of findings) {
    const known = byId.get(findingId(finding))
    if (!known || rank[finding.severity] < rank[known.severity]) byId.set(findingId(finding), finding)
  }
  return [...byId.values()]
}

function isWanted(finding: Finding, snapshot: Snapshot, labels: LabelSelector | undefined): boolean {
  const { object, owner, affects = [] } = finding
  if (!labels) return true
  return [object, owner, ...affects].some((ref) => {
    const found = labelsOf(ref, snapshot)
    return found !== undefined && matchesSelector(labels, found)
  })
}

function labelsOf({ kind, namespace, name }: ObjectRef, snapshot: Snapshot): Record<string, string> | undefined {
  if (!Object.hasOwn(kinds, kind)) return undefined
  const object = snapshot.find(kind as KindName, namespace, name) as
    | { metadata: { labels?: Record<string, string> } }
    | undefined
  return object && (object.metadata.labels ?? {})
}

const sorted = (findings: Finding[]): Finding[] =>
  findings.toSorted((a, b) => rank[a.severity] - rank[b.severity] || order(findingId(a), findingId(b)))

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
