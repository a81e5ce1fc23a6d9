import type { Language } from '../../text/language.ts'
import { inlineCode, isLinkable, joined, type Markdown, md, ownMarkdown } from '../../text/markdown.ts'
import { fromOutside } from '../../text/outside.ts'
import type { CiResult } from '../../tools/gitea/ci/result.ts'
import { texts } from '../texts.ts'

/** Later than that, it is said when it happened. */
const lateMs = 10 * 60_000

const where = ({ repository, line }: CiResult): Markdown =>
  md`**${fromOutside(repository.fullName).inline()}** ${fromOutside(line.name).code()}`

/** "CI failed in acme/shop main: job test, step unit tests", as the beginning of a thread, or a line of a list. */
export function failedTitle(result: CiResult, language: Language, now: number): Markdown {
  const text = texts[language]
  const { what, title, endedAt, run, url, line } = result
  const about = joined(
    [named(result), what && fromOutside(what).inline(300), title && md`“${fromOutside(title).inline(200)}”`],
    ', ',
  )
  const pull = line.pull === undefined || line.name.startsWith('pull/') ? md`` : md` (#${line.pull})`
  const late = endedAt !== undefined && now - endedAt > lateMs && text.seenLate(minuteOf(endedAt))
  const page = isLinkable(url) && fromOutside(url).link(run === undefined ? text.ciPage : text.ciRun)
  return joined([md`❌ ${text.ciFailed(md`${where(result)}${pull}`)}: ${about}.`, late, page], ' ')
}

/** `red`: what still fails there; nothing at all when nothing had failed. */
export function passedText(result: CiResult, red: string[] | undefined, language: Language): Markdown {
  const text = texts[language]
  const { url, commit } = result
  const link = fromOutside(url).link(named(result))
  const passed = md`✅ ${text.ciPassed(where(result))}: ${link}, ${inlineCode(commit.slice(0, 10))}.`
  if (!red) return passed
  const subjects = red.map((subject) => fromOutside(subject).code())
  return md`${passed} ${red.length > 0 ? text.ciStillRed(joined(subjects, ', ')) : text.ciAllGreen}`
}

/** The first post of a thread, once there is nothing left to do. */
export const rootOnceGreen = (root: Markdown, language: Language): Markdown =>
  md`✅ ${texts[language].ciGreenAgain} ${ownMarkdown(root.replace(/^❌ /, ''))}`

function named({ subject, run }: Pick<CiResult, 'subject' | 'run'>): Markdown {
  const name = fromOutside(subject).inline()
  return run === undefined ? name : md`${name} #${run}`
}

/** Such as `2026-01-05 16:50`, in UTC. */
const minuteOf = (milliseconds: number): Markdown =>
  ownMarkdown(new Date(milliseconds).toISOString().slice(0, 16).replace('T', ' '))
