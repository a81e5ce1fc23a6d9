import { type Endings, scenarios } from './platform.ts'

/** The contract as a table for docs/platforms.md: what holds where, and why something is not there. */
export function table(platforms: Record<string, Endings>): string {
  const reasons: string[] = []
  const names = Object.keys(platforms)

  function cell(platform: string, title: string): string {
    const ending = platforms[platform]?.get(title)
    if (ending?.kind === 'held') return '✓'
    if (ending?.kind !== 'lacks') return '**no**'
    const reason = `${platform}: ${ending.reason}`
    if (!reasons.includes(reason)) reasons.push(reason)
    return `–<sup>${reasons.indexOf(reason) + 1}</sup>`
  }

  const rows = scenarios.flatMap(({ about, of }) => [
    `| **${about}** |${' |'.repeat(names.length)}`,
    ...of.map(({ title }) => `| ${title} | ${names.map((name) => cell(name, title)).join(' | ')} |`),
  ])
  return [
    `| | ${names.join(' | ')} |`,
    `|---|${names.map(() => ':-:|').join('')}`,
    ...rows,
    '',
    ...reasons.map((reason, index) => `${index + 1}. ${reason}`),
  ].join('\n')
}

const begin = '<!-- contract: written by UPDATE_PLATFORMS=1 node --test test/real/contract.test.ts -->'
const end = '<!-- /contract -->'

/** The page with this table in the place of the one that stands there. */
export function withTable(page: string, text: string): string {
  const from = page.indexOf(begin) + begin.length
  return `${page.slice(0, from)}\n\n${text}\n\n${page.slice(page.indexOf(end))}`
}

/** The scenarios that the page's table tells of. */
export function titlesIn(page: string): string[] {
  const text = page.slice(page.indexOf(begin), page.indexOf(end))
  return [...text.matchAll(/^\| (?!\*\*)([^|]*[^|\s]) \|/gm)].map(([, title]) => title as string)
}
