import type { Logger } from 'pino'
import type * as z from 'zod'

/** What a call does to the world: `read` runs, `change` asks, `destroy` asks a second person. */
export type Effect = 'read' | ChangeEffect
export type ChangeEffect = 'change' | 'destroy'

/**
 * What a call touches, for policy, audit and the recovery check. `kind` is Kubernetes' own name (`Deployment`). What belongs to the whole
 * cluster, or is not in a cluster, has no namespace.
 */
export interface Target {
  kind: string
  namespace?: string
  name: string
}

/** What an approver sees, and what then runs: exactly this. */
export interface Preview {
  /** The literal request, such as `PATCH /apis/apps/v1/namespaces/shop/deployments/api` and its body. */
  request: { method: string; path: string; contentType: string; body: string }
  /** The body for people, where the literal one is encoded: the diff then shows what is inside. */
  shown?: string
  /** Unified diff of the object before and after, from a server-side dry run. */
  diff: string
  /** What it affects, a line each: replicas, pods, who is behind it. */
  affects: string[]
  /** The state of the target that this was worked out for. When it differs at the start, the call does not run. */
  version: string
  /** Whose health says afterwards whether it helped: the target's when missing, nobody's with `none`. */
  watch?: Target | 'none'
  /** The branch that it makes or moves: how its CI goes is told in the thread. */
  branch?: { repository: number; name: string }
}

export interface ToolContext {
  signal: AbortSignal
  log: Logger
  /** Whose work it is: files that belong to one thread are of no use to another. */
  thread: string
  /** Bytes that the result may have; tools cut at the source and say how to get the rest. */
  maxBytes: number
}

/** An RBAC rule: `resource` may name a subresource (`pods/log`). */
export interface Right {
  group: string
  resource: string
  verbs: string[]
}

interface AnyTool<Input extends z.ZodObject> {
  name: string
  description: string
  input: Input
  /** What the bot's own account has to be allowed; roles are made from it. */
  rights?: Right[]
  /** What the token for Gitea has to be allowed, such as `read:repository`. */
  scopes?: string[]
  /** One line for people, such as `restart deployment shop/api`. */
  summary(input: z.output<Input>): string
}

/** A tool that only looks: it runs at once. */
export interface ReadTool<Input extends z.ZodObject = z.ZodObject> extends AnyTool<Input> {
  effect: 'read'
  /** Returns the text the model reads. Throws when the work could not be done. */
  run(input: z.output<Input>, context: ToolContext): Promise<string>
}

/** A tool that changes something: it shows first what it would do, and later does exactly that. */
export interface ChangeTool<Input extends z.ZodObject = z.ZodObject> extends AnyTool<Input> {
  effect: ChangeEffect | ((input: z.output<Input>) => ChangeEffect)
  /** What its request will really touch: the policy is asked about this very object. Throws as `preflight` does. */
  target(input: z.output<Input>, context: ToolContext): Target | Promise<Target>
  /** Access review, bounds, dry run, diff. Throws `Refusal` with a sentence for the model when it must not or cannot be done. */
  preflight(input: z.output<Input>, context: ToolContext): Promise<Preview>
  /** Does what was approved, and nothing else. Returns the text the model reads; throws when the work could not be done. */
  run(input: z.output<Input>, approved: Preview, context: ToolContext): Promise<string>
}

export type Tool = ReadTool | ChangeTool

/** It must not or cannot be done; the message says why and what would be possible. No person is asked. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
}

/** A change was sent, and no answer says what became of it: it is not to be taken as failed. */
export class OutcomeUnknown extends Error {
  override readonly name = 'OutcomeUnknown'
}

/** Ties `run` and `summary` to the schema, so that a tool states its input once. */
export function defineRead<Input extends z.ZodObject>(tool: Omit<ReadTool<Input>, 'effect'>): ReadTool {
  return { ...(tool as unknown as ReadTool), effect: 'read' }
}

/** As `defineRead`, for a tool that changes something. */
export function defineChange<Input extends z.ZodObject>(tool: ChangeTool<Input>): ChangeTool {
  return tool as unknown as ChangeTool
}

export function effectOf({ effect }: ChangeTool, input: Record<string, unknown>): ChangeEffect {
  return typeof effect === 'function' ? effect(input) : effect
}
