import { head } from '../../text/split.ts'
import { escapeHtml, toHtml, toPlain } from './html.ts'

/** What Matrix allows for a whole event is 65,536 bytes; what the server adds to our content stays well below the rest. */
const contentBytes = 62_000
/** The text stands in an event twice. One that fills it alone is not worth converting as a whole. */
const wholeBytes = contentBytes / 2
/** More people than this are not called by name: their names must not crowd out the text. */
const mostMentions = 20

type Content = Record<string, unknown>

/** Set on everything that we say, so that another bot of our kind in the same thread does not answer (MSC3955). */
export const automated = 'org.matrix.msc3955.automated'

/** A message from Markdown. Whom it mentions is always said, also nobody: otherwise clients guess from the text. */
export function messageContent(
  markdown: string,
  { mention, quiet }: { mention: { user: string; name: string }[]; quiet: boolean },
): Content {
  const text = markdown.toWellFormed()
  const people = mention.slice(0, mostMentions)
  const pills = people.map(
    ({ user, name }) => `<a href="https://matrix.to/#/${encodeURIComponent(user)}">${escapeHtml(name)}</a>`,
  )
  const called = people.map(({ name }) => name).join(', ')
  return {
    msgtype: quiet ? 'm.notice' : 'm.text',
    [automated]: true,
    body: people.length > 0 ? `${called}:\n\n${toPlain(text)}` : toPlain(text),
    format: 'org.matrix.custom.html',
    formatted_body: people.length > 0 ? `<p>${pills.join(', ')}:</p>\n${toHtml(text)}` : toHtml(text),
    'm.mentions': people.length > 0 ? { user_ids: people.map(({ user }) => user) } : {},
  }
}

/** An edit. Clients show the new content; the outer body is for those that know no edits, and kept short for the limit's sake. */
export function editContent(event: string, markdown: string, quiet: boolean): Content {
  const message = messageContent(markdown, { mention: [], quiet })
  return {
    msgtype: message.msgtype,
    body: `* ${head(message.body as string, 200)}`,
    'm.mentions': {},
    'm.new_content': message,
    'm.relates_to': { rel_type: 'm.replace', event_id: event },
  }
}

export function fileContent(file: { name: string; text: string }, url: string): Content {
  const info = { size: Buffer.byteLength(file.text), mimetype: 'text/plain' }
  const name = file.name.toWellFormed()
  return { msgtype: 'm.file', body: name, filename: name, info, url, 'm.mentions': {} }
}

/** The content of the whole text, or, when that is too large for an event, of its first `headBytes` or fewer. */
export function fitting(
  markdown: string,
  headBytes: number,
  build: (markdown: string) => Content,
): { content: Content; shortened: boolean } {
  const whole = Buffer.byteLength(markdown) <= wholeBytes ? build(markdown) : undefined
  if (whole && sizeOf(whole) <= contentBytes) return { content: whole, shortened: false }
  for (let bytes = headBytes; ; bytes >>= 1) {
    const content = build(`${head(markdown, bytes)}\n\n…`)
    if (sizeOf(content) <= contentBytes || bytes < 100) return { content, shortened: true }
  }
}

/** Bytes as the server counts them: canonical JSON differs from ours only in the order of keys. */
export const sizeOf = (content: Content): number => Buffer.byteLength(JSON.stringify(content))
