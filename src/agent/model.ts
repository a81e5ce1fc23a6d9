import OpenAI from 'openai'
import type { ChatCompletionChunk, ChatCompletionFunctionTool } from 'openai/resources/chat/completions'
import type { Logger } from 'pino'
import { type Dispatcher, fetch as undiciFetch } from 'undici'
import * as z from 'zod'
import { pause } from '../http/pause.ts'
import type { Metrics } from '../metrics.ts'
import type { Tool } from '../tools/tool.ts'
import { ModelError, toModelError } from './model-error.ts'
import { createReply, type Reply } from './reply.ts'
import type { Message } from './session.ts'

export { ModelError } from './model-error.ts'
export type ToolSchema = ChatCompletionFunctionTool

/** A model server, as far as the agent needs it. */
export interface Model {
  readonly name: string
  /** Streams one completion. Waits out 429 and 503 for a while. Rejects with `ModelError`, or with the signal's reason. */
  complete(request: { messages: Message[]; tools: ToolSchema[]; signal: AbortSignal }): Promise<Reply>
  /** The window in tokens, and how we know: configured, told by the server, learned from its refusal, or assumed. */
  window(): Promise<{ tokens: number; source: 'configured' | 'server' | 'learned' | 'assumed' }>
  health(): { state: 'ready' | 'unknown' | 'unreachable'; since: number; detail?: string }
}

export interface ModelOptions {
  url: string
  model: string
  apiKey: string
  context?: number
  firstTokenMs: number
  tokenMs: number
  dispatcher: Dispatcher
  /** Longest wait that a 429 may ask for before we give up, in milliseconds. */
  patienceMs?: number
  log: Logger
  metrics?: Metrics
  now?: () => number
}

const assumedWindow = 32_768
const busyTries = 3
/** The list of models is a hint; nobody waits long for it. */
const listMs = 5_000

/** A client for any OpenAI-compatible server (vLLM, LiteLLM, Ollama). Each limit is on silence, not on the whole answer. */
export function createModel(options: ModelOptions): Model {
  const { model, log, metrics, now = Date.now, patienceMs = 120_000 } = options
  const client = new OpenAI({
    baseURL: options.url,
    apiKey: options.apiKey,
    maxRetries: 0,
    // What goes wrong is thrown as well; the package would also print it, with parts of the answer.
    logLevel: 'off',
    // Silence is watched below; the package's own limit would end slow but living answers.
    timeout: 24 * 60 * 60_000,
    fetch: ((url: string, init: object) =>
      undiciFetch(url, { ...init, dispatcher: options.dispatcher })) as unknown as typeof fetch,
  })
  let health: ReturnType<Model['health']> = { state: 'unknown', since: now() }
  let learned: number | undefined
  let told: Promise<number | undefined> | undefined
  /** Fields that this server does not know; left out from then on. */
  const rejectedFields = new Set<string>()

  async function complete(request: Parameters<Model['complete']>[0]): Promise<Reply> {
    for (let attempt = 1; ; attempt++) {
      const started = now()
      try {
        const reply = await stream(request)
        count('ok', started, reply)
        note('ready')
        return reply
      } catch (error) {
        request.signal.throwIfAborted()
        const problem = await explain(error)
        count(problem.kind, started)
        note(problem.kind === 'unreachable' ? 'unreachable' : 'ready', problem.message)
        if (problem.kind === 'context-exceeded') learned = await smaller(problem.limitTokens)
        if (problem.kind === 'unknown-field' && problem.field && !rejectedFields.has(problem.field)) {
          rejectedFields.add(problem.field)
          continue
        }
        const wait = problem.retryAfterMs ?? 1_000 * 2 ** attempt
        if (problem.kind !== 'rate-limited' || attempt >= busyTries || wait > patienceMs) throw problem
        log.info({ component: 'model', waitMs: wait }, 'model server is busy')
        await pause(wait, request.signal)
        request.signal.throwIfAborted()
      }
    }
  }

  async function stream({ messages, tools, signal }: Parameters<Model['complete']>[0]): Promise<Reply> {
    const silence = watchSilence(options.firstTokenMs, options.tokenMs)
    try {
      const chunks = await client.chat.completions.create(
        {
          model,
          messages,
          stream: true,
          ...(tools.length > 0 && { tools }),
          ...(!rejectedFields.has('stream_options') && { stream_options: { include_usage: true } }),
        },
        { signal: AbortSignal.any([signal, silence.signal]) },
      )
      const reply = createReply(tools.map((tool) => tool.function.name))
      for await (const chunk of chunks as AsyncIterable<ChatCompletionChunk>) {
        silence.heard()
        reply.add(chunk)
      }
      return reply.end()
    } catch (error) {
      throw silence.signal.aborted ? silence.signal.reason : error
    } finally {
      silence.end()
    }
  }

  /** In plain words, with the way out. */
  async function explain(error: unknown): Promise<ModelError> {
    const problem = toModelError(error, { host: new URL(options.url).host, model })
    if (problem.kind !== 'no-such-model') return problem
    const models = await client.models.list({ timeout: listMs }).then(
      (page) => page.data.map((one) => one.id),
      () => [],
    )
    const known = models.length > 0 ? ` It has: ${models.slice(0, 20).join(', ')}.` : ''
    return new ModelError('no-such-model', `${problem.message}${known} Set KUBE_AGENT_LLM_MODEL to one of them.`)
  }

  async function window(): ReturnType<Model['window']> {
    if (learned) return { tokens: learned, source: 'learned' }
    if (options.context) return { tokens: options.context, source: 'configured' }
    told ??= askWindow()
    const tokens = await told
    return tokens ? { tokens, source: 'server' } : { tokens: assumedWindow, source: 'assumed' }
  }

  /** What the server said, or less than what we believed when it said nothing or our own count was wrong. */
  async function smaller(limitTokens: number | undefined): Promise<number> {
    const { tokens } = await window()
    return limitTokens !== undefined && limitTokens < tokens ? limitTokens : Math.floor(tokens * 0.75)
  }

  /** vLLM says `max_model_len`; others do not say. A server that is away is asked again next time. */
  async function askWindow(): Promise<number | undefined> {
    try {
      const page = await client.models.list({ timeout: listMs })
      const found = page.data.find((one) => one.id === model) as { max_model_len?: unknown } | undefined
      note('ready')
      return typeof found?.max_model_len === 'number' ? found.max_model_len : undefined
    } catch (error) {
      told = undefined
      const problem = toModelError(error, { host: new URL(options.url).host, model })
      if (problem.kind === 'unreachable') note('unreachable', problem.message)
      return undefined
    }
  }

  function note(state: 'ready' | 'unreachable', detail?: string): void {
    if (health.state !== state) health = { state, since: now(), ...(state === 'unreachable' && detail && { detail }) }
  }

  function count(outcome: string, started: number, reply?: Reply): void {
    metrics?.modelRequests.inc({ outcome })
    metrics?.modelSeconds.observe((now() - started) / 1000)
    if (!reply?.usage) return
    metrics?.tokens.inc({ direction: 'prompt' }, reply.usage.prompt)
    metrics?.tokens.inc({ direction: 'completion' }, reply.usage.completion)
  }

  return { name: model, complete, window, health: () => health }
}

/** A tool as the model sees it: flat and always the same bytes, so that the server's prefix cache holds. */
export function toolSchema(tool: Tool): ToolSchema {
  const { type, properties, required } = z.toJSONSchema(tool.input, { io: 'input', override: withoutFarBounds })
  const parameters = { type, properties: properties ?? {}, ...(required && required.length > 0 && { required }) }
  // People read it at each tool; the model has it from the system prompt once.
  const description = tool.description.replace(' (needs approval)', '')
  return { type: 'function', function: { name: tool.name, description, parameters } }
}

const farthest = 100_000

/** Nobody comes near them, and every request would carry them: whoever does is told by the error. */
function withoutFarBounds({ jsonSchema }: { jsonSchema: { minimum?: number; maximum?: number } }): void {
  if ((jsonSchema.minimum ?? 0) <= 1) delete jsonSchema.minimum
  if ((jsonSchema.maximum ?? 0) > farthest) delete jsonSchema.maximum
}

/** Aborts when nothing was heard for too long: first `firstMs`, then `nextMs` after each sign of life. */
function watchSilence(firstMs: number, nextMs: number): { signal: AbortSignal; heard(): void; end(): void } {
  const controller = new AbortController()
  const give = (kind: 'timeout-first-token' | 'timeout-between-tokens', ms: number) => () =>
    controller.abort(
      new ModelError(
        kind,
        `The model server said nothing for ${Math.round(ms / 1000)} s${kind === 'timeout-first-token' ? '' : ' in the middle of its answer'}.`,
      ),
    )
  let timer = setTimeout(give('timeout-first-token', firstMs), firstMs)
  return {
    signal: controller.signal,
    heard() {
      clearTimeout(timer)
      timer = setTimeout(give('timeout-between-tokens', nextMs), nextMs)
    },
    end: () => clearTimeout(timer),
  }
}
