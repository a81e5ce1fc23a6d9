import { readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg } from 'node:os'

export interface Table {
  /** Of the place in docs/benchmarks.md: between `<!-- NAME -->` and `<!-- end NAME -->`. */
  name: string
  head: string[]
  lines: string[][]
  /** How it was measured; the machine is added. */
  note: string
}

/** Prints a table; `write` puts it into docs/benchmarks.md as well. */
export function report({ name, head, lines, note }: Table, write: boolean): void {
  const row = (cells: string[]) => `| ${cells.join(' | ')} |`
  const machine = `Node ${process.versions.node}, ${availableParallelism()} cores of ${cpus()[0]?.model.trim() ?? 'unknown'}, load ${loadavg()[0]?.toFixed(1)} at the end`
  const text = [row(head), `|${'---|'.repeat(head.length)}`, ...lines.map(row), '', `${machine}. ${note}`].join('\n')
  console.log(text)
  if (!write) return
  const page = new URL('../../docs/benchmarks.md', import.meta.url)
  const [begin, end] = [`<!-- ${name} -->`, `<!-- end ${name} -->`]
  const [before, rest = ''] = readFileSync(page, 'utf8').split(begin)
  const after = rest.slice(rest.indexOf(end))
  if (!after.startsWith(end)) throw new Error(`There is no place for it: ${begin} … ${end} in ${page.pathname}.`)
  writeFileSync(page, `${before}${begin}\n\n${text}\n\n${after}`)
}

export function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}
