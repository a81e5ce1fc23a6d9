import pino from 'pino'
import * as z from 'zod'
import type { Approval, UserId } from '../../src/agent/approval.ts'
import type { AgentEvent } from '../../src/agent/events.ts'
import { type AgentDeps, advance, type Outcome } from '../../src/agent/index.ts'
import type { Policy } from '../../src/agent/policy/index.ts'
import { createRequest, createSession, type Session } from '../../src/agent/session.ts'
import { defineRead, type Tool } from '../../src/tools/tool.ts'
import { type ScriptedModel, scriptedModel } from '../helpers/model.ts'

export const alice = '@alice:corp' as UserId
export const bob = '@bob:corp' as UserId

/** A tool that only looks. */
export const look = (
  answer: (name: string, maxBytes: number) => Promise<string> | string = (name) => `${name} is well`,
) =>
  defineRead({
    name: 'look',
    description: 'Look at something.',
    input: z.object({ name: z.string() }),
    summary: ({ name }) => `look at ${name}`,
    run: async ({ name }, { maxBytes }) => answer(name, maxBytes),
  })

export interface Agent {
  session: Session
  deps: AgentDeps
  model: ScriptedModel
  policy: Policy
  clock: { now: number }
  events: AgentEvent[]
  /** The names of all saves, in order. */
  saves: string[]
  /** What a crash leaves: the session as it was saved last. */
  saved(): Session
  advance(): Promise<Outcome>
  open(): Approval[]
  results(): string[]
}

/** A session with a question in it, and everything that moving it on needs. */
export function agent(options: {
  tools?: Tool[]
  model?: ScriptedModel
  session?: Session
  deps?: Partial<AgentDeps>
}): Agent {
  const session = options.session ?? asked('what is wrong?')
  const clock = { now: 1_000_000 }
  const events: AgentEvent[] = []
  const saves: string[] = []
  let saved = JSON.stringify(session)
  const model = options.model ?? scriptedModel()
  const policy: Policy = {
    mode: 'approve',
    protectedNamespaces: ['kube-system'],
    auto: [],
    approvers: [bob],
    destroyQuorum: 1,
    destroyNeedsOther: true,
  }
  const deps: AgentDeps = {
    thread: 'fake|ops|t',
    model,
    tools: new Map((options.tools ?? []).map((tool) => [tool.name, tool])),
    policy: () => policy,
    limits: { toolCalls: 30, nudges: 5, minutes: 15, tokens: 1_000_000 },
    system: 'You are a test.',
    language: 'en',
    approvalMs: 60_000,
    save: async (point) => {
      saves.push(point)
      saved = JSON.stringify(session)
    },
    takeIn: async () => {},
    emit: (event) => events.push(structuredClone(event)),
    now: () => clock.now,
    signal: new AbortController().signal,
    log: pino({ enabled: false }),
    ...options.deps,
  }
  return {
    session,
    deps,
    model,
    policy,
    clock,
    events,
    saves,
    saved: () => JSON.parse(saved) as Session,
    advance: () => advance(session, deps),
    open: () => session.approvals.filter(({ state }) => state.kind === 'open'),
    results: () => session.messages.flatMap((message) => (message.role === 'tool' ? [String(message.content)] : [])),
  }
}

export function asked(question: string, asker: UserId | 'signal' = alice): Session {
  const session = createSession()
  session.request = createRequest(session, asker, 'question', 1_000_000)
  session.messages.push({ role: 'user', content: question })
  return session
}
