import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import { promisify } from 'node:util'
import { createSandboxGitea } from '../../sandbox/gitea/index.ts'

const run = promisify(execFile)
export const secret = 'sandbox-webhook-secret'

export interface Delivery {
  headers: Record<string, string>
  body: string
}

/** A Gitea with a webhook, and somebody who takes its deliveries. */
export async function setup(t: TestContext, { status = 202, events }: { status?: number; events?: string[] } = {}) {
  const deliveries: Delivery[] = []
  const waiting: (() => void)[] = []
  const receiver = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    deliveries.push({ headers: headersOf(request.rawHeaders), body: Buffer.concat(chunks).toString() })
    response.writeHead(status).end()
    for (const wake of waiting.splice(0)) wake()
  })
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
  t.after(() => receiver.close())
  const hookUrl = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/webhooks/gitea`
  const gitea = createSandboxGitea({ webhook: { url: hookUrl, secret, ...(events && { events }) } })
  t.after(() => gitea.close())
  const url = await gitea.listen()

  const api = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(`${url}/api/v1${path}`, {
      ...init,
      headers: { authorization: `token ${gitea.token}`, 'content-type': 'application/json', ...init.headers },
    })
    const text = await response.text()
    return {
      status: response.status,
      text,
      body: text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : undefined,
    }
  }
  const received = async (count: number): Promise<Delivery[]> => {
    while (deliveries.length < count) await new Promise<void>((resolve) => waiting.push(resolve))
    return deliveries
  }
  return { gitea, url, api, received, hookUrl }
}

const headersOf = (raw: string[]): Record<string, string> =>
  Object.fromEntries(raw.flatMap((name, index) => (index % 2 === 0 ? [[name, raw[index + 1] ?? '']] : [])))

/** A working tree, pushed with the git that is installed here. */
export async function clone(t: TestContext, url: string, token: string) {
  const directory = await mkdtemp(join(tmpdir(), 'kube-agent-test-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  const { host } = new URL(url)
  const git = async (...args: string[]) => {
    const identity = ['-c', 'user.name=Carol', '-c', 'user.email=carol@example.test', '-c', 'commit.gpgsign=false']
    const environment = { ...process.env, GIT_TERMINAL_PROMPT: '0', GIT_CONFIG_GLOBAL: '/dev/null' }
    const { stdout } = await run('git', [...identity, ...args], { cwd: directory, env: environment })
    return stdout.trim()
  }
  await git('clone', '--quiet', `http://kube-agent:${token}@${host}/acme/shop.git`, '.')
  const commit = async (file: string, text: string, message: string) => {
    await mkdir(dirname(join(directory, file)), { recursive: true })
    await writeFile(join(directory, file), text)
    await git('add', '--all')
    await git('commit', '--quiet', '--message', message)
    return git('rev-parse', 'HEAD')
  }
  return { directory, git, commit }
}

export const recorded = async (name: string): Promise<Delivery> =>
  JSON.parse(await readFile(new URL(`../fixtures/gitea/${name}.json`, import.meta.url), 'utf8'))

/** `repository.owner.login: string` for everything in a body; of lists the first entry. */
export function shapeOf(value: unknown, path = ''): string[] {
  if (Array.isArray(value)) return value.length > 0 ? shapeOf(value[0], `${path}[]`) : []
  if (typeof value !== 'object' || value === null) return value === null ? [] : [`${path}: ${typeof value}`]
  return Object.entries(value).flatMap(([key, inner]) => shapeOf(inner, path ? `${path}.${key}` : key))
}
