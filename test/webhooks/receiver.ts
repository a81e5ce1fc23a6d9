import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { type AddressInfo, connect } from 'node:net'
import type { FastifyInstance } from 'fastify'
import pino from 'pino'
import { Registry } from 'prom-client'
import { createHttp } from '../../src/http/index.ts'
import type { Signal } from '../../src/signal.ts'
import type { Job } from '../../src/storage/index.ts'
import { type WebhookDeps, webhooks } from '../../src/webhooks/index.ts'

/** A delivery that a real Gitea made; its secret is synthetic. */
export interface Delivery {
  secret: string
  headers: Record<string, string>
  body: string
}

export const recorded = (name: string): Delivery =>
  JSON.parse(readFileSync(new URL(`../fixtures/gitea/${name}.json`, import.meta.url), 'utf8'))

export const plain = recorded('push-plain')

export const sign = (body: string | Buffer, secret = plain.secret): string =>
  createHmac('sha256', secret).update(body).digest('hex')

/** The recorded push, as if this commit had been pushed: another event with another body. */
export const pushOf = (commit: string): string => plain.body.replaceAll(JSON.parse(plain.body).after, commit)

/** The HTTP port with the receiver on it, and what came through. */
export async function createReceiver(changes: Partial<WebhookDeps> = {}) {
  const jobs: Job<'signal', Signal>[] = []
  const known = new Set<string>()
  const outcomes: string[] = []
  const log = changes.log ?? pino({ enabled: false })
  const app = createHttp({
    log,
    health: async () => ({ alive: true, ready: true, parts: {} }),
    registry: new Registry(),
  })
  await app.register(
    webhooks({
      giteaSecrets: [plain.secret],
      inbox: {
        put: async (job) => {
          if (known.has(job.id)) return false
          known.add(job.id)
          jobs.push(job)
          return true
        },
      },
      count: (outcome) => outcomes.push(outcome),
      log,
      ...changes,
    }),
  )
  return { app, jobs, outcomes }
}

export const portOf = (app: FastifyInstance): number => (app.addresses() as AddressInfo[])[0]?.port ?? 0

/** As Gitea sends it, over a real connection; `undefined` leaves a header out. */
export async function deliver(
  app: FastifyInstance,
  delivery: { headers: Record<string, string>; body: string | Buffer },
  headers: Record<string, string | undefined> = {},
): Promise<{ statusCode: number; body: string }> {
  const { Host: _host, 'Content-Length': _length, 'Accept-Encoding': _encoding, ...given } = delivery.headers
  const sent = Object.fromEntries(Object.entries({ ...given, ...headers }).filter(([, value]) => value !== undefined))
  const answer = await fetch(`http://127.0.0.1:${portOf(app)}/webhooks/gitea`, {
    method: 'POST',
    body: delivery.body,
    headers: sent as Record<string, string>,
  })
  return { statusCode: answer.status, body: await answer.text() }
}

/** What a raw connection gets back for these bytes, until the server ends it or has answered. */
export async function raw(app: FastifyInstance, bytes: string): Promise<string> {
  const socket = connect(portOf(app), '127.0.0.1')
  let answer = ''
  socket.setEncoding('utf8').on('data', (text) => {
    answer += text
    if (answer.includes('\r\n\r\n')) socket.end()
  })
  socket.on('error', () => {})
  socket.write(bytes)
  await new Promise((resolve) => socket.on('close', resolve))
  return answer
}
