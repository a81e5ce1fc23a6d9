import type { Markdown } from './markdown.ts'

/** Bytes of a text in UTF-8. */
export const bytesOf = (text: string): number => Buffer.byteLength(text)

/**
 * The first lines of a Markdown text that fit into `maxBytes`, for a post whose whole text goes along as a file. Cuts between
 * lines where it can, else between characters, and closes a code fence that the cut left open.
 */
export function head(markdown: Markdown, maxBytes: number): Markdown
export function head(markdown: string, maxBytes: number): string
export function head(markdown: string, maxBytes: number): string {
  if (bytesOf(markdown) <= maxBytes) return markdown
  const room = maxBytes - fenceReserve
  const lines: string[] = []
  let used = 0
  for (const line of markdown.split('\n')) {
    const size = bytesOf(line) + 1
    if (used + size > room) {
      if (lines.length === 0) lines.push(firstBytes(line, room))
      break
    }
    lines.push(line)
    used += size
  }
  const open = openFence(lines)
  return open && open.length < fenceReserve ? `${lines.join('\n')}\n${open}` : lines.join('\n')
}

const fenceReserve = 32

/** The fence that a text leaves open, to close it with. */
function openFence(lines: string[]): string | undefined {
  let open: string | undefined
  for (const line of lines) open = fenceAfter(open, line)
  return open
}

/**
 * The marks of the code fence that is open after a line of Markdown, given those before it: like marks, at least as many, close it.
 * https://spec.commonmark.org/0.31.2/#fenced-code-blocks
 */
export function fenceAfter(open: string | undefined, line: string): string | undefined {
  const marks = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1]
  if (!marks || open === undefined) return marks ?? open
  return marks[0] === open[0] && marks.length >= open.length ? undefined : open
}

/** Whole characters only: never half of a surrogate pair. */
function firstBytes(text: string, maxBytes: number): string {
  let used = 0
  let end = 0
  for (const character of text) {
    used += bytesOf(character)
    if (used > maxBytes) break
    end += character.length
  }
  return text.slice(0, end)
}
