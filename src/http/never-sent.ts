/**
 * Whether a request that failed has surely not reached the server: there was no connection yet. In doubt it may have arrived, and a
 * change is then not to be taken as failed. What decides is the nearest cause with a code, since `fetch` wraps its errors.
 */
export function neverSent(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  // One error for each address of the host.
  if (error instanceof AggregateError) return error.errors.length > 0 && error.errors.every(neverSent)
  const { code, syscall, message } = error as NodeJS.ErrnoException
  if (typeof code !== 'string') return neverSent(error.cause)
  return (
    isConnecting(code, syscall) ||
    isTls(code) ||
    isProxy(code, message) ||
    (code === 'ECONNRESET' && endsEarly(message))
  )
}

/**
 * What the system says of looking up a name and of connecting, whatever it is. By its code alone `EHOSTUNREACH` may also be said of a
 * connection that stood: https://man7.org/linux/man-pages/man7/ip.7.html
 */
const isConnecting = (code: string, syscall: string | undefined): boolean =>
  syscall === 'connect' ||
  syscall === 'getaddrinfo' ||
  ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT'].includes(code)

/** A certificate that is not trusted: https://nodejs.org/api/tls.html#x509-certificate-error-codes */
const certificate =
  /^(CERT|CRL|UNABLE_TO|ERROR_IN|SELF_SIGNED|DEPTH_ZERO)_|^(INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_EXCEEDED|HOSTNAME_MISMATCH|OUT_OF_MEM)$/
/** Of OpenSSL and of Node's TLS; `OSSL` is said of keys of one's own. A server without TLS is `ERR_SSL_WRONG_VERSION_NUMBER`. */
const tls = /^ERR_(SSL|OSSL|TLS)_/
/** OpenSSL says these of a connection that stood, too: https://docs.openssl.org/master/man3/SSL_alert_type_string/ */
const alsoLater =
  /RECORD|UNEXPECTED_MESSAGE|INTERNAL_ERROR|UNEXPECTED_EOF|CLOSE_NOTIFY|SHUTDOWN|RENEGOTIATION|SESSION_ATTACK/

const isTls = (code: string): boolean => certificate.test(code) || (tls.test(code) && !alsoLater.test(code))

/**
 * A proxy that opened no tunnel. One that refuses has no code of its own.
 * https://github.com/nodejs/undici/blob/main/lib/dispatcher/proxy-agent.js
 */
const isProxy = (code: string, message: string): boolean =>
  ['UND_ERR_PRX_TLS', 'UND_ERR_PRX_CONN'].includes(code) ||
  (code === 'UND_ERR_ABORTED' && message.includes('when HTTP Tunneling'))

/** Node's words for a connection that ended within the handshake: https://github.com/nodejs/node/blob/main/lib/internal/tls/wrap.js */
const endsEarly = (message: string): boolean => message.includes('before secure TLS connection was established')
