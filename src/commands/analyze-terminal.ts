import { styleText } from 'node:util'
import { visible } from '../agent/guard/fence.ts'
import type { Finding, Severity } from '../tools/analyzers/analyzer.ts'
import { nameOf } from '../tools/analyzers/json.ts'
import type { Report } from '../tools/analyzers/run.ts'
import { findingLines, groupByOwner } from '../tools/analyzers/text.ts'

const colours: Record<Severity, 'red' | 'yellow' | 'blue'> = { critical: 'red', warning: 'yellow', info: 'blue' }

/** A report for people at a terminal: by workload, worst first. */
export function toTerminal(report: Report, { colour, stats }: { colour: boolean; stats: boolean }): string {
  const paint: Paint = (format, text) => (colour ? styleText(format, text, { validateStream: false }) : text)
  const groups = groupByOwner(report.findings).map(({ owner, findings }) =>
    [
      paint('bold', visible(`${owner.kind} ${nameOf(owner)}`)),
      ...findings.flatMap((finding) => lines(finding, paint)),
    ].join('\n'),
  )
  const unchecked = report.unchecked.map(({ message }) => `  ${visible(message)}`)
  return [
    ...groups,
    unchecked.length > 0 ? [paint('yellow', 'Could not check:'), ...unchecked].join('\n') : '',
    summary(report),
    stats ? statsTable(report) : '',
  ]
    .filter(Boolean)
    .join('\n\n')
}

type Paint = (format: Parameters<typeof styleText>[0], text: string) => string

function lines(finding: Finding, paint: Paint): string[] {
  const [first = '', ...rest] = findingLines(finding).map(visible)
  return [`  ${paint(colours[finding.severity], first)}`, ...rest.map((line) => `  ${line}`)]
}

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
