import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { type Server, startGitea } from './servers.ts'

const run = promisify(execFile)

/** A real Gitea as people use it: git over HTTP, the API, and the web pages for what the API does not offer. */
export interface Forge extends AsyncDisposable {
  url: string
  /** A token of the bot's own account, with the scopes that README names. */
  botToken: string
  api: Api
  /** The API as somebody without rights in others' repositories has it. */
  visitor(name: string): Promise<Api>
  /** A repository that the bot may write to, with a hook for these events, pushes by default. */
  repository(name: string, hook: { url: string; secret: string; events?: string[] }): Promise<Repository>
}

type Api = <Answer>(method: string, path: string, body?: object) => Promise<Answer>

export interface Repository {
  fullName: string
  hook: number
  /** Commits the files and pushes with git; resolves to the commit's id. */
  push(files: Record<string, string>, message: string, branch?: string): Promise<string>
  git(...args: string[]): Promise<string>
  /** What the hook's history says: delivery ids, newest first. */
  deliveries(): Promise<string[]>
  /** "Replay" on the hook's page. */
  redeliver(delivery: string): Promise<void>
  /** "Approve and run" on the page of a run from a fork. */
  letRun(run: number): Promise<void>
}

export async function openForge({ scopes = ['read:repository', 'read:user'] } = {}): Promise<Forge> {
  const stack = new AsyncDisposableStack()
  const server: Server = stack.use(await startGitea())
  const folder = mkdtempSync(join(tmpdir(), 'kube-agent-forge-'))
  stack.defer(() => rmSync(folder, { recursive: true, force: true }))
  const { GITEA_URL: url = '', GITEA_ADMIN_TOKEN: token = '', GITEA_ADMIN_USER: user = '' } = server.env

  async function api<Answer>(method: string, path: string, body?: object, as = token): Promise<Answer> {
    const answer = await fetch(`${url}/api/v1${path}`, {
      method,
      headers: { authorization: `token ${as}`, 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`)
    return (text ? JSON.parse(text) : undefined) as Answer
  }

  async function account(username: string, scopes: string[]): Promise<string> {
    const login = { username, password: randomBytes(12).toString('hex') }
    const given = { ...login, email: `${username}@example.test`, must_change_password: false }
    await api('POST', '/admin/users', given)
    const answer = await fetch(`${url}/api/v1/users/${login.username}/tokens`, {
      method: 'POST',
      headers: {
        authorization: `Basic ${Buffer.from(`${login.username}:${login.password}`).toString('base64')}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify({ name: 'bot', scopes }),
    })
    return ((await answer.json()) as { sha1: string }).sha1
  }

  const web = createPages(url, user, server.env.GITEA_ADMIN_PASSWORD ?? '')

  return {
    url,
    botToken: await account('opsbot', scopes),
    api,
    async visitor(name) {
      const visitor = await account(name, ['write:repository', 'write:user'])
      return (method, path, body) => api(method, path, body, visitor)
    },
    async repository(name, { url: target, secret, events = ['push'] }) {
      const made = await api<{ full_name: string }>('POST', '/user/repos', {
        name,
        auto_init: true,
        default_branch: 'main',
      })
      const hook = await api<{ id: number }>('POST', `/repos/${made.full_name}/hooks`, {
        type: 'gitea',
        active: true,
        events,
        config: { url: target, content_type: 'json', secret },
      })
      await api('PUT', `/repos/${made.full_name}/collaborators/opsbot`, { permission: 'write' })
      const tree = join(folder, name)
      const git = async (...args: string[]) =>
        (await run('git', args, { cwd: args[0] === 'clone' ? folder : tree, env: gitEnv(user, token) })).stdout
      await git('clone', '--quiet', `${url}/${made.full_name}.git`, tree)
      const page = `/${made.full_name}/settings/hooks/${hook.id}`
      return {
        fullName: made.full_name,
        hook: hook.id,
        git,
        async push(files, message, branch = 'main') {
          await git('checkout', '--quiet', '-B', branch)
          for (const [file, text] of Object.entries(files)) {
            await mkdir(dirname(join(tree, file)), { recursive: true })
            await writeFile(join(tree, file), text)
          }
          await git('add', '--all')
          await git('commit', '--quiet', '--message', message)
          await git('push', '--quiet', 'origin', branch)
          return (await git('rev-parse', 'HEAD')).trim()
        },
        async deliveries() {
          const html = await web.get(page)
          return [...new Set([...html.matchAll(/\/replay\/([0-9a-f-]{36})/g)].map((match) => match[1] ?? ''))]
        },
        redeliver: (delivery) => web.post(`${page}/replay/${delivery}`),
        letRun: (run) => web.post(`/${made.full_name}/actions/runs/${run}/approve`),
      }
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

const gitEnv = (user: string, token: string): NodeJS.ProcessEnv => ({
  PATH: process.env.PATH,
  HOME: '/nonexistent',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_TERMINAL_PROMPT: '0',
  GIT_AUTHOR_NAME: 'Dana',
  GIT_AUTHOR_EMAIL: 'dana@example.test',
  GIT_COMMITTER_NAME: 'Dana',
  GIT_COMMITTER_EMAIL: 'dana@example.test',
  GIT_CONFIG_COUNT: '1',
  GIT_CONFIG_KEY_0: 'http.extraHeader',
  GIT_CONFIG_VALUE_0: `Authorization: Basic ${Buffer.from(`${user}:${token}`).toString('base64')}`,
})

/** A visitor's session on the web pages. */
function createPages(url: string, user: string, password: string) {
  const cookies = new Map<string, string>()
  let login: Promise<void> | undefined

  async function request(method: string, path: string, form?: Record<string, string>): Promise<Response> {
    const csrf = decodeURIComponent(cookies.get('_csrf') ?? '')
    const answer = await fetch(url + path, {
      method,
      redirect: 'manual',
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
      ...(form && { body: new URLSearchParams({ ...form, ...(csrf && { _csrf: csrf }) }) }),
    })
    for (const cookie of answer.headers.getSetCookie()) {
      const [name = '', value = ''] = (cookie.split(';')[0] ?? '').split(/=(.*)/s)
      cookies.set(name, value)
    }
    if (answer.status >= 400) throw new Error(`${method} ${path}: ${answer.status}`)
    return answer
  }

  async function enter(): Promise<void> {
    await request('GET', '/user/login')
    await request('POST', '/user/login', { user_name: user, password })
  }

  return {
    async get(path: string): Promise<string> {
      await (login ??= enter())
      return (await request('GET', path)).text()
    },
    async post(path: string): Promise<void> {
      await (login ??= enter())
      await request('POST', path, {})
    },
  }
}
