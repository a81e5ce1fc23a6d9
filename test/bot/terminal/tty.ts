import { PassThrough, Writable } from 'node:stream'
import stringWidth from 'string-width'

/** A small terminal: what is written moves a cursor over lines, as far as the product uses it. */
export interface FakeTty {
  input: PassThrough & { setRawMode(on: boolean): void; isRaw: boolean }
  output: Writable & { columns: number; rows: number; isTTY: true; getColorDepth(): number; written: string }
  /** Everything that stands on it, from the top, without spaces at the ends. */
  text(): string
  press(keys: string): void
}

export const ctrlC = '\u0003'
export const ctrlD = '\u0004'
export const altEnter = '\u001b\r'
export const pasted = (text: string): string => `\u001b[200~${text}\u001b[201~`

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' })
// biome-ignore lint/suspicious/noControlCharactersInRegex: control sequences are what is read
const sequence = /^\u001b\[([?\d;]*)([A-Za-z])/

export function createTty({ columns = 60, rows = 24, colours = false } = {}): FakeTty {
  const lines: string[][] = [[]]
  let row = 0
  let column = 0

  const lineAt = (index: number): string[] => {
    while (lines.length <= index) lines.push([])
    return lines[index] as string[]
  }

  function control(number: number, letter: string): void {
    if (letter === 'A') row = Math.max(0, row - number)
    if (letter === 'B') row += number
    if (letter === 'C') column += number
    if (letter === 'D') column = Math.max(0, column - number)
    if (letter === 'G') column = number - 1
    if (letter === 'J') lines.splice(row + 1)
    if (letter === 'J' || letter === 'K') lineAt(row).splice(number === 2 ? 0 : column)
  }

  function put(segment: string): void {
    const wide = stringWidth(segment)
    if (wide === 0) return
    if (column + wide > columns) {
      row++
      column = 0
    }
    const line = lineAt(row)
    while (line.length < column) line.push(' ')
    line.splice(column, wide, segment, ...Array<string>(wide - 1).fill(''))
    column += wide
  }

  function write(text: string): void {
    for (let rest = text; rest; ) {
      const [found, numbers = '', letter = ''] = sequence.exec(rest) ?? []
      if (found !== undefined) {
        control(Number(numbers.replace('?', '').split(';')[0] || (letter === 'J' || letter === 'K' ? 0 : 1)), letter)
        rest = rest.slice(found.length)
        continue
      }
      const [first] = graphemes.segment(rest)
      const segment = first?.segment ?? ''
      if (segment.includes('\r')) column = 0
      if (segment.includes('\n')) {
        row++
        column = 0
        lineAt(row)
      }
      if (!/[\r\n]/.test(segment)) put(segment)
      rest = rest.slice(segment.length)
    }
  }

  const output = Object.assign(
    new Writable({
      decodeStrings: false,
      write(chunk: string | Buffer, _encoding, done) {
        output.written += String(chunk)
        write(String(chunk))
        done()
      },
    }),
    { columns, rows, isTTY: true as const, getColorDepth: () => (colours ? 24 : 1), written: '' },
  )
  const input = Object.assign(new PassThrough(), {
    isRaw: false,
    setRawMode(on: boolean) {
      input.isRaw = on
    },
  })
  return {
    input,
    output,
    text: () =>
      lines
        .map((line) => line.join('').trimEnd())
        .join('\n')
        .trimEnd(),
    press: (keys) => void input.write(keys),
  }
}
