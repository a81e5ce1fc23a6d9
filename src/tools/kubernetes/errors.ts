import { sentenceOf } from '../../text/sentence.ts'
/** The API server's answer to a request that it did not carry out, as a sentence with the way out. */
export class ClusterError extends Error {
  override readonly name = 'ClusterError'
  readonly status: number

  constructor(status: number, body: string, request: { method: string; path: string; retryAfter: string }) {
    super(sentence(status, messageOf(body), request))
    this.status = status
  }
}

/** The API server cannot be talked to at all. */
export class ClusterUnreachable extends Error {
  override readonly name = 'ClusterUnreachable'
  /** Whether the request may have arrived all the same: only the answer is missing. */
  readonly mayHaveArrived: boolean

  constructor(message: string, options: { cause: unknown; mayHaveArrived: boolean }) {
    super(message, options)
    this.mayHaveArrived = options.mayHaveArrived
  }
}

/** There is an answer, but not one that can be used: too large, or of something that is no API server. */
export class UnusableAnswer extends Error {
  override readonly name = 'UnusableAnswer'
}

// With these no connection came about, so nothing was sent.
const notSent = [
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_HAS_EXPIRED',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]

export function unreachable(error: unknown, server: string, timeoutMs: number): ClusterUnreachable {
  const host = URL.canParse(server) ? new URL(server).host : server
  const code = (error as { code?: unknown }).code
  const timedOut = error instanceof Error && error.name === 'TimeoutError'
  const reason = typeof code === 'string' ? code : sentenceOf(error)
  const why = timedOut ? `no answer within ${timeoutMs / 1000} s` : reason
  return new ClusterUnreachable(`The API server ${host} cannot be reached (${why}). Try again later.`, {
    cause: error,
    mayHaveArrived: !(typeof code === 'string' && notSent.includes(code)),
  })
}

/** Whether there was a connection that ended before the answer. */
export const wasCutOff = ({ cause }: ClusterUnreachable): boolean =>
  ['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'].includes(String((cause as { code?: unknown } | undefined)?.code))

/** `message` of a Status object; of anything else nothing, since it may be a proxy's page. */
function messageOf(body: string): string {
  try {
    const { message } = JSON.parse(body) as { message?: unknown }
    return typeof message === 'string' ? message.slice(0, 1_000) : ''
  } catch {
    return ''
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
