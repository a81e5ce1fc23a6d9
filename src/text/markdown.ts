/**
 * Text that may be shown in a chat: whatever in it came from outside was made harmless. It is made by `md`, which takes nothing else,
 * by the functions below, and by `fromOutside` (outside.ts); a plain string is none, so that forgetting does not compile.
 */
export type Markdown = string & { readonly brand: 'Markdown' }

/** Our own words as Markdown. What stands in `${}` is Markdown already, or a number. */
export const md = (words: TemplateStringsArray, ...values: (Markdown | number)[]): Markdown =>
  String.raw({ raw: words }, ...values) as Markdown

/** Text of ours that does not stand in the source as Markdown: times, names of settings, descriptions of tools, a part of what was made. */
export const ownMarkdown = (text: string): Markdown => text as Markdown

type Separator = '\n\n' | '\n' | '  \n' | ' ' | ', ' | '; ' | ' · ' | ' and '

/** Parts, one behind the other; empty and missing ones are left out. */
export const joined = (parts: (Markdown | '' | false | undefined)[], separator: Separator = '\n\n'): Markdown =>
  parts.filter(Boolean).join(separator) as Markdown

/** Text inside a line of Markdown: nothing in it formats, links, mentions or opens HTML. One line. Credentials stay: see outside.ts. */
export function escapeMarkdown(text: string): Markdown {
  return (
    harmless(text)
      .replaceAll(/[\\`*_{}[\]<>()#|~!]/g, '\\$&')
      .replaceAll('&', '&amp;')
      // A zero-width space keeps `@room` and `@all`, and addresses, readable and without effect.
      .replaceAll('@', '@\u200B')
      // Markdown makes links of bare addresses too.
      .replaceAll('://', '\\://')
      .replaceAll(/(www)\./gi, '$1\\.')
      .replace(/^([-+=])/, '\\$1')
      .replace(/^(\d+)\./, '$1\\.') as Markdown
  )
}

/** An id, or another word that can hold no credential, as inline code. */
export function inlineCode(text: string): Markdown {
  const line = harmless(text) || ' '
  const marks = '`'.repeat(longestRun(line) + 1)
  const pad = line.startsWith('`') || line.endsWith('`') ? ' ' : ''
  return `${marks}${pad}${line}${pad}${marks}` as Markdown
}

/** Text as a block of code; its fence is longer than any inside. Credentials stay: see outside.ts. */
export function codeBlock(text: string, language = ''): Markdown {
  const marks = '`'.repeat(Math.max(3, longestRun(text) + 1))
  return `${marks}${language}\n${text.replace(/\n+$/, '')}\n${marks}` as Markdown
}

/** Whether an address can stand in a link: nothing in it ends the link or begins something else. */
export const isLinkable = (url: string): boolean => /^https?:\/\/[^\s()<>]+$/.test(url)

/** Markdown as a link, when the address can stand in one. An address from outside goes through `fromOutside`. */
export const linked = (text: Markdown, url: string): Markdown =>
  isLinkable(url) ? (`[${text}](${url})` as Markdown) : text

// What hides or reorders text in a line: control characters, bidirectional overrides and isolates.
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const hiding = /[\u0000-\u001F\u007F-\u009F\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/g

const harmless = (text: string): string => text.replaceAll(/\s+/g, ' ').replaceAll(hiding, '').trim()

const longestRun = (text: string): number =>
  (text.match(/`+/g) ?? []).reduce((longest, run) => Math.max(longest, run.length), 0)
