import { Environment } from '@marcbachmann/cel-js'
import { sentenceOf } from '../../text/sentence.ts'

/** What an expression looks at: one object as the API server has it, and the time of the run. */
export interface Scope {
  object: object
  now: Date
}

const environment = new Environment({ enableOptionalTypes: true, homogeneousAggregateLiterals: false })
  .registerVariable('object', 'map')
  .registerVariable('now', 'google.protobuf.Timestamp')

/** A condition in CEL. Throws a sentence when it is none, or is no condition. */
export function parseCondition(expression: string): (scope: Scope) => boolean {
  const { evaluate, type } = parse(expression)
  if (type !== 'bool' && type !== 'dyn') throw new Error(`it is of type ${type}, a condition is true or false`)
  return (scope) => {
    const value = evaluate(scope)
    if (typeof value !== 'boolean') throw new Error('the condition is neither true nor false')
    return value
  }
}

/** A text with CEL in `${…}`: `Image ${object.spec.image} is old.` Throws a sentence when a part is no expression. */
export function parseTemplate(template: string): (scope: Scope) => string {
  const parts = split(template).map((part) => (typeof part === 'string' ? part : parse(part.expression).evaluate))
  return (scope) => parts.map((part) => (typeof part === 'string' ? part : shown(part(scope)))).join('')
}

function parse(expression: string): { evaluate: (scope: Scope) => unknown; type: string } {
  try {
    const parsed = environment.parse(expression)
    const { valid, type = 'dyn', error } = parsed.check()
    if (!valid) throw error
    return { evaluate: (scope) => evaluated(parsed, scope), type }
  } catch (error) {
    throw new Error(`${JSON.stringify(expression)}: ${messageOf(error)}`, { cause: error })
  }
}

function evaluated(run: (scope: { object: unknown; now: Date }) => unknown, { object, now }: Scope): unknown {
  try {
    return run({ object: withIntegers(object), now })
  } catch (error) {
    throw new Error(messageOf(error), { cause: error })
  }
}

/** Without the drawing of the place that the library puts below. */
const messageOf = (error: unknown): string => (error as { summary?: string }).summary ?? sentenceOf(error)

/** JSON has one kind of number; in CEL `1` is an integer and adds to no other. */
function withIntegers(value: unknown): unknown {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value
  if (Array.isArray(value)) return value.map(withIntegers)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withIntegers(inner)]))
}

function shown(value: unknown): string {
  if (typeof value === 'string') return value
  if (value instanceof Date) return value.toISOString()
  return JSON.stringify(value, (_key, inner) => (typeof inner === 'bigint' ? Number(inner) : inner)) ?? String(value)
}

type Part = string | { expression: string }

/** Texts and expressions in turn. An expression ends at its brace, wherever braces stand in texts or maps inside. */
function split(template: string): Part[] {
  const start = template.indexOf('${')
  if (start < 0) return [template]
  const end = endOf(template, start + 2)
  if (end < 0) throw new Error(`${JSON.stringify(template.slice(start))} has no closing brace`)
  return [template.slice(0, start), { expression: template.slice(start + 2, end) }, ...split(template.slice(end + 1))]
}

function endOf(text: string, from: number): number {
  let depth = 0
  let quote = ''
  for (let at = from; at < text.length; at++) {
    const character = text[at] ?? ''
    if (quote) {
      if (character === '\\') at++
      else if (character === quote) quote = ''
    } else if (character === '"' || character === "'") quote = character
    else if (character === '{') depth++
    else if (character === '}' && depth-- === 0) return at
  }
  return -1
}
