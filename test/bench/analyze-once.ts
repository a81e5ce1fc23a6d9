/**
 * One measurement in a process of its own: `analyze` runs the core analyzers over all namespaces, `list` reads the same kinds by the
 * same client in pages and holds what it read. Prints milliseconds, peak resident bytes and how much was found as JSON.
 */
import { pino } from 'pino'
import { coreAnalyzers } from '../../src/tools/analyzers/diagnose.ts'
import { type Kind, kinds } from '../../src/tools/analyzers/kinds/index.ts'
import { analyze } from '../../src/tools/analyzers/run.ts'
import { createCluster } from '../../src/tools/kubernetes/cluster.ts'

export interface Measured {
  ms: number
  peakBytes: number
  count: number
}

const [what = '', kubeconfig = ''] = process.argv.slice(2)
const cluster = createCluster({ kubeconfig, namespaces: ['*'], log: pino({ level: 'silent' }) })
const { signal } = new AbortController()

const began = performance.now()
const count = what === 'analyze' ? await findings() : await objects()
const measured: Measured = {
  ms: performance.now() - began,
  peakBytes: process.resourceUsage().maxRSS * 1024,
  count,
}
console.log(JSON.stringify(measured))

async function findings(): Promise<number> {
  const report = await analyze({ cluster, analyzers: coreAnalyzers(true), namespaces: ['*'], signal })
  return report.findings.length
}

async function objects(): Promise<number> {
  const names = [...new Set(coreAnalyzers(true).flatMap(({ reads }) => reads))]
  const lists = await Promise.all(names.map((name) => wholeList(kinds[name])))
  return lists.reduce((total, list) => total + list.length, 0)
}

/** A kind that the cluster does not have is an empty list. */
async function wholeList({ api, resource, metadataOnly = false, fieldSelector }: Kind): Promise<unknown[]> {
  const items: unknown[] = []
  let next: string | undefined
  do {
    const page: Page = await cluster
      .get<Page>(`${[api].flat()[0]}/${resource}`, {
        signal,
        query: { limit: 250, continue: next, fieldSelector },
        metadataOnly,
      })
      .catch(() => ({ items: null }))
    items.push(...(page.items ?? []))
    next = page.metadata?.continue || undefined
  } while (next)
  return items
}

interface Page {
  items: unknown[] | null
  metadata?: { continue?: string }
}
