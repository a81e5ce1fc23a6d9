import { without } from './flat.ts'
import type { Span } from './span.ts'

/** Shorter ones would stand by chance in ordinary text. */
const shortest = 6

/**
 * Finds secrets of which the value is known, such as the bot's own tokens: as they are, in base64 (also in the middle of a longer
 * text), URL-encoded, in hexadecimal, escaped in JSON, and broken over lines.
 */
export function createKnown(secrets: string[]): (text: string) => Span[] {
  const forms = [...new Set(secrets.filter((secret) => secret.length >= shortest).flatMap(formsOf))]
  if (forms.length === 0) return () => []
  return (text) => {
    const found = spansOf(text, forms)
    if (!text.includes('\n')) return found
    const { flat, at } = without(text, lineBreak)
    const broken = spansOf(flat, forms).map(({ start, end, kind }) => ({
      start: at(start),
      end: at(end - 1) + 1,
      kind,
    }))
    return [...found, ...broken]
  }
}

function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret)
  return [
    secret,
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret),
    encodeURI(secret),
    bytes.toString('hex'),
    ...[0, 1, 2].flatMap((before) => base64Of(bytes, before)),
  ].filter((form) => form.length >= shortest)
}

/** In base64 a text looks different by how many bytes stand before it; its first and last characters mix with its neighbours. */
function base64Of(bytes: Buffer, before: number): string[] {
  const encoded = Buffer.concat([Buffer.alloc(before), bytes])
    .toString('base64')
    .replace(/=+$/, '')
  const clean = encoded.slice(before === 0 ? 0 : before + 1, (before + bytes.length) % 3 === 0 ? undefined : -1)
  return clean.length < 8 ? [] : [clean, clean.replaceAll('+', '-').replaceAll('/', '_')]
}

function spansOf(text: string, forms: string[]): Span[] {
  return forms.flatMap((form) => {
    const spans: Span[] = []
    for (let start = text.indexOf(form); start >= 0; start = text.indexOf(form, start + form.length))
      spans.push({ start, end: start + form.length, kind: 'own secret' })
    return spans
  })
}

/** Line ends, with what indents the next line, and what a diff or a quotation puts before it. */
const lineBreak = /\\?\r?\n[ \t]*(?:[+>|-][ \t]?)?/g
