/**
 * Whether a message in Markdown calls us: `@name` in the author's own words, anywhere. What a server calls a mention may be wider:
 * Mattermost counts `@channel`, quotes and every post of a group; and of missed posts it does not tell.
 */
export function mentions(message: string, username: string): boolean {
  return placesOf(ownWords(message), username).length > 0
}

/** The text without the mention at its beginning or end; names in the middle of a sentence stay. */
export function withoutMention(message: string, username: string): string {
  const call = `[*_(]*@${pattern(username)}[*_)]*`
  const first = new RegExp(`^${call}(?:[:,.!]?\\s+|[:,]?$)`, 'i')
  const last = new RegExp(`[\\s,]+${call}[.!?]?$`, 'i')
  let rest = message.trim()
  for (let before = ''; before !== rest; ) {
    before = rest
    rest = rest.replace(first, '').replace(last, '').trim()
  }
  return rest
}

/** Without code and quotes: those are not the author's to say. */
const ownWords = (message: string): string =>
  message
    .replaceAll(/^ {0,3}(`{3,}|~{3,})[^\n]*\n[\s\S]*?(?:^ {0,3}\1[^\n]*$|$(?![\s\S]))/gm, ' ')
    .split('\n')
    .filter((line) => !/^\s*>/.test(line))
    .join('\n')
    .replaceAll(/(?<!`)(`+)(?!`)(?:.|\n(?!\s*\n)){1,4000}?(?<!`)\1(?!`)/g, ' ')

/** Where the name stands as a word of its own: not in `@name2`, `@name-x`, `mail@name` or an address. */
function placesOf(text: string, username: string): number[] {
  const name = new RegExp(`@${pattern(username)}`, 'gi')
  return [...text.matchAll(name)].flatMap((match) => {
    const before = text.slice(0, match.index)
    const after = text.slice(match.index + match[0].length)
    const isPart = /[\p{L}\p{N}/.@-]$/u.test(before) || /^(?:[A-Za-z0-9]|[-_.]+[\p{L}\p{N}])/u.test(after)
    return isPart ? [] : [match.index]
  })
}

/** Usernames hold letters, digits, `.`, `-` and `_`. */
const pattern = (username: string): string => username.replaceAll('.', '\\.')
