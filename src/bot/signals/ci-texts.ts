import type { Language } from '../../text/language.ts'
import { escapeMarkdown, inlineCode, isLinkable, linked } from '../../text/markdown.ts'
import type { CiResult } from '../../tools/gitea/ci/result.ts'
import { oneLine } from '../../tools/output.ts'
import { texts } from '../texts.ts'

/** Later than that, it is said when it happened. */
const lateMs = 10 * 60_000

const where = ({ repository, line }: CiResult): string =>
  `**${escapeMarkdown(repository.fullName)}** ${inlineCode(line.name)}`

/** "CI failed in acme/shop main: job test, step unit tests", as the beginning of a thread, or a line of a list. */
export function failedTitle(result: CiResult, language: Language, now: number): string {
  const text = texts[language]
  const { subject, what, title, endedAt, run, url, line } = result
  const named = `${escapeMarkdown(subject)}${run === undefined ? '' : ` #${run}`}`
  const page = isLinkable(url) ? ` ${linked(run === undefined ? text.ciPage : text.ciRun, url)}` : ''
  const pull = line.pull === undefined || line.name.startsWith('pull/') ? '' : ` (#${line.pull})`
  const about = [
    what && escapeMarkdown(oneLine(what).slice(0, 300)),
    title && `“${escapeMarkdown(oneLine(title).slice(0, 200))}”`,
  ]
  const late =
    endedAt !== undefined && now - endedAt > lateMs
      ? ` ${text.seenLate(new Date(endedAt).toISOString().slice(0, 16).replace('T', ' '))}`
      : ''
  return `❌ ${text.ciFailed(where(result) + pull)}: ${[named, ...about.filter(Boolean)].join(', ')}.${late}${page}`
}

/** `red`: what still fails there; nothing at all when nothing had failed. */
export function passedText(result: CiResult, red: string[] | undefined, language: Language): string {
  const text = texts[language]
  const { subject, run, url, commit } = result
  const named = linked(run === undefined ? escapeMarkdown(subject) : `${escapeMarkdown(subject)} #${run}`, url)
  const passed = `✅ ${text.ciPassed(where(result))}: ${named}, ${inlineCode(commit.slice(0, 10))}.`
  if (!red) return passed
  return `${passed} ${red.length > 0 ? text.ciStillRed(red.map(inlineCode).join(', ')) : text.ciAllGreen}`
}

/** The first post of a thread, once there is nothing left to do. */
export const rootOnceGreen = (root: string, language: Language): string =>
  `✅ ${texts[language].ciGreenAgain} ${root.replace(/^❌ /, '')}`
