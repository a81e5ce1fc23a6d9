/** Text from outside inside a line of Markdown: nothing in it formats, links, mentions or opens HTML. One line. */
export function escapeMarkdown(text: string): string {
  return (
    text
      .replaceAll(/\s+/g, ' ')
      .replaceAll(/[\\`*_{}[\]<>()#|~!]/g, '\\$&')
      .replaceAll('&', '&amp;')
      // A zero-width space keeps `@room` and `@all` readable and without effect.
      .replaceAll('@', '@\u200B')
      .replace(/^([-+]|\d+\.)/, '\\$1')
  )
}

/** Text from outside as inline code. */
export function inlineCode(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ')
  const marks = '`'.repeat(longestRun(line) + 1)
  const pad = line.startsWith('`') || line.endsWith('`') ? ' ' : ''
  return `${marks}${pad}${line}${pad}${marks}`
}

/** Text from outside as a block of code; its fence is longer than any inside. */
export function codeBlock(text: string, language = ''): string {
  const marks = '`'.repeat(Math.max(3, longestRun(text) + 1))
  return `${marks}${language}\n${text.replace(/\n+$/, '')}\n${marks}`
}

const longestRun = (text: string): number => Math.max(0, ...[...text.matchAll(/`+/g)].map((match) => match[0].length))
