import type { BranchSignal, CommentSignal, PullSignal, ReleaseSignal } from '../../signal.ts'
import type { Language } from '../../text/language.ts'
import { type Markdown, md } from '../../text/markdown.ts'
import { fromOutside } from '../../text/outside.ts'
import { texts } from '../texts.ts'

/** What somebody did at the forge, in a sentence; with what they wrote, if they wrote something. */
export function remarkOn(
  signal: PullSignal | CommentSignal | BranchSignal | ReleaseSignal,
  language: Language,
): Markdown {
  const text = texts[language]
  const by = fromOutside(signal.by).inline(100)
  switch (signal.kind) {
    case 'comment':
      return md`${text.commented(by, numbered(signal))}\n\n> ${fromOutside(signal.text).inline(500)}`
    case 'pull':
      return ofPull(signal, by, language)
    case 'branch':
      return text.branchDeleted(fromOutside(signal.branch).code(), by)
    case 'release':
      return text.released(fromOutside(signal.url).link(fromOutside(signal.tag).inline()), by)
  }
}

function ofPull(signal: PullSignal, by: Markdown, language: Language): Markdown {
  const text = texts[language]
  const sentences = {
    opened: () => md``,
    merged: text.pullMerged,
    closed: text.pullClosed,
    reopened: text.pullReopened,
  }
  return sentences[signal.action](numbered(signal), by)
}

const numbered = ({ number, url }: PullSignal | CommentSignal): Markdown => fromOutside(url).link(md`#${number}`)
