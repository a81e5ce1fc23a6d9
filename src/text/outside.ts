import { fence, visible } from './fence.ts'
import { codeBlock, escapeMarkdown, inlineCode, linked, type Markdown } from './markdown.ts'
import { redact } from './secrets/index.ts'

/** What a model reads. Text from outside stands in it behind a fence, or as a quoted word; `forModel` and `fromOutside` make it. */
export type ModelText = string & { readonly brand: 'ModelText' }

/** Our own words for a model. What stands in `${}` went through `fromOutside`, or is a number. */
export const forModel = (words: TemplateStringsArray, ...values: (ModelText | number)[]): ModelText =>
  String.raw({ raw: words }, ...values) as ModelText

/** Text of ours that does not stand in the source as words: names of tools, schemas of their input. */
export const ownText = (text: string): ModelText => text as ModelText

/**
 * Text that we did not write: logs, objects, commits, messages, other servers' errors, a model's answer. It has no way out but through
 * one of these doors, and behind each its credentials are removed and what hides or reorders text is visible.
 */
export interface Outside {
  /** Inside a line of ours: nothing in it formats, links, calls somebody or breaks the line. Cut at `most` characters. */
  inline(most?: number): Markdown
  /** As code inside a line. */
  code(most?: number): Markdown
  /** As a block of code. */
  block(language?: string): Markdown
  /** As the address behind a text; the text alone when it is no address of a page. */
  link(text: Markdown): Markdown
  /** As the Markdown that its author meant, such as a model's answer. Each chat makes harmless what it would act on. */
  markdown(): Markdown
  /** For a model: as data behind a fence that carries `label`, cut at about `maxBytes`. */
  fenced(label: string, maxBytes?: number): ModelText
  /** For a model, as one word or name inside a sentence of ours: in quotation marks, on one line. */
  quoted(most?: number): ModelText
  /** For a model, as one line, which cannot look like anything else. */
  oneLine(most?: number): ModelText
  /** For a model, as what a person says: further lines are indented, so that no text can put words into somebody else's mouth. */
  said(): ModelText
  /** For a log or a terminal. */
  plain(): string
}

export function fromOutside(text: string): Outside {
  const clean = redact(text)
  const line = (most: number): string => cut(visible(clean).replaceAll(/\s+/g, ' ').trim(), most)
  return {
    inline: (most = 2_000) => escapeMarkdown(line(most)),
    code: (most = 500) => inlineCode(line(most)),
    block: (language) => codeBlock(visible(clean), language),
    link: (text) => linked(text, clean),
    markdown: () => clean as Markdown,
    fenced: (label, maxBytes = Number.POSITIVE_INFINITY) => fence(firstBytes(clean, maxBytes), label) as ModelText,
    quoted: (most = 200) => JSON.stringify(line(most)) as ModelText,
    oneLine: (most = 2_000) => line(most) as ModelText,
    said: () => visible(clean).split(lineEnds).join('\n  ') as ModelText,
    plain: () => visible(clean),
  }
}

/** Also those that readers of code take for none. */
const lineEnds = /\r\n|[\n\r\u0085\u2028\u2029]/

const cut = (text: string, most: number): string =>
  text.length <= most ? text : `${text.slice(0, most).toWellFormed()}…`

/** Tools keep to their share of bytes; a little more is no reason to cut. */
const tolerance = 1.1

function firstBytes(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text)
  if (bytes.length <= maxBytes * tolerance) return text
  const kept = bytes
    .subarray(0, maxBytes)
    .toString()
    .replace(/\uFFFD+$/, '')
  return `${kept}\n[… ${bytes.length - maxBytes} more bytes were cut. Ask more narrowly.]`
}
