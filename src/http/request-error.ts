/** A server refused a request (`status`, `code`), or gave no answer to it (status 0). Holds no token and no content. */
export class RequestError extends Error {
  override readonly name: string = 'RequestError'
  readonly status: number
  /** The server's own word for what is wrong. */
  readonly code: string
  /** The answer is not of the server that was asked: mostly a proxy in front of it speaks. */
  readonly isForeign: boolean
  /** How long the server asks to be left alone. */
  readonly retryAfterMs: number | undefined

  constructor(message: string, details: RequestErrorDetails) {
    super(message, { cause: details.cause })
    this.status = details.status
    this.code = details.code
    this.isForeign = details.isForeign ?? false
    this.retryAfterMs = details.retryAfterMs
  }
}

export interface RequestErrorDetails {
  status: number
  code: string
  isForeign?: boolean
  retryAfterMs?: number | undefined
  cause?: unknown
}

/**
 * The server is away or in trouble: the same request may succeed later. A proxy without a server behind it may also say that there is
 * nothing, or show a page of its own.
 */
export const isAway = (error: unknown): boolean =>
  error instanceof RequestError &&
  (error.status === 0 ||
    error.status >= 500 ||
    error.status === 408 ||
    (error.isForeign && (error.status < 400 || error.status === 404)))

export const isLimited = (error: unknown): boolean => error instanceof RequestError && error.status === 429

/** How long the server asks to be left alone, in milliseconds. */
export const askedWait = (error: unknown): number | undefined =>
  error instanceof RequestError ? error.retryAfterMs : undefined
