import assert from 'node:assert/strict'
import { createServer as createHttpServer, type RequestListener } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net'
import { type TestContext, test } from 'node:test'
import { Agent, type Dispatcher, ProxyAgent, request } from 'undici'
import { neverSent } from '../../src/http/never-sent.ts'
import { type Certificate, selfSigned } from '../helpers/certificate.ts'

const failed = (code: string, details: { syscall?: string; message?: string; cause?: unknown } = {}) =>
  Object.assign(new Error(details.message ?? 'no', { cause: details.cause }), {
    code,
    ...(details.syscall && { syscall: details.syscall }),
  })

const never: [string, unknown][] = [
  ['a connection that is refused', failed('ECONNREFUSED', { syscall: 'connect' })],
  ['a host that no way leads to', failed('EHOSTUNREACH', { syscall: 'connect' })],
  ['a network that no way leads to', failed('ENETUNREACH', { syscall: 'connect' })],
  ['a connection that the system gives up', failed('ETIMEDOUT', { syscall: 'connect' })],
  ['a connection that a firewall forbids', failed('EPERM', { syscall: 'connect' })],
  ['a name that nobody has', failed('ENOTFOUND', { syscall: 'getaddrinfo' })],
  ['a name server that is away', failed('EAI_AGAIN', { syscall: 'getaddrinfo' })],
  ['a name that cannot be looked up', failed('EAI_FAIL', { syscall: 'getaddrinfo' })],
  ['a connection that takes too long', failed('UND_ERR_CONNECT_TIMEOUT')],
  ...[
    'CERT_HAS_EXPIRED',
    'CERT_NOT_YET_VALID',
    'CERT_REVOKED',
    'CERT_SIGNATURE_FAILURE',
    'CRL_HAS_EXPIRED',
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'ERROR_IN_CERT_NOT_AFTER_FIELD',
    'HOSTNAME_MISMATCH',
    'INVALID_CA',
    'INVALID_PURPOSE',
    'PATH_LENGTH_EXCEEDED',
    'SELF_SIGNED_CERT_IN_CHAIN',
    'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'ERR_TLS_CERT_ALTNAME_INVALID',
    'ERR_SSL_WRONG_VERSION_NUMBER',
    'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
    'ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE',
    'ERR_SSL_TLSV1_UNRECOGNIZED_NAME',
    'ERR_OSSL_X509_KEY_VALUES_MISMATCH',
  ].map((code): [string, unknown] => [`TLS that says ${code}`, failed(code)]),
  ['a proxy with another certificate', failed('UND_ERR_PRX_TLS', { cause: failed('ERR_TLS_CERT_ALTNAME_INVALID') })],
  ['a proxy that opens no tunnel', failed('UND_ERR_PRX_CONN', { cause: failed('UND_ERR_SOCKET') })],
  ['what fetch makes of a refusal', new TypeError('fetch failed', { cause: failed('ECONNREFUSED') })],
  [
    'a host of two addresses that both refuse',
    new AggregateError([failed('ECONNREFUSED', { syscall: 'connect' }), failed('ENETUNREACH', { syscall: 'connect' })]),
  ],
]

const inDoubt: [string, unknown][] = [
  ['a connection that ended', failed('UND_ERR_SOCKET')],
  ['a connection that was reset', failed('ECONNRESET', { syscall: 'read' })],
  ['a pipe that broke', failed('EPIPE', { syscall: 'write' })],
  ['a way that was lost while the connection stood', failed('EHOSTUNREACH', { syscall: 'read' })],
  ['a connection that fell silent', failed('ETIMEDOUT', { syscall: 'read' })],
  ['headers that do not come', failed('UND_ERR_HEADERS_TIMEOUT')],
  ['a body that does not come', failed('UND_ERR_BODY_TIMEOUT')],
  ['a request that was called off', failed('UND_ERR_ABORTED', { message: 'Request aborted' })],
  ['an answer that is no HTTP', failed('HPE_INVALID_CONSTANT')],
  ['a damaged record', failed('ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC')],
  ['a stream that ends in a record', failed('ERR_SSL_UNEXPECTED_EOF_WHILE_READING')],
  ['a renegotiation', failed('ERR_TLS_RENEGOTIATION_DISABLED')],
  ['an end of the connection whose cause was a refusal', failed('UND_ERR_SOCKET', { cause: failed('ECONNREFUSED') })],
  [
    'a host of two addresses, one of which ended the connection',
    new AggregateError([failed('ECONNREFUSED', { syscall: 'connect' }), failed('ECONNRESET', { syscall: 'read' })]),
  ],
  ['several errors that are none', new AggregateError([])],
  ['a time limit', new DOMException('The operation was aborted due to timeout', 'TimeoutError')],
  ['an error without a code', new Error('no')],
  ['no error', { code: 'ECONNREFUSED' }],
  ['nothing', undefined],
]

for (const [what, error] of never)
  test(`${what}: the request was never sent`, () => {
    assert.equal(neverSent(error), true)
  })

for (const [what, error] of inDoubt)
  test(`${what}: the request may have arrived`, () => {
    assert.equal(neverSent(error), false)
  })

async function portOf(t: TestContext, server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  return (server.address() as AddressInfo).port
}

async function deadPort(t: TestContext): Promise<number> {
  const server = createTcpServer()
  const port = await portOf(t, server)
  await new Promise((resolve) => server.close(resolve))
  return port
}

const servesTls = (t: TestContext, certificate: Certificate, answers: RequestListener = (_, it) => it.end()) =>
  portOf(t, createHttpsServer(certificate, answers))

const trusting = (t: TestContext, { cert }: Certificate): Dispatcher => owned(t, new Agent({ connect: { ca: cert } }))

function owned<Owned extends Dispatcher>(t: TestContext, dispatcher: Owned): Owned {
  t.after(() => dispatcher.destroy())
  return dispatcher
}

/** Ends the connection once the whole request was read. */
const hangsUp: RequestListener = (incoming) => {
  incoming.resume().once('end', () => incoming.socket.destroy())
}

const expired = { until: new Date('2020-01-01') }

/** Each prepares a failure and says where a request meets it, and with which code. */
const failures: [
  what: string,
  fate: 'never sent' | 'in doubt',
  code: RegExp,
  prepare: (t: TestContext) => Promise<[url: string, via?: Dispatcher]>,
][] = [
  [
    'a port where nobody listens',
    'never sent',
    /^(ECONNREFUSED)$/,
    async (t) => [`http://127.0.0.1:${await deadPort(t)}`],
  ],
  [
    'a name that does not resolve',
    'never sent',
    /^(ENOTFOUND|EAI_AGAIN)$/,
    async () => ['http://no-such-host.invalid'],
  ],
  [
    'a certificate that signs itself',
    'never sent',
    /^(DEPTH_ZERO_SELF_SIGNED_CERT)$/,
    async (t) => [`https://localhost:${await servesTls(t, selfSigned())}`],
  ],
  [
    'a certificate that has expired',
    'never sent',
    /^(CERT_HAS_EXPIRED)$/,
    async (t) => {
      const certificate = selfSigned(expired)
      return [`https://localhost:${await servesTls(t, certificate)}`, trusting(t, certificate)]
    },
  ],
  [
    'a certificate for another name',
    'never sent',
    /^(ERR_TLS_CERT_ALTNAME_INVALID)$/,
    async (t) => {
      const certificate = selfSigned()
      return [`https://127.0.0.1:${await servesTls(t, certificate)}`, trusting(t, certificate)]
    },
  ],
  [
    'a server that speaks no TLS',
    'never sent',
    /^(ERR_SSL_WRONG_VERSION_NUMBER)$/,
    async (t) => [`https://localhost:${await portOf(t, createHttpServer(hangsUp))}`],
  ],
  [
    'a server that hangs up before TLS stands',
    'never sent',
    /^(ECONNRESET)$/,
    async (t) => [
      `https://localhost:${await portOf(
        t,
        createTcpServer((socket) => socket.destroy()),
      )}`,
    ],
  ],
  [
    'a proxy that opens no tunnel',
    'never sent',
    /^(UND_ERR_ABORTED)$/,
    async (t) => {
      const proxy = createHttpServer().on('connect', (_, socket) => socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n'))
      return ['https://gitea.test', owned(t, new ProxyAgent(`http://127.0.0.1:${await portOf(t, proxy)}`))]
    },
  ],
  [
    'a server that hangs up when it has read the request',
    'in doubt',
    /^(UND_ERR_SOCKET)$/,
    async (t) => [`http://localhost:${await portOf(t, createHttpServer(hangsUp))}`],
  ],
  [
    'the same behind TLS',
    'in doubt',
    /^(UND_ERR_SOCKET)$/,
    async (t) => {
      const certificate = selfSigned()
      return [`https://localhost:${await servesTls(t, certificate, hangsUp)}`, trusting(t, certificate)]
    },
  ],
  [
    'a server that says nothing',
    'in doubt',
    /^(UND_ERR_HEADERS_TIMEOUT)$/,
    async (t) => [
      `http://localhost:${await portOf(
        t,
        createHttpServer(() => {}),
      )}`,
      owned(t, new Agent({ headersTimeout: 50 })),
    ],
  ],
]

for (const [what, fate, code, prepare] of failures)
  test(`at ${what} a request is ${fate}, as the error of the real connection says`, async (t) => {
    const [url, via = owned(t, new Agent())] = await prepare(t)

    const error = await request(url, { method: 'POST', body: '{}', dispatcher: via }).then(
      () => assert.fail('it was answered'),
      (error: unknown) => error,
    )

    assert.match(String((error as NodeJS.ErrnoException).code), code)
    assert.equal(neverSent(error), fate === 'never sent', String(error))
  })
