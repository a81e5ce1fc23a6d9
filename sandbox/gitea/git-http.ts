import type { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { authenticate } from './access.ts'
import { gitBackend, references } from './git.ts'
import type { Forge } from './index.ts'
import type { Moved } from './push.ts'
import { type User, zeros } from './shapes.ts'

/** Clone, fetch and push over HTTP. Everybody may read; a push needs a token as the password. */
export function serveGit(app: FastifyInstance, forge: Forge): void {
  const { owner, name } = forge.repository
  const base = `/${owner.login}/${name}.git`
  // Git streams its packs; they go to git as they come.
  app.addContentTypeParser(/^application\/x-git-/, (_request, payload, done) => done(null, payload))
  app.get(`${base}/info/refs`, (request, reply) => answer(request, reply, '/info/refs'))
  for (const service of ['/git-upload-pack', '/git-receive-pack'])
    app.post(`${base}${service}`, (request, reply) => answer(request, reply, service))

  let lastPush: Promise<unknown> = Promise.resolve()

  async function answer(request: FastifyRequest, reply: FastifyReply, path: string) {
    const { service } = request.query as { service?: string }
    const isPush = path === '/git-receive-pack' || service === 'git-receive-pack'
    const identity = authenticate(request, forge.users)
    const user = identity.kind === 'user' ? identity.user : undefined
    if (identity.kind === 'wrong' || (isPush && !user))
      return reply.code(401).header('WWW-Authenticate', 'Basic realm="Gitea"').send('Unauthorized\n')
    if (path !== '/git-receive-pack' || !user) return send(reply, await backend(request, path, user))
    // One push after another: what a push moved is found by comparing before and after.
    const push = lastPush.then(() => receive(request, path, user))
    lastPush = push.catch(() => undefined)
    return send(reply, await push)
  }

  async function receive(request: FastifyRequest, path: string, user: User) {
    const before = await references(forge.directory)
    const reply = await backend(request, path, user)
    await forge.pushed(moves(before, await references(forge.directory)), user)
    return reply
  }

  function backend(request: FastifyRequest, path: string, user: User | undefined) {
    const { headers } = request
    return gitBackend({
      root: forge.root,
      path: `${base}${path}`,
      query: request.url.split('?')[1] ?? '',
      method: request.method,
      user: user?.login ?? '',
      contentType: headers['content-type'] ?? '',
      contentEncoding: headers['content-encoding'] ?? '',
      protocol: String(headers['git-protocol'] ?? ''),
      body: request.method === 'POST' ? (request.body as Readable) : undefined,
    })
  }
}

function send(reply: FastifyReply, { status, headers, body }: Awaited<ReturnType<typeof gitBackend>>) {
  return reply.code(status).headers(headers).send(body)
}

function moves(before: Map<string, string>, after: Map<string, string>): Moved[] {
  const names = new Set([...before.keys(), ...after.keys()])
  const all = [...names].map((ref) => ({ ref, before: before.get(ref) ?? zeros, after: after.get(ref) ?? zeros }))
  return all.filter((move) => move.before !== move.after)
}
