/** A part of a text that is a credential: from `start` up to `end`, as positions in the string. */
export interface Span {
  start: number
  end: number
  /** What it is, in a word or two for readers: `password`. */
  kind: string
}

/** The text with something said in place of each span; spans may overlap, and are then one. */
export function withoutSpans(text: string, spans: Span[]): string {
  if (spans.length === 0) return text
  let result = ''
  let at = 0
  for (const { start, end, kind } of joined(spans)) {
    result += `${text.slice(at, start)}«${kind} removed»`
    at = end
  }
  return result + text.slice(at)
}

/** In their order; what overlaps is one, called by the kind of the longest part. */
function joined(spans: Span[]): Span[] {
  const result: (Span & { longest: number })[] = []
  for (const span of spans.toSorted((a, b) => a.start - b.start || b.end - a.end)) {
    const last = result.at(-1)
    const length = span.end - span.start
    if (!last || span.start >= last.end) {
      result.push({ ...span, longest: length })
      continue
    }
    last.end = Math.max(last.end, span.end)
    if (length > last.longest) Object.assign(last, { kind: span.kind, longest: length })
  }
  return result
}
