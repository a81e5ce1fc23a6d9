import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'

/** A program under measurement, in a process of its own. */
export interface Program {
  /** From the start of the process until it takes work, in milliseconds. */
  startMs: number
  /** Resident memory now, in MiB. */
  memory(): number
  /** Its HTTP port; the echo bot has none. */
  url: string
  stop(): Promise<void>
}

const product = fileURLToPath(new URL('../../bin/kube-agent.js', import.meta.url))
const echo = fileURLToPath(new URL('echo-bot.js', import.meta.url))

/** What an installation should set (docs/benchmarks.md): glibc keeps fewer and smaller reserves. */
const frugal = { MALLOC_ARENA_MAX: '2', MALLOC_TRIM_THRESHOLD_: '131072' }

/** Node's flags, as the first line of the launcher names them. */
export const flags = /^#!.* node (.*)/.exec(readFileSync(product, 'utf8'))?.[1]?.split(' ') ?? []

/** Starts the product as the command `kube-agent serve` does, and waits until `/readyz` is green. */
export async function startProduct(env: Record<string, string>): Promise<Program> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const started = performance.now()
  const child = run([...flags, product, 'serve'], {
    ...frugal,
    ...env,
    KUBE_AGENT_HTTP_HOST: '127.0.0.1',
    KUBE_AGENT_HTTP_PORT: String(port),
  })
  await until(async () => (await fetch(`${url}/readyz`).catch(() => undefined))?.ok === true, child)
  return program(child, url, performance.now() - started)
}

/** Starts the echo bot, and waits until its first synchronisation is done. */
export async function startEcho(env: Record<string, string>): Promise<Program> {
  const started = performance.now()
  // One of the SDK's packages calls an old function of Node; the warning says nothing about what is measured.
  const child = run(['--no-deprecation', echo], env)
  let isReady = false
  child.stdout?.once('data', () => (isReady = true))
  await until(async () => isReady, child)
  return program(child, '', performance.now() - started)
}

/** Starts one of the programs beside this file, and waits until it says that it listens. */
export async function startServer(file: string, env: Record<string, string> = {}): Promise<Program> {
  const port = await freePort()
  const started = performance.now()
  const path = fileURLToPath(new URL(file, import.meta.url))
  const child = run([...flags, path], { ...frugal, ...env, PORT: String(port) })
  let isReady = false
  child.stdout?.once('data', () => (isReady = true))
  await until(async () => isReady, child)
  return program(child, `http://127.0.0.1:${port}`, performance.now() - started)
}

function run(args: string[], env: Record<string, string>): ChildProcess {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(KUBE_AGENT_|NODE_)/.test(name))
  return spawn(process.execPath, args, {
    env: { ...Object.fromEntries(inherited), ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}

function program(child: ChildProcess, url: string, startMs: number): Program {
  child.stdout?.resume()
  return {
    url,
    startMs,
    memory: () => Number(execFileSync('ps', ['-o', 'rss=', '-p', String(child.pid)], { encoding: 'utf8' })) / 1024,
    async stop() {
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      await ended
    },
  }
}

/** Asks again and again; a program that ended meanwhile is an error. */
async function until(isDone: () => Promise<boolean>, child: ChildProcess): Promise<void> {
  while (!(await isDone())) {
    if (child.exitCode !== null) throw new Error(`the program ended with ${child.exitCode} before it was ready`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}
