import { without } from './flat.ts'
import { createKnown } from './known.ts'
import { secretData } from './manifests.ts'
import { foundByRules } from './rules.ts'
import { foundByShape } from './shapes.ts'
import { type Span, withoutSpans } from './span.ts'

/** Removes credentials from a text; everything else stays as it is. Not a promise that none is left. */
export type Redact = (text: string) => string

/** `own`: secrets whose value is known, such as the bot's own tokens; they are removed in every form in which they may stand. */
export function createRedact(own: string[] = []): Redact {
  const known = createKnown(own)
  // What is found first may hide the rest from the next, so each looks at what the one before has left.
  const finders = [known, secretData, foundByShape, (text: string) => foundByRules(text).filter(isNew(text))]
  return (text) => finders.reduce((current, find) => withoutSpans(current, foundBeneath(current, find)), text)
}

/** Finds what is written through colours, characters that are drawn as nothing, and the backslashes of Markdown. */
function foundBeneath(text: string, find: (text: string) => Span[]): Span[] {
  const found = find(text)
  const { flat, at } = without(text, veils)
  if (flat === text) return found
  return [...found, ...find(flat).map(({ start, end, kind }) => ({ start: at(start), end: at(end - 1) + 1, kind }))]
}

const colour = String.raw`(?:\u001B\[|\u009B)[\d;?]{0,40}[A-Za-z]|\u001B\][^\u0007\u001B]{0,2000}(?:\u0007|\u001B\\)`
const undrawn = String.raw`\p{Default_Ignorable_Code_Point}`
const backslash = String.raw`\\(?=[_*~|#!<>()\[\]\{\}@.+=\/\x60\-])`
const veils = new RegExp([colour, undrawn, backslash].join('|'), 'gu')

/** Addresses whose password was removed already are found again as a whole. */
const isNew =
  (text: string) =>
  ({ start, end }: Span): boolean =>
    !text.slice(start, end + 1).includes('«')

let current = createRedact()

/**
 * Names the secrets of this process, once, at its start. They belong to the process and not to a part of it, so that no text can be
 * looked at by a part that was not told of them.
 */
export function keepSecret(own: string[]): void {
  current = createRedact(own)
}

/** Removes credentials, and the secrets of this process in every form. */
export const redact: Redact = (text) => current(text)
