import stringWidth from 'string-width'
import wrapAnsi from 'wrap-ansi'
import { visible } from '../../text/fence.ts'

/**
 * Text from outside as a terminal may show it: without control sequences, with everything that hides made visible. The space of no width
 * that keeps `@room` without effect in chats is of no use here.
 */
export const clean = (text: string): string =>
  visible(text.replaceAll('@\u200B', '@')).normalize('NFC').replaceAll('\t', '    ')

/** Breaks lines at spaces, and words only where they are longer than a line. Wide characters count as two. */
export const wrap = (text: string, width: number): string => wrapAnsi(text, Math.max(1, width), { hard: true })

/** Breaks lines where they are full and keeps every space, for code. */
export const wrapCode = (text: string, width: number): string =>
  wrapAnsi(text, Math.max(1, width), { hard: true, wordWrap: false, trim: false })

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' })

/** A line that is at most this wide; what was cut off shows as `…`. Without colours in it. */
export function cut(line: string, width: number): string {
  if (stringWidth(line) <= width) return line
  let kept = ''
  let used = 0
  for (const { segment } of graphemes.segment(line)) {
    const next = stringWidth(segment)
    if (used + next > width - 1) break
    kept += segment
    used += next
  }
  return `${kept}…`
}

/** Fills a line up with spaces, by what it takes on the screen. */
export const pad = (line: string, width: number): string => line + ' '.repeat(Math.max(0, width - stringWidth(line)))
