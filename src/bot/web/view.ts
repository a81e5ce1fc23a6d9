import type { UserId } from '../../agent/approval.ts'
import type { Board, Message } from './board.ts'
import { toHtml } from './html.ts'

/** A message as the page gets it: safe HTML instead of Markdown, and no file's text. */
export interface MessageView {
  id: string
  thread: string
  from: UserId
  name: string
  at: number
  bot: boolean
  quiet: boolean
  edited: boolean
  seen: boolean
  mention: UserId[]
  html: string
  /** Whether a prompt still asks; nothing where there is none. */
  prompt?: 'open' | 'closed'
  marks: { from: UserId; mark: string }[]
  file?: string
}

/** A line in the list of threads. */
export interface ThreadView {
  id: string
  room: string
  title: string
  name: string
  messages: number
  at: number
  /** The last word is the bot's or a person's: what an unread mark is about. Progress and receipts are none. */
  lastLoud: number
  waits: boolean
  atWork: boolean
}

export function messageView(message: Message): MessageView {
  const { id, thread, from, name, at, bot, quiet, edited, seen, mention, choice, marks, file } = message
  return {
    id,
    thread,
    from,
    name,
    at,
    bot,
    quiet,
    edited,
    seen,
    mention,
    html: htmlOf(message),
    ...(choice && { prompt: isOpen(message) ? 'open' : 'closed' }),
    marks: marks.map((vote) => ({ from: vote.from, mark: vote.mark })),
    ...(file && { file: file.name }),
  }
}

export function threadView(id: Message['thread'], board: Board): ThreadView {
  const messages = board.thread(id)
  const [root] = messages
  return {
    id,
    room: root?.room ?? '',
    title: root ? titleOf(root) : '',
    name: root?.name ?? '',
    messages: messages.length,
    at: messages.at(-1)?.at ?? 0,
    lastLoud: messages.findLast((message) => !message.quiet)?.at ?? 0,
    waits: messages.some((message) => message.choice && isOpen(message)),
    atWork: board.atWork().includes(id),
  }
}

/** An open prompt ends with how to answer it, under the id in its title; once decided it does not. */
export function isOpen({ markdown }: Pick<Message, 'markdown'>): boolean {
  const id = /`([a-z0-9]+)`/.exec(markdown.split('\n', 1)[0] ?? '')?.[1]
  const end = markdown.trimEnd().split('\n\n').at(-1) ?? ''
  return id !== undefined && end.includes(`!approve ${id}`)
}

/** What was made of a message's text, as long as that stays: a change is told to every open page. */
const made = new WeakMap<Message, { markdown: string; html: string }>()

function htmlOf(message: Message): string {
  const { bot, markdown } = message
  const known = made.get(message)
  if (known?.markdown === markdown) return known.html
  const html = bot ? toHtml(markdown) : `<p>${escapeText(markdown).replaceAll('\n', '<br>')}</p>`
  made.set(message, { markdown, html })
  return html
}

const escapeText = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

const longestTitle = 160

/** What a person asked, or the first line of the bot's; without formatting and without links, which are asides. */
function titleOf(root: Message): string {
  const text = htmlOf(root)
    .replaceAll(/<a\b[^>]*>.*?<\/a>/gs, '')
    .replaceAll(/<br\s*\/?>|<\/(?:p|li|h\d|pre|blockquote)>/g, '\n')
    .replaceAll(/<[^>]*>/g, '')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  const title = lines
    .slice(0, root.bot ? 1 : 5)
    .join(' ')
    .replaceAll(/\s+/g, ' ')
  return [...title.trim()].slice(0, longestTitle).join('')
}
