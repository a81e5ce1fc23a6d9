import stringWidth from 'string-width'
import { clean, cut, pad } from './clean.ts'
import type { Paint } from './paint.ts'

export interface PanelOptions {
  title?: string
  footer?: string
  /** The widest that it may be, with its frame. */
  width: number
  colour: Parameters<Paint>[0]
  paint: Paint
}

const frame = 4

/** What a panel of this width has room for. */
export const innerWidth = (width: number): number => Math.max(8, width - frame)

/** Lines in a frame as wide as the widest of them. The lines have to fit: see `innerWidth`. */
export function panel(lines: string[], { title = '', footer = '', width, colour, paint }: PanelOptions): string {
  const most = innerWidth(width)
  const [top, bottom] = [title, footer].map((text) => cut(text, most - 2)) as [string, string]
  const inner = Math.min(
    most,
    Math.max(stringWidth(top) + 2, stringWidth(bottom) + 2, ...lines.map((line) => stringWidth(line))),
  )
  const edge = (open: string, text: string, close: string) =>
    paint(
      colour,
      `${open}${text ? `─ ${text} ` : ''}${'─'.repeat(inner + 2 - (text ? stringWidth(text) + 3 : 0))}${close}`,
    )
  const side = paint(colour, '│')
  return [
    edge('╭', top, '╮'),
    ...lines.map((line) => `${side} ${pad(line, inner)} ${side}`),
    edge('╰', bottom, '╯'),
  ].join('\n')
}

/** What a tool returned, in a panel cut to the screen. */
export function resultPanel(
  title: string,
  result: string,
  { width, height, ...look }: Pick<PanelOptions, 'width' | 'colour' | 'paint'> & { height: number },
): string {
  const lines = clean(result).split('\n')
  // A line that says what is missing would take the place of what is missing.
  const shown = lines.length <= height + 1 ? lines : lines.slice(0, height)
  const left = lines.length - shown.length
  return panel(
    shown.map((line) => cut(line, innerWidth(width))),
    { ...look, title, width, footer: left > 0 ? `${left} more lines` : '' },
  )
}

/** What the model reads stands in a fence with the tool's name; people see the frame instead. */
export function unfenced(result: string): string {
  const [, marks, text] = /^(?:\[\d+\] .*\n)?(`{3,})[^\n]*\n([\s\S]*)\n`{3,}\s*$/.exec(result) ?? []
  return marks === undefined || text === undefined ? result : text
}
