import type { Evidence, Finding, ObjectRef, Severity } from '../../analyzer.ts'
import { findingId } from '../../analyzer.ts'
import type { ObjectOf } from '../../kinds/index.ts'
import { refOf, type Snapshot } from '../../snapshot.ts'
import { distinct, fullName, listed } from '../phrases.ts'

/** Something that one pod suffers from. Pods of one owner with the same reason are one finding. */
export interface Trouble {
  pod: ObjectOf<'Pod'>
  reason: string
  severity: Severity
  confidence: Finding['confidence']
  /** The whole sentence around `pod shop/x` or `3 pods in shop (x, y and z)`. */
  text(pods: string): string
  container?: string
  since?: string | undefined
  evidence: Evidence[]
  next: string
  field?: string
}

const mostPods = 3
const mostEvidence = 12
const ranks: Severity[] = ['critical', 'warning', 'info']

/** One finding for each owner and reason. It shows the evidence of the first pods and says how many there are. */
export function findingsOf(troubles: Trouble[], snapshot: Snapshot): Finding[] {
  const ownerOf = ({ pod }: Trouble) => snapshot.ownerOf('Pod', pod.metadata)
  const groups = Map.groupBy(troubles, (trouble) => findingId({ owner: ownerOf(trouble), reason: trouble.reason }))
  return [...groups.values()].map((group) => findingOf(group, ownerOf(group[0]!)))
}

function findingOf(group: Trouble[], owner: ObjectRef): Finding {
  const first = group[0]!
  const names = distinct(group.map(({ pod }) => pod.metadata.name))
  const since = group.flatMap((one) => (one.since === undefined ? [] : [one.since])).sort()[0]
  const shown = new Set(names.slice(0, mostPods))
  return {
    object: refOf('Pod', first.pod.metadata),
    owner,
    reason: first.reason,
    severity: ranks.find((severity) => group.some((one) => one.severity === severity)) ?? first.severity,
    confidence: first.confidence,
    text: withOtherContainers(first.text(phraseOf(names, first.pod.metadata.namespace)), group),
    ...(since !== undefined && { since }),
    evidence: group
      .filter(({ pod }) => shown.has(pod.metadata.name))
      .flatMap(({ evidence }) => evidence)
      .slice(0, mostEvidence),
    next: first.next,
    ...(first.field !== undefined && { field: first.field }),
  }
}

const phraseOf = (names: string[], namespace: string | undefined): string =>
  names.length === 1
    ? `pod ${fullName({ namespace, name: names[0]! })}`
    : `${names.length} pods in ${namespace} (${listed(names, mostPods)})`

function withOtherContainers(text: string, [first, ...others]: Trouble[]): string {
  const containers = distinct(others.flatMap(({ container }) => container ?? [])).filter(
    (name) => name !== first?.container,
  )
  if (containers.length === 0) return text
  const nouns = containers.length === 1 ? 'container' : 'containers'
  return `${text.replace(/\.$/, '')}; the same holds for ${nouns} ${listed(containers)}.`
}

const mostText = 400

/** A message from the cluster as a part of a sentence: one line, not too long, without its full stop. */
export function quoted(message: string | undefined): string {
  const line = (message ?? '').replace(/\s+/g, ' ').trim().replace(/\.$/, '')
  return line.length > mostText ? `${line.slice(0, mostText)}…` : line
}

/** `: message`, or nothing. */
export const because = (message: string | undefined): string => (quoted(message) ? `: ${quoted(message)}` : '')
