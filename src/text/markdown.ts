/** Text from outside inside a line of Markdown: nothing in it formats, links, mentions or opens HTML. One line. */
export function escapeMarkdown(text: string): string {
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
      .replace(/^(\d+)\./, '$1\\.')
  )
}

/** Text from outside as inline code. */
export function inlineCode(text: string): string {
  const line = harmless(text) || ' '
  const marks = '`'.repeat(longestRun(line) + 1)
  const pad = line.startsWith('`') || line.endsWith('`') ? ' ' : ''
  return `${marks}${pad}${line}${pad}${marks}`
}

/** Text from outside as a block of code; its fence is longer than any inside. */
export function codeBlock(text: string, language = ''): string {
  const marks = '`'.repeat(Math.max(3, longestRun(text) + 1))
  return `${marks}${language}\n${text.replace(/\n+$/, '')}\n${marks}`
}

/** Whether an address from outside can stand in a link: nothing in it ends the link or begins something else. */
export const isLinkable = (url: string): boolean => /^https?:\/\/[^\s()<>]+$/.test(url)

/** Markdown as a link, when the address can stand in one. */
export const linked = (markdown: string, url: string): string => (isLinkable(url) ? `[${markdown}](${url})` : markdown)

// What hides or reorders text in a line: control characters, bidirectional overrides and isolates.
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const hiding = /[\u0000-\u001F\u007F-\u009F\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/g

const harmless = (text: string): string => text.replaceAll(/\s+/g, ' ').replaceAll(hiding, '').trim()

const longestRun = (text: string): number =>
  (text.match(/`+/g) ?? []).reduce((longest, run) => Math.max(longest, run.length), 0)
