import type { Language } from '../../text/language.ts'
import { joined, type Markdown, md } from '../../text/markdown.ts'
import { fromOutside } from '../../text/outside.ts'
import { cutBytes, oneLine } from '../output.ts'
import { type Evidence, type Finding, findingId, type ObjectRef, rank, type Severity } from './analyzer.ts'
import { headings } from './headings.ts'
import type { Report, Unchecked } from './run.ts'
import { nameOf, namesOf, uncheckedLines } from './words.ts'

/** Bytes of one value: a log line or a condition's message may be very long. */
const mostBytes = 300

const severityMarks: Record<Severity, Markdown> = { critical: md`🔴`, warning: md`🟠`, info: md`🔵` }

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
/** Of one value, as `mostBytes`. */
const mostCharacters = 300
const mostUnchecked = 20

export interface MarkdownOptions {
  /** What is of lower severity is counted only. */
  least?: Severity
  language?: Language
}

/** A report as Markdown for a chat: what is wrong, where it can be seen, what to do next; then what could not be checked. */
export function toMarkdown(report: Pick<Report, 'findings' | 'unchecked'>, options: MarkdownOptions = {}): Markdown {
  const { least = 'info', language = 'en' } = options
  const words = headings[language]
  const shown = report.findings.filter(({ severity }) => rank[severity] <= rank[least])
  const hidden = report.findings.length - shown.length
  const groups = groupByOwner(shown)
  return joined([
    groups.length === 0 && (report.unchecked.length > 0 ? words.noneInWhatWasRead : words.none),
    ...groups.slice(0, mostGroups).map((group) => groupText(group, language)),
    groups.length > mostGroups && words.moreWorkloads(groups.length - mostGroups),
    hidden > 0 && words.hidden(hidden),
    report.unchecked.length > 0 && uncheckedText(report.unchecked, language),
  ])
}

/** What to do next: a tool's call as the command that one can copy. */
function nextStep(next: string): Markdown {
  const [command = ''] = /^k8s_\w+(?: \w+=[^\s,;]+)*/.exec(next) ?? []
  const rest = fromOutside(next.slice(command.length)).inline()
  if (command === '') return rest
  const space = next.startsWith(`${command} `) ? md` ` : md``
  return md`${fromOutside(`!${command}`).code()}${space}${rest}`
}

function groupText({ owner, findings }: FindingGroup, language: Language): Markdown {
  const title = md`**${fromOutside(`${owner.kind} ${nameOf(owner)}`).inline()}**`
  return joined([title, ...findings.flatMap((finding) => findingText(finding, language))], '\n')
}

function findingText(finding: Finding, language: Language): Markdown[] {
  const { severity, reason, text, since, affects = [], next } = finding
  const words = headings[language]
  return [
    joined(
      [
        md`- ${severityMarks[severity]} **${fromOutside(reason).inline()}**`,
        fromOutside(text).inline(),
        since && words.since(fromOutside(since).inline()),
      ],
      ' ',
    ),
    ...tellingEvidence(finding).map(
      ({ object, path, value }) =>
        md`  - ${fromOutside(`${object.kind} ${object.name} ${path}`).code()}: ${fromOutside(value).code(mostCharacters)}`,
    ),
    ...(affects.length > 0 ? [md`  - ${words.affects(fromOutside(namesOf(affects)).inline())}`] : []),
    md`  - ${words.next}: ${nextStep(next)}`,
  ]
}

/** A chat is read on the run: what the sentence says already, or another pod shows just so, is left out as long as something is left. */
function tellingEvidence({ reason, text, evidence }: Finding): Evidence[] {
  const said = `${reason} ${oneLine(text)}`
  const more = evidence
    .filter(({ value }) => !holds(said, oneLine(value)))
    .filter(({ path, value }, at, all) => all.findIndex((one) => one.path === path && one.value === value) === at)
  return more.length > 0 ? more.slice(0, mostEvidence) : evidence.slice(0, 1)
}

/** Whether a text holds these words as words: `7` is not in `api-7c99`. */
function holds(text: string, words: string): boolean {
  if (words === '') return true
  for (let at = text.indexOf(words); at >= 0; at = text.indexOf(words, at + 1))
    if (!/\w/.test(text[at - 1] ?? '') && !/\w/.test(text[at + words.length] ?? '')) return true
  return false
}

function uncheckedText(unchecked: Unchecked[], language: Language): Markdown {
  const words = headings[language]
  const lines = uncheckedLines(unchecked)
  const more = lines.length - mostUnchecked
  return joined(
    [
      words.unchecked,
      ...lines.slice(0, mostUnchecked).map((line) => md`- ${fromOutside(line).inline()}`),
      more > 0 && md`- ${words.moreLines(more)}`,
    ],
    '\n',
  )
}
