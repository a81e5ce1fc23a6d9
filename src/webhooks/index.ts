import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import { type Signal, signalJob } from '../signal.ts'
import type { Inbox, Job } from '../storage/index.ts'
import { gitea } from './gitea/index.ts'
import type { WebhookSource } from './source.ts'

/** How a delivery ended, for the metrics. */
export type WebhookOutcome =
  | 'accepted'
  | 'ignored'
  | 'duplicate'
  | 'busy'
  | 'unauthorized'
  | 'malformed'
  | 'too-large'
  | 'failed'

export interface WebhookDeps {
  /** The secrets that Gitea may sign with. Without one there is no route for it. */
  giteaSecrets: string[]
  inbox: Pick<Inbox<Job<'signal', Signal>>, 'put'>
  /** Told of every verified delivery that says something, also of one that came before. */
  arrived?(signal: Signal): void
  count(outcome: WebhookOutcome): void
  log: Logger
}

const bodyLimit = 5 * 1024 * 1024
/** A body that is larger than this, or does not say how large it is, counts as large. */
const smallBody = 256 * 1024
/** Deliveries in hand at the same time: what strangers can make us hold in memory is 256 small bodies and 8 large ones. */
const parallel = { small: 256, large: 8 }
/** Everybody who sends webhooks names deliveries by UUIDs; what goes into the log is of that kind. */
const deliveryId = /^[\w-]{1,64}$/

/**
 * `POST /webhooks/<source>`: answers 202 only when the signal is on disk, since nobody sends it again. Everything that is refused
 * gets one small constant text: nothing is echoed, and nothing of a refused body is stored or logged.
 */
export function webhooks(deps: WebhookDeps): FastifyPluginAsync {
  return async (app) => {
    // Signatures cover the raw bytes, so the body stays a Buffer until a source has verified it.
    app.removeAllContentTypeParsers()
    app.addContentTypeParser('application/json', { parseAs: 'buffer', bodyLimit }, (_request, body, done) =>
      done(null, body),
    )
    const { count } = deps
    const inHand = { small: 0, large: 0 }
    const warn = rateLimited((outcome: WebhookOutcome, source: string) =>
      deps.log.warn({ component: 'webhooks', source, outcome }, 'webhook refused'),
    )
    for (const source of sourcesOf(deps)) addRoute(app, source)

    function addRoute(scope: FastifyInstance, source: WebhookSource): void {
      scope.post(`/webhooks/${source.name}`, {
        bodyLimit,
        // What can be refused by its headers is refused before its body is read.
        onRequest: async (request, reply) => {
          const size = Number(request.headers['content-length'] ?? bodyLimit) > smallBody ? 'large' : 'small'
          if (inHand[size] >= parallel[size]) return answer(reply, 503, 'busy')
          inHand[size]++
          reply.raw.once('close', () => inHand[size]--)
          const isWellFormed =
            hasPlainBody(request) &&
            hasHeadersOnce(request, source.requiredHeaders) &&
            deliveryId.test(String(request.headers[source.deliveryHeader]))
          if (!isWellFormed) return answer(reply, 400, 'malformed')
        },
        onError: async (_request, _reply, { statusCode = 500 }) =>
          count(statusCode === 413 ? 'too-large' : statusCode < 500 ? 'malformed' : 'failed'),
        handler: (request, reply) => take(source, request, reply),
      })
    }

    async function take(source: WebhookSource, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
      const body = request.body
      if (!Buffer.isBuffer(body) || body.length === 0) return answer(reply, 400, 'malformed')
      if (!source.verify(body, request.headers)) {
        warn('unauthorized', source.name)
        return answer(reply, 401, 'unauthorized')
      }
      const parsed = source.parse(parseJson(body), request.headers)
      if (parsed.kind === 'malformed') {
        warn('malformed', source.name)
        return answer(reply, 400, 'malformed')
      }
      if (parsed.kind === 'ignored') return answer(reply, 202, 'ignored')
      deps.arrived?.(parsed.signal)
      return store(String(request.headers[source.deliveryHeader]), parsed.signal, reply)
    }

    async function store(delivery: string, signal: Signal, reply: FastifyReply): Promise<FastifyReply> {
      // The job follows from the signed body alone: a redelivery, a replay under another name, and the same event through another
      // hook are all this job. The delivery's own name is not signed, so it is good for the log only.
      const job = signalJob(signal)
      try {
        const outcome = (await deps.inbox.put(job)) ? 'accepted' : 'duplicate'
        deps.log.debug({ component: 'webhooks', delivery, job: job.id, outcome }, 'webhook taken')
        return answer(reply, 202, outcome)
      } catch (error) {
        deps.log.error({ component: 'webhooks', err: error }, 'webhook could not be stored')
        return answer(reply, 503, 'failed')
      }
    }

    function answer(reply: FastifyReply, status: number, outcome: WebhookOutcome): FastifyReply {
      count(outcome)
      return reply
        .code(status)
        .type('text/plain')
        .send(status === 202 ? '' : texts[status as keyof typeof texts])
    }
  }
}

/** Who may send us webhooks. */
const sourcesOf = ({ giteaSecrets }: Pick<WebhookDeps, 'giteaSecrets'>): WebhookSource[] =>
  giteaSecrets.length > 0 ? [gitea(giteaSecrets)] : []

const texts = { 400: 'bad request\n', 401: 'unauthorized\n', 503: 'try again later\n' }

/** No compression and no other character set: what was signed is what is parsed. */
function hasPlainBody({ headers }: FastifyRequest): boolean {
  const charset = /charset\s*=\s*"?([^\s;"]+)/i.exec(headers['content-type'] ?? '')?.[1]
  return headers['content-encoding'] === undefined && (charset === undefined || /^utf-8$/i.test(charset))
}

/** Node joins duplicates with a comma, so the raw headers are counted: names and values in turn. */
function hasHeadersOnce({ headers, raw }: FastifyRequest, names: string[]): boolean {
  const sent = raw.rawHeaders.filter((_text, index) => index % 2 === 0).map((name) => name.toLowerCase())
  return names.every((name) => headers[name] !== '' && sent.filter((one) => one === name).length === 1)
}

const strictly = new TextDecoder('utf-8', { fatal: true })

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(strictly.decode(body))
  } catch {
    return undefined
  }
}

/** At most one call a minute: whoever knocks all day shall not fill the log. */
function rateLimited<Arguments extends unknown[]>(work: (...args: Arguments) => void): (...args: Arguments) => void {
  let last = 0
  return (...args) => {
    if (Date.now() - last < 60_000) return
    last = Date.now()
    work(...args)
  }
}
