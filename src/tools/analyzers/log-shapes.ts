import { stripVTControlCharacters } from 'node:util'

/** Lines that differ only in numbers, ids and times. */
export interface Shape {
  count: number
  /** The newest of them, as it was written. */
  example: string
}

// Levels and whole words: `0 errors`, `failover` and `error=nil` are no errors.
const levels = /\b(?:level|lvl|severity)["']?\s?[=:]\s?["']?(?:error|err|fatal|panic|critical|crit|alert|emerg)\b/i
const capitals = /(?<![\w-])(?:ERROR|FATAL|CRITICAL|PANIC|SEVERE|EMERG|ALERT)(?![\w-])/
const klog = /^[EF]\d{4} \d\d:\d\d:\d\d/
const words =
  /^\s*(?:(?:error|fatal|panic|exception)(?: \w+){0,3}:|Traceback \(most recent call last\)|Unhandled\b|Uncaught\b)|\b[A-Za-z.]{0,80}(?:Error|Exception): |\b(?:panic|fatal error): |\b(?:segmentation fault|out of memory|no such file or directory|permission denied|connection refused|no space left on device|cannot allocate memory)\b/i
const harmless =
  /\b(?:0|no|zero|without) (?:errors?|failures?|exceptions?)\b|\berror["']?\s?[=:]\s?["']?(?:null|nil|none|false|0)\b/i

/** The lines of a log that look like errors, grouped by their shape, the most frequent first. */
export function shapesOf(text: string): Shape[] {
  const shapes = new Map<string, Shape>()
  for (const line of stripVTControlCharacters(text).split('\n')) {
    if (!isError(line)) continue
    const shape = shapeOf(line)
    shapes.set(shape, { count: (shapes.get(shape)?.count ?? 0) + 1, example: line.trim() })
  }
  return [...shapes.values()].sort((a, b) => b.count - a.count)
}

// Beyond this a line is data, and patterns have nothing to look for in it.
const mostCharacters = 2_000

function isError(whole: string): boolean {
  const line = whole.slice(0, mostCharacters)
  if (harmless.test(line)) return false
  return [levels, capitals, klog, words].some((pattern) => pattern.test(line))
}

const shapeOf = (line: string): string =>
  line
    .slice(0, mostCharacters)
    .replaceAll(/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi, '#')
    .replaceAll(/\b(?:0x)?(?=[a-z]*\d)[0-9a-f]{6,}\b/gi, '#')
    .replaceAll(/\d+(?:[.:,T-]\d+)*/g, '#')
    .trim()
