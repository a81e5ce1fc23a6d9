import { Marked, type Token, type Tokens } from 'marked'
import sanitize from 'sanitize-html'

/**
 * Markdown as Matrix shows it: HTML by allow-list. HTML inside the Markdown is shown as text; links to people and rooms lose
 * their effect, since who is mentioned is decided by `m.mentions` alone.
 */
export function toHtml(markdown: string): string {
  const html = readable(markdown, formatted) ?? `<pre><code>${escapeHtml(markdown)}</code></pre>`
  return neutral(sanitize(html, allowed)).trim()
}

/** The same as plain text, for clients and notifications that show no HTML. */
export function toPlain(markdown: string): string {
  return neutral(readable(markdown, plain) ?? markdown)
    .replaceAll(/\n{3,}/g, '\n\n')
    .trim()
}

/**
 * Nothing for what no person wrote: an endless word takes the parser seconds, endless quotes in quotes take its stack. Such a text is
 * shown as it is.
 */
function readable(markdown: string, parser: Marked): string | undefined {
  if (unfencedLines(markdown).some((line) => endlessWord.test(line) || deepNest.test(line))) return undefined
  try {
    return parser.parse(markdown, { async: false })
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

const endlessWord = /\S{1500}/
const deepNest = /^(?:[ \t]*(?:>|(?:[-*+]|\d{1,9}[.)])[ \t])){30}/

/** Without code blocks, whose words may be long: the parser does not look into them. */
function unfencedLines(markdown: string): string[] {
  let open: string | undefined
  return markdown.split('\n').filter((line) => {
    const fence = /^ {0,3}(?:```|~~~)/.exec(line)?.[0].trim()
    if (open === undefined) open = fence
    else if (fence === open) open = undefined
    return open === undefined && fence === undefined
  })
}

export function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}

/** A word joiner keeps `@room` readable and without effect. */
const neutral = (text: string): string => text.replaceAll(/@(?=room\b)/gi, '@\u2060')

const checkbox = ({ checked }: { checked: boolean }): string => (checked ? '☑ ' : '☐ ')

const formatted = new Marked({
  gfm: true,
  renderer: {
    html: ({ text }) => escapeHtml(text),
    checkbox,
    // Pictures from elsewhere would tell their server who reads along.
    image: ({ href, text }) => `<a href="${escapeHtml(href)}">${escapeHtml(text || href)}</a>`,
  },
})

const tags =
  'del h1 h2 h3 h4 h5 h6 blockquote p a ul ol sup sub li b i u strong em s code hr br div table thead tbody tr th td caption pre span details summary'

const allowed: sanitize.IOptions = {
  allowedTags: tags.split(' '),
  allowedAttributes: { a: ['href'], ol: ['start'], code: ['class'] },
  allowedClasses: { code: ['language-*'] },
  allowedSchemes: ['http', 'https', 'ftp', 'mailto', 'magnet'],
  allowProtocolRelative: false,
  // What Matrix allows. A list takes two for each level.
  nestingLimit: 100,
  transformTags: {
    a: (_, { href = '' }) => ({ tagName: isMatrixLink(href) ? 'span' : 'a', attribs: { href } }),
  },
}

function isMatrixLink(href: string): boolean {
  try {
    return new URL(href, 'other://relative.invalid').hostname.toLowerCase().replace(/\.$/, '').endsWith('matrix.to')
  } catch {
    return true
  }
}

/** Marked with a renderer that writes text: blocks end with an empty line, marks of emphasis are gone. */
const plain = new Marked({
  gfm: true,
  renderer: {
    space: () => '',
    code: ({ text, lang }) => {
      const marks = '`'.repeat(Math.max(3, ...[...text.matchAll(/`+/g)].map((run) => run[0].length + 1)))
      return `${marks}${lang ?? ''}\n${text}\n${marks}\n\n`
    },
    blockquote({ tokens }) {
      return `${indent(this.parser.parse(tokens).trim(), '> ', '> ')}\n\n`
    },
    html: ({ text }) => text,
    heading({ tokens }) {
      return `${this.parser.parseInline(tokens)}\n\n`
    },
    hr: () => '---\n\n',
    list(token) {
      const first = typeof token.start === 'number' ? token.start : 1
      const items = token.items.map((item, index) =>
        indent(this.parser.parse(item.tokens).trim(), token.ordered ? `${first + index}. ` : '- ', '  '),
      )
      return `${items.join('\n')}\n\n`
    },
    checkbox,
    paragraph({ tokens }) {
      return `${this.parser.parseInline(tokens)}\n\n`
    },
    table(token) {
      const row = (cells: Tokens.TableCell[]) => cells.map((cell) => this.parser.parseInline(cell.tokens)).join(' | ')
      return `${[row(token.header), ...token.rows.map(row)].join('\n')}\n\n`
    },
    strong({ tokens }) {
      return this.parser.parseInline(tokens)
    },
    em({ tokens }) {
      return this.parser.parseInline(tokens)
    },
    codespan: ({ text, raw }) => (raw.startsWith('``') ? text : `\`${text}\``),
    br: () => '\n',
    del({ tokens }) {
      return `~${this.parser.parseInline(tokens)}~`
    },
    link({ href, tokens }) {
      const text = this.parser.parseInline(tokens)
      return text === href || `mailto:${text}` === href ? text : `${text} (${href})`
    },
    image: ({ href, text }) => (text ? `${text} (${href})` : href),
    text(token) {
      const { tokens } = token as { tokens?: Token[] }
      if (tokens) return `${this.parser.parseInline(tokens)}\n`
      return decodeEntities(token.text)
    },
  },
})

const entities: Record<string, string> = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'" }

/** Back to characters: the few entities that Markdown writers use. */
export function decodeEntities(text: string): string {
  return text.replaceAll(/&(?:amp|lt|gt|quot|#39);/g, (entity) => entities[entity] ?? entity)
}

function indent(text: string, first: string, other: string): string {
  return text
    .split('\n')
    .map((line, index) => (index === 0 ? first : line === '' && other.trim() === '' ? '' : other) + line)
    .join('\n')
}
