import { addSaid, openCalls } from '../../agent/session.ts'
import { joined, type Markdown, md } from '../../text/markdown.ts'
import { forModel, fromOutside, type ModelText } from '../../text/outside.ts'
import { sentenceOf } from '../../text/sentence.ts'
import type { CiResult } from '../../tools/gitea/ci/result.ts'
import { begin, type Conversation, createConversation, say } from '../conversation.ts'
import type { MessageId, ThreadId } from '../platform.ts'
import { failedTitle, passedText, rootOnceGreen } from '../signals/ci-texts.ts'
import type { CiSource, SignalDeps } from '../signals/deps.ts'
import type { JobOf } from './index.ts'
import { goesOn, type ThreadKind } from './kind.ts'

/**
 * Says in the thread that CI passed, or what failed and what rules can tell of it; then the model looks further, if there is one.
 */
export const ci = {
  ...goesOn,
  opens: ({ thread, data }, { languageOf }) => createConversation(thread as ThreadId, data.room, languageOf('')),
  take: async (conversation, { data }, { signals }: { signals: Looking }) =>
    data.as === 'passed' ? sayPassed(conversation, data) : await sayFailed(conversation, data, signals),
} satisfies ThreadKind<'ci'>

type Looking = Pick<SignalDeps, 'ci' | 'hasModel' | 'now'>
type Told = JobOf<'ci'>['data']

function sayPassed(conversation: Conversation, { result, red, root }: Told): void {
  const { thread, language, outbox } = conversation
  say(conversation, passedText(result, red, language), { quiet: true })
  if (red?.length === 0 && root)
    outbox.push({ kind: 'edit', message: thread as string as MessageId, markdown: rootOnceGreen(root, language) })
}

async function sayFailed(conversation: Conversation, { result, as }: Told, deps: Looking): Promise<void> {
  const facts = await look(result, deps.ci)
  const title = failedTitle(result, conversation.language, deps.now())
  say(conversation, as === 'opened' ? facts : joined([title, facts]), { quiet: true })
  // While a call waits for a decision the model cannot be told; people see the facts.
  if (!deps.hasModel || openCalls(conversation.session).length > 0) return

  const request = conversation.session.request ?? begin(conversation, 'signal', 'question', deps.now())
  if (!request.askers.includes('signal')) request.askers.push('signal')
  if (result.line.isFork) request.readOnly = true
  addSaid(conversation.session, question(result, facts))
}

/** A look that failed is said. */
const look = async (result: CiResult, source: CiSource | undefined): Promise<Markdown> => {
  try {
    return (await source?.facts(result)) ?? md``
  } catch (error) {
    return md`⚠️ ${fromOutside(sentenceOf(error)).inline()}`
  }
}

function question(result: CiResult, facts: Markdown): ModelText {
  const { repository, line, subject, run, commit, what, title } = result
  const task = line.isFork
    ? forModel`It comes from a fork: read only, change nothing.`
    : forModel`Then propose what helps: a fix as a pull request (gitea_propose_change), running again if it is flaky (gitea_rerun), or nothing.`
  const data = { repository: repository.fullName, line: line.name, workflow: subject, run, commit, what, title }
  const ask = forModel`CI failed. Find the cause: read what you need (job log, files, commits) and name it with evidence. ${task}`
  const found = fromOutside(facts).fenced('found by rules')
  return forModel`${ask}\n\n${fromOutside(JSON.stringify(data, null, 1)).fenced('ci')}\n\n${found}`
}
