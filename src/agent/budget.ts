import { canonical } from './approval.ts'
import type { ToolSchema } from './model.ts'
import type { Message, Request } from './session.ts'

export interface Limits {
  toolCalls: number
  nudges: number
  minutes: number
  tokens: number
}

export type Caps = { kind: 'ok' } | { kind: 'last-step'; reason: string } | { kind: 'stop'; reason: string }

/** Whether the request may go on. On the last step tools are withheld; `reason` then tells the model to answer. */
export function checkCaps(request: Request, limits: Limits, now: number): Caps {
  if (request.tokens >= limits.tokens) {
    return {
      kind: 'stop',
      reason: `This request has used ${request.tokens} tokens; the limit is ${limits.tokens}. Ask again, more narrowly.`,
    }
  }
  const spent =
    request.toolCalls >= limits.toolCalls
      ? `You have used all ${limits.toolCalls} tool calls of this request.`
      : now - request.startedAt >= limits.minutes * 60_000
        ? `You have worked for ${limits.minutes} minutes on this request.`
        : repeats(request.recent) >= 5
          ? 'You keep repeating the same call.'
          : undefined
  if (!spent) return { kind: 'ok' }
  return { kind: 'last-step', reason: `${spent} Answer now with what you found, and say what you could not look at.` }
}

/**
 * Remembers a call; returns a result in its place when it is the third identical one in a row, or the sixth of two that alternate.
 * The list lies beside the messages, so that shortening them does not make the model's repetition look new.
 */
export function noteCall(request: Request, tool: string, args: string): string | undefined {
  request.recent.push(`${tool} ${canonicalOr(args)}`)
  const { recent } = request
  if (repeats(recent) >= 3) {
    return `Not run: you called ${tool} with the same arguments ${repeats(recent)} times in a row. Use the results you have, or try something else.`
  }
  const [a, b, c, d, e, f] = recent.slice(-6)
  if (f !== undefined && a === c && c === e && b === d && d === f) {
    return `Not run: you alternate between the same two calls. Use the results you have, or try something else.`
  }
  return undefined
}

function canonicalOr(args: string): string {
  try {
    return canonical(args)
  } catch {
    return args
  }
}

/** How many equal calls stand at the end. */
function repeats(recent: string[]): number {
  const last = recent.at(-1)
  const other = recent.findLastIndex((call) => call !== last)
  return recent.length - 1 - other
}

/**
 * Tokens of a text: an estimate on the safe side, for any tokenizer. A real one (o200k) costs 60 MB and 0.2 s here and is still not the
 * server's own. ASCII counts a third, everything else a whole token a character.
 */
export function estimateTokens(text: string): number {
  let wide = 0
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) > 127) wide++
  return Math.ceil((text.length - wide) / 3 + wide)
}

const perMessage = 6

const tokensOf = (message: Message): number => estimateTokens(JSON.stringify(message)) + perMessage

/** Room for the answer: a fifth of the window, at most 4096 tokens. */
const answerTokens = (windowTokens: number): number => Math.min(Math.floor(windowTokens / 5), 4_096)

/** Bytes that one of `calls` results of a turn may have, so that each is at most 15 % and all together 40 % of the window. */
export function resultBytes(windowTokens: number, calls: number): number {
  const tokens = Math.min(windowTokens * 0.15, (windowTokens * 0.4) / Math.max(1, calls), 25_000)
  return Math.max(600, Math.floor(tokens * 3))
}

/** How full the window may be before something has to go: the estimate may be wrong, and the answer needs room too. */
const fullShare = 0.8

/**
 * The messages that fit into the window, oldest losses first: tool results of earlier steps become one line each, then whole turns are
 * dropped, at last long texts are cut. A call is never separated from its result, and the last question always stays.
 */
export function fit(input: { system: string; messages: Message[]; tools: ToolSchema[]; windowTokens: number }): {
  messages: Message[]
  dropped: number
} {
  const fixed = estimateTokens(input.system) + estimateTokens(JSON.stringify(input.tools))
  const room = Math.max(512, Math.floor(input.windowTokens * fullShare) - answerTokens(input.windowTokens) - fixed)
  let messages = input.messages
  if (total(messages) <= room) return { messages, dropped: 0 }

  messages = stubOldResults(messages, room)
  const turns = dropOldTurns(messages, room)
  messages = turns.messages
  if (total(messages) > room) messages = cutLongTexts(messages, room)
  return { messages, dropped: turns.dropped }
}

const total = (messages: Message[]): number => messages.reduce((sum, message) => sum + tokensOf(message), 0)

/** Results of all but the last two steps, oldest first, until it fits. */
function stubOldResults(messages: Message[], room: number): Message[] {
  const steps = messages.flatMap((message, index) =>
    message.role === 'assistant' && message.tool_calls ? [index] : [],
  )
  const protectedFrom = steps.at(-2) ?? messages.length
  const result = [...messages]
  let used = total(messages)
  for (const [index, message] of messages.entries()) {
    if (used <= room || index >= protectedFrom) break
    if (message.role !== 'tool' || typeof message.content !== 'string' || message.content.length < 200) continue
    const stub: Message = {
      ...message,
      content: `[${firstLine(message.content)}: ${message.content.length} characters were here and were removed to save room; call it again if needed]`,
    }
    used -= tokensOf(message) - tokensOf(stub)
    result[index] = stub
  }
  return result
}

const firstLine = (text: string): string => (text.split('\n')[0] ?? '').slice(0, 120)

/** A turn begins with a user's message; all but the last one may go. */
function dropOldTurns(messages: Message[], room: number): { messages: Message[]; dropped: number } {
  const starts = messages.flatMap((message, index) => (message.role === 'user' ? [index] : []))
  const last = starts.at(-1) ?? 0
  let from = 0
  for (const start of starts) {
    if (total(messages.slice(from)) <= room || start > last) break
    from = start
  }
  if (from === 0) return { messages, dropped: 0 }
  const note: Message = {
    role: 'user',
    content: `[The first ${from} messages of this conversation were removed to save room.]`,
  }
  return { messages: [note, ...messages.slice(from)], dropped: from }
}

/** The last resort: every long text is cut to an equal share of the room. */
function cutLongTexts(messages: Message[], room: number): Message[] {
  const share = Math.max(200, Math.floor((room / messages.length) * 2))
  return messages.map((message) =>
    typeof message.content === 'string' && estimateTokens(message.content) > share
      ? ({ ...message, content: `${wellFormed(message.content.slice(0, share))}\n[… cut to save room]` } as Message)
      : message,
  )
}

const wellFormed = (text: string): string => text.replace(/[\uD800-\uDBFF]$/, '')
