import type { FastifyReply, FastifyRequest } from 'fastify'
import { authenticate } from './access.ts'
import { git, references } from './git.ts'
import type { Forge } from './index.ts'
import type { User } from './shapes.ts'

/** An answer that is no success, with Gitea's words. */
export class Refusal extends Error {
  readonly status: number
  readonly reasons: string[] | null
  constructor(status: number, message: string, reasons: string[] | null = null) {
    super(message)
    this.name = 'Refusal'
    this.status = status
    this.reasons = reasons
  }
}

export const notFound = (reason?: string) => new Refusal(404, 'not found', reason === undefined ? null : [reason])

/** The parameters of all routes under a repository. */
export type Where = { owner: string; repo: string; '*': string; id: string; sha: string }

export const params = (request: FastifyRequest) => request.params as Where

export const pageOf = ({ url, repository }: Forge): string => `${url}/${repository.owner.login}/${repository.name}`

export const apiOf = ({ url, repository }: Forge): string =>
  `${url}/api/v1/repos/${repository.owner.login}/${repository.name}`

export function optionalUser(request: FastifyRequest, { users }: Forge): User | undefined {
  const identity = authenticate(request, users)
  if (identity.kind === 'wrong') throw new Refusal(401, 'invalid username, password or token')
  return identity.kind === 'user' ? identity.user : undefined
}

export function requireUser(request: FastifyRequest, forge: Forge): User {
  const user = optionalUser(request, forge)
  if (!user) throw new Refusal(401, 'token is required')
  return user
}

/** The hash of a branch, tag or (short) hash that exists. */
export async function resolve({ directory }: Forge, name: string): Promise<string> {
  const known = await references(directory)
  const sha = known.get(`refs/heads/${name}`) ?? known.get(`refs/tags/${name}`) ?? name
  if (!/^[0-9a-f]{7,40}$/.test(sha)) throw notFound(`object does not exist [id: ${name}, rel_path: ]`)
  const found = await git(directory, ['rev-parse', '--verify', '--quiet', `${sha}^{commit}`]).catch(() => '')
  if (found === '') throw notFound(`object does not exist [id: ${name}, rel_path: ]`)
  return found.trim()
}

export function paged<Item>(request: FastifyRequest, reply: FastifyReply, items: Item[]): Item[] {
  reply.header('X-Total-Count', items.length)
  return cut(request, items)
}

/** Pages count from 1; 30 items a page unless asked otherwise, never more than 50. */
export function cut<Item>(request: FastifyRequest, items: Item[]): Item[] {
  const { page, limit } = request.query as { page?: string; limit?: string }
  const size = Math.min(50, Number(limit) > 0 ? Number(limit) : 30)
  const number = Math.max(1, Number(page) || 1)
  return items.slice((number - 1) * size, number * size)
}
