import { type Finding, type ObjectRef, rank } from './analyzer.ts'

/**
 * Reasons that say what a fault does to a workload, not what it is. Beside a finding that names the cause for the same owner they
 * add nothing.
 */
const symptoms = new Set([
  'ReplicasUnavailable',
  'MinimumReplicasUnavailable',
  'ProgressDeadlineExceeded',
  'NotReady',
  'NoReadyEndpoints',
  'UnreadyEndpoints',
])

/**
 * Takes findings back that only repeat another one's consequence; the cause lists them under `affects` and is as severe as the worst
 * of them. Every finding is kept or stands behind one that is.
 */
export function foldConsequences(findings: Finding[]): Finding[] {
  const causes = findings.filter((finding) => !symptoms.has(finding.reason))
  // Two that would explain each other are two faults of one workload.
  const causeOf = new Map(
    findings.map((finding) => [
      finding,
      causes.find((one) => one !== finding && explains(one, finding) && !explains(finding, one)),
    ]),
  )
  const folded = new Map<Finding, Finding[]>()
  const kept = findings.filter((finding) => {
    const root = rootOf(finding, causeOf)
    if (root !== finding) folded.set(root, [...(folded.get(root) ?? []), finding])
    return root === finding
  })
  return kept.map((finding) => withConsequences(finding, folded.get(finding) ?? []))
}

/** The cause at the end of the chain; the finding itself when the chain leads round in a circle. */
function rootOf(finding: Finding, causeOf: Map<Finding, Finding | undefined>): Finding {
  const seen = new Set<Finding>()
  for (let current = finding; !seen.has(current); ) {
    seen.add(current)
    const cause = causeOf.get(current)
    if (!cause) return current
    current = cause
  }
  return finding
}

function withConsequences(finding: Finding, consequences: Finding[]): Finding {
  if (consequences.length === 0) return finding
  const severity = [finding, ...consequences]
    .map((one) => one.severity)
    .reduce((worst, one) => (rank[one] < rank[worst] ? one : worst))
  const affects = [
    ...(finding.affects ?? []),
    ...consequences.flatMap(({ object, affects: more = [] }) => [object, ...more]),
  ]
  const others = distinct(affects).filter((ref) => !same(ref, finding.owner) && !same(ref, finding.object))
  return { ...finding, severity, ...(others.length > 0 && { affects: others }) }
}

/** Reasons that somebody else's fault may be behind: the pods could not be made, placed, started or kept. */
const consequences = new Set([
  ...symptoms,
  'FailedCreate',
  'ReplicaFailure',
  'Unschedulable',
  'CreateContainerConfigError',
  'ContainerCreating',
  'NodeLost',
  'Evicted',
  'NoPods',
  'NoEndpoints',
  'BackoffLimitExceeded',
  'FailuresSoFar',
  'LastRunFailed',
])

function explains(cause: Finding, finding: Finding): boolean {
  if (cause.affects?.some((ref) => same(ref, finding.object))) return true
  // A crash of its own is a fault of its own, whatever else the workload suffers from.
  if (consequences.has(finding.reason) && cause.affects?.some((ref) => same(ref, finding.owner))) return true
  return symptoms.has(finding.reason) && cause.severity !== 'info' && same(cause.owner, finding.owner)
}

const same = (a: ObjectRef, b: ObjectRef): boolean =>
  a.kind === b.kind && a.namespace === b.namespace && a.name === b.name

const distinct = (refs: ObjectRef[]): ObjectRef[] =>
  refs.filter((ref, index) => refs.findIndex((one) => same(one, ref)) === index)
