import type { Table } from './kubernetes/cluster.ts'

/** A table of the server as text, as kubectl prints it: the columns with priority 0, aligned. `rest` says how to get more. */
export function renderTable(
  table: Table,
  { empty, rest, match, maxBytes }: { empty: string; rest: string; match?: string | undefined; maxBytes: number },
): string {
  if (table.rows.length === 0) return empty
  const columns = table.columnDefinitions.flatMap(({ name, priority }, index) =>
    (priority ?? 0) === 0 ? [{ name: name.toUpperCase(), index }] : [],
  )
  const rows = table.rows.map(({ cells }) => columns.map(({ index }) => cell(cells[index])))
  const wanted = rows.filter((row) => contains(row.join(' '), match))
  const unread = unreadOf(table)
  if (wanted.length === 0)
    return `None of ${rows.length} contains ${JSON.stringify(match)}.${unread > 0 ? ` ${unread} more were not read.` : ''}`

  const text = align([columns.map(({ name }) => name), ...wanted])
  const note = (cut: number) => `… ${cut + unread} more. ${rest}`
  const kept = cutLines(text, maxBytes)
  if (kept.length === text.length && unread === 0) return kept.join('\n')
  const room = cutLines(text, maxBytes - Buffer.byteLength(note(text.length)) - 1)
  return `${room.join('\n')}\n${note(text.length - room.length)}`
}

/** How many rows the server has beyond these. It does not count them when a selector was used: one at least. */
const unreadOf = ({ metadata }: Table): number => metadata?.remainingItemCount ?? (metadata?.continue ? 1 : 0)

/** Lines whose cells stand in columns. */
export function align(lines: string[][]): string[] {
  const widths = (lines[0] ?? []).map((_, column) =>
    lines.reduce((widest, line) => Math.max(widest, line[column]?.length ?? 0), 0),
  )
  return lines.map((line) =>
    line
      .map((value, column) => value.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}

const cell = (value: unknown): string => oneLine(value === null || value === undefined ? '' : String(value))

/** Whether a line has the text that was asked for, whatever its case; nothing asked for: it has. */
export const contains = (line: string, match: string | undefined): boolean =>
  match === undefined || line.toLowerCase().includes(match.toLowerCase())

export const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').trim()

/** The first lines that fit; of a first line that is too long by itself its beginning. */
export function cutLines(lines: string[], maxBytes: number): string[] {
  let used = 0
  const end = lines.findIndex((line) => (used += Buffer.byteLength(line) + 1) > maxBytes + 1)
  if (end < 0) return lines
  return end > 0 ? lines.slice(0, end) : lines.slice(0, 1).map((line) => cutBytes(line, maxBytes))
}

/** The last lines that fit, for what is newest at its end. */
export function lastLines(text: string, maxBytes: number): { text: string; cut: number } {
  const lines = text.replace(/\n$/, '').split('\n')
  const kept = cutLines(lines.toReversed(), maxBytes).toReversed()
  return { text: kept.join('\n'), cut: lines.length - kept.length }
}

/** The first lines of a text that fit, and how many are missing. */
export function firstLines(text: string, maxBytes: number): string {
  const lines = text.split('\n')
  const note = (cut: number) => `… ${cut} more lines were cut.`
  if (Buffer.byteLength(text) <= maxBytes) return text
  const kept = cutLines(lines, maxBytes - Buffer.byteLength(note(lines.length)) - 1)
  return [...kept, ...(kept.length < lines.length ? [note(lines.length - kept.length)] : [])].join('\n')
}

const ellipsis = '…'

/** The beginning of a text, never in the middle of a character; `…` stands for the rest. */
export function cutBytes(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text)
  if (bytes.length <= maxBytes) return text
  let end = Math.max(0, maxBytes - Buffer.byteLength(ellipsis))
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--
  return bytes.subarray(0, end).toString('utf8') + ellipsis
}
