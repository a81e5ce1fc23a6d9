import type { FastifyRequest } from 'fastify'
import type { User } from './shapes.ts'

export type Identity = { kind: 'anonymous' } | { kind: 'user'; user: User } | { kind: 'wrong' }

/** Who asks: by `token …`, `Bearer …`, or Basic with the token as the password. */
export function authenticate(request: FastifyRequest, users: Map<string, User>): Identity {
  const { authorization } = request.headers
  if (authorization === undefined) return { kind: 'anonymous' }
  const [scheme = '', value = ''] = authorization.split(' ')
  const token = scheme.toLowerCase() === 'basic' ? passwordOf(value) : value
  const user = users.get(token)
  return user ? { kind: 'user', user } : { kind: 'wrong' }
}

function passwordOf(value: string): string {
  const text = Buffer.from(value, 'base64').toString()
  return text.slice(text.indexOf(':') + 1)
}
