/** A request, as far as it is read. */
export interface Asked {
  model: string
  messages: {
    role: string
    content?: unknown
    tool_calls?: { id: string; function: { name: string; arguments: string } }[]
    tool_call_id?: string
  }[]
  tools?: { function: { name: string } }[]
  stream?: boolean
  stream_options?: { include_usage?: boolean } | null
}

/** What came back for one call. `number` is how an answer cites it, such as `[3]`; empty when it has none. */
export interface Result {
  number: string
  tool: string
  input: Record<string, unknown>
  text: string
}

/** What the engineer sees of a conversation. */
export interface Shown {
  /** What has not been answered yet: a push, a CI failure, or what people said. */
  topic: { kind: 'push' | 'ci' | 'people'; text: string }
  /** What was said before, newest first: what "it" may mean. */
  before: string[]
  /** Results since the last answer. */
  results: Result[]
  language: 'en' | 'ko'
  /** Names of the tools that may be called now. */
  offered: Set<string>
}

type Message = Asked['messages'][number]

const pushOpening = 'Commits were pushed.'
const ciOpening = 'CI failed.'
const changes = ['k8s_restart_deployment', 'k8s_scale_deployment', 'gitea_propose_change']

/** Reads a request from its end: what was asked last, and what was found out since. */
export function read({ messages, tools = [] }: Asked): Shown {
  const calls = new Map(messages.flatMap((message) => message.tool_calls ?? []).map((call) => [call.id, call]))
  const begin = messages.findLastIndex((message, index) => endsTopic(message, messages[index + 1], calls)) + 1
  const topic = messages.slice(begin)
  const said = topic.flatMap(speech)
  const last = said.at(-1) ?? { kind: 'people', text: '' }
  const sameKind = said.filter(({ kind }) => kind === last.kind).map(({ text }) => text)
  return {
    topic: { kind: last.kind, text: sameKind.join('\n') },
    before: messages
      .slice(0, begin)
      .filter(({ role, tool_calls }) => role === 'user' || (role === 'assistant' && !tool_calls))
      .map(({ content }) => String(content ?? ''))
      .toReversed(),
    results: topic.flatMap((message) => resultOf(message, calls)),
    language: languageOf(last, String(messages[0]?.content ?? '')),
    offered: new Set(tools.map((tool) => tool.function.name)),
  }
}

/** People are answered in their language; who is told of a push, in that of the instructions. */
function languageOf({ kind, text }: Shown['topic'], instructions: string): Shown['language'] {
  const isKorean = kind === 'people' ? /\p{Script=Hangul}/u.test(text) : instructions.includes('Korean')
  return isKorean ? 'ko' : 'en'
}

/** An answer ends a topic; so does a change that somebody spoke into. */
function endsTopic(message: Message, next: Message | undefined, calls: Map<string, Call>): boolean {
  if (message.role === 'assistant') return !message.tool_calls
  const call = message.role === 'tool' ? calls.get(message.tool_call_id ?? '') : undefined
  return call !== undefined && changes.includes(call.function.name) && next !== undefined && speech(next).length > 0
}

type Call = NonNullable<Message['tool_calls']>[number]

/** What people or a push say; other messages of the role `user` only keep a model going. */
function speech({ role, content }: Message): Shown['topic'][] {
  if (role !== 'user') return []
  const text = String(content ?? '')
  if (text.startsWith(pushOpening)) return [{ kind: 'push', text }]
  if (text.startsWith(ciOpening)) return [{ kind: 'ci', text }]
  const [, spoken] = /^[^\n]{1,200} \(@[^)\s]+\): ([\s\S]*)$/.exec(text) ?? []
  return spoken === undefined ? [] : [{ kind: 'people', text: spoken }]
}

function resultOf({ role, content, tool_call_id }: Message, calls: Map<string, Call>): Result[] {
  const call = role === 'tool' ? calls.get(tool_call_id ?? '') : undefined
  if (!call) return []
  const text = String(content ?? '')
  const [, number = '', body = text] = /^(\[\d+\]) [^\n]*\n([\s\S]*)$/.exec(text) ?? []
  return [{ number, tool: call.function.name, input: inputOf(call), text: unfenced(body) }]
}

function inputOf(call: Call): Record<string, unknown> {
  try {
    return JSON.parse(call.function.arguments) as Record<string, unknown>
  } catch {
    return {}
  }
}

const unfenced = (text: string): string => /^(`{3,})[^\n]*\n([\s\S]*)\n\1\s*$/.exec(text)?.[2] ?? text

/** A table as kubectl prints it: a row a record, by the names of the columns. Columns are two spaces apart. */
export function rowsOf(table: string): Record<string, string>[] {
  const [head = '', ...lines] = table.split('\n')
  const names = head.split(/\s{2,}/)
  if (!names.includes('NAME')) return []
  return lines
    .filter((line) => line.trim() !== '' && !line.startsWith('…'))
    .map((line) => Object.fromEntries(line.split(/\s{2,}/).map((cell, index) => [names[index] ?? '', cell])))
}
