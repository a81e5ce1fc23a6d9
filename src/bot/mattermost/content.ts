import { codeBlock } from '../../text/markdown.ts'
import { bytesOf, fenceAfter, head } from '../../text/split.ts'
import { userIdPattern } from './ids.ts'

/** More people than this are not called by name: their names must not crowd out the text. */
const mostMentions = 20
const invisible = '\u200B'

/** Names by the ids of their owners. */
export type Usernames = ReadonlyMap<string, string>

/**
 * Markdown as Mattermost should show it: calls those who are to be notified and nobody else, loads no images from elsewhere, and shows
 * people by the names that the server gave them.
 */
export function messageText(markdown: string, { names, mention }: { names: Usernames; mention: string[] }): string {
  const text = defused(withNames(markdown.toWellFormed().replaceAll('\0', ''), names))
  const calls = mention.slice(0, mostMentions).map((name) => `@${name}`)
  return calls.length > 0 ? `${calls.join(', ')}:\n\n${text}` : text
}

const withNames = (markdown: string, names: Usernames): string =>
  markdown.replaceAll(userIdPattern, (id, user: string) => (names.has(user) ? `@${names.get(user)}` : id))

/** In code only what calls everybody is broken up: other names call nobody there, and people copy what stands in it. */
function defused(markdown: string): string {
  return parts(markdown)
    .map(({ text, isCode }) => (isCode ? text : withoutCalls(text)))
    .join('')
    .replaceAll(/@(?=(?:all|channel|here)\b)/gi, `@${invisible}`)
}

/** A character before `[` or `@` may be escaped or not, depending on how many backslashes stand before it: neither is left to that. */
const withoutCalls = (text: string): string =>
  text.replaceAll(/(?<![A-Za-z0-9])@(?=[A-Za-z0-9])/g, `@${invisible}`).replaceAll(/(\\*)!\[/g, imageless)

/** `![` begins an image unless its `!` is escaped, by an odd number of backslashes. */
const imageless = (whole: string, backslashes: string): string =>
  backslashes.length % 2 === 1 ? whole : `${backslashes}[`

/** Fenced blocks and inline code, and what stands around them. */
function parts(markdown: string): { text: string; isCode: boolean }[] {
  const found: { text: string; isCode: boolean }[] = []
  let fence: string | undefined
  for (const line of markdown.split(/(?<=\n)/)) {
    const next = fenceAfter(fence, line)
    if (fence !== undefined || next !== undefined) found.push({ text: line, isCode: fence !== undefined })
    else found.push(...inlineParts(line))
    fence = next
  }
  return found
}

/** A backtick behind an odd number of backslashes is a character and begins no code: https://spec.commonmark.org/0.31.2/#code-spans */
const inlineParts = (line: string): { text: string; isCode: boolean }[] =>
  line.split(/((?<!`)(?<!(?<!\\)(?:\\\\)*\\)(`+)(?!`)[^`]+\2(?!`))/).flatMap((text, index) => {
    // The split gives the whole match, then its marks, which are in it already.
    if (index % 3 === 2) return []
    return [{ text, isCode: index % 3 === 1 }]
  })

/** Characters as the server counts them. */
export const runes = (text: string): number => {
  let count = 0
  for (const _ of text) count++
  return count
}

/** The whole text, or, when the server takes no such long one, its first `headBytes` or fewer. */
export function fitting(
  text: string,
  { limit, headBytes }: { limit: number; headBytes: number },
): { text: string; shortened: boolean } {
  if (runes(text) <= limit) return { text, shortened: false }
  return { text: `${head(text, Math.min(headBytes, limit - 3))}\n\n…`, shortened: true }
}

const mostPieces = 12

/** A file's text as blocks of code, for servers that take no files. */
export function pieces(file: { name: string; text: string }, limit: number): string[] {
  const room = limit - 200 - bytesOf(file.name)
  const blocks: string[] = []
  let rest = file.text
  while (rest && blocks.length < mostPieces) {
    const piece = firstLines(rest, room)
    blocks.push(piece)
    rest = rest.slice(piece.length)
  }
  return blocks.map((block, index) => {
    const isCut = rest && index === blocks.length - 1
    return `${file.name} (${index + 1}/${blocks.length})${isCut ? ', the rest is left out' : ''}\n\n${codeBlock(block)}`
  })
}

/** Whole lines where there is one that fits; never half of a character. */
function firstLines(text: string, maxBytes: number): string {
  let used = 0
  let end = 0
  for (const character of text) {
    used += bytesOf(character)
    if (used > maxBytes) {
      const line = text.lastIndexOf('\n', end - 1) + 1
      return text.slice(0, line > 0 ? line : end)
    }
    end += character.length
  }
  return text
}
