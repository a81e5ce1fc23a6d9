import { type Finding, findingId, type Severity } from '../analyzer.ts'
import { distinct, fullName, listed } from './phrases.ts'

const rank: Record<Severity, number> = { critical: 0, warning: 1, info: 2 }
const mostEvidence = 6

/** One finding for an owner and a reason: the worst one, which names the objects of the others. */
export function merged(findings: Finding[]): Finding[] {
  return [...Map.groupBy(findings, findingId).values()].map((group) => {
    const [worst, ...others] = group.toSorted((a, b) => rank[a.severity] - rank[b.severity])
    return others.length === 0 ? worst! : merge(worst!, others)
  })
}

function merge(worst: Finding, others: Finding[]): Finding {
  const nameOf = ({ object }: Finding) => `${object.kind} ${fullName(object)}`
  const names = distinct(others.map(nameOf)).filter((name) => name !== nameOf(worst))
  const affects = [worst, ...others].flatMap((finding) => finding.affects ?? [])
  return {
    ...worst,
    text: names.length === 0 ? worst.text : `${worst.text.replace(/\.$/, '')}; the same holds for ${listed(names)}.`,
    evidence: [...worst.evidence, ...others.flatMap(({ evidence }) => evidence.slice(0, 1))].slice(0, mostEvidence),
    ...(affects.length > 0 && { affects }),
  }
}
