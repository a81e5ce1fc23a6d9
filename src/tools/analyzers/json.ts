import { type Evidence, type Finding, findingId, type ObjectRef, type Severity } from './analyzer.ts'
import type { Report, Unchecked } from './run.ts'
import { nameOf, uncheckedLines } from './words.ts'

/** K8sGPT's shape, for tools that read it; keys in small letters beyond it are ours. */
export interface JsonReport {
  provider: string
  status: 'OK' | 'ProblemDetected' | 'Incomplete'
  problems: number
  results: JsonResult[]
  errors: string[]
  unchecked: Unchecked[]
  checkedAt: string
}

interface JsonResult {
  kind: string
  /** `namespace/name`, or the name of what is in no namespace. */
  name: string
  error: JsonFailure[]
  details: string
  /** `Kind/name`, or nothing. */
  parentObject: string
}

interface JsonFailure {
  Text: string
  KubernetesDoc: string
  /** K8sGPT puts names beside their masks here. Ours leave the process nowhere: whoever has both can undo the hiding. */
  Sensitive: []
  rule: string
  severity: Severity
  confidence: Finding['confidence']
  since: string | null
  key: string
  evidence: Evidence[]
  affects: ObjectRef[]
  next: string
}

export interface JsonDetails {
  /** Name of the model server's model, when explanations were asked for. */
  provider?: string
  /** What is wrong with the request itself, such as an unknown filter. */
  errors?: string[]
  /** The model's words about a finding, by its id. */
  explanations?: Map<string, string>
  /** What the cluster's own schema says about a finding's field, by its id. */
  docs?: Map<string, string>
}

/** The report as data; equal states give equal bytes but for `checkedAt`. */
export function toJson(report: Report, details: JsonDetails = {}): JsonReport {
  const { provider = '', errors = [] } = details
  const { findings, unchecked } = report
  const complete = unchecked.length === 0 && errors.length === 0
  const results = new Map<string, Finding[]>()
  for (const finding of findings) {
    const key = `${finding.object.kind} ${nameOf(finding.object)}`
    results.set(key, [...(results.get(key) ?? []), finding])
  }
  return {
    provider,
    status: findings.length > 0 ? 'ProblemDetected' : complete ? 'OK' : 'Incomplete',
    problems: findings.length,
    results: [...results].sort(([a], [b]) => order(a, b)).map(([, group]) => toResult(group, details)),
    errors: [...errors, ...uncheckedLines(unchecked)],
    unchecked,
    checkedAt: new Date(report.checkedAt).toISOString(),
  }
}

function toResult(group: Finding[], { explanations, docs }: JsonDetails): JsonResult {
  const [{ object, owner }] = group as [Finding]
  const isOwn = owner.kind === object.kind && owner.name === object.name && owner.namespace === object.namespace
  const failures = group.toSorted((a, b) => order(orderOf(a), orderOf(b)))
  return {
    kind: object.kind,
    name: nameOf(object),
    error: failures.map((finding) => ({
      Text: finding.text,
      KubernetesDoc: docs?.get(findingId(finding)) ?? '',
      Sensitive: [],
      rule: finding.reason,
      severity: finding.severity,
      confidence: finding.confidence,
      since: finding.since ?? null,
      key: findingId(finding),
      evidence: finding.evidence,
      affects: finding.affects ?? [],
      next: finding.next,
    })),
    details: failures.flatMap((finding) => explanations?.get(findingId(finding)) ?? []).join('\n\n'),
    parentObject: isOwn ? '' : `${owner.kind}/${owner.name}`,
  }
}

const orderOf = (finding: Finding): string => JSON.stringify([finding.reason, finding.text, findingId(finding)])

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
