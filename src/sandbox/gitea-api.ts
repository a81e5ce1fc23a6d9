import { basename } from 'node:path'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Forge } from './gitea.ts'
import { authenticate } from './gitea-access.ts'
import { combinedStatus, jobShape, runShape } from './gitea-actions.ts'
import { commits, git, references } from './gitea-git.ts'
import { pushPayload } from './gitea-push.ts'
import { commitShape, repositoryShape, type User, userShape } from './gitea-shapes.ts'
import type { Hook } from './gitea-webhooks.ts'

class Refusal extends Error {
  readonly status: number
  readonly reasons: string[] | null
  constructor(status: number, message: string, reasons: string[] | null = null) {
    super(message)
    this.name = 'Refusal'
    this.status = status
    this.reasons = reasons
  }
}

const notFound = (reason?: string) => new Refusal(404, 'not found', reason === undefined ? null : [reason])

/** The part of Gitea's API v1 that the product uses, for the one repository there is. */
export function serveGiteaApi(app: FastifyInstance, forge: Forge): void {
  app.setErrorHandler((error, _request, reply) => {
    const status = error instanceof Refusal ? error.status : ((error as { statusCode?: number }).statusCode ?? 500)
    const message = status === 500 ? '' : (error as Error).message
    const errors = status === 404 && error instanceof Refusal ? { errors: error.reasons } : {}
    return reply.code(status).send({ ...errors, message, url: `${forge.url}/api/swagger` })
  })
  const parse = app.getDefaultJsonParser('error', 'ignore')
  app.removeContentTypeParser('application/json')
  // Gitea reads a body only where it wants one.
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) =>
    body === '' ? done(null, undefined) : parse(request, String(body), done),
  )
  app.setNotFoundHandler((_request, reply) => reply.code(404).type('text/plain').send('404 page not found\n'))
  app.register(async (api) => serveServer(api, forge), { prefix: '/api/v1' })
  app.register(async (api) => serveRepository(api, forge), { prefix: '/api/v1/repos/:owner/:repo' })
}

function serveServer(api: FastifyInstance, forge: Forge): void {
  api.get('/version', async () => ({ version: '1.26.4+sandbox' }))
  api.get('/user', async (request) => userShape(requireUser(request, forge), forge.url))
  api.get('/repos/search', async (request) => {
    optionalUser(request, forge)
    return { ok: true, data: [repositoryShape(forge.repository, forge.url)] }
  })
}

type Where = { owner: string; repo: string; '*': string; id: string; sha: string }

function serveRepository(api: FastifyInstance, forge: Forge): void {
  const { repository, directory } = forge
  const page = () => `${forge.url}/${repository.owner.login}/${repository.name}`
  const self = () => `${forge.url}/api/v1/repos/${repository.owner.login}/${repository.name}`
  const params = (request: FastifyRequest) => request.params as Where

  api.addHook('preHandler', async (request) => {
    optionalUser(request, forge)
    const { owner, repo } = params(request)
    if (owner !== repository.owner.login || repo !== repository.name) throw new Refusal(404, 'GetUserByName')
  })

  api.get('/', async () => repositoryShape(repository, forge.url))
  api.get('/branches', async (request, reply) => {
    const names = [...(await references(directory)).keys()].filter((ref) => ref.startsWith('refs/heads/'))
    return paged(request, reply, await Promise.all(names.map((ref) => branch(ref.slice('refs/heads/'.length)))))
  })
  api.get('/branches/*', async (request) => branch(params(request)['*']))
  api.get('/commits', async (request, reply) => {
    const { sha = 'main' } = request.query as { sha?: string }
    const found = await commits(directory, [await resolve(sha)], 1000)
    return paged(
      request,
      reply,
      found.map((commit) => commitShape(commit, page(), self())),
    )
  })
  api.get('/git/commits/:sha', async (request) => {
    const [commit] = await commits(directory, [await resolve(params(request).sha)], 1)
    return commitShape(commit!, page(), self())
  })
  api.get('/commits/:sha/status', async (request) => {
    const sha = await resolve(params(request).sha)
    return combinedStatus(
      sha,
      forge.runs.filter((run) => run.sha === sha),
      page(),
      self(),
    )
  })
  api.get('/compare/*', async (request) => {
    const [base, head] = params(request)['*'].split('...')
    if (!base || !head) throw notFound()
    const found = await commits(directory, [await resolve(head), `^${await resolve(base)}`], 1000)
    return { total_commits: found.length, commits: found.map((commit) => commitShape(commit, page(), self())) }
  })
  api.get('/contents', async (request) => contents(request, ''))
  api.get('/contents/*', async (request) => contents(request, params(request)['*']))
  serveHooks(api, forge, resolve)
  serveActions(api, forge, page, self)

  async function branch(name: string) {
    const sha = (await references(directory)).get(`refs/heads/${name}`)
    if (!sha) throw new Refusal(404, `branch does not exist [name: ${name}]`)
    const [commit] = await commits(directory, [sha], 1)
    const { message, date, author, committer } = commit!
    return {
      name,
      commit: {
        id: sha,
        message,
        url: `${page()}/commit/${sha}`,
        author,
        committer,
        verification: null,
        timestamp: date,
      },
      protected: false,
      required_approvals: 0,
      enable_status_check: false,
      status_check_contexts: [],
      user_can_push: true,
      user_can_merge: true,
      effective_branch_protection_name: '',
    }
  }

  /** The hash of a branch, tag or (short) hash that exists. */
  async function resolve(name: string): Promise<string> {
    const known = await references(directory)
    const sha = known.get(`refs/heads/${name}`) ?? known.get(`refs/tags/${name}`) ?? name
    if (!/^[0-9a-f]{7,40}$/.test(sha)) throw notFound(`object does not exist [id: ${name}, rel_path: ]`)
    const found = await git(directory, ['rev-parse', '--verify', '--quiet', `${sha}^{commit}`]).catch(() => '')
    if (found === '') throw notFound(`object does not exist [id: ${name}, rel_path: ]`)
    return found.trim()
  }

  async function contents(request: FastifyRequest, path: string) {
    const { ref = 'main' } = request.query as { ref?: string }
    const sha = await resolve(ref)
    const steps = path.split('/').filter((step) => step !== '')
    if (steps.some((step) => ['.', '..', '.git'].includes(step) || step.includes('\0')))
      throw new Refusal(422, `path contains a malformed path component [path: ${path}]`)
    const clean = steps.join('/')
    const object = `${sha}:${clean}`
    const type = (await git(directory, ['cat-file', '-t', object]).catch(() => '')).trim()
    if (type === 'blob')
      return file(
        clean,
        ref,
        await git(directory, ['rev-parse', object]),
        await git(directory, ['cat-file', 'blob', object]),
      )
    if (type !== 'tree')
      throw new Refusal(404, 'GetContentsOrList', [`object does not exist [id: , rel_path: ${path}]`])
    const entries = (await git(directory, ['ls-tree', '-z', object])).split('\0').filter(Boolean)
    return entries.map((entry) => {
      const [meta = '', name = ''] = entry.split('\t')
      const [, kind, blob] = meta.split(' ')
      const full = clean ? `${clean}/${name}` : name
      return { name, path: full, sha: blob, type: kind === 'tree' ? 'dir' : 'file', content: null, encoding: null }
    })
  }

  function file(path: string, ref: string, blob: string, text: string) {
    return {
      name: basename(path),
      path,
      sha: blob.trim(),
      type: 'file',
      size: Buffer.byteLength(text),
      encoding: 'base64',
      content: Buffer.from(text).toString('base64'),
      target: null,
      url: `${self()}/contents/${path}?ref=${encodeURIComponent(ref)}`,
      html_url: `${page()}/src/branch/${ref}/${path}`,
      download_url: `${page()}/raw/branch/${ref}/${path}`,
      submodule_git_url: null,
    }
  }
}

const hookEvents = ['create', 'delete', 'push']

const NewHook = z.object({
  type: z.string(),
  config: z.object({ url: z.string().optional(), content_type: z.string().optional(), secret: z.string().default('') }),
  events: z.array(z.string()).default([]),
  active: z.boolean().default(false),
})

function serveHooks(api: FastifyInstance, forge: Forge, resolve: (name: string) => Promise<string>): void {
  api.get('/hooks', async (request, reply) => {
    requireUser(request, forge)
    return paged(request, reply, forge.hooks.map(hookShape))
  })
  api.post('/hooks', async (request, reply) => {
    requireUser(request, forge)
    const asked = NewHook.safeParse(request.body)
    if (!asked.success) throw new Refusal(422, '[]: invalid hook')
    const { type, config, events, active } = asked.data
    if (type !== 'gitea') throw new Refusal(422, `Invalid hook type: ${type}`)
    if (!config.url) throw new Refusal(422, 'Missing config option: url')
    if (!config.content_type) throw new Refusal(422, 'Missing config option: content_type')
    if (!URL.canParse(config.url) || !/^https?:/.test(config.url)) throw new Refusal(422, 'Invalid url')
    const created: Hook = {
      id: Math.max(0, ...forge.hooks.map(({ id }) => id)) + 1,
      url: config.url,
      secret: config.secret,
      // Gitea drops names it does not know without a word, and takes none for push.
      events: events.length === 0 ? ['push'] : hookEvents.filter((event) => events.includes(event)),
      active,
      created: new Date().toISOString(),
    }
    forge.hooks.push(created)
    return reply.code(201).send(hookShape(created))
  })
  api.post('/hooks/:id/tests', async (request, reply) => {
    const user = requireUser(request, forge)
    const hook = forge.hooks.find(({ id }) => String(id) === (request.params as Where).id)
    if (!hook) throw notFound()
    const head = await resolve('main')
    const moved = { ref: 'refs/heads/main', before: head, after: head }
    forge.send(hook, 'push', await pushPayload(forge.directory, forge.repository, moved, user, forge.url))
    return reply.code(204).send()
  })
}

function hookShape({ id, url, events, active, created }: Hook) {
  return {
    id,
    type: 'gitea',
    branch_filter: '',
    config: { content_type: 'json', url },
    events,
    authorization_header: '',
    active,
    updated_at: created,
    created_at: created,
  }
}

function serveActions(api: FastifyInstance, forge: Forge, page: () => string, self: () => string): void {
  const run = (request: FastifyRequest) => forge.runs.find(({ id }) => String(id) === (request.params as Where).id)
  api.get('/actions/runs', async (request) => {
    requireUser(request, forge)
    const { status, branch, head_sha } = request.query as { status?: string; branch?: string; head_sha?: string }
    const found = forge.runs.filter(
      (candidate) =>
        (!branch || candidate.branch === branch) &&
        (!head_sha || candidate.sha === head_sha) &&
        (!status || ['completed', candidate.conclusion].includes(status)),
    )
    const newestFirst = found.toReversed().map((one) => runShape(one, page(), self(), forge.url))
    return { workflow_runs: cut(request, newestFirst), total_count: found.length }
  })
  api.get('/actions/runs/:id', async (request) => {
    const found = run(request)
    if (!found) throw notFound()
    return runShape(found, page(), self(), forge.url)
  })
  api.get('/actions/runs/:id/jobs', async (request) => {
    const found = run(request)
    if (!found) throw notFound()
    return { jobs: [jobShape(found, page(), self())], total_count: 1 }
  })
  api.get('/actions/jobs/:id', async (request) => {
    const found = run(request)
    if (!found) throw notFound()
    return jobShape(found, page(), self())
  })
  api.get('/actions/jobs/:id/logs', async (request, reply) => {
    requireUser(request, forge)
    const found = run(request)
    const { id } = request.params as Where
    if (!found) throw notFound(`run job with id ${id}: resource does not exist`)
    return sendLog(reply, request.headers.range, Buffer.from(found.log), `ci-images-${found.id}.log`)
  })
}

/** A log, or the part of it that a Range header names. */
function sendLog(reply: FastifyReply, range: string | undefined, log: Buffer, name: string) {
  reply.type('text/plain; charset=utf-8').header('content-disposition', `attachment; filename="${name}"`)
  const asked = /^bytes=(\d*)-(\d*)$/.exec(range ?? '')
  if (!asked) return reply.send(log)
  const [, from = '', to = ''] = asked
  const start = from === '' ? Math.max(0, log.length - Number(to)) : Number(from)
  const end = from === '' || to === '' ? log.length - 1 : Math.min(Number(to), log.length - 1)
  if (start > end) return reply.code(416).send('invalid range: failed to overlap\n')
  reply.code(206).header('content-range', `bytes ${start}-${end}/${log.length}`)
  return reply.send(log.subarray(start, end + 1))
}

function optionalUser(request: FastifyRequest, { users }: Forge): User | undefined {
  const identity = authenticate(request, users)
  if (identity.kind === 'wrong') throw new Refusal(401, 'invalid username, password or token')
  return identity.kind === 'user' ? identity.user : undefined
}

function requireUser(request: FastifyRequest, forge: Forge): User {
  const user = optionalUser(request, forge)
  if (!user) throw new Refusal(401, 'token is required')
  return user
}

function paged<Item>(request: FastifyRequest, reply: FastifyReply, items: Item[]): Item[] {
  reply.header('X-Total-Count', items.length)
  return cut(request, items)
}

/** Pages count from 1; 30 items a page unless asked otherwise, never more than 50. */
function cut<Item>(request: FastifyRequest, items: Item[]): Item[] {
  const { page, limit } = request.query as { page?: string; limit?: string }
  const size = Math.min(50, Number(limit) > 0 ? Number(limit) : 30)
  const number = Math.max(1, Number(page) || 1)
  return items.slice((number - 1) * size, number * size)
}
