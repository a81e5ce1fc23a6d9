import type { UserId } from '../agent/approval.ts'
import type { Policy } from '../agent/policy.ts'
import { addReply, openCalls, withdrawOpenCalls } from '../agent/session.ts'
import type { Audit } from '../audit.ts'
import type { Inbox } from '../inbox.ts'
import { effectOf, type Tool } from '../tools/tool.ts'
import { type Command, parseCommand, usage } from './commands.ts'
import { begin, type Conversation, nameOf, say, tellOnce } from './conversation.ts'
import { decide } from './decide.ts'
import type { BotJob, MessageEvent } from './jobs.ts'
import type { PromptPlace } from './outbox.ts'
import type { ChatPlatform } from './platform.ts'
import { endProgress } from './progress.ts'
import { type Language, texts } from './texts.ts'

export interface MessageDeps {
  chat: ChatPlatform
  /** What the bot calls itself in help. */
  name: string
  mayTalk(person: UserId): boolean
  /** The configured language, else that of the text. */
  languageOf(text: string): Language
  agent: { tools: Map<string, Tool>; policy: Policy; model: unknown }
  prompts: { entries(): AsyncIterable<[string, PromptPlace]> }
  inbox: Pick<Inbox<BotJob>, 'put'>
  /** What can be said about the workloads that a text names without a model; Markdown. */
  overview(text: string, language: Language): Promise<string>
  /** The state of everything the bot is connected to; Markdown. */
  status(): string
  audit: Audit
  now(): number
}

/** Lets a person's message take effect: a command is carried out, anything else becomes (part of) a request. */
export async function takeMessage(conversation: Conversation, event: MessageEvent, deps: MessageDeps): Promise<void> {
  conversation.names[event.from] = event.name
  if (!deps.mayTalk(event.from)) {
    tellOnce(conversation, `talk:${event.from}`, texts[deps.languageOf(event.text)].notAllowed(event.name))
    return
  }
  conversation.language = deps.languageOf(event.text)
  void deps.chat.acknowledge(conversation.thread, event.id)

  const command = event.text.trim() === '' ? ({ kind: 'help' } as const) : parseCommand(event.text, deps.agent.tools)
  if (command) await carryOut(command, conversation, event, deps)
  else if (deps.agent.model) ask(conversation, event, deps)
  else await answerWithoutModel(conversation, event, deps)
}

/** Whether a message would begin a tool call of its own, and so cannot join what runs. */
export function beginsCommand(event: MessageEvent, tools: Map<string, Tool>): boolean {
  return parseCommand(event.text, tools)?.kind === 'tool'
}

function ask(conversation: Conversation, event: MessageEvent, deps: MessageDeps): void {
  const { session } = conversation
  if (openCalls(session).length > 0) withdrawWaiting(conversation, deps)
  session.messages.push({ role: 'user', content: `${event.name} (${event.from}): ${event.text}` })
  if (!session.request) begin(conversation, event.from, 'question', deps.now())
  else if (!session.request.askers.includes(event.from)) session.request.askers.push(event.from)
  deps.audit({ kind: 'asked', thread: conversation.thread, by: event.from })
}

/** A new message in a waiting thread takes back what waits: nothing may stand between a call and its result. */
function withdrawWaiting(conversation: Conversation, deps: Pick<MessageDeps, 'now'>): void {
  withdrawOpenCalls(conversation.session, texts[conversation.language].withdrawnByMessage)
  endProgress(conversation, { now: deps.now() })
  delete conversation.session.request
}

async function carryOut(
  command: Command,
  conversation: Conversation,
  event: MessageEvent,
  deps: MessageDeps,
): Promise<void> {
  const text = texts[conversation.language]
  switch (command.kind) {
    case 'help':
      say(conversation, text.help(deps.name), { quiet: true })
      return
    case 'status':
      say(
        conversation,
        [`**${text.statusTitle}**`, deps.status(), openApprovals(conversation)].filter(Boolean).join('\n\n'),
        { quiet: true },
      )
      return
    case 'tools':
      say(conversation, `${text.tools}\n\n${toolList(deps.agent.tools)}`, { quiet: true })
      return
    case 'stop':
      stop(conversation, deps)
      return
    case 'unknown':
      say(conversation, text.unknownCommand(command.name.slice(0, 64).replaceAll('`', ''), command.nearest), {
        quiet: true,
      })
      return
    case 'wrong':
      say(conversation, text.wrongArguments(command.name, command.problem), { quiet: true })
      return
    case 'decide':
      await decideByText(command, conversation, event, deps)
      return
    case 'tool':
      callTool(command, conversation, event, deps)
  }
}

function stop(conversation: Conversation, deps: MessageDeps): void {
  const { session } = conversation
  const text = texts[conversation.language]
  if (!session.request) {
    say(conversation, text.nothingToStop, { quiet: true })
    return
  }
  withdrawOpenCalls(session, text.withdrawnByStop)
  endProgress(conversation, { now: deps.now() })
  delete session.request
  say(conversation, text.stopped, { quiet: true })
}

/** `!approve ID`: the same vote as a mark, with the message as its id; the prompt may stand in another thread. */
async function decideByText(
  command: Extract<Command, { kind: 'decide' }>,
  conversation: Conversation,
  event: MessageEvent,
  deps: MessageDeps,
): Promise<void> {
  const vote = { id: event.id, by: event.from, mark: command.mark }
  const reason = command.reason
  const here = conversation.session.approvals.find((approval) => approval.id === command.id)
  if (here) {
    const data = { approval: here.id, vote, withdrawn: false, ...(reason && { reason }) }
    await decide(
      conversation,
      { id: `text:${event.id}`, thread: conversation.thread, kind: 'mark', data },
      { ...deps, policy: deps.agent.policy },
    )
    return
  }
  for await (const [, place] of deps.prompts.entries()) {
    if (place.approval !== command.id) continue
    const data = { approval: place.approval, vote, withdrawn: false, ...(reason && { reason }) }
    await deps.inbox.put({ id: `text:${event.id}`, thread: place.thread, kind: 'mark', data })
    return
  }
  const open = conversation.session.approvals
    .filter((approval) => approval.state.kind === 'open')
    .map((approval) => approval.id)
  say(conversation, texts[conversation.language].noSuchApproval(command.id, open), { quiet: true })
}

/** A direct call goes the way of the model's calls: the same checks, the same approval. */
function callTool(
  command: Extract<Command, { kind: 'tool' }>,
  conversation: Conversation,
  event: MessageEvent,
  deps: MessageDeps,
): void {
  const { session } = conversation
  if (openCalls(session).length > 0) withdrawWaiting(conversation, deps)
  session.messages.push({ role: 'user', content: `${event.name} (${event.from}): ${event.text}` })
  addReply(session, {
    role: 'assistant',
    tool_calls: [
      {
        id: 'command',
        type: 'function',
        function: { name: command.tool.name, arguments: JSON.stringify(command.input) },
      },
    ],
  })
  begin(conversation, event.from, 'command', deps.now())
  deps.audit({ kind: 'asked', thread: conversation.thread, by: event.from })
}

async function answerWithoutModel(conversation: Conversation, event: MessageEvent, deps: MessageDeps): Promise<void> {
  const text = texts[conversation.language]
  const found = await deps
    .overview(event.text, conversation.language)
    .catch((error: unknown) => text.cannotLook(sentenceOf(error)))
  say(conversation, [text.noModel, found, text.help(deps.name)].join('\n\n'), { mention: [event.from] })
}

const sentenceOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

function openApprovals(conversation: Conversation): string {
  return conversation.session.approvals
    .filter((approval) => approval.state.kind === 'open')
    .map((approval) => `- \`${approval.id}\` ${approval.summary} (${nameOf(conversation, approval.asker)})`)
    .join('\n')
}

const toolList = (tools: Map<string, Tool>): string =>
  [...tools.values()].map((tool) => `- ${usage(tool)} ${effectMark(tool)}${tool.description}`).join('\n')

const effectMark = (tool: Tool): string =>
  typeof tool.effect === 'string' && effectOf(tool, {}) === 'read' ? '' : '✋ '
