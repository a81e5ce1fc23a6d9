import { execFile, spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const rig = (name: string, script: string): string =>
  fileURLToPath(new URL(`../rigs/${name}/${script}`, import.meta.url))
const caches = process.env.KUBE_AGENT_RIGS ?? join(homedir(), '.cache/kube-agent-rigs')

/** A server of our own for one test file, or the one that `E2E_*` names. */
export interface Server extends AsyncDisposable {
  /** What the rig wrote about itself (`KEY=value`). */
  env: Record<string, string>
}

export interface Kubernetes extends Server {
  kubeconfig: string
  kubectl(...args: string[]): Promise<string>
  /** Puts scenarios of `rigs/kubernetes/scenarios` into the cluster. */
  apply(...scenarios: string[]): Promise<void>
  /** Adds fake nodes until there are so many. */
  nodes(count: number): Promise<void>
  /** Resolves when they are as their checks say. */
  settled(...scenarios: string[]): Promise<void>
}

/** Starts a rig in a folder of its own. They are built by `test/real/rigs/build.sh`, which `npm run test:real` runs first. */
async function up(
  name: 'matrix' | 'mattermost' | 'kubernetes' | 'gitea',
  given: Record<string, string>,
): Promise<{ folder: string; restart: Restartable['restart']; stop(): Promise<void> }> {
  const env = { ...given, RIGS_CACHE: ['matrix', 'mattermost'].includes(name) ? caches : join(caches, name) }
  const folder = mkdtempSync(join(tmpdir(), `kube-agent-${name}-`))
  // A database in it may run as a user of its own.
  if (name === 'mattermost') chmodSync(folder, 0o755)
  await script(rig(name, 'up.sh'), [folder], env)
  return {
    folder,
    async restart(more = {}) {
      await script(rig(name, 'down.sh'), [folder], env)
      await script(rig(name, 'up.sh'), [folder], { ...env, ...more })
    },
    async stop() {
      await script(rig(name, 'down.sh'), [folder], env)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function script(file: string, args: string[], env: Record<string, string>): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('bash', [file, ...args], { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk))
    child.once('error', reject)
    // The servers it started may keep its pipes open: what counts is that it ended itself.
    child.once('exit', (code) => {
      child.stdout.destroy()
      child.stderr.destroy()
      if (code === 0) resolve()
      else reject(new Error(`${file} ${args.join(' ')} ended with ${code}:\n${output.slice(-4_000)}`))
    })
  })
}

const readEnv = (file: string): Record<string, string> =>
  Object.fromEntries(
    readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line.includes('='))
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  )

/** A server that can be ended and started again with its data; `more`: its settings, as variables, for that start. */
export interface Restartable extends Server {
  restart(more?: Record<string, string>): Promise<void>
}

/** A Synapse with the users admin, bot, alice and bob. `relaxed`: without rate limits. */
export async function startMatrix({ relaxed = true } = {}): Promise<Restartable> {
  if (process.env.E2E_MATRIX_URL) {
    const names = ['ADMIN', 'BOT', 'ALICE', 'BOB'].flatMap((who) => [`${who}_USER`, `${who}_TOKEN`])
    const env = Object.fromEntries(names.map((name) => [name, process.env[`E2E_MATRIX_${name}`] ?? '']))
    const restart = () => Promise.reject(new Error('A Synapse of ours can be restarted: leave E2E_MATRIX_URL out.'))
    return {
      env: { ...env, HOMESERVER_URL: process.env.E2E_MATRIX_URL },
      restart,
      [Symbol.asyncDispose]: async () => {},
    }
  }
  const { folder, restart, stop } = await up('matrix', relaxed ? { RELAXED: '1' } : {})
  const env = readEnv(join(folder, 'env'))
  if (!relaxed) for (const who of ['ALICE', 'BOB']) await exempt(env, env[`${who}_USER`] ?? '')
  return { env, restart, [Symbol.asyncDispose]: stop }
}

/** A Mattermost with the team rig, its channel ops, and the users admin, opsbot, alice and bob. `settings`: of the server, as its variables. */
export async function startMattermost(settings: Record<string, string> = {}): Promise<Restartable> {
  const { folder, restart, stop } = await up('mattermost', settings)
  return { env: readEnv(join(folder, 'env')), restart, [Symbol.asyncDispose]: stop }
}

/** Frees an account of the server's limits, as an administrator does. */
async function exempt(env: Record<string, string>, user: string): Promise<void> {
  const path = `/_synapse/admin/v1/users/${encodeURIComponent(user)}/override_ratelimit`
  await fetch(`${env.HOMESERVER_URL}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${env.ADMIN_TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify({ messages_per_second: 0, burst_count: 0 }),
  })
}

/** A control plane with fake kubelets. `addons`: with CoreDNS and kube-proxy. */
export async function startKubernetes({ addons = false } = {}): Promise<Kubernetes> {
  const given = process.env.E2E_KUBECONFIG
  const started = given ? undefined : await up('kubernetes', { RIG_QUIET: '1', RIG_ADDONS: addons ? '1' : '0' })
  const kubeconfig = given ?? join(started?.folder ?? '', 'kubeconfig')
  const play = (file: string, scenarios: string[]) => {
    if (!started) throw new Error('Scenarios need a cluster of their own: leave E2E_KUBECONFIG out.')
    return script(rig('kubernetes', file), [started.folder, ...scenarios], { RIGS_CACHE: join(caches, 'kubernetes') })
  }
  const binary = given ? 'kubectl' : join(caches, 'kubernetes/bin/kubectl')
  return {
    env: {},
    kubeconfig,
    kubectl: async (...args) =>
      (await run(binary, ['--kubeconfig', kubeconfig, ...args], { maxBuffer: 32 * 1024 * 1024 })).stdout,
    nodes: async (count) => {
      const { stdout } = await run(binary, ['--kubeconfig', kubeconfig, 'get', 'nodes', '-o', 'name'])
      const there = stdout.trim().split('\n').length
      if (there < count) await play('nodes.sh', [String(there + 1), String(count)])
    },
    apply: (...scenarios) => play('apply.sh', scenarios),
    settled: (...scenarios) => play('verify.sh', scenarios),
    [Symbol.asyncDispose]: async () => started?.stop(),
  }
}

/** A Gitea with a runner, whose queue is in memory, so that webhooks come within moments. `knobs`: of `up.sh`, for one of our own. */
export async function startGitea(knobs: Record<string, string> = {}): Promise<Server> {
  if (process.env.E2E_GITEA_URL && Object.keys(knobs).length === 0) {
    const env = {
      GITEA_URL: process.env.E2E_GITEA_URL,
      GITEA_ADMIN_TOKEN: process.env.E2E_GITEA_TOKEN ?? '',
      GITEA_ADMIN_USER: process.env.E2E_GITEA_USER ?? '',
      GITEA_ADMIN_PASSWORD: process.env.E2E_GITEA_PASSWORD ?? '',
    }
    return { env, [Symbol.asyncDispose]: async () => {} }
  }
  const { folder, stop } = await up('gitea', { GITEA_QUEUE: 'channel', ...knobs })
  return { env: readEnv(join(folder, 'env')), [Symbol.asyncDispose]: stop }
}
