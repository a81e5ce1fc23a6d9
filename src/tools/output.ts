import type { Table } from './kubernetes/cluster.ts'

/** A table of the server as text, as kubectl prints it: the columns with priority 0, aligned. `rest` says how to get more. */
export function renderTable(
  table: Table,
  { empty, rest, maxBytes }: { empty: string; rest: string; maxBytes: number },
): string {
  if (table.rows.length === 0) return empty
  const columns = table.columnDefinitions.flatMap(({ name, priority }, index) =>
    priority === 0 ? [{ name: name.toUpperCase(), index }] : [],
  )
  const lines = [
    columns.map(({ name }) => name),
    ...table.rows.map(({ cells }) => columns.map(({ index }) => cell(cells[index]))),
  ]
  const widths = columns.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  const text = lines.map((line) =>
    line
      .map((value, column) => value.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  const more = table.metadata?.remainingItemCount ?? 0
  const cut = cutLines(text, maxBytes)
  const left = text.length - cut.length + more
  return left > 0 ? `${cut.join('\n')}\n… ${left} more. ${rest}` : cut.join('\n')
}

const cell = (value: unknown): string =>
  (value === null || value === undefined ? '' : String(value)).replaceAll(/\s+/g, ' ')

/** The first lines that fit. */
export function cutLines(lines: string[], maxBytes: number): string[] {
  let used = 0
  const end = lines.findIndex((line) => (used += Buffer.byteLength(line) + 1) > maxBytes)
  return end < 0 ? lines : lines.slice(0, Math.max(1, end))
}

/** The last lines that fit, for what is newest at its end. */
export function lastLines(text: string, maxBytes: number): { text: string; cut: number } {
  const lines = text.replace(/\n$/, '').split('\n')
  const kept = cutLines(lines.toReversed(), maxBytes).toReversed()
  return { text: kept.join('\n'), cut: lines.length - kept.length }
}
