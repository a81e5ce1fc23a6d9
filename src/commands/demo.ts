import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import closeWithGrace from 'close-with-grace'
import { createSandboxGitea, type SandboxGitea } from '../../sandbox/gitea/index.ts'
import { createSandboxCluster } from '../../sandbox/kubernetes/index.ts'
import { createSandboxModel } from '../../sandbox/model/index.ts'
import { ConfigError, loadConfig } from '../config/index.ts'
import { createLog, type Logger } from '../log.ts'
import { serve } from '../service/index.ts'
import { sentenceOf } from '../text/sentence.ts'

const events = ['push', 'workflow_run', 'workflow_job', 'status', 'pull_request', 'issue_comment', 'delete']

export interface DemoOptions {
  /** Wanted port of the web room; another one is taken when it is in use. */
  port: number
  version: string
  /** `KUBE_AGENT_LLM_*` choose a real model. */
  env: NodeJS.ProcessEnv
  /** How long the scripted model "thinks" before it speaks, in milliseconds. */
  pace?: number
}

export interface Demo {
  url: string
  /** Resolves with a sentence when the bot cannot go on. */
  failed: Promise<string>
  close(): Promise<void>
}

/** `kube-agent demo`: prints where to look and what to try, until Ctrl+C. Exit codes: 0 after a signal, 1 after a failure, 2 for bad input. */
export async function demo(options: DemoOptions): Promise<void> {
  const { port } = options
  const starting = startDemo(options)
  // From here on: Ctrl+C while it starts ends it cleanly too.
  closeWithGrace({ delay: 10_000, logger: false }, async ({ err }) => {
    if (err) console.error(err.message)
    await (await starting).close()
  })
  const running = await starting.catch((error: unknown) => {
    console.error(sentenceOf(error))
    process.exit(error instanceof ConfigError ? 2 : 1)
  })
  if (port !== 0 && new URL(running.url).port !== String(port))
    console.log(`\n  Port ${port} is in use, so another one is taken.`)
  console.log(`
  kube-agent demo: ${running.url}/web/

  The cluster and the Gitea behind it are sandboxes on this machine. In the room:
    1. read the thread that a failed CI run opened; approve the fix with ✅ and see its run pass
    2. read the thread that the push opened
    3. ask: What is wrong with api?  Approve the repair and see it recover

  Ctrl+C ends it; nothing is kept.
`)
  const problem = await running.failed
  console.error(problem)
  await running.close()
  process.exit(1)
}

/** Sandbox servers and the product itself, exactly as `serve` runs it, in a folder that goes with it. */
export async function startDemo({ port, version, env, pace = 400 }: DemoOptions): Promise<Demo> {
  const stack = new AsyncDisposableStack()
  try {
    const folder = await mkdtemp(join(tmpdir(), 'kube-agent-demo-'))
    stack.defer(() => rm(folder, { recursive: true, force: true }))
    const httpPort = await freePort(port)
    const secret = randomBytes(24).toString('hex')

    const cluster = createSandboxCluster()
    stack.defer(() => cluster.close())
    await cluster.listen()
    const kubeconfig = join(folder, 'kubeconfig')
    await writeFile(kubeconfig, cluster.kubeconfig(), { mode: 0o600 })

    const gitea = createSandboxGitea({
      webhook: { url: `http://127.0.0.1:${httpPort}/webhooks/gitea`, secret, events },
    })
    stack.defer(() => gitea.close())
    const giteaUrl = await listenWithGit(gitea)

    const given = modelSettings(env)
    const model = given.KUBE_AGENT_LLM_URL ? undefined : createSandboxModel({ pace })
    if (model) stack.defer(() => model.close())
    const loaded = loadConfig({
      env: {
        KUBE_AGENT_LOG_LEVEL: env.KUBE_AGENT_LOG_LEVEL ?? 'error',
        ...(model ? { KUBE_AGENT_LLM_URL: await model.listen(), KUBE_AGENT_LLM_MODEL: 'sandbox' } : given),
        ...(env.KUBE_AGENT_LANGUAGE && { KUBE_AGENT_LANGUAGE: env.KUBE_AGENT_LANGUAGE }),
        KUBE_AGENT_CHAT: 'web',
        KUBE_AGENT_ROOM: 'ops',
        KUBE_AGENT_APPROVERS: '@operator:web',
        KUBE_AGENT_HTTP_HOST: '127.0.0.1',
        KUBE_AGENT_HTTP_PORT: String(httpPort),
        KUBE_AGENT_DATA_DIR: join(folder, 'data'),
        KUBECONFIG: kubeconfig,
        KUBE_AGENT_NAMESPACE: 'shop',
        KUBE_AGENT_GITEA_URL: giteaUrl,
        KUBE_AGENT_GITEA_TOKEN: gitea.token,
        KUBE_AGENT_GITEA_WEBHOOK_SECRET: secret,
        KUBE_AGENT_APPROVALS_RECOVERY_SECONDS: '5,30',
      },
    })
    const webNotice = noticeOf(loaded.config.llm, model !== undefined)
    const log = env.KUBE_AGENT_LOG_LEVEL ? undefined : quietLog(loaded.config.llm.apiKey)
    const served = await serve({ loaded, version, webNotice, ...(log && { log }) })
    stack.defer(() => served.close(1_000))
    await gitea.pushSample()
    return { url: served.url, failed: served.failed, close: () => stack.disposeAsync() }
  } catch (error) {
    await stack.disposeAsync()
    throw error
  }
}

/** What chooses a real model; nothing when no address is given, so that a forgotten name does not confuse the scripted one. */
function modelSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  if (!env.KUBE_AGENT_LLM_URL) return {}
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => name.startsWith('KUBE_AGENT_LLM_') || name === 'KUBE_AGENT_CA_FILE'),
  )
}

/** The small Gitea holds real repositories. */
async function listenWithGit(gitea: SandboxGitea): Promise<string> {
  try {
    return await gitea.listen()
  } catch (error) {
    if (!(error instanceof Error) || !/ENOENT/.test(`${(error as { code?: string }).code} ${error.message}`))
      throw error
    throw new Error('The demo needs git for its small Gitea, and there is none. Install git and start again.', {
      cause: error,
    })
  }
}

/** Only what goes wrong: a visitor's terminal is no place for the audit trail. `KUBE_AGENT_LOG_LEVEL` shows everything. */
function quietLog(apiKey: string): Logger {
  const destination = {
    write(line: string) {
      if (/^\{"level":"(error|fatal)"/.test(line)) process.stderr.write(line)
    },
  }
  return createLog({ level: 'error', secrets: [apiKey], destination })
}

/** What on the page is real and what is not. */
function noticeOf({ url, model }: { url: string; model: string }, isScripted: boolean): string {
  const modelSentence = isScripted
    ? 'No model is configured: a scripted stand-in plays it.'
    : url === 'none'
      ? 'No model is configured: rules and commands only.'
      : `Model: ${model} at ${new URL(url).host}.`
  return `Demo: the cluster and the Gitea behind this room are sandboxes on this machine. ${modelSentence} The name operator may approve changes, other names may not.`
}

/** The wanted port if nobody listens there, else any free one. */
function freePort(wanted: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' && wanted !== 0 ? resolve(freePort(0)) : reject(error),
    )
    server.listen(wanted, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}
