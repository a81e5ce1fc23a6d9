import type { BranchSignal, CommentSignal, PullSignal, ReleaseSignal, Signal } from '../../signal.ts'
import type { Language } from '../../text/language.ts'
import { escapeMarkdown, inlineCode, linked } from '../../text/markdown.ts'
import { redact } from '../../text/secrets/index.ts'
import { oneLine } from '../../tools/output.ts'
import type { JobOf } from '../jobs/index.ts'
import type { ThreadId } from '../platform.ts'
import { texts } from '../texts.ts'
import { routeCi, type Setting } from './ci.ts'
import { list } from './collection.ts'
import type { SignalDeps } from './deps.ts'
import { isCurrent, isTooMuch, lineKey } from './line.ts'
import { pushKey, routePush } from './push.ts'

/** Lets a signal take effect: opens a thread, goes on in one, or says something there. Runs in the lane of its repository. */
export async function routeSignal(
  job: JobOf<'signal' | 'look-again'>,
  deps: SignalDeps,
  setting: Setting,
): Promise<void> {
  if (job.kind === 'look-again') {
    const { signal, attempt } = job.data
    return signal.kind === 'push' ? routePush(signal, attempt, deps, setting) : routeCi(signal, attempt, deps, setting)
  }
  // Of what is gone there is nothing to ask.
  const signal = job.data.kind === 'repository' ? job.data : await deps.confirm(job.data)
  if (!signal) return
  await deps.onSeen(signal)
  switch (signal.kind) {
    case 'push':
      return routePush(signal, 0, deps, setting)
    case 'run':
    case 'status':
      return routeCi(signal, 0, deps, setting)
    case 'branch':
      return endLine(signal, deps, setting.language)
    case 'pull':
    case 'comment':
      return tellPull(signal, deps, setting.language)
    case 'release':
      return tellRelease(signal, deps, setting.language)
    case 'repository':
    case 'test':
      return
  }
}

/** A branch that is gone has no CI that could turn green. */
async function endLine(signal: BranchSignal, deps: SignalDeps, language: Language): Promise<void> {
  if (signal.action !== 'deleted') return
  const key = lineKey(signal.repository.id, signal.branch)
  const line = await deps.lines.get(key)
  if (!line) return
  if (line.state === 'red')
    await remark(signal, line.thread, texts[language].branchDeleted(inlineCode(signal.branch), nameOf(signal.by)), deps)
  await deps.lines.delete(key)
}

/** What people do with a pull request is told in the thread of its branch, while that has one that goes on. */
async function tellPull(signal: PullSignal | CommentSignal, deps: SignalDeps, language: Language): Promise<void> {
  if (signal.login === deps.ownLogin() || (signal.kind === 'pull' && signal.action === 'opened')) return
  const key = lineKey(signal.repository.id, signal.branch ?? `pull/${signal.number}`)
  const line = await deps.lines.get(key)
  if (!line || !isCurrent(line, deps.now())) return
  const markdown = said(signal, language)
  const { thread, room } = line
  if (isTooMuch(line, deps.now())) await list(deps, { id: `remark:${signal.id}`, thread, room, line: markdown })
  else await remark(signal, thread, markdown, deps)
  // Of a fork's pull request that is over nothing turns green any more.
  const isOver = signal.kind === 'pull' && signal.action !== 'reopened' && signal.branch === undefined
  await (isOver ? deps.lines.delete(key) : deps.lines.set(key, line))
}

function said(signal: PullSignal | CommentSignal, language: Language): string {
  const text = texts[language]
  const number = linked(`#${signal.number}`, signal.url)
  const by = nameOf(signal.by)
  if (signal.kind === 'comment')
    return `${text.commented(by, number)}\n\n> ${escapeMarkdown(redact(oneLine(signal.text)).slice(0, 500))}`
  const sentences = { merged: text.pullMerged, closed: text.pullClosed, reopened: text.pullReopened }
  return signal.action === 'opened' ? '' : sentences[signal.action](number, by)
}

/** A release is told in the thread of the last push to its branch, when there is a recent one. */
async function tellRelease(signal: ReleaseSignal, deps: SignalDeps, language: Language): Promise<void> {
  const branch = signal.branch || signal.repository.defaultBranch
  const place = deps.placeFor(signal.repository)
  if (!place || place === 'later') return
  const last = await deps.threads.get(pushKey(signal.repository, branch, place.room))
  if (!last || deps.now() - last.at >= deps.continueMs) return
  const tag = linked(escapeMarkdown(signal.tag), signal.url)
  await remark(signal, last.thread, texts[language].released(tag, nameOf(signal.by)), deps)
}

const nameOf = (login: string): string => escapeMarkdown(login.slice(0, 100))

async function remark(signal: Signal, thread: ThreadId, markdown: string, deps: SignalDeps): Promise<void> {
  await deps.inbox.put({ id: `remark:${signal.id}`, thread, kind: 'remark', data: { markdown } })
}
