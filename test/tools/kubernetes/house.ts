import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { pino } from 'pino'
import {
  createSandboxCluster,
  type SandboxCluster,
  type SandboxClusterOptions,
} from '../../../sandbox/kubernetes/index.ts'
import { createTools } from '../../../src/tools/index.ts'
import { type ClusterOptions, createCluster } from '../../../src/tools/kubernetes/cluster.ts'
import type { ChangeTool, Preview, Tool, ToolContext } from '../../../src/tools/tool.ts'
import { createManualClock } from '../../sandbox/manual-clock.ts'
import { tap } from '../tap.ts'

export interface Options {
  sandbox?: SandboxClusterOptions
  cluster?: Partial<ClusterOptions>
  maxReplicas?: number
  maxBytes?: number
}

export const log = pino({ level: 'silent' })

/** The tools on a sandbox cluster, over HTTP and with a kubeconfig, and everything that was said on the way. */
export async function setup(t: TestContext, { sandbox: options = {}, cluster: given, ...rest }: Options = {}) {
  const clock = createManualClock()
  const sandbox = createSandboxCluster({ clock, ...options })
  t.after(() => sandbox.close())
  const wire = await tap(t, await sandbox.listen())
  const kubeconfig = await kubeconfigFile(t, sandbox, wire.url)
  const cluster = createCluster({ kubeconfig, now: clock.now, log, ...given })
  const rules = { maxReplicas: rest.maxReplicas ?? 50 }
  const tools = createTools({ cluster, rules })
  const context: ToolContext = { signal: t.signal, log, thread: 'test', maxBytes: rest.maxBytes ?? 14_000 }

  const tool = (name: string): Tool => tools.get(name) ?? fail(`no tool ${name}`)
  const change = (name: string): ChangeTool => {
    const found = tool(name)
    return found.effect === 'read' ? fail(`${name} only reads`) : found
  }
  const input = (name: string, args: object) => tool(name).input.parse(args)
  return {
    clock,
    sandbox,
    cluster,
    tools,
    context,
    ...wire,
    /** Arguments as a model gives them; the text it gets. */
    call: (name: string, args: object = {}): Promise<string> => {
      const found = tool(name)
      return found.effect === 'read' ? found.run(input(name, args), context) : fail(`${name} does not only read`)
    },
    change,
    propose: async (name: string, args: object): Promise<Preview> => change(name).preflight(input(name, args), context),
    carryOut: async (name: string, args: object, approved: Preview): Promise<string> =>
      change(name).run(input(name, args), approved, context),
    deployment: (name: string) => sandbox.objects.find('deployments', 'shop', name) ?? fail(`no deployment ${name}`),
    podsOf: (app: string) =>
      sandbox.objects.list('pods', 'shop').filter(({ metadata }) => metadata.labels?.app === app),
    edit: (name: string, change: (copy: ReturnType<typeof found>) => void) =>
      sandbox.objects.change('deployments', found(name), (copy) => {
        change(copy)
        copy.metadata.generation = (copy.metadata.generation ?? 0) + 1
      }),
  }

  function found(name: string) {
    return sandbox.objects.find('deployments', 'shop', name) ?? fail(`no deployment ${name}`)
  }
}

export type House = Awaited<ReturnType<typeof setup>>

function fail(message: string): never {
  throw new Error(message)
}

async function kubeconfigFile(t: TestContext, sandbox: SandboxCluster, url: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'kube-agent-test-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  const path = join(directory, 'kubeconfig')
  await writeFile(path, sandbox.kubeconfig().replace(/server: .*/, `server: ${url}`))
  return path
}

/** Generated names and ids differ from run to run; what they stand for does not. */
export const stable = (text: string): string =>
  text
    .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<uid>')
    .replaceAll(/(?<=\b[a-z]+-)[b-z2-9]{10}-[b-z2-9]{5}(?![a-z0-9])/g, 'xxxxxxxxxx-xxxxx')
    .replaceAll(/(?<=\b[a-z]+-)[b-z2-9]{10}(?![a-z0-9])/g, 'xxxxxxxxxx')
