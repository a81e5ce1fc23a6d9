import type { Span } from './span.ts'

/** Values of Kubernetes Secrets in manifests, as YAML or as JSON: whatever they hold, it is meant to be secret. */
export const secretData = (text: string): Span[] => (/\bSecret\b/.test(text) ? [...inYaml(text), ...inJson(text)] : [])

function inYaml(text: string): Span[] {
  const spans: Span[] = []
  let start = 0
  for (const part of text.split(/^(?=[ \t>|+-]{0,4}---\s*$)/m)) {
    if (/^[ \t>|+-]*(?:- )?kind:[ \t]*["']?Secret["']?[ \t]*\r?$/m.test(part)) spans.push(...valuesIn(part, start))
    start += part.length
  }
  return spans
}

/** The lines that are indented below `data:` or `stringData:`; of each what stands behind its name. */
function valuesIn(document: string, offset: number): Span[] {
  const spans: Span[] = []
  let at = offset
  let indent: number | undefined
  for (const line of document.split(/(?<=\n)/)) {
    // A diff puts a sign before each line, and not a space.
    const [, before = '', rest = ''] = /^([+>|]?[ \t-]*)([\s\S]*)$/.exec(line) ?? []
    const depth = before.length
    if (indent !== undefined && rest.trim() !== '' && depth <= indent) indent = undefined
    if (indent !== undefined && rest.trim() !== '') {
      const named = /^["']?[\w.-]{1,253}["']?:[ \t]*/.exec(rest)
      const from = at + depth + (named?.[0].length ?? 0)
      const end = at + line.trimEnd().length
      if (end > from && !/^(?:[|>][-+\d]*|«.*)$/.test(line.slice(from - at).trim()))
        spans.push({ start: from, end, kind: 'secret' })
    }
    if (/^(?:data|stringData):[ \t]*\r?\n?$/.test(rest)) indent = depth
    at += line.length
  }
  return spans
}

/** Each value of the objects `data` and `stringData` near `"kind": "Secret"`, also escaped within a string. */
function inJson(text: string): Span[] {
  if (!/\\*"kind\\*"\s*:\s*\\*"Secret\\*"/.test(text)) return []
  return [...text.matchAll(/\\*"(?:data|stringData)\\*"\s{0,20}:\s{0,20}\{(?<members>[^{}]{0,100000})\}/g)].flatMap(
    (block) => {
      const members = block.groups?.members ?? ''
      return valuesOf(members, block.index + block[0].length - 1 - members.length)
    },
  )
}

function valuesOf(members: string, offset: number): Span[] {
  const pattern = /\\*"[^"\\]{1,253}\\*"\s{0,20}:\s{0,20}\\*"(?<value>(?:[^"\\]|\\[^"]){1,100000})/g
  return [...members.matchAll(pattern)].map((match) => {
    const value = match.groups?.value ?? ''
    const start = offset + match.index + match[0].length - value.length
    return { start, end: start + value.length, kind: 'secret' }
  })
}
