import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fastify } from 'fastify'
import type { Logger } from 'pino'
import { createRun, execute, type Run, type Status } from './actions.ts'
import { serveGiteaApi } from './api.ts'
import { commits, references } from './git.ts'
import { serveGit } from './git-http.ts'
import type { Comment, Issue } from './issues.ts'
import type { Pull } from './pulls.ts'
import { type Moved, pushEvents } from './push.ts'
import { pushRelease, seedRepository } from './sample.ts'
import { type Repository, type User, zeros } from './shapes.ts'
import { deliver, type Hook } from './webhooks.ts'
import { workflowsOf } from './workflow.ts'

export interface SandboxGiteaOptions {
  /** A hook of `acme/shop` that exists from the start; for pushes, unless other events are named. */
  webhook?: { url: string; secret: string; events?: string[] }
  log?: Logger
}

export interface SandboxGitea {
  /** Creates the repository `acme/shop` and serves on loopback; resolves to the base URL. */
  listen(port?: number): Promise<string>
  /** Access token of the user `kube-agent`, for the API and for git. */
  token: string
  /** Alice commits to `main` of `acme/shop` and pushes, with git over HTTP. Resolves to the hash of the commit. */
  pushSample(): Promise<string>
  /** Waits for deliveries on their way, then removes all repositories. */
  close(): Promise<void>
}

/** What the routes of the server share. */
export interface Forge {
  /** Address of the server, without a slash at the end. */
  url: string
  root: string
  repository: Repository
  directory: string
  users: Map<string, User>
  hooks: Hook[]
  runs: Run[]
  statuses: Status[]
  /** Issues and pull requests count together. */
  issues: Issue[]
  pulls: Pull[]
  comments: Comment[]
  /** Sends the events and starts the checks that a push brings about. */
  pushed(moved: Moved[], pusher: User): Promise<void>
  /** Tells every hook that wants this event. */
  emit(event: string, payload: object): void
  send(hook: Hook, event: string, payload: object): void
  /** What goes on after an answer; closing waits for it. */
  inBackground(work: Promise<void>): void
}

/** A small Gitea: real git repositories behind a part of its API, and its webhooks. */
export function createSandboxGitea(options: SandboxGiteaOptions = {}): SandboxGitea {
  const { webhook, log } = options
  const alice: User = { id: 2, login: 'alice', email: '2+alice@noreply.localhost' }
  const bot: User = { id: 3, login: 'kube-agent', email: '3+kube-agent@noreply.localhost' }
  const tokens = { alice: randomBytes(20).toString('hex'), bot: randomBytes(20).toString('hex') }
  const deliveries = new Set<Promise<unknown>>()
  const app = fastify({ bodyLimit: 64 * 1024 * 1024, forceCloseConnections: true })
  let forge: Forge | undefined

  return {
    token: tokens.bot,
    async listen(port = 0) {
      const root = await mkdtemp(join(tmpdir(), 'kube-agent-gitea-'))
      forge = createForge(root)
      await mkdir(join(root, 'acme'))
      await seedRepository(forge.directory, alice)
      const branches = [...(await references(forge.directory))].map(([ref, after]) => ({ ref, before: zeros, after }))
      serveGit(app, forge)
      serveGiteaApi(app, forge)
      forge.url = await app.listen({ host: '127.0.0.1', port })
      for (const branch of branches) await check(forge, branch, alice)
      if (webhook) forge.hooks.push(hook(webhook))
      return forge.url
    },
    pushSample() {
      if (!forge?.url) throw new Error('The sandbox Gitea does not listen yet: call listen() before pushSample().')
      const tree = join(forge.root, `sample-${randomBytes(4).toString('hex')}`)
      return pushRelease(`${forge.url}/acme/shop.git`, tokens.alice, tree, alice)
    },
    async close() {
      await app.close()
      while (deliveries.size > 0) await Promise.all(deliveries)
      if (forge) await rm(forge.root, { recursive: true, force: true })
    },
  }

  function createForge(root: string): Forge {
    const owner: User = { id: 4, login: 'acme', email: '' }
    const created = `${new Date().toISOString().slice(0, 19)}Z`
    const self: Forge = {
      url: '',
      root,
      directory: join(root, 'acme', 'shop.git'),
      hooks: [],
      runs: [],
      statuses: [],
      issues: [],
      pulls: [],
      comments: [],
      repository: { id: 1, owner, name: 'shop', description: 'The web shop of the sandbox', created },
      users: new Map([
        [tokens.alice, alice],
        [tokens.bot, bot],
      ]),
      async pushed(moved, pusher) {
        for (const one of moved) {
          // Whoever is told of a push finds its CI run, and is told of that afterwards.
          const later: [event: string, payload: object][] = []
          await check({ ...self, emit: (...event) => later.push(event) }, one, pusher)
          const events = await pushEvents(self.directory, self.repository, one, pusher, self.url)
          for (const { event, payload } of events) self.emit(event, payload)
          for (const event of later) self.emit(...event)
        }
      },
      emit(event, payload) {
        for (const target of self.hooks.filter(({ active, events }) => active && events.includes(event)))
          self.send(target, event, payload)
      },
      inBackground(work) {
        const noted = work
          .catch((err: unknown) => log?.error({ err }, 'sandbox Gitea failed behind an answer'))
          .finally(() => deliveries.delete(noted))
        deliveries.add(noted)
      },
      send(target, event, payload) {
        self.inBackground(deliver(target, event, payload, log))
      },
    }
    return self
  }
}

/** CI: every workflow of the commit runs. */
async function check(forge: Forge, { ref, after }: Moved, actor: User): Promise<void> {
  if (!ref.startsWith('refs/heads/') || after === zeros) return
  const [head] = await commits(forge.directory, [after], 1)
  if (!head) return
  const branch = ref.slice('refs/heads/'.length)
  const title = head.message.split('\n')[0] ?? ''
  for (const workflow of await workflowsOf(forge.directory, after)) {
    const run = createRun(forge, workflow, { sha: after, branch, title, actor })
    forge.runs.push(run)
    await execute(forge, run, run.jobs)
  }
}

function hook({
  url,
  secret,
  events = ['push', 'create', 'delete'],
}: NonNullable<SandboxGiteaOptions['webhook']>): Hook {
  return { id: 1, url, secret, events, active: true, created: new Date().toISOString() }
}
