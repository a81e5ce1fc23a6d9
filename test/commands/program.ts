import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'

export interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

export interface Running {
  child: ChildProcess
  ended: Promise<Ended>
  /** Resolves with the address once the log says so. */
  listening: Promise<string>
}

const launcher = fileURLToPath(new URL('../../bin/kube-agent.js', import.meta.url))

/** Starts the program as users do, with nothing in its environment but what is given. */
export function start(t: TestContext, args: string[], env: Record<string, string> = {}, program = launcher): Running {
  const { PATH = '' } = process.env
  const HOME = folder(t)
  const child = spawn(process.execPath, [program, ...args], { env: { PATH, HOME, ...env }, cwd: HOME })
  t.after(() => child.kill('SIGKILL'))
  const address = Promise.withResolvers<string>()
  const texts = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (text: string) => {
      texts[name] += text
      const url = /"url":"([^"]+)"/.exec(texts.stdout)?.[1]
      if (url) address.resolve(url)
    })
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, ...texts }))
  ended.then(({ code, stderr }) => address.reject(new Error(`it ended with ${code} before it listened: ${stderr}`)))
  address.promise.catch(() => {})
  return { child, ended, listening: address.promise }
}

/** Runs it to its end. */
export const run = (t: TestContext, args: string[], env: Record<string, string> = {}): Promise<Ended> =>
  start(t, args, env).ended

export function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'kube-agent-cli-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/** The web room on a free port, without model and cluster. */
export function webEnv(t: TestContext, more: Record<string, string> = {}): Record<string, string> {
  return {
    KUBE_AGENT_CHAT: 'web',
    KUBE_AGENT_HTTP_HOST: '127.0.0.1',
    KUBE_AGENT_HTTP_PORT: '0',
    KUBE_AGENT_LLM_URL: 'none',
    KUBE_AGENT_DATA_DIR: join(folder(t), 'data'),
    ...more,
  }
}
