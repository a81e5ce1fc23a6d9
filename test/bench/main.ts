import { parseArgs } from 'node:util'
import { benchAnalyze } from './analyze.ts'
import { benchBot } from './bot.ts'
import { report } from './table.ts'
import { benchWebhook } from './webhook.ts'

/** `npm run bench` measures the bot, `npm run bench analyze` an analysis, `webhook` the receiver; `-- --write` puts the table into docs/benchmarks.md. */
const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    starts: { type: 'string', default: '5' },
    turns: { type: 'string', default: '40' },
    threads: { type: 'string', default: '1000' },
    rounds: { type: 'string', default: '5' },
    deliveries: { type: 'string', default: '10000' },
    pods: { type: 'string', default: '10000' },
    write: { type: 'boolean', default: false },
  },
})

const [what = 'bot'] = positionals
const { starts, turns, threads, rounds, deliveries, pods } = options
if (what === 'analyze') report(await benchAnalyze(Number(pods)), options.write)
else if (what === 'webhook')
  report(await benchWebhook({ rounds: Number(rounds), deliveries: Number(deliveries) }), options.write)
else if (what === 'bot')
  report(await benchBot({ starts: Number(starts), turns: Number(turns), threads: Number(threads) }), options.write)
else throw new Error(`There is no benchmark ${what}: bot, analyze, webhook.`)
