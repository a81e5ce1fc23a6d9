import { addSaid, openCalls } from '../../agent/session.ts'
import type { PushSignal } from '../../signal.ts'
import { joined, md } from '../../text/markdown.ts'
import { forModel, fromOutside, type ModelText } from '../../text/outside.ts'
import { sentenceOf } from '../../text/sentence.ts'
import { begin, type Conversation, createConversation, say, tellOnce } from '../conversation.ts'
import type { ThreadId } from '../platform.ts'
import type { PushFacts, SignalDeps } from '../signals/deps.ts'
import { goesOn, type ThreadKind } from './kind.ts'

/** Says what was pushed and what can be found out by rules; then the model looks further, if there is one. */
export const push = {
  ...goesOn,
  opens: ({ thread, data }, { languageOf }) => createConversation(thread as ThreadId, data.room, languageOf('')),
  async take(conversation, { data: { signal, as } }, { signals: deps }: { signals: Looking }) {
    const facts = await look(signal, deps)
    say(conversation, as === 'opened' ? facts.markdown : joined([deps.title(signal), facts.markdown]), { quiet: true })
    if (facts.settled) conversation.told.push(settledKey(signal))
    else await checkLater(conversation, signal, 0, deps)
    // While a call waits for a decision the model cannot be told; people see the facts.
    if (!deps.hasModel || openCalls(conversation.session).length > 0) return

    const request = conversation.session.request ?? begin(conversation, 'signal', 'question', deps.now())
    if (!request.askers.includes('signal')) request.askers.push('signal')
    addSaid(conversation.session, question(signal, facts))
  },
} satisfies ThreadKind<'push'>

/** Looks again at what had not come to an end: the CI of the push and the workloads it concerns. */
export const pushCheck = {
  ...goesOn,
  async take(conversation, { data: { signal, attempt } }, { signals: deps }: { signals: Looking }) {
    const key = settledKey(signal)
    if (conversation.told.includes(key)) return
    const facts = await look(signal, deps)
    const last = attempt + 1 >= deps.checkAgainMs.length
    if (facts.settled || last) tellOnce(conversation, key, facts.markdown)
    else await checkLater(conversation, signal, attempt + 1, deps)
  },
} satisfies ThreadKind<'push-check'>

type Looking = Pick<SignalDeps, 'title' | 'facts' | 'checkAgainMs' | 'hasModel' | 'inbox' | 'now'>

/** A look that failed is said, and tried again later. */
const look = (signal: PushSignal, deps: Looking): Promise<PushFacts> =>
  deps.facts(signal).catch((error: unknown) => ({
    markdown: md`⚠️ ${fromOutside(sentenceOf(error)).inline()}`,
    settled: false,
  }))

const settledKey = ({ id }: PushSignal): string => `settled:${id}`

async function checkLater(
  conversation: Conversation,
  signal: PushSignal,
  attempt: number,
  deps: Looking,
): Promise<void> {
  const wait = deps.checkAgainMs[attempt]
  if (wait === undefined) return
  await deps.inbox.put({
    id: `push-check:${signal.id}:${attempt}`,
    thread: conversation.thread,
    kind: 'push-check',
    data: { signal, attempt },
    due: deps.now() + wait,
  })
}

function question({ repository, branch, commits }: PushSignal, { markdown }: PushFacts): ModelText {
  const ask = forModel`Commits were pushed. Say in a few lines whether this change is well: its CI, and the workloads it concerns. Look before you judge.`
  const data = { repository: repository.fullName, branch, commits: commits.slice(-10) }
  const found = fromOutside(markdown).fenced('found by rules')
  return forModel`${ask}\n\n${fromOutside(JSON.stringify(data, null, 1)).fenced('push')}\n\n${found}`
}
