import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { plain } from '../webhooks/receiver.ts'
import { flood, requests, steady } from './deliveries.ts'
import { type Program, startServer } from './processes.ts'
import { median, type Table } from './table.ts'

const connections = 96
const perSecond = 200

export interface WebhookOptions {
  rounds: number
  deliveries: number
}

/**
 * `npm run bench webhook`: signed pushes, all different, to the way in as `serve` wires it and to a route of fastify that does
 * nothing, each in a process of its own, in turns. Ours answers when the push is on disk; what has come waits there.
 */
export async function benchWebhook(options: WebhookOptions): Promise<Table> {
  await using stack = new AsyncDisposableStack()
  const folder = mkdtempSync(join(tmpdir(), 'kube-agent-bench-'))
  stack.defer(() => rmSync(folder, { recursive: true, force: true }))
  const start = async (file: string, env = {}) => stack.adopt(await startServer(file, env), (server) => server.stop())
  const bare = await start('bare-route.js')
  const receiver = await start('receiver.ts', { DATA_DIR: join(folder, 'data'), SECRET: plain.secret })
  const [ours, theirs] = await measure([receiver, bare], options)
  return table(ours!, theirs!, options)
}

interface Measured {
  rate: number
  p50: number
  p99: number
}

async function measure(programs: Program[], { rounds, deliveries }: WebhookOptions): Promise<Measured[]> {
  const rates = programs.map((): number[] => [])
  const times = programs.map((): number[] => [])
  for (let round = 0; round <= rounds; round++) {
    for (const [index, { url }] of programs.entries()) {
      const rate = await flood(url, requests(deliveries, 2 * round), connections)
      const slow = await steady(url, requests(perSecond * 10, 2 * round + 1), perSecond, connections)
      // The first round meets code that was not compiled yet.
      if (round === 0) continue
      rates[index]?.push(rate)
      times[index]?.push(...slow)
    }
  }
  return programs.map((_program, index) => {
    const sorted = times[index]!.toSorted((a, b) => a - b)
    const at = (share: number) => sorted[Math.floor(sorted.length * share)] ?? Number.NaN
    return { rate: median(rates[index]!), p50: at(0.5), p99: at(0.99) }
  })
}

function table(ours: Measured, theirs: Measured, { rounds, deliveries }: WebhookOptions): Table {
  const ms = (value: number) => `${value.toFixed(1)} ms`
  const rate = (value: number) => `${Math.round(value).toLocaleString('en')} a second`
  const ratio = (one: number, other: number) => (one / other).toFixed(2)
  return {
    name: 'webhook',
    head: ['', 'goal', 'kube-agent', 'bare route', 'ratio'],
    lines: [
      [
        '202 for a push that is on disk',
        'half of the bare route',
        rate(ours.rate),
        rate(theirs.rate),
        ratio(ours.rate, theirs.rate),
      ],
      [`time to 202 at ${perSecond} a second, median`, '', ms(ours.p50), ms(theirs.p50), ratio(ours.p50, theirs.p50)],
      [
        `time to 202 at ${perSecond} a second, 99 of 100`,
        '10 ms',
        ms(ours.p99),
        ms(theirs.p99),
        ratio(ours.p99, theirs.p99),
      ],
    ],
    note: `${deliveries} pushes of 6 KB over ${connections} connections, then ${perSecond * 10} at ${perSecond} a second; ${rounds} rounds in turns.`,
  }
}
