import { Marked, type Token, type Tokens } from 'marked'
import stringWidth from 'string-width'
import { clean, pad, wrap, wrapCode } from './clean.ts'
import type { Paint } from './paint.ts'

export interface Look {
  width: number
  paint: Paint
}

const marked = new Marked({ gfm: true })

/** Markdown as a terminal shows it, in lines that fit. HTML stands there as it was written. */
export function renderMarkdown(markdown: string, look: Look): string {
  const text = clean(markdown)
  return isReadable(text) ? blocks(marked.lexer(text), look) : wrap(text, look.width)
}

/** An endless word takes the parser seconds, endless quotes in quotes take its stack; no person wrote that. */
const isReadable = (text: string): boolean => !endlessWord.test(text) && !deepNest.test(text)
const endlessWord = /\S{1500}/
const deepNest = /^(?:[ \t]*(?:>|(?:[-*+]|\d{1,9}[.)])[ \t])){30}/m

function blocks(tokens: Token[], look: Look, between = '\n\n'): string {
  return tokens
    .map((token) => block(token, look))
    .filter(Boolean)
    .join(between)
}

function block(token: Token, look: Look): string {
  const { width, paint } = look
  switch (token.type) {
    case 'space':
    case 'def':
      return ''
    case 'heading':
      return wrap(paint(['bold', 'underline'], inline(token.tokens ?? [], look)), width)
    case 'list':
      return list(token as Tokens.List, look)
    case 'code':
      return code(token as Tokens.Code, look)
    case 'blockquote':
      return prefixed(blocks(token.tokens ?? [], { ...look, width: width - 2 }), paint('dim', '│ '))
    case 'table':
      return table(token as Tokens.Table, look)
    case 'hr':
      return paint('dim', '─'.repeat(Math.min(width, 40)))
    default:
      return wrap(inline([token], look).trim(), width)
  }
}

/** `rest` begins the further lines, so that a text stands below itself. */
const prefixed = (text: string, first: string, rest = first): string =>
  text
    .split('\n')
    .map((line, index) => `${index === 0 ? first : rest}${line}`)
    .join('\n')

function list({ items, ordered, start, loose }: Tokens.List, look: Look): string {
  const from = start === '' ? 1 : start
  const widest = ordered ? String(from + items.length - 1).length + 2 : 2
  return items
    .map((item, index) => {
      const box = item.task ? (item.checked ? '☑ ' : '☐ ') : ''
      const mark = box || (ordered ? `${from + index}. ` : '• ').padStart(widest)
      const indent = stringWidth(mark)
      const inside = item.tokens.filter(({ type }) => type !== 'checkbox')
      const text = blocks(inside, { ...look, width: look.width - indent }, loose ? '\n\n' : '\n')
      return prefixed(text, mark, ' '.repeat(indent))
    })
    .join(loose ? '\n\n' : '\n')
}

const diffColours: Record<string, 'green' | 'red' | 'cyan'> = { '+': 'green', '-': 'red', '@': 'cyan' }

function code({ text, lang }: Tokens.Code, { width, paint }: Look): string {
  const lines = text.split('\n').map((line) => {
    const colour = lang === 'diff' ? diffColours[line[0] ?? ''] : undefined
    return wrapCode(colour ? paint(colour, line) : line, width - 2)
  })
  return prefixed(lines.join('\n'), '  ')
}

function table({ header, rows }: Tokens.Table, look: Look): string {
  const { paint, width } = look
  const cells = [header, ...rows].map((row) => row.map((cell) => inline(cell.tokens, look)))
  const wanted = header.map((_, column) => Math.max(1, ...cells.map((row) => stringWidth(row[column] ?? ''))))
  const widths = share(wanted, width - gap * (header.length - 1))
  const [head = '', ...body] = cells.map((row) => tableRow(row, widths))
  const rule = widths.map((one) => '─'.repeat(one)).join('  ')
  return [paint('bold', head), paint('dim', rule), ...body].join('\n')
}

const gap = 2

function tableRow(cells: string[], widths: number[]): string {
  const columns = cells.map((cell, column) => wrap(cell, widths[column] ?? 1).split('\n'))
  const height = Math.max(...columns.map((lines) => lines.length))
  return Array.from({ length: height }, (_, line) =>
    columns
      .map((lines, column) => pad(lines[line] ?? '', widths[column] ?? 1))
      .join(' '.repeat(gap))
      .trimEnd(),
  ).join('\n')
}

/** Gives columns the room they want; when there is too little, the widest give way first. */
function share(wanted: number[], room: number): number[] {
  const widths = [...wanted]
  let over = widths.reduce((sum, one) => sum + one, 0) - room
  while (over > 0) {
    const widest = widths.indexOf(Math.max(...widths))
    if ((widths[widest] ?? 0) <= 4) break
    widths[widest] = (widths[widest] ?? 0) - 1
    over--
  }
  return widths
}

function inline(tokens: Token[], look: Look): string {
  return tokens.map((token) => span(token, look)).join('')
}

function span(token: Token, look: Look): string {
  const { paint } = look
  const inner = () => ('tokens' in token && token.tokens ? inline(token.tokens, look) : unescaped(token))
  switch (token.type) {
    case 'strong':
      return paint('bold', inner())
    case 'em':
      return paint('italic', inner())
    case 'del':
      return paint('strikethrough', inner())
    case 'codespan':
      return paint('cyan', clean(token.text))
    case 'br':
      return '\n'
    case 'link':
    case 'image':
      return withAddress(inner(), clean(token.href), paint)
    default:
      return inner()
  }
}

/** The address is shown, never hidden behind a text. */
function withAddress(text: string, href: string, paint: Paint): string {
  const isTold = text === href || `mailto:${text}` === href
  return isTold || !href ? paint('underline', text || href) : `${text} (${paint('underline', href)})`
}

// The parser turns `&#27;` into the character that it stands for.
const unescaped = (token: Token): string =>
  clean('text' in token && typeof token.text === 'string' ? token.text : token.raw)
