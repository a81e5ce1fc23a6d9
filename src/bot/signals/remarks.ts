import type { BranchSignal, CommentSignal, PullSignal, ReleaseSignal } from '../../signal.ts'
import type { Language } from '../../text/language.ts'
import { escapeMarkdown, inlineCode, linked } from '../../text/markdown.ts'
import { redact } from '../../text/secrets/index.ts'
import { oneLine } from '../../tools/output.ts'
import { texts } from '../texts.ts'

/** What somebody did at the forge, in a sentence; with what they wrote, if they wrote something. */
export function remarkOn(
  signal: PullSignal | CommentSignal | BranchSignal | ReleaseSignal,
  language: Language,
): string {
  const text = texts[language]
  const by = escapeMarkdown(signal.by.slice(0, 100))
  switch (signal.kind) {
    case 'comment':
      return `${text.commented(by, numbered(signal))}\n\n> ${escapeMarkdown(redact(oneLine(signal.text)).slice(0, 500))}`
    case 'pull':
      return ofPull(signal, by, language)
    case 'branch':
      return text.branchDeleted(inlineCode(signal.branch), by)
    case 'release':
      return text.released(linked(escapeMarkdown(signal.tag), signal.url), by)
  }
}

function ofPull(signal: PullSignal, by: string, language: Language): string {
  const text = texts[language]
  const sentences = { opened: () => '', merged: text.pullMerged, closed: text.pullClosed, reopened: text.pullReopened }
  return sentences[signal.action](numbered(signal), by)
}

const numbered = ({ number, url }: PullSignal | CommentSignal): string => linked(`#${number}`, url)
