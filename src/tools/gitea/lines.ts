import { align, contains, cutLines, firstLines, oneLine } from '../output.ts'

/** A list as a table with columns; ends with how to get the rest. */
export function tabled(
  header: string[],
  rows: string[][],
  {
    empty,
    rest,
    more = false,
    match,
    maxBytes,
  }: { empty: string; rest: string; more?: boolean; match?: string | undefined; maxBytes: number },
): string {
  const wanted = rows.map((row) => row.map(oneLine)).filter((row) => contains(row.join(' '), match))
  if (rows.length === 0) return empty
  if (wanted.length === 0) return `None of ${rows.length}${more ? ' or more' : ''} contains ${JSON.stringify(match)}.`
  const lines = align([header, ...wanted])
  const note = (cut: number) =>
    cut > 0 ? `… ${cut}${more ? ' or more' : ''} more. ${rest}` : `… There are more. ${rest}`
  const kept = cutLines(lines, maxBytes)
  if (kept.length === lines.length && !more) return kept.join('\n')
  const room = cutLines(lines, maxBytes - Buffer.byteLength(note(lines.length)) - 1)
  return `${room.join('\n')}\n${note(lines.length - room.length)}`
}

/** `2026-07-16 10:00`, in UTC; nothing for no time. */
export function time(text: string | null | undefined): string {
  const at = new Date(text ?? '')
  // Gitea writes "no time" as the year 1 or as 1970.
  return Number.isNaN(at.getTime()) || at.getTime() <= 0 ? '' : at.toISOString().slice(0, 16).replace('T', ' ')
}

export const firstLine = (text: string): string => oneLine(text.split('\n')[0] ?? '')

export const short = (sha: string): string => sha.slice(0, 10)

/** Lines of facts, without those that say nothing, then a text that gets the room that is left. */
export function facts(lines: (string | undefined | false)[], maxBytes: number, rest = ''): string {
  const head = lines.filter((line) => line !== undefined && line !== false && line !== '').join('\n')
  if (rest === '') return firstLines(head, maxBytes)
  return `${firstLines(head, maxBytes)}\n\n${firstLines(rest, Math.max(500, maxBytes - Buffer.byteLength(head) - 2))}`
}
