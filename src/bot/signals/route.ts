import type { BranchSignal, CommentSignal, PullSignal, ReleaseSignal, Signal } from '../../signal.ts'
import { escapeMarkdown, inlineCode } from '../../tools/markdown.ts'
import { oneLine } from '../../tools/output.ts'
import type { JobOf } from '../jobs.ts'
import type { ThreadId } from '../platform.ts'
import { type Language, texts } from '../texts.ts'
import { lineKey, routeCi } from './ci.ts'
import type { Flood } from './collection.ts'
import type { SignalDeps } from './deps.ts'
import { routePush } from './push.ts'

/** Lets a signal take effect: opens a thread, goes on in one, or says something there. Runs in the lane of its repository. */
export async function routeSignal(
  job: JobOf<'signal' | 'look-again'>,
  deps: SignalDeps,
  setting: { flood: Flood; language: Language },
): Promise<void> {
  if (job.kind === 'look-again') return routeCi(job.data.signal, job.data.attempt, deps, setting)
  // Of what is gone there is nothing to ask.
  const signal = job.data.kind === 'repository' ? job.data : await deps.confirm(job.data)
  if (!signal) return
  await deps.onSeen(signal)
  switch (signal.kind) {
    case 'push':
      return routePush(signal, deps, setting)
    case 'run':
    case 'status':
      return routeCi(signal, 0, deps, setting)
    case 'branch':
      return endLine(signal, deps, setting.language)
    case 'pull':
    case 'comment':
      return tellProposed(signal, deps, setting.language)
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

/** What people do with a proposal is told where it was made. */
async function tellProposed(signal: PullSignal | CommentSignal, deps: SignalDeps, language: Language): Promise<void> {
  if (signal.branch === undefined || signal.by === deps.ownLogin()) return
  const line = await deps.lines.get(lineKey(signal.repository.id, signal.branch))
  if (!line) return
  const number = /^https?:\/\/[^\s()<>]+$/.test(signal.url) ? `[#${signal.number}](${signal.url})` : `#${signal.number}`
  const text = texts[language]
  if (signal.kind === 'comment') {
    const said = escapeMarkdown(oneLine(signal.text).slice(0, 500))
    return remark(signal, line.thread, `${text.commented(nameOf(signal.by), number)}\n\n> ${said}`, deps)
  }
  const { action } = signal
  if (action === 'opened') return
  const said = { merged: text.pullMerged, closed: text.pullClosed, reopened: text.pullReopened }[action]
  await remark(signal, line.thread, said(number, nameOf(signal.by)), deps)
}

/** A release is told in the thread of the last push to its branch, when there is a recent one. */
async function tellRelease(signal: ReleaseSignal, deps: SignalDeps, language: Language): Promise<void> {
  const branch = signal.branch || signal.repository.defaultBranch
  const last = await deps.threads.get(`push:${signal.repository.id}:${branch}`)
  if (!last || deps.now() - last.at >= deps.continueMs) return
  const tag = /^https?:\/\/[^\s()<>]+$/.test(signal.url)
    ? `[${escapeMarkdown(signal.tag)}](${signal.url})`
    : escapeMarkdown(signal.tag)
  await remark(signal, last.thread, texts[language].released(tag, nameOf(signal.by)), deps)
}

const nameOf = (login: string): string => escapeMarkdown(login.slice(0, 100))

async function remark(signal: Signal, thread: ThreadId, markdown: string, deps: SignalDeps): Promise<void> {
  await deps.inbox.put({ id: `remark:${signal.id}`, thread, kind: 'remark', data: { markdown } })
}
