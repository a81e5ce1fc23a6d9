import { styleText } from 'node:util'
import { visible } from '../../text/fence.ts'
import { type Finding, findingId, type Severity } from '../../tools/analyzers/analyzer.ts'
import type { Report } from '../../tools/analyzers/run.ts'
import { findingLines, groupByOwner } from '../../tools/analyzers/text.ts'
import { nameOf, uncheckedLines } from '../../tools/analyzers/words.ts'

const colours: Record<Severity, 'red' | 'yellow' | 'blue'> = { critical: 'red', warning: 'yellow', info: 'blue' }

export interface TerminalOptions {
  colour: boolean
  stats: boolean
  /** What the cluster's own schema says about a finding's field, by the finding's id. */
  docs?: Map<string, string>
  /** The model's words, by the finding's id, and whose words they are. */
  explanations?: Map<string, string>
  model?: string
}

/** A report for people at a terminal: by workload, worst first. */
export function toTerminal(report: Report, options: TerminalOptions): string {
  const paint: Paint = (format, text) => (options.colour ? styleText(format, text, { validateStream: false }) : text)
  const groups = groupByOwner(report.findings).map(({ owner, findings }) =>
    [
      paint('bold', visible(`${owner.kind} ${nameOf(owner)}`)),
      ...findings.flatMap((finding) => [...lines(finding, paint), ...notes(finding, options)]),
    ].join('\n'),
  )
  const unchecked = uncheckedLines(report.unchecked).map((line) => `  ${visible(line)}`)
  return [
    ...groups,
    unchecked.length > 0 ? [paint('yellow', 'Could not check:'), ...unchecked].join('\n') : '',
    summary(report),
    options.stats ? statsTable(report) : '',
  ]
    .filter(Boolean)
    .join('\n\n')
}

type Paint = (format: Parameters<typeof styleText>[0], text: string) => string

function lines(finding: Finding, paint: Paint): string[] {
  const [first = '', ...rest] = findingLines(finding).map(visible)
  return [`  ${paint(colours[finding.severity], first)}`, ...rest.map((line) => `  ${line}`)]
}

function notes(finding: Finding, { docs, explanations, model }: TerminalOptions): string[] {
  const id = findingId(finding)
  return [
    ...block(`${finding.field ?? ''}, as the cluster documents it:`, docs?.get(id)),
    ...block(`in the words of ${model ?? 'the model'}:`, explanations?.get(id)),
  ]
}

const block = (title: string, text: string | undefined): string[] =>
  text === undefined
    ? []
    : [
        `    ${title}`,
        ...visible(text)
          .split('\n')
          .map((line) => `      ${line}`.trimEnd()),
      ]

function summary({ findings, unchecked }: Report): string {
  const count = (severity: Severity) => findings.filter((finding) => finding.severity === severity).length
  const parts = (['critical', 'warning', 'info'] as const).map((severity) => `${count(severity)} ${severity}`)
  const gaps = unchecked.length > 0 ? `, ${unchecked.length} not checked` : ''
  return findings.length === 0 && unchecked.length === 0 ? 'No problems found.' : `${parts.join(', ')}${gaps}.`
}

function statsTable({ stats }: Report): string {
  const width = Math.max(...stats.map(({ analyzer }) => analyzer.length))
  return stats
    .map(
      ({ analyzer, ms, findings }) =>
        `${analyzer.padEnd(width)}  ${ms.toFixed(1).padStart(8)} ms  ${findings} findings`,
    )
    .join('\n')
}
