import { escapeMarkdown, inlineCode } from '../markdown.ts'
import { cutBytes, oneLine } from '../output.ts'
import { type Finding, findingId, type ObjectRef, rank, type Severity } from './analyzer.ts'
import type { Report, Unchecked } from './run.ts'
import { nameOf, namesOf, uncheckedLines } from './words.ts'

/** Of one value: a log line or a condition's message may be very long. */
const mostBytes = 300

export const severityMarks: Record<Severity, string> = { critical: '🔴', warning: '🟠', info: '🔵' }

/** A finding as plain lines: what, where it can be seen, what to do next. */
export function findingLines({ severity, reason, text, since, evidence, affects, next }: Finding): string[] {
  return [
    `${severity} ${reason}: ${oneLine(text)}${since ? ` Since ${since}.` : ''}`,
    ...evidence.map(
      ({ object, path, value }) => `  ${object.kind} ${object.name} ${path}: ${cutBytes(oneLine(value), mostBytes)}`,
    ),
    ...(affects?.length ? [`  also affects ${namesOf(affects)}`] : []),
    `  next: ${oneLine(next)}`,
  ]
}

/** Findings of one workload, worst first. */
export interface FindingGroup {
  owner: ObjectRef
  findings: Finding[]
}

/** Grouped by who has the fault; groups in the order of their worst finding. */
export function groupByOwner(findings: Finding[]): FindingGroup[] {
  const groups = new Map<string, FindingGroup>()
  for (const finding of findings) {
    const key = findingId({ owner: finding.owner, reason: '' })
    const group = groups.get(key) ?? { owner: finding.owner, findings: [] }
    group.findings.push(finding)
    groups.set(key, group)
  }
  const worst = ({ findings: list }: FindingGroup): number => Math.min(...list.map(({ severity }) => rank[severity]))
  return [...groups.values()].sort((a, b) => worst(a) - worst(b))
}

const mostGroups = 20
const mostEvidence = 3
const mostUnchecked = 20

/** A report as Markdown for a chat: what is wrong, where it can be seen, what to do next; then what could not be checked. */
export function toMarkdown(report: Pick<Report, 'findings' | 'unchecked'>, options: { least?: Severity } = {}): string {
  const { least = 'info' } = options
  const shown = report.findings.filter(({ severity }) => rank[severity] <= rank[least])
  const hidden = report.findings.length - shown.length
  const groups = groupByOwner(shown)
  return [
    groups.length > 0 ? '' : report.unchecked.length > 0 ? 'No findings in what could be read.' : 'No findings.',
    ...groups.slice(0, mostGroups).map(groupText),
    groups.length > mostGroups
      ? `… and ${groups.length - mostGroups} more workloads; \`kube-agent analyze\` lists them all.`
      : '',
    hidden > 0 ? `${hidden} hints of low severity are not shown.` : '',
    uncheckedText(report.unchecked),
  ]
    .filter(Boolean)
    .join('\n\n')
}

/** What to do next: a tool's call as the command that one can copy. */
function nextStep(next: string): string {
  const [command = ''] = /^k8s_\w+(?: \w+=[^\s,;]+)*/.exec(next) ?? []
  const rest = escapeMarkdown(next.slice(command.length))
  return command === '' ? rest : `${inlineCode(`!${command}`)}${next.startsWith(`${command} `) ? ' ' : ''}${rest}`
}

function groupText({ owner, findings }: FindingGroup): string {
  const lines = findings.flatMap((finding) => [
    `- ${severityMarks[finding.severity]} **${escapeMarkdown(finding.reason)}** ${escapeMarkdown(finding.text)}${finding.since ? ` Since ${escapeMarkdown(finding.since)}.` : ''}`,
    ...finding.evidence
      .slice(0, mostEvidence)
      .map(
        ({ object, path, value }) =>
          `  - ${inlineCode(`${object.kind} ${object.name} ${path}`)}: ${inlineCode(cutBytes(value, mostBytes))}`,
      ),
    ...(finding.affects?.length ? [`  - also affects ${escapeMarkdown(namesOf(finding.affects))}`] : []),
    `  - next: ${nextStep(finding.next)}`,
  ])
  return [`**${escapeMarkdown(`${owner.kind} ${nameOf(owner)}`)}**`, ...lines].join('\n')
}

function uncheckedText(unchecked: Unchecked[]): string {
  if (unchecked.length === 0) return ''
  const lines = uncheckedLines(unchecked)
  const more = lines.length - mostUnchecked
  return [
    'Could not check:',
    ...lines.slice(0, mostUnchecked).map((line) => `- ${escapeMarkdown(line)}`),
    ...(more > 0 ? [`- … and ${more} more.`] : []),
  ].join('\n')
}
