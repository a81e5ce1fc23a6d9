import { fromOutside } from '../../../text/outside.ts'
import { cutBytes } from '../../output.ts'

/** Lines that tell by themselves what went wrong, as compilers, test runners, shells and package managers write them. */
const strong = [
  /\b(?:error|fatal|panic|exception)\b(?:\[\w+\])?(?: \w+\d+)?:/i,
  /^\s*(?:error|fatal|failed|failure|abort(?:ed|ing)?)\b/i,
  /^\[(?:error|fatal)\]|^::error\b|^##\[error\]/i,
  /^\s*(?:not ok\b|--- FAIL\b|FAIL\b|FAILED\b|✖|✗|✘|×\s)/,
  /^E\s{2,}\S/,
  /\b[A-Z]\w*(?:Error|Exception)\b/,
  /^Traceback \(most recent call last\)|^goroutine \d+ \[/,
  /\b(?:command not found|no such file or directory|permission denied|connection refused|no space left on device|out of memory|segmentation fault|manifest unknown|could not resolve|cannot find|undefined reference|timed out|killed)\b/i,
  /\bnpm ERR!|\bELIFECYCLE\b/,
]
const weak = [
  /\b(?:failed|failing|failure|cannot|could not|unable|invalid|unexpected|denied|missing|expected)\b/i,
  /\berrors?\b/i,
]
const harmless =
  /\b(?:0|no|zero|without) (?:errors?|failures?|failed|exceptions?)\b|\b(?:failures?|errors?|failed|fail)[ :=]+0\b|\bignor/i

const before = 2
const after = 4
const mostHits = 6
const mostLines = 40
const mostCharacters = 300
/** Patterns look no further into a line; beyond that it is data. */
const lookedAt = 1_000
/** A credential that is cut in two is not recognised, so a line is cleaned before it is cut, and far beyond the cut. */
const cleaned = 4_000

/**
 * The lines of a failed step that say why, with some context, in order; `…` stands for what is between them. The end is always among them.
 * At most 40 lines of 300 bytes.
 */
export function decisiveLines(lines: string[]): string[] {
  const end = lines.findLastIndex((line) => line.trim() !== '')
  if (end < 0) return []
  const kept = new Set<number>([end - 1, end].filter((index) => index >= 0))
  for (const hit of hitsIn(lines)) {
    const wanted = around(hit, end).filter((index) => !kept.has(index))
    if (kept.size + wanted.length > mostLines - mostHits - 1) break
    for (const index of wanted) kept.add(index)
  }
  // Nothing looks like an error: what came last is the best there is.
  if (kept.size <= 2) for (let index = Math.max(0, end - 14); index <= end; index++) kept.add(index)
  return withGaps(
    [...kept].sort((a, b) => a - b),
    lines,
  )
}

/** The strongest lines: the first ones, since what follows is often their consequence, and the last. */
function hitsIn(lines: string[]): number[] {
  const scored = lines.map((line, index) => ({ index, score: score(line.slice(0, lookedAt)) }))
  const best = Math.max(0, ...scored.map((one) => one.score))
  if (best === 0) return []
  const hits = scored.filter((one) => one.score === best).map(({ index }) => index)
  const first = hits.slice(0, mostHits - 2)
  return [...first, ...hits.slice(first.length).slice(-2)]
}

function score(line: string): number {
  if (harmless.test(line)) return 0
  if (/^##\[error\]Process completed with exit code/.test(line)) return 0
  if (strong.some((pattern) => pattern.test(line))) return 2
  return weak.some((pattern) => pattern.test(line)) ? 1 : 0
}

function around(hit: number, end: number): number[] {
  const from = Math.max(0, hit - before)
  const to = Math.min(end, hit + after)
  return Array.from({ length: to - from + 1 }, (_, step) => from + step)
}

function withGaps(indexes: number[], lines: string[]): string[] {
  return indexes.flatMap((index, position) => {
    const previous = position === 0 ? -1 : (indexes[position - 1] ?? -1)
    const missing = index - previous - 1
    const line = cutBytes(shown(lines[index] ?? ''), mostCharacters)
    return missing > 0 ? [`… ${missing} ${missing === 1 ? 'line' : 'lines'} …`, line] : [line]
  })
}

const shown = (line: string): string => fromOutside(line.slice(0, cleaned)).plain().trimEnd()
