import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'

export interface BotProcess {
  url: string
  /** Everything it logged, parsed. */
  logs: Record<string, unknown>[]
  /** Resolves when `/readyz` is green. */
  ready(): Promise<void>
  /** Resolves with the exit code, or the signal that ended it. */
  exited: Promise<number | string>
  kill(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | string>
}

const main = fileURLToPath(new URL('../../../src/main.ts', import.meta.url))
const killer = fileURLToPath(new URL('kill-at.ts', import.meta.url))

/** Starts the product as users do. `killAt` names a checkpoint at which it ends itself with SIGKILL. */
export async function startBot(env: Record<string, string>, { killAt }: { killAt?: string } = {}): Promise<BotProcess> {
  const port = env.KUBE_AGENT_HTTP_PORT ?? String(await freePort())
  const logs: Record<string, unknown>[] = []
  const clean = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('KUBE_AGENT_') && !name.startsWith('NODE_TEST')),
  )
  const child = spawn(process.execPath, [...(killAt ? ['--import', killer] : []), main, 'serve'], {
    env: {
      ...clean,
      KUBE_AGENT_HTTP_HOST: '127.0.0.1',
      KUBE_AGENT_HTTP_PORT: port,
      ...env,
      ...(killAt && { KILL_AT: killAt }),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  collect(child, logs)
  const exited = once(child, 'exit').then(([code, signal]: (number | string)[]) => signal ?? code ?? 0)
  const url = `http://127.0.0.1:${port}`
  return {
    url,
    logs,
    exited,
    async ready() {
      let gone = false
      exited.then(() => (gone = true))
      for (;;) {
        if (gone) throw new Error(`the bot ended before it was ready:\n${JSON.stringify(logs.slice(-5), null, 1)}`)
        const answer = await fetch(`${url}/readyz`).catch(() => undefined)
        await answer?.body?.cancel()
        if (answer?.status === 200) return
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    },
    async kill(signal) {
      child.kill(signal)
      return exited
    },
  }
}

function collect(child: ChildProcess, logs: Record<string, unknown>[]): void {
  for (const stream of [child.stdout, child.stderr]) {
    let rest = ''
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) logs.push(parse(line))
    })
  }
}

function parse(line: string): Record<string, unknown> {
  try {
    return JSON.parse(line)
  } catch {
    return { text: line }
  }
}

export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}
