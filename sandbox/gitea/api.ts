import { basename } from 'node:path'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { serveActions } from './actions-api.ts'
import { combinedStatus } from './actions-shapes.ts'
import { serveContents } from './contents.ts'
import { commits, git, references } from './git.ts'
import { serveHooks } from './hooks-api.ts'
import type { Forge } from './index.ts'
import { serveIssues } from './issues.ts'
import { servePulls } from './pulls.ts'
import { apiOf, notFound, optionalUser, paged, pageOf, params, Refusal, requireUser, resolve } from './replies.ts'
import { commitShape, repositoryShape, userShape } from './shapes.ts'

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
  api.get('/users/search', async (request) => {
    optionalUser(request, forge)
    const { q = '' } = request.query as { q?: string }
    const found = [...forge.users.values()].filter(({ login }) => login.includes(q.toLowerCase()))
    return { ok: true, data: found.map((user) => userShape(user, forge.url)) }
  })
  api.get('/repositories/:id', async (request) => {
    if (params(request).id !== String(forge.repository.id)) throw notFound()
    return repositoryShape(forge.repository, forge.url)
  })
  api.get('/repos/search', async (request) => {
    optionalUser(request, forge)
    return { ok: true, data: [repositoryShape(forge.repository, forge.url)] }
  })
}

function serveRepository(api: FastifyInstance, forge: Forge): void {
  const { repository, directory } = forge
  const page = () => pageOf(forge)
  const self = () => apiOf(forge)

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
    const found = await commits(directory, [await resolve(forge, sha)], 1000)
    return paged(
      request,
      reply,
      found.map((commit) => commitShape(commit, page(), self())),
    )
  })
  api.get('/git/commits/:sha', async (request) => {
    const [commit] = await commits(directory, [await resolve(forge, params(request).sha)], 1)
    return commitShape(commit!, page(), self())
  })
  api.get('/commits/:sha/status', async (request) => {
    return combinedStatus(forge, await resolve(forge, params(request).sha))
  })
  api.get('/compare/*', async (request) => {
    const [base, head] = params(request)['*'].split('...')
    if (!base || !head) throw notFound()
    const found = await commits(directory, [await resolve(forge, head), `^${await resolve(forge, base)}`], 1000)
    return { total_commits: found.length, commits: found.map((commit) => commitShape(commit, page(), self())) }
  })
  api.get('/contents', async (request) => contents(request, ''))
  api.get('/contents/*', async (request) => contents(request, params(request)['*']))
  api.get('/git/trees/*', async (request) => tree(await resolve(forge, params(request)['*'])))
  serveContents(api, forge)
  servePulls(api, forge)
  serveIssues(api, forge)
  serveHooks(api, forge)
  serveActions(api, forge)

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

  async function tree(sha: string) {
    const entries = (await git(directory, ['ls-tree', '-r', '-t', '-l', '-z', sha])).split('\0').filter(Boolean)
    return {
      sha,
      url: `${self()}/git/trees/${sha}`,
      tree: entries.map((entry) => {
        const [meta = '', path = ''] = entry.split('\t')
        const [mode, type, id, size] = meta.split(/ +/)
        return { path, mode, type, size: Number(size) || 0, sha: id, url: `${self()}/git/${type}s/${id}` }
      }),
      truncated: false,
      page: 1,
      total_count: entries.length,
    }
  }

  async function contents(request: FastifyRequest, path: string) {
    const { ref = 'main' } = request.query as { ref?: string }
    const sha = await resolve(forge, ref)
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
