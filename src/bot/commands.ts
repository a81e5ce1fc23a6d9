import { inlineCode, type Markdown, md } from '../text/markdown.ts'
import { nearest } from '../text/nearest.ts'
import { fromOutside } from '../text/outside.ts'
import type { Tool } from '../tools/tool.ts'

/** What a text with `!` in front means. Names are ours or a tool's; nothing is guessed. */
export type Command =
  | { kind: 'help' | 'status' | 'stop' | 'tools' }
  | { kind: 'analyze'; namespace?: string }
  | { kind: 'decide'; mark: 'approve' | 'deny'; id: string; reason?: string }
  | { kind: 'tool'; tool: Tool; input: Record<string, string> }
  | { kind: 'unknown'; name: string; nearest: string[] }
  | { kind: 'wrong'; name: string; problem: Markdown }

const plain = ['help', 'status', 'stop', 'tools'] as const

/** Reads a command; `undefined` when the text is none. `help` alone counts too. */
export function parseCommand(text: string, tools: Map<string, Tool>): Command | undefined {
  if (/^help[.!?]?$/i.test(text.trim())) return { kind: 'help' }
  // Phones begin with a capital letter; Korean and Japanese keyboards have a wide exclamation mark.
  const [, given, rest = ''] = /^[!！]\s*([\p{L}\p{N}][^\s]*)\s*([\s\S]*)$/u.exec(text.trim()) ?? []
  if (given === undefined) return undefined
  const name = given.toLowerCase()

  const known = plain.find((command) => command === name)
  if (known) return { kind: known }
  if (name === 'analyze') return parseAnalyze(rest)
  if (name === 'approve' || name === 'deny') return parseDecision(name, rest)
  const tool = tools.get(given) ?? tools.get(name)
  if (!tool)
    return { kind: 'unknown', name, nearest: nearest(name, [...plain, 'analyze', 'approve', 'deny', ...tools.keys()]) }
  return parseToolCall(tool, rest)
}

/** Whether this text asks to stop: looked at the moment it arrives, before its turn comes. */
export const isStop = (text: string): boolean => /^\s*[!！]\s*stop(?:\s|$)/i.test(text)

/** `!analyze shop`, `!analyze namespace=shop`, `!analyze *`. */
function parseAnalyze(rest: string): Command {
  const [, namespace] = /^(?:namespace=)?`?(\*|[a-z0-9][-a-z0-9]{0,62})`?$/.exec(rest.trim()) ?? []
  if (namespace !== undefined) return { kind: 'analyze', namespace }
  if (rest.trim() === '') return { kind: 'analyze' }
  return { kind: 'wrong', name: 'analyze', problem: md`\`!analyze [namespace]\`` }
}

function parseDecision(mark: 'approve' | 'deny', rest: string): Command {
  const [, id, reason] = /^`?([a-z0-9]{1,40})`?(?![a-z0-9])\s*([\s\S]*)$/i.exec(rest) ?? []
  if (id === undefined)
    return { kind: 'wrong', name: mark, problem: mark === 'deny' ? md`!deny ID reason` : md`!approve ID` }
  return { kind: 'decide', mark, id: id.toLowerCase(), ...(reason && { reason: reason.trim() }) }
}

function parseToolCall(tool: Tool, rest: string): Command {
  const input: Record<string, string> = {}
  const pattern = /([a-zA-Z][\w-]*)=(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|(\S*))|(\S+)/g
  for (const [, key, double, single, bare, stray] of rest.matchAll(pattern)) {
    if (key === undefined) {
      return {
        kind: 'wrong',
        name: tool.name,
        problem: md`${fromOutside(stray ?? '').code(64)} is not key=value. ${usage(tool)}`,
      }
    }
    input[key] = double?.replaceAll(/\\(.)/g, '$1') ?? single ?? bare ?? ''
  }
  const parsed = tool.input.strict().safeParse(input)
  if (parsed.success) return { kind: 'tool', tool, input }
  const problem = parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`.trim()).join('; ')
  return { kind: 'wrong', name: tool.name, problem: md`${fromOutside(problem).inline(500)}. ${usage(tool)}` }
}

/** `k8s_get_pod name=… [namespace=…]` */
export function usage(tool: Tool): Markdown {
  const keys = Object.entries(tool.input.shape).map(([key, schema]) =>
    schema.safeParse(undefined).success ? `[${key}=…]` : `${key}=…`,
  )
  return inlineCode(`!${[tool.name, ...keys].join(' ')}`)
}
