import { forModel, type ModelText } from '../text/outside.ts'
import { canonical } from './approval.ts'
import type { ToolSchema } from './model.ts'
import type { Message, Request } from './session.ts'

export interface Limits {
  toolCalls: number
  nudges: number
  minutes: number
  tokens: number
}

export type Caps = { kind: 'ok' } | { kind: 'last-step'; reason: string } | { kind: 'stop' }

/** Whether the request may go on. On the last step tools are withheld; `reason` then tells the model to answer. */
export function checkCaps(request: Request, limits: Limits, now: number): Caps {
  if (request.tokens >= limits.tokens) return { kind: 'stop' }
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

/** A server that does not count for us: our estimate of what it read and wrote. */
export const estimateUse = (read: Message[], written: Message): number => total(read) + tokensOf(written)

/**
 * Remembers a call; returns a result in its place when the request has no calls left, when it is the third identical one in a row, or
 * the sixth of two that alternate. The list lies beside the messages, so that shortening them does not make a repetition look new.
 */
export function noteCall(request: Request, tool: string, args: string, limits: Limits): ModelText | undefined {
  if (request.toolCalls >= limits.toolCalls)
    return forModel`Not run: this request has used all its ${limits.toolCalls} tool calls. Answer with what you found.`
  request.toolCalls++
  request.recent.push(`${tool} ${canonicalOr(args)}`)
  const { recent } = request
  if (repeats(recent) >= 3) {
    return forModel`Not run: you called this with the same arguments ${repeats(recent)} times in a row. Use the results you have, or try something else.`
  }
  const [a, b, c, d, e, f] = recent.slice(-6)
  if (f !== undefined && a === c && c === e && b === d && d === f) {
    return forModel`Not run: you alternate between the same two calls. Use the results you have, or try something else.`
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
 * The messages that fit into the window, what matters least lost first: results of earlier steps become one line each, then whole turns
 * are dropped, then earlier steps of the current turn (it begins at `from`), at last long texts are cut. A call is never separated
 * from its results, and what people said last always stays.
 */
export function fit(input: {
  system: string
  messages: Message[]
  from: number
  tools: ToolSchema[]
  windowTokens: number
}): { messages: Message[]; dropped: number } {
  const fixed = estimateTokens(input.system) + estimateTokens(JSON.stringify(input.tools))
  const room = Math.max(512, Math.floor(input.windowTokens * fullShare) - answerTokens(input.windowTokens) - fixed)
  if (total(input.messages) <= room) return { messages: input.messages, dropped: 0 }

  let units = unitsOf(input.messages, input.from)
  units = stubOldResults(units, 2, room)
  units = dropOldTurns(units, room)
  units = stubOldResults(units, 1, room)
  units = dropOldSteps(units, room)
  const kept = units.flatMap((unit) => unit.messages)
  const dropped = input.messages.length - kept.length
  return { messages: cutLongTexts(dropped > 0 ? [removed(dropped), ...kept] : kept, room), dropped }
}

const total = (messages: Message[]): number => messages.reduce((sum, message) => sum + tokensOf(message), 0)

/** What stays or goes as a whole: one text, or calls with all their results. */
interface Unit {
  kind: 'said' | 'answer' | 'calls'
  messages: Message[]
  /** Belongs to what is worked on now. */
  current: boolean
}

function unitsOf(messages: Message[], from: number): Unit[] {
  const units: Unit[] = []
  for (const [index, message] of messages.entries()) {
    const current = index >= from
    if (message.role === 'tool') units.at(-1)?.messages.push(message)
    else if (message.role === 'assistant')
      units.push({ kind: message.tool_calls ? 'calls' : 'answer', messages: [message], current })
    else units.push({ kind: 'said', messages: [message], current })
  }
  return units
}

const sizeOf = (units: Unit[]): number => units.reduce((sum, unit) => sum + total(unit.messages), 0)

const removed = (count: number): Message => ({
  role: 'user',
  content: `[${count} earlier messages of this conversation were removed here to save room.]`,
})

/** Results of all but the last `kept` steps, oldest first, until it fits. */
function stubOldResults(units: Unit[], kept: number, room: number): Unit[] {
  const last = units.filter((unit) => unit.kind === 'calls').slice(-kept)
  let used = sizeOf(units)
  return units.map((unit) => {
    if (used <= room || unit.kind !== 'calls' || last.includes(unit)) return unit
    const stubbed = { ...unit, messages: unit.messages.map(stub) }
    used -= total(unit.messages) - total(stubbed.messages)
    return stubbed
  })
}

function stub(message: Message): Message {
  if (message.role !== 'tool' || typeof message.content !== 'string' || message.content.length < 200) return message
  const content = `[${firstLine(message.content)}: ${message.content.length} characters were here and were removed to save room; call it again if needed]`
  return content.length < message.content.length ? { ...message, content } : message
}

const firstLine = (text: string): string => wellFormed((text.split('\n')[0] ?? '').slice(0, 120))

/** A turn begins with what was said after an answer; the current one stays. */
function dropOldTurns(units: Unit[], room: number): Unit[] {
  const starts = units.flatMap((unit, index) =>
    unit.kind === 'said' && (unit.current || units[index - 1]?.kind !== 'said') ? [index] : [],
  )
  const current = units.findIndex((unit) => unit.current)
  let left = units
  for (const start of starts) {
    if (sizeOf(left) <= room || start > current) break
    left = units.slice(start)
  }
  return left
}

/** Inside the current turn: steps first, then what was said before the last word; the last two units stay in any case. */
function dropOldSteps(units: Unit[], room: number): Unit[] {
  let left = units
  const drop = (goes: (unit: Unit) => boolean) => {
    for (const unit of units.slice(0, -2)) {
      if (sizeOf(left) <= room) return
      if (goes(unit)) left = left.filter((one) => one !== unit)
    }
  }
  const lastWord = units.findLast((unit) => unit.kind === 'said')
  drop((unit) => unit.kind !== 'said')
  // Every message has a price of its own, so very many short ones may be too much as well.
  if (
    total(
      cutTo(
        left.flatMap((unit) => unit.messages),
        32,
      ),
    ) > room
  )
    drop((unit) => unit !== lastWord)
  return left
}

/** The last resort: no text is longer than a share that lets all of them fit; short ones stay whole. */
function cutLongTexts(messages: Message[], room: number): Message[] {
  let cut = messages
  for (let share = room; total(cut) > room && share >= 16; share = Math.floor(share * 0.8)) cut = cutTo(messages, share)
  return cut
}

const cutTo = (messages: Message[], share: number): Message[] =>
  messages.map((message) => {
    const shorter =
      typeof message.content === 'string'
        ? ({ ...message, content: cutText(message.content, share) } as Message)
        : message
    return shorter.role === 'assistant' && shorter.tool_calls
      ? { ...shorter, tool_calls: shorter.tool_calls.map((call) => cutArguments(call, share)) }
      : shorter
  })

function cutText(text: string, share: number): string {
  const tokens = estimateTokens(JSON.stringify(text))
  if (tokens <= share) return text
  const mark = '\n[… cut to save room]'
  let length = Math.floor((text.length * share) / tokens)
  while (length > 0 && estimateTokens(JSON.stringify(text.slice(0, length))) > share) length = Math.floor(length * 0.8)
  return `${wellFormed(text.slice(0, length))}${mark}`
}

/** Servers parse the arguments of earlier calls, so what is cut must still be JSON. */
function cutArguments<Call extends { type: string }>(call: Call, share: number): Call {
  const { function: called } = call as unknown as { function?: { name: string; arguments: string } }
  if (!called || estimateTokens(called.arguments) <= share) return call
  return { ...call, function: { ...called, arguments: `{"cut":"${called.arguments.length} characters"}` } }
}

const wellFormed = (text: string): string => text.replace(/[\uD800-\uDBFF]$/, '')
