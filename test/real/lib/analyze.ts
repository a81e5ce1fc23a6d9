import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { JsonReport } from '../../../src/tools/analyzers/json.ts'

const run = promisify(execFile)
const main = fileURLToPath(new URL('../../../src/main.ts', import.meta.url))

type Failure = JsonReport['results'][number]['error'][number]

export interface Finding extends Omit<Failure, 'Text'> {
  text: string
  namespace: string | undefined
  /** Everything it is about, as `Kind/name`: its object and what suffers with it. */
  object: string[]
}

export interface Analysis {
  status: JsonReport['status']
  findings: Finding[]
  unchecked: JsonReport['unchecked']
  output: string
}

/** `kube-agent analyze --all-namespaces --output json` with the core analyzers and those that K8sGPT too has behind a filter, as a user runs it. */
export async function analyze(kubeconfig: string, ...more: string[]): Promise<Analysis> {
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, KUBECONFIG: kubeconfig, KUBE_AGENT_LLM_URL: 'none' }
  const args = [
    main,
    'analyze',
    '--all-namespaces',
    '--filter',
    'core,Certificate,HorizontalPodAutoscaler,PodDisruptionBudget',
    '--output',
    'json',
    ...more,
  ]
  const { stdout } = await run(process.execPath, args, { env, maxBuffer: 256 * 1024 * 1024 })
  const report = JSON.parse(stdout) as JsonReport
  return {
    status: report.status,
    unchecked: report.unchecked,
    output: stdout,
    findings: report.results.flatMap((result) =>
      result.error.map(({ Text, ...failure }) => ({
        ...failure,
        text: Text,
        namespace: result.name.includes('/') ? result.name.split('/')[0] : undefined,
        object: [
          `${result.kind}/${result.name.split('/').at(-1)}`,
          result.parentObject,
          ...failure.affects.map(({ kind, name }) => `${kind}/${name}`),
        ],
      })),
    ),
  }
}
