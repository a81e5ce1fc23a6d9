import { APIConnectionError, APIError } from 'openai'
import { codeOf } from '../http/no-answer.ts'
import { retryAfterMs } from '../http/waits.ts'

type Kind =
  | 'unreachable'
  | 'unauthorized'
  | 'no-such-model'
  | 'context-exceeded'
  | 'rate-limited'
  | 'unknown-field'
  | 'server-error'
  | 'timeout-first-token'
  | 'timeout-between-tokens'
  | 'malformed'
  | 'refused'

/** A model request that failed, in words for the people in the room. Never holds the key or the conversation. */
export class ModelError extends Error {
  override readonly name = 'ModelError'
  readonly kind: Kind
  readonly retryAfterMs?: number
  readonly limitTokens?: number
  readonly field?: string

  constructor(
    kind: Kind,
    message: string,
    details: { retryAfterMs?: number | undefined; limitTokens?: number; field?: string; cause?: unknown } = {},
  ) {
    super(message, { cause: details.cause })
    this.kind = kind
    if (details.retryAfterMs !== undefined) this.retryAfterMs = details.retryAfterMs
    if (details.limitTokens !== undefined) this.limitTokens = details.limitTokens
    if (details.field !== undefined) this.field = details.field
  }
}

/** Turns what the openai package threw into words. Servers differ in status codes, so the text is looked at as well. */
export function toModelError(error: unknown, { host, model }: { host: string; model: string }): ModelError {
  if (error instanceof ModelError) return error
  if (error instanceof APIConnectionError) {
    return new ModelError(
      'unreachable',
      `The model server ${host} cannot be reached (${codeOf(error) ?? 'no connection'}).`,
      {
        cause: error,
      },
    )
  }
  if (!(error instanceof APIError) || error.status === undefined) {
    return new ModelError('malformed', `The model server ${host} broke off or sent something that is no answer.`, {
      cause: error,
    })
  }

  const text = error.message.slice(0, 2_000)
  const { status } = error
  const details = { cause: error }
  if (status === 401 || status === 403) {
    return new ModelError(
      'unauthorized',
      `The model server ${host} refused the key (${status}). Check KUBE_AGENT_LLM_API_KEY.`,
      details,
    )
  }
  if (
    /context.{0,20}(length|window)|maximum context|too many tokens|prompt is too long|exceed.{0,20}context/i.test(text)
  ) {
    const limitTokens = limitIn(text)
    const limit = limitTokens ? ` Its window is ${limitTokens} tokens.` : ''
    return new ModelError(
      'context-exceeded',
      `The conversation is longer than the window of ${model}.${limit} Ask again: it is shortened more.`,
      {
        ...details,
        ...(limitTokens && { limitTokens }),
      },
    )
  }
  if (status === 404 || /model.{0,80}(not found|does not exist|unknown|invalid)/i.test(text)) {
    return new ModelError('no-such-model', `The model server ${host} has no model ${model} (${status}).`, details)
  }
  if (status === 429 || status === 503) {
    return new ModelError('rate-limited', `The model server ${host} is busy (${status}).`, {
      ...details,
      retryAfterMs: retryAfterMs(error.headers?.get('retry-after')),
    })
  }
  const field = /\b(stream_options)\b/.exec(text)?.[1]
  if ((status === 400 || status === 422) && field)
    return new ModelError('unknown-field', `${host} does not know ${field}.`, { ...details, field })
  if (status >= 500) return new ModelError('server-error', `The model server ${host} failed (${status}).`, details)
  return new ModelError(
    'refused',
    `The model server ${host} refused the request (${status}): ${firstLine(text)}`,
    details,
  )
}

/** "maximum context length is 8192 tokens" */
function limitIn(text: string): number | undefined {
  const found = /(?:maximum|max|limit|window)[^\d]{0,60}(\d{3,7})/i.exec(text)?.[1]
  return found ? Number(found) : undefined
}

const firstLine = (text: string): string => (text.split('\n')[0] ?? '').slice(0, 200)
