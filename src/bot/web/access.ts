import { createHmac, timingSafeEqual } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import * as z from 'zod'

/** What a visitor may be called. The bot's own name is nobody else's. */
export const VisitorName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,31}$/)
  .refine((name) => name !== 'kube-agent')

const cookieName = 'kube-agent-name'
const cookieSeconds = 30 * 24 * 60 * 60

/** Why a request is not served at all. Without a token only this machine is, and no page of another site may speak for it. */
export function refusal(request: FastifyRequest, needsToken: boolean): { status: number; reason: string } | undefined {
  const { headers } = request
  if (!needsToken && !isLoopback(request.socket.remoteAddress ?? ''))
    return { status: 403, reason: 'The web room is open to this machine only. Set KUBE_AGENT_WEB_TOKEN.' }
  // Behind a proxy on this machine every visitor comes from this machine.
  if (!needsToken && forwarding.some((name) => headers[name] !== undefined))
    return {
      status: 403,
      reason: 'The web room has no token, so it is not served through a proxy. Set KUBE_AGENT_WEB_TOKEN.',
    }
  // A name of somebody else's that resolves to this machine would make a browser speak for its visitor.
  if (!needsToken && !isLoopbackName(headers.host ?? ''))
    return { status: 403, reason: 'The web room is open under localhost only. Set KUBE_AGENT_WEB_TOKEN.' }
  if (request.method === 'GET' || request.method === 'HEAD') return undefined
  if (isForeign(headers.origin, headers.host) || headers['sec-fetch-site'] === 'cross-site')
    return { status: 403, reason: 'Another site may not speak here.' }
  // A form of another site can send any other type without being asked, but not this one.
  if (!/^application\/json\b/i.test(headers['content-type'] ?? ''))
    return { status: 415, reason: 'Only application/json is understood.' }
  return undefined
}

/** What proxies add: https://www.rfc-editor.org/rfc/rfc7239, and what they added before it. */
const forwarding = ['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-real-ip']

const isLoopback = (address: string): boolean => address === '::1' || /^(::ffff:)?127\./.test(address)

const isLoopbackName = (host: string): boolean =>
  ['localhost', '127.0.0.1', '[::1]'].includes(host.replace(/:\d+$/, '').toLowerCase())

const isForeign = (origin: string | undefined, host: string | undefined): boolean =>
  origin !== undefined && (!URL.canParse(origin) || new URL(origin).host !== host)

/** The cookie that keeps a visitor's name. Only this server can make one. */
export function nameCookie(name: string, key: string, secure: boolean): string {
  const attributes = `Path=/web; HttpOnly; SameSite=Strict; Max-Age=${cookieSeconds}${secure ? '; Secure' : ''}`
  return `${cookieName}=${name}.${sign(name, key)}; ${attributes}`
}

/** The visitor's name, when the cookie is one of ours. */
export function visitorOf(request: FastifyRequest, key: string): string | undefined {
  const pattern = new RegExp(`(?:^|;\\s*)${cookieName}=([\\w.-]+)`)
  const cookie = pattern.exec(request.headers.cookie ?? '')?.[1] ?? ''
  const dot = cookie.lastIndexOf('.')
  const name = cookie.slice(0, dot)
  return VisitorName.safeParse(name).success && same(cookie.slice(dot + 1), sign(name, key)) ? name : undefined
}

const sign = (name: string, key: string): string =>
  createHmac('sha256', key).update(`web room name ${name}`).digest('base64url')

/** Compares without telling by its time how much was right. */
export function same(given: string, expected: string): boolean {
  const digest = (text: string) => createHmac('sha256', 'compare').update(text).digest()
  return timingSafeEqual(digest(given), digest(expected))
}

/** Wrong tries of the last minute: of one address, and of all together. */
export function createTries(now: () => number = Date.now): {
  tooMany(address: string): boolean
  failed(address: string): void
} {
  let tries: { address: string; at: number }[] = []
  return {
    tooMany(address) {
      tries = tries.filter(({ at }) => now() - at < 60_000)
      return tries.length >= mostTries || tries.filter((one) => one.address === address).length >= mostTriesOfOne
    },
    failed(address) {
      tries.push({ address, at: now() })
    },
  }
}

const mostTries = 100
const mostTriesOfOne = 10
