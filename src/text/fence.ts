import { stripVTControlCharacters } from 'node:util'

/**
 * Wraps text from outside, so that a model takes it as data: a fence longer than any inside, with a label. What cannot be seen is
 * made visible or removed.
 */
export function fence(text: string, label: string): string {
  const clean = visible(text)
  const longest = Math.max(2, ...[...clean.matchAll(/`{3,}/g)].map((match) => match[0].length))
  const marks = '`'.repeat(longest + 1)
  return `${marks}${label.replaceAll(/[^\w -]/g, '')}\n${clean.trimEnd()}\n${marks}`
}

// Whatever is drawn as nothing: bidirectional marks, zero-width characters, fillers, tags, selectors; but for those of emoji, U+FE0E and
// U+FE0F. And separators of lines that are none for a reader of code.
const hidden = /[[\p{Default_Ignorable_Code_Point}\u2028\u2029\uFFF9-\uFFFB]--[\uFE0E\uFE0F]]/gv
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const control = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F]/g

/** Text as it is, with everything that hides or reorders text shown as ⟨U+202E⟩; terminal colours are removed. */
export function visible(text: string): string {
  return stripVTControlCharacters(text.toWellFormed())
    .replaceAll('\r\n', '\n')
    .replace(hidden, name)
    .replace(control, name)
    .replaceAll('\r', name('\r'))
}

const name = (character: string): string =>
  `⟨U+${character.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0')}⟩`
