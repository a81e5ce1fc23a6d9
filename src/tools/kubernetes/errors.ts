import { shortReason } from '../../http/no-answer.ts'
import { RequestError } from '../../http/request-error.ts'
import { Unreachable } from '../../http/unreachable.ts'

/** The API server's answer to a request that it did not carry out, as a sentence with the way out. */
export class ClusterError extends RequestError {
  override readonly name = 'ClusterError'

  constructor(status: number, body: string, request: { method: string; path: string; retryAfter: string }) {
    const { message, reason } = wordsOf(body)
    super(sentence(status, message, request), { status, code: reason })
  }
}

/** The API server cannot be talked to at all. */
export class ClusterUnreachable extends Unreachable {
  override readonly name = 'ClusterUnreachable'
}

export const unreachable = (error: unknown, server: string, timeoutMs: number): ClusterUnreachable =>
  new ClusterUnreachable(
    `The API server ${hostOf(server)} cannot be reached (${shortReason(error, timeoutMs)}). Try again later.`,
    { cause: error },
  )

const hostOf = (server: string): string => (URL.canParse(server) ? new URL(server).host : server)

/** What a Status object says; of anything else nothing, since it may be a proxy's page. */
function wordsOf(body: string): { message: string; reason: string } {
  try {
    const { message, reason } = JSON.parse(body) as { message?: unknown; reason?: unknown }
    return {
      message: typeof message === 'string' ? message.slice(0, 1_000) : '',
      reason: typeof reason === 'string' ? reason.slice(0, 100) : '',
    }
  } catch {
    return { message: '', reason: '' }
  }
}

function sentence(
  status: number,
  message: string,
  { method, path, retryAfter }: { method: string; path: string; retryAfter: string },
): string {
  switch (status) {
    case 400:
      return message ? ended(message) : `The API server did not understand ${method} ${path} (400).`
    case 401:
      return 'The API server does not accept the credentials any more (401). The service account token or kubeconfig has to be renewed.'
    case 403:
      return `No permission: ${message || `${method} ${path}`}. The bot's Role has to allow it.`
    case 404:
      return message ? ended(message) : `Not found: ${path}.`
    case 409:
      return `Conflict: ${message || 'the object was changed meanwhile'}.`
    case 429:
      return `The API server is overloaded (429)${retryAfter ? `, it asks to wait ${retryAfter} s` : ''}. Try again later.`
    default:
      return `The API server answered ${status}${message ? `: ${message}` : ''} (${method} ${path}).`
  }
}

const ended = (message: string): string => `${message.replace(/\.$/, '')}.`
