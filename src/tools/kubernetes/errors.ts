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
}

export function unreachable(error: unknown, server: string): ClusterUnreachable {
  const host = URL.canParse(server) ? new URL(server).host : server
  const code = (error as { code?: unknown }).code
  const reason = typeof code === 'string' ? code : error instanceof Error ? error.message : String(error)
  const timedOut = error instanceof Error && error.name === 'TimeoutError'
  return new ClusterUnreachable(
    `The API server ${host} cannot be reached (${timedOut ? 'no answer within 30 s' : reason}).`,
    { cause: error },
  )
}

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
    case 401:
      return 'The API server does not accept the credentials any more (401). The service account token or kubeconfig has to be renewed.'
    case 403:
      return `No permission: ${message || `${method} ${path}`}. The bot's Role has to allow it.`
    case 404:
      return message || `Not found: ${path}.`
    case 409:
      return `Conflict: ${message || 'the object was changed meanwhile'}.`
    case 429:
      return `The API server is overloaded (429)${retryAfter ? `, it asks to wait ${retryAfter} s` : ''}. Try again later.`
    default:
      return `The API server answered ${status}${message ? `: ${message}` : ''} (${method} ${path}).`
  }
}
