import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fastify } from 'fastify'
import type { Logger } from 'pino'
import { type Run, runChecks } from './gitea-actions.ts'
import { serveGiteaApi } from './gitea-api.ts'
import { commits, references } from './gitea-git.ts'
import { serveGit } from './gitea-git-http.ts'
import { type Moved, pushEvents } from './gitea-push.ts'
import { pushRelease, seedRepository } from './gitea-sample.ts'
import { type Repository, type User, zeros } from './gitea-shapes.ts'
import { deliver, type Hook } from './gitea-webhooks.ts'

export interface SandboxGiteaOptions {
  /** A hook that exists from the start, for pushes to `acme/shop`. */
  webhook?: { url: string; secret: string }
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
  /** Sends the events and starts the checks that a push brings about. */
  pushed(moved: Moved[], pusher: User): Promise<void>
  send(hook: Hook, event: string, payload: object): void
}

/** A small Gitea: real git repositories behind a part of its API, and its webhooks. */
export function createSandboxGitea(options: SandboxGiteaOptions = {}): SandboxGitea {
  const { webhook, log } = options
  const alice: User = { id: 2, login: 'alice', email: '2+alice@noreply.localhost' }
  const bot: User = { id: 3, login: 'kube-agent', email: '3+kube-agent@noreply.localhost' }
  const tokens = { alice: randomBytes(20).toString('hex'), bot: randomBytes(20).toString('hex') }
  const deliveries = new Set<Promise<void>>()
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
      for (const branch of branches) await check(forge, branch, alice)
      serveGit(app, forge)
      serveGiteaApi(app, forge)
      forge.url = await app.listen({ host: '127.0.0.1', port })
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
      await Promise.all(deliveries)
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
      repository: { id: 1, owner, name: 'shop', description: 'The web shop of the sandbox', created },
      users: new Map([
        [tokens.alice, alice],
        [tokens.bot, bot],
      ]),
      async pushed(moved, pusher) {
        for (const one of moved) {
          // Whoever is told of a push finds its CI run.
          await check(self, one, pusher)
          const events = await pushEvents(self.directory, self.repository, one, pusher, self.url)
          for (const { event, payload } of events)
            for (const target of self.hooks.filter(({ active, events }) => active && events.includes(event)))
              self.send(target, event, payload)
        }
      },
      send(target, event, payload) {
        const delivery = deliver(target, event, payload, log).finally(() => deliveries.delete(delivery))
        deliveries.add(delivery)
      },
    }
    return self
  }
}

async function check(forge: Forge, { ref, after }: Moved, actor: User): Promise<void> {
  if (!ref.startsWith('refs/heads/') || after === zeros) return
  const [head] = await commits(forge.directory, [after], 1)
  if (!head) return
  const branch = ref.slice('refs/heads/'.length)
  const title = head.message.split('\n')[0] ?? ''
  forge.runs.push(await runChecks(forge.directory, { id: forge.runs.length + 1, sha: after, branch, title, actor }))
}

function hook({ url, secret }: { url: string; secret: string }): Hook {
  return { id: 1, url, secret, events: ['push', 'create', 'delete'], active: true, created: new Date().toISOString() }
}
