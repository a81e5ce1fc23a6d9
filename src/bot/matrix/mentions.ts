import sanitize from 'sanitize-html'
import { z } from 'zod'
import { decodeEntities } from './html.ts'

/** Who we are in a room: the id and the names that people call us by there. */
export interface Me {
  user: string
  names: string[]
}

/**
 * Whether a message's content mentions us: by `m.mentions`, by a pill, or in plain words (`@bot:server`, `@name`, `name: …`). Code,
 * quotes and what is quoted by a reply do not count, `@room` neither.
 */
export function mentions(content: Record<string, unknown>, me: Me): boolean {
  if (intended(content['m.mentions']).includes(me.user)) return true
  const { formatted_body: html, format } = content
  if (typeof html === 'string' && format === 'org.matrix.custom.html') {
    const { text, links } = ownWords(html)
    return links.some((link) => linkedUser(link) === me.user) || named(text, me)
  }
  return typeof content.body === 'string' && named(ownPlainWords(content.body), me)
}

/** The text without the mention at its beginning or end; names in the middle of a sentence stay. */
export function withoutMention(text: string, me: Me): string {
  const calls = callsOf(me)
  let rest = text.trim()
  for (let before = ''; before !== rest; ) {
    before = rest
    for (const call of calls) rest = dropCall(rest, call)
  }
  return rest
}

const Mentions = z.object({ user_ids: z.array(z.unknown()) })

/** Anything may stand there: the server does not check it. */
function intended(value: unknown): unknown[] {
  const parsed = Mentions.safeParse(value)
  return parsed.success ? parsed.data.user_ids : []
}

const notOwn = ['mx-reply', 'blockquote', 'code', 'pre', 'script', 'style', 'textarea', 'option', 'noscript']

/** What the author said, of HTML: its text and where its links lead, without quotes and code. */
function ownWords(html: string): { text: string; links: string[] } {
  const options = {
    allowedAttributes: { a: ['href'] },
    allowedSchemes: ['https', 'http', 'matrix'],
    nonTextTags: notOwn,
  }
  const own = sanitize(html, { ...options, allowedTags: ['a', 'br', 'p', 'div', 'li'] })
  const spaced = own.replaceAll(/<br \/>|<\/(?:p|div|li)>/g, '\n')
  const links: string[] = []
  const onOpenTag = (name: string, { href }: Record<string, string>) => {
    if (name === 'a' && href) links.push(href)
  }
  return { text: decodeEntities(sanitize(spaced, { allowedTags: [], nonTextTags: ['a'], onOpenTag })).trim(), links }
}

/** The user that a link of either form names. */
function linkedUser(link: string): string | undefined {
  try {
    const url = new URL(link)
    if (url.protocol === 'matrix:') {
      const [kind, name = ''] = url.pathname.split('/')
      return kind === 'u' ? `@${decodeURIComponent(name)}` : undefined
    }
    if (url.hostname !== 'matrix.to' || !url.hash.startsWith('#/')) return undefined
    return decodeURIComponent(url.hash.slice(2).split(/[?/]/)[0] ?? '')
  } catch {
    return undefined
  }
}

/** Markdown as people type it: quoted lines and code are not theirs to say. */
function ownPlainWords(body: string): string {
  return body
    .split('\n')
    .filter((line) => !line.startsWith('>'))
    .join('\n')
    .replaceAll(/```[^`]*(?:```|$)|`[^`\n]*`/g, ' ')
    .trim()
}

function named(text: string, me: Me): boolean {
  if (hasWord(text, me.user)) return true
  return me.names.some((name) => {
    const lower = text.toLowerCase()
    const called = name.toLowerCase()
    if (lower.includes(`@[${called}]`) || hasWord(lower, `@${called}`)) return true
    return lower.startsWith(called) && /^[:,](\s|$)/.test(lower.slice(called.length))
  })
}

/** The word stands alone: `@bot` is neither in `@bot2` nor in `@bot:elsewhere.org`, `mail@bot` or an address. */
function hasWord(text: string, word: string): boolean {
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
    const isBegun = /[\p{L}\p{N}_./]$/u.test(text.slice(Math.max(0, at - 2), at))
    if (!isBegun && !goesOn(word, text.slice(at + word.length))) return true
  }
  return false
}

/** Korean particles follow a name without a space: `@bot님`. */
function goesOn(word: string, rest: string): boolean {
  if (/[\x21-\x7e]$/.test(word) && /^\p{Script=Hangul}/u.test(rest)) return false
  return /^(?:[\p{L}\p{N}_=/+-]|[.:][\p{L}\p{N}])/u.test(rest)
}

/** The ways we may be called, the longest first. */
function callsOf({ user, names }: Me): string[] {
  const link = encodeURIComponent(user)
  const named = names.flatMap((name) => [
    `[${name}](https://matrix.to/#/${user})`,
    `[${name}](https://matrix.to/#/${link})`,
    `@[${name}]`,
    `@${name}`,
    name,
  ])
  const calls = [`[${user}](https://matrix.to/#/${user})`, `[${user}](https://matrix.to/#/${link})`, user, ...named]
  return calls.filter((call) => call.length > 1).sort((a, b) => b.length - a.length)
}

function dropCall(text: string, call: string): string {
  const lower = text.toLowerCase()
  const called = call.toLowerCase()
  if (lower.startsWith(called)) {
    const rest = text.slice(call.length)
    if (rest === '' || /^[\s:,]/.test(rest)) return rest.replace(/^[:,]?\s*/, '')
  }
  if (lower.endsWith(called) && /[\s,]$/.test(text.slice(0, -call.length)) && !isPlainName(call))
    return text.slice(0, -call.length).replace(/,?\s*$/, '')
  return text
}

/** A bare name at the end may be the sentence's object: "who restarted the bot". */
const isPlainName = (call: string): boolean => !call.startsWith('@') && !call.startsWith('[')
