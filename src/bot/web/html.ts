import { marked } from 'marked'
import sanitize from 'sanitize-html'

const allowedTags =
  'del h1 h2 h3 h4 h5 h6 blockquote p a ul ol sup sub li b i u strong em code hr br div table thead tbody tr th td pre span details summary'.split(
    ' ',
  )

/** Markdown as HTML that can do nothing but format: no scripts, no images, no styles, links to http and mailto only. */
export function toHtml(markdown: string): string {
  const html = marked.parse(markdown, { async: false, gfm: true })
  return sanitize(html, {
    allowedTags,
    allowedAttributes: { a: ['href'], code: ['class'], ol: ['start'] },
    allowedClasses: { code: ['language-*'] },
    allowedSchemes: ['http', 'https', 'mailto'],
    transformTags: { a: sanitize.simpleTransform('a', { rel: 'noreferrer noopener', target: '_blank' }) },
  })
}
