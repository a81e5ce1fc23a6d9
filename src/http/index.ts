import type { AddressInfo } from 'node:net'
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'

/** How the parts stand, for `/readyz` and `!status`. */
export interface HealthReport {
  /** `false`: restarting may help or an operator has to act; the process asks to be replaced. */
  alive: boolean
  /** Whether a chat is in sync: only then may traffic and people count on the bot. */
  ready: boolean
  parts: Record<string, string>
}

export interface HttpOptions {
  log: Logger
  health(): Promise<HealthReport>
  registry: Registry
}

const slowestRequestMs = 5_000

/** The HTTP port: health, metrics, and what is registered on it (webhooks, the web room). Tells strangers nothing about errors. */
export function createHttp({ log, health, registry }: HttpOptions): FastifyInstance {
  const app = Fastify({
    loggerInstance: log.child({ component: 'http' }) as unknown as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    // A logger for each request is for those who log requests.
    childLoggerFactory: (logger) => logger,
    bodyLimit: 64 * 1024,
    // Slow senders: a whole request within this time, whatever trickles.
    requestTimeout: slowestRequestMs,
    // Silence on a connection; longer than the heartbeat of the web room's event stream.
    connectionTimeout: 60_000,
    keepAliveTimeout: 10_000,
    // Event streams of the web room stay open; on close they must not hold the process.
    forceCloseConnections: true,
    // Node swaps its two limits when the one for headers is the longer one, and that is a minute when left alone.
    http: { maxHeaderSize: 16 * 1024, connectionsCheckingInterval: 1_000, headersTimeout: slowestRequestMs },
  })
  app.addHook('onSend', (_request, reply, _payload, done) => {
    reply.headers({ 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' })
    done()
  })
  app.setErrorHandler((error: { statusCode?: number }, request, reply) => {
    const status = error.statusCode ?? 500
    if (status >= 500) request.log.error({ err: error }, 'request failed')
    return reply
      .code(status)
      .type('text/plain')
      .send(status >= 500 ? 'internal error\n' : 'bad request\n')
  })
  app.setNotFoundHandler((_request, reply) => reply.code(404).type('text/plain').send('not found\n'))

  app.get('/healthz', async (_request, reply) => {
    const { alive } = await health()
    return reply
      .code(alive ? 200 : 503)
      .type('text/plain')
      .send(alive ? 'ok\n' : 'not well, see /readyz\n')
  })
  app.get('/readyz', async (_request, reply) => {
    const { alive, ready, parts } = await health()
    return reply.code(alive && ready ? 200 : 503).send({ ready: alive && ready, parts })
  })
  app.get('/metrics', async (_request, reply) => reply.type(registry.contentType).send(await registry.metrics()))
  return app
}

/** Listens, and returns the address under which this machine reaches it. Throws a sentence that names the variables. */
export async function listen(app: FastifyInstance, { host, port }: { host: string; port: number }): Promise<string> {
  try {
    await app.listen({ host, port })
  } catch (error) {
    const { code = 'unknown reason' } = error as NodeJS.ErrnoException
    throw new Error(
      `Cannot listen on ${host}:${port}: ${reasons[code] ?? code}. Set KUBE_AGENT_HTTP_HOST or KUBE_AGENT_HTTP_PORT.`,
      { cause: error },
    )
  }
  const [address] = app.addresses() as AddressInfo[]
  return `http://${reachableAt(host)}:${address?.port}`
}

function reachableAt(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1'
  return host.includes(':') ? `[${host}]` : host
}

const reasons: Record<string, string> = {
  EADDRINUSE: 'another program has this port',
  EACCES: 'this user may not take it; ports below 1024 are reserved',
  EADDRNOTAVAIL: 'this machine has no such address',
  ENOTFOUND: 'this machine has no such address',
}
