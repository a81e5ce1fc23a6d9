import { marked } from 'marked'
import sanitize from 'sanitize-html'

const allowedTags =
  'del h1 h2 h3 h4 h5 h6 blockquote p a ul ol sup sub li b i u strong em code hr br div table thead tbody tr th td pre span details summary'.split(
    ' ',
  )

/** Markdown as HTML that can do nothing but format: no scripts, no images, no styles, links to http, https and mailto only. */
export function toHtml(markdown: string): string {
  const html = marked.parse(markdown, { async: false, gfm: true })
  return sanitize(html, {
    allowedTags,
    allowedAttributes: { a: ['href', 'rel', 'target'], code: ['class'], ol: ['start'] },
    allowedClasses: { code: ['language-*'] },
    allowedSchemes: ['http', 'https', 'mailto'],
    transformTags: { a: toSafeLink },
  })
}

/** A link that leads out of the room, in a page of its own that does not know where it was opened. */
const toSafeLink: sanitize.Transformer = (tagName, { href = '' }) => ({
  tagName,
  attribs: /^(https?:\/\/|mailto:)/i.test(href) ? { href, rel: 'noreferrer noopener', target: '_blank' } : {},
})
