import { openCalls } from '../../agent/session.ts'
import { fence } from '../../text/fence.ts'
import { escapeMarkdown } from '../../text/markdown.ts'
import { redact } from '../../text/secrets/index.ts'
import { sentenceOf } from '../../text/sentence.ts'
import type { CiResult } from '../../tools/gitea/ci/result.ts'
import { begin, type Conversation, say } from '../conversation.ts'
import type { JobOf } from '../jobs/index.ts'
import type { MessageId } from '../platform.ts'
import { failedTitle, passedText, rootOnceGreen } from './ci-texts.ts'
import type { CiSource, SignalDeps } from './deps.ts'

/** Says in the thread what failed and what rules can tell; then the model looks further, if there is one. */
export async function takeCi(conversation: Conversation, job: JobOf<'ci'>, deps: SignalDeps): Promise<void> {
  const { result, as, red, root } = job.data
  const { language } = conversation
  if (as === 'passed') {
    say(conversation, passedText(result, red, language), { quiet: true })
    if (red?.length === 0 && root)
      conversation.outbox.push({
        kind: 'edit',
        message: conversation.thread as string as MessageId,
        markdown: rootOnceGreen(root, language),
      })
    return
  }
  const facts = await look(result, deps.ci)
  say(conversation, as === 'opened' ? facts : `${failedTitle(result, language, deps.now())}\n\n${facts}`, {
    quiet: true,
  })
  // While a call waits for a decision the model cannot be told; people see the facts.
  if (!deps.hasModel || openCalls(conversation.session).length > 0) return

  const request = conversation.session.request ?? begin(conversation, 'signal', 'question', deps.now())
  if (!request.askers.includes('signal')) request.askers.push('signal')
  if (result.line.isFork) request.readOnly = true
  conversation.session.messages.push({ role: 'user', content: question(result, facts) })
}

/** What cannot be looked at is said. */
const look = async (result: CiResult, ci: CiSource | undefined): Promise<string> => {
  try {
    return (await ci?.facts(result)) ?? ''
  } catch (error) {
    return `⚠️ ${escapeMarkdown(sentenceOf(error))}`
  }
}

function question(result: CiResult, facts: string): string {
  const { repository, line, subject, run, commit, what, title } = result
  const task = line.isFork
    ? 'It comes from a fork: read only, change nothing.'
    : 'Then propose what helps: a fix as a pull request (gitea_propose_change), running again if it is flaky (gitea_rerun), or nothing.'
  const data = { repository: repository.fullName, line: line.name, workflow: subject, run, commit, what, title }
  return [
    `CI failed. Find the cause: read what you need (job log, files, commits) and name it with evidence. ${task}`,
    fence(redact(JSON.stringify(data, null, 1)), 'ci'),
    fence(redact(facts), 'found by rules'),
  ].join('\n\n')
}
