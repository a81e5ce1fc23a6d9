import { createHmac, timingSafeEqual } from 'node:crypto'
import type { FastifyPluginAsync } from 'fastify'
import type { Signal } from '../../signal.ts'
import { deriveSecret } from './secret.ts'

/** Remembers which webhooks were tried, so that whoever installed one can ask whether its test delivery arrived. */
export interface Arrivals {
  /** Called with what was verified, before anything is sorted out: a test that is sent twice arrives twice. */
  note(signal: Signal): void
  /** `GET /webhooks/gitea/arrivals`: how many tests arrived for a scope, for those who know its secret. Others find nothing there. */
  route: FastifyPluginAsync
}

export const arrivalsPath = '/webhooks/gitea/arrivals'
export const proofHeader = 'x-kube-agent-proof'

export function createArrivals(secrets: string[]): Arrivals {
  const tests = new Map<string, number>()

  function isProven(scope: string, nonce: string, given: string): boolean {
    if (!/^[0-9a-f]{64}$/.test(given)) return false
    const proofs = secrets.map((secret) => proofOf(deriveSecret(secret, scope), scope, nonce))
    return proofs.filter((proof) => timingSafeEqual(Buffer.from(proof), Buffer.from(given))).length > 0
  }

  return {
    note(signal) {
      if (signal.kind !== 'test') return
      const { fullName } = signal.repository
      for (const scope of [fullName, fullName.split('/')[0] ?? ''].map((name) => name.toLowerCase()))
        tests.set(scope, (tests.get(scope) ?? 0) + 1)
    },
    async route(app) {
      app.get(arrivalsPath, (request, reply) => {
        const { scope, nonce } = request.query as Record<string, unknown>
        const given = String(request.headers[proofHeader] ?? '')
        if (typeof scope !== 'string' || typeof nonce !== 'string' || !isProven(scope, nonce, given))
          return reply.callNotFound()
        return reply.send({ tests: tests.get(scope.toLowerCase()) ?? 0 })
      })
    },
  }
}

/** Shows that somebody knows a webhook's secret, without telling it. It does not sign any delivery. */
export const proofOf = (secret: string, scope: string, nonce: string): string =>
  createHmac('sha256', secret).update(`arrivals ${scope} ${nonce}`).digest('hex')
