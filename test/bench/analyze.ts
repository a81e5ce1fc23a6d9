import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Kubernetes, startKubernetes } from '../real/lib/servers.ts'
import type { Measured } from './analyze-once.ts'
import { flags } from './processes.ts'
import { median, type Table } from './table.ts'

const run = promisify(execFile)
const rounds = 9
const podsOfNamespace = 50

/**
 * `npm run bench analyze`: wall time and peak memory of an analysis of the whole cluster, beside a paged list of the same kinds by
 * the same client, in turns, on a real control plane with fake nodes. Namespaces of 50 pods each, up to `most` pods.
 */
export async function benchAnalyze(most: number): Promise<Table> {
  const folder = await mkdtemp(join(tmpdir(), 'kube-agent-bench-'))
  const kubernetes = await startKubernetes()
  try {
    const lines: string[][] = []
    let there = 0
    for (const pods of [1_000, 3_000, 10_000].filter((count) => count <= most)) {
      await grow(kubernetes, folder, there, pods)
      there = pods
      lines.push(await compare(kubernetes, pods))
      console.error(lines.at(-1)?.join(' | '))
    }
    return {
      name: 'analyze',
      head: [
        'pods',
        'analyze',
        'paged list',
        'time ratio (goal 1.5)',
        'peak memory',
        'of the list',
        'memory ratio (goal 1.2)',
      ],
      lines,
      note: `Medians of ${rounds} rounds in turns, ratios within each; both with the flags of the command (${flags.join(' ')}).`,
    }
  } finally {
    await kubernetes[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  }
}

async function compare({ kubeconfig }: Kubernetes, pods: number): Promise<string[]> {
  const pairs: { analysis: Measured; list: Measured }[] = []
  for (let round = 0; round < rounds; round++)
    pairs.push({ list: await once('list', kubeconfig), analysis: await once('analyze', kubeconfig) })
  const middle = (value: (pair: { analysis: Measured; list: Measured }) => number) => median(pairs.map(value))
  return [
    pods.toLocaleString('en'),
    seconds(middle(({ analysis }) => analysis.ms)),
    seconds(middle(({ list }) => list.ms)),
    // Of each pair by itself: what else the machine does changes from minute to minute.
    middle(({ analysis, list }) => analysis.ms / list.ms).toFixed(2),
    mebibytes(middle(({ analysis }) => analysis.peakBytes)),
    mebibytes(middle(({ list }) => list.peakBytes)),
    middle(({ analysis, list }) => analysis.peakBytes / list.peakBytes).toFixed(2),
  ]
}

async function once(what: 'analyze' | 'list', kubeconfig: string): Promise<Measured> {
  const script = fileURLToPath(new URL('./analyze-once.ts', import.meta.url))
  const { stdout } = await run(process.execPath, [...flags, script, what, kubeconfig])
  return JSON.parse(stdout) as Measured
}

/** Adds namespaces, and nodes for them, until so many pods run. */
async function grow(kubernetes: Kubernetes, folder: string, from: number, to: number): Promise<void> {
  await kubernetes.nodes(Math.ceil(to / 100) + 2)
  const manifests: string[] = []
  for (let index = from / podsOfNamespace; index < to / podsOfNamespace; index++) manifests.push(namespaceOf(index))
  const path = join(folder, 'load.yaml')
  await writeFile(path, manifests.join('\n---\n'))
  await kubernetes.kubectl('apply', '-f', path)
  await kubernetes.kubectl(
    'wait',
    'deployments',
    '-A',
    '-l',
    'bench=load',
    '--for=condition=Available',
    '--timeout=1500s',
  )
}

const namespaceOf = (index: number): string => `apiVersion: v1
kind: Namespace
metadata: {name: load-${index}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: app, namespace: load-${index}, labels: {bench: load}}
spec:
  replicas: ${podsOfNamespace}
  selector: {matchLabels: {app: app}}
  strategy: {rollingUpdate: {maxUnavailable: 0}}
  template:
    metadata: {labels: {app: app}}
    spec: {containers: [{name: app, image: "registry.corp/load/app:1"}]}
---
apiVersion: v1
kind: Service
metadata: {name: app, namespace: load-${index}}
spec: {selector: {app: app}, ports: [{port: 80}]}`

const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`
const mebibytes = (bytes: number): string => `${Math.round(bytes / 1024 ** 2)} MiB`
