import type { UserId } from '../agent/approval.ts'
import type { Policy } from '../agent/policy/index.ts'
import { addReply, addSaid, openCalls, type Request, withdrawOpenCalls } from '../agent/session.ts'
import type { Audit } from '../audit.ts'
import type { Inbox } from '../storage/index.ts'
import type { Language } from '../text/language.ts'
import { inlineCode, joined, type Markdown, md, ownMarkdown } from '../text/markdown.ts'
import { fromOutside } from '../text/outside.ts'
import { sentenceOf } from '../text/sentence.ts'
import type { Tool } from '../tools/tool.ts'
import { type Command, parseCommand, usage } from './commands.ts'
import { begin, type Conversation, endRequest, meet, nameOf, quoted, say, tellOnce } from './conversation.ts'
import { decide } from './decide.ts'
import type { BotJob, MessageEvent } from './jobs/index.ts'
import type { PromptPlace } from './outbox.ts'
import { type Chat, platformOf } from './platform.ts'
import { endProgress } from './progress.ts'
import { texts } from './texts.ts'

export interface MessageDeps {
  chat: Chat
  /** What the bot calls itself in help. */
  name: string
  mayTalk(person: UserId): boolean
  /** The configured language, else that of the text. */
  languageOf(text: string): Language
  agent: { tools: Map<string, Tool>; policy(): Policy; model: unknown }
  prompts: { entries(): AsyncIterable<[string, PromptPlace]> }
  inbox: Pick<Inbox<BotJob>, 'put'>
  /** What can be said about the workloads that a text names without a model. */
  overview(text: string, language: Language): Promise<Markdown>
  /** The findings about a namespace, or about all that may be looked at. */
  analysis(namespace: string | undefined, language: Language): Promise<Markdown>
  /** The settings without which a tool of this name is not there. */
  missingSettings?(tool: string): string[]
  /** The state of everything the bot is connected to. */
  status(): Promise<Markdown>
  audit: Audit
  now(): number
}

/** Begins the id of a vote that was written, not marked: no mark under the prompt belongs to it. */
export const textVote = 'text:'

/** Lets a person's message take effect: a command is carried out, anything else becomes (part of) a request. */
export async function takeMessage(conversation: Conversation, event: MessageEvent, deps: MessageDeps): Promise<void> {
  meet(conversation, event.from, event.name)
  if (!deps.mayTalk(event.from)) {
    const sentence = texts[deps.languageOf(event.text)].notAllowed(nameOf(conversation, event.from))
    tellOnce(conversation, `talk:${event.from}`, sentence)
    return
  }
  // A command says nothing about its author's language.
  if (!/^\s*(?:[!！]|$)/.test(event.text)) conversation.language = deps.languageOf(event.text)
  void deps.chat.acknowledge(conversation.thread, event.id)

  const command = event.text.trim() === '' ? ({ kind: 'help' } as const) : parseCommand(event.text, deps.agent.tools)
  if (command) await carryOut(command, conversation, event, deps)
  else if (deps.agent.model) ask(conversation, event, deps)
  else await answerWithoutModel(conversation, event, deps)
}

function ask(conversation: Conversation, event: MessageEvent, deps: MessageDeps): void {
  const { session } = conversation
  const before = openCalls(session).length > 0 ? withdrawWaiting(conversation, deps) : []
  const request = session.request ?? begin(conversation, event.from, 'question', deps.now())
  // Who was not answered yet is answered along, and stays one of those in whose name things are done.
  request.askers = [...new Set([...before, ...request.askers, event.from])]
  addSaid(session, quoted(conversation, event.from, event.text))
  deps.audit({ kind: 'asked', thread: conversation.thread, by: event.from })
}

/**
 * A new message in a waiting thread takes back what waits: nothing may stand between a call and its result. Returns those whose
 * question is still unanswered.
 */
function withdrawWaiting(conversation: Conversation, deps: Pick<MessageDeps, 'now'>): Request['askers'] {
  const { request } = conversation.session
  withdrawOpenCalls(conversation.session, { kind: 'message' })
  endProgress(conversation, { now: deps.now() })
  endRequest(conversation)
  return request?.kind === 'question' ? request.askers : []
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
      say(conversation, text.help(fromOutside(deps.name).inline()), { quiet: true })
      return
    case 'status':
      say(conversation, joined([md`**${text.statusTitle}**`, await deps.status(), openApprovals(conversation)]), {
        quiet: true,
      })
      return
    case 'tools':
      say(conversation, md`${text.tools}\n\n${toolList(deps.agent.tools)}`, { quiet: true })
      return
    case 'analyze':
      say(conversation, await analysis(command.namespace, conversation, deps), { mention: [event.from] })
      return
    case 'stop':
      stop(conversation, deps)
      return
    case 'unknown': {
      const name = fromOutside(`!${command.name}`).code(64)
      const missing = (deps.missingSettings?.(command.name) ?? []).map(ownMarkdown)
      const sentence =
        missing.length > 0 ? text.settingsMissing(name, missing) : text.unknownCommand(name, command.nearest)
      say(conversation, sentence, { quiet: true })
      return
    }
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
  withdrawOpenCalls(session, { kind: 'stop' })
  endProgress(conversation, { now: deps.now() })
  delete session.request.parked
  endRequest(conversation)
  say(conversation, text.stopped, { quiet: true })
}

/** `!approve ID`: the same vote as a mark, with the message as its id; the prompt may stand in another thread. */
async function decideByText(
  command: Extract<Command, { kind: 'decide' }>,
  conversation: Conversation,
  event: MessageEvent,
  deps: MessageDeps,
): Promise<void> {
  const { id, mark, reason } = command
  const vote = { id: `${textVote}${event.id}`, by: event.from, mark }
  const data = { vote, withdrawn: false, ...(reason && { reason }) }
  const here = conversation.session.approvals.find((approval) => approval.id === id)
  if (here) {
    const job = {
      id: vote.id,
      thread: conversation.thread,
      kind: 'mark' as const,
      data: { ...data, approval: here.id },
    }
    await decide(conversation, job, { ...deps, policy: deps.agent.policy })
    return
  }
  const text = texts[conversation.language]
  const place = await placeOf(id, event, deps)
  if (place) {
    await deps.inbox.put({
      id: vote.id,
      thread: place.thread,
      kind: 'mark',
      data: { ...data, approval: place.approval },
    })
    say(conversation, text.passedOn(id), { quiet: true })
    return
  }
  const open = conversation.session.approvals.filter(({ state }) => state.kind === 'open')
  const ids = open.map((approval) => approval.id)
  say(conversation, text.noSuchApproval(id, ids), { quiet: true })
}

/** Where the prompt stands that a person means, if the person is there: to others it does not exist. The newest counts. */
async function placeOf(
  id: string,
  event: MessageEvent,
  { prompts, chat }: Pick<MessageDeps, 'prompts' | 'chat'>,
): Promise<PromptPlace | undefined> {
  let found: PromptPlace | undefined
  for await (const [, place] of prompts.entries()) {
    if (place.approval !== id || platformOf(place.room) !== chat.name) continue
    if (!found || place.expiresAt > found.expiresAt) found = place
  }
  return found && (await chat.isMember(found.room, event.from)) ? found : undefined
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
  endProgress(conversation, { now: deps.now() })
  begin(conversation, event.from, 'command', deps.now())
  addSaid(session, quoted(conversation, event.from, event.text))
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
  deps.audit({ kind: 'asked', thread: conversation.thread, by: event.from })
}

async function answerWithoutModel(conversation: Conversation, event: MessageEvent, deps: MessageDeps): Promise<void> {
  const text = texts[conversation.language]
  const found = await deps
    .overview(event.text, conversation.language)
    .catch((error: unknown) => text.cannotLook(fromOutside(sentenceOf(error)).inline()))
  say(conversation, joined([text.noModel, found, text.commands]), { mention: [event.from] })
}

const analysis = (namespace: string | undefined, { language }: Conversation, deps: MessageDeps): Promise<Markdown> =>
  deps
    .analysis(namespace, language)
    .catch((error: unknown) => texts[language].cannotLook(fromOutside(sentenceOf(error)).inline()))

function openApprovals(conversation: Conversation): Markdown {
  const open = conversation.session.approvals.filter((approval) => approval.state.kind === 'open')
  const lines = open.map(({ id, summary, askers }) => {
    const names = askers.map((asker) => nameOf(conversation, asker))
    return md`- ${inlineCode(id)} ${fromOutside(summary).inline()} (${joined(names, ', ')})`
  })
  return joined(lines, '\n')
}

function toolList(tools: Map<string, Tool>): Markdown {
  const lines = [...tools.values()].map(
    (tool) => md`- ${usage(tool)} ${effectMark(tool)}${ownMarkdown(tool.description)}`,
  )
  return joined(lines, '\n')
}

const effectMark = (tool: Tool): Markdown => (tool.effect === 'read' ? md`` : md`✋ `)
