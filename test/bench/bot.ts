import { alice, type House, openHouse } from './house.ts'
import { type Program, startEcho, startProduct } from './processes.ts'
import { median, type Table } from './table.ts'
import { promptTokens } from './tokens.ts'

export interface BotOptions {
  starts: number
  turns: number
  threads: number
}

interface Row {
  what: string
  goal: string
  product: string
  baseline: string
  ratio: string
}

/**
 * `npm run bench`: what the product costs beside the least that a bot on matrix-bot-sdk costs, on the same servers in the same run.
 * Absolute numbers depend on the machine, so read the last column first.
 */
export async function benchBot(options: BotOptions): Promise<Table> {
  await using house = await openHouse()
  const rows = [
    ...(await measureStart(house, options)),
    await measureTurns(house, options),
    ...(await measureMemory(house, options)),
    {
      what: 'system prompt and all tool schemas',
      goal: '4,000 tokens',
      product: `${promptTokens()} tokens (o200k)`,
      baseline: '–',
      ratio: '–',
    },
  ]
  return {
    name: 'measured',
    head: ['', 'goal', 'kube-agent', 'echo bot', 'ratio'],
    lines: rows.map(({ what, goal, product, baseline, ratio }) => [what, goal, product, baseline, ratio]),
    note: `${options.turns} turns, ${options.starts} starts, medians.`,
  }
}

/** One after the other, in turns, so that both see the same machine. */
async function measureStart({ productEnv, echoEnv }: House, { starts }: BotOptions): Promise<Row[]> {
  const product: number[] = []
  const baseline: number[] = []
  for (let round = 0; round <= starts; round++) {
    const echo = await startEcho(echoEnv)
    await echo.stop()
    const bot = await startProduct(productEnv())
    await bot.stop()
    // The first fills the caches of the operating system, and ours.
    if (round === 0) continue
    product.push(bot.startMs)
    baseline.push(echo.startMs)
  }
  return [row('start to ready', '1,500 ms', 'ms', median(product), median(baseline))]
}

/** A message in the room until the answer stands there. The model answers at once. */
async function measureTurns(house: House, options: BotOptions): Promise<Row> {
  const baseline = await withProgram(startEcho(house.echoEnv), () => turns(house, 'hello', /^echo: /, options))
  const product = await withProgram(startProduct(house.productEnv()), () =>
    turns(house, `${house.homeserver.bot.user} how is it going?`, /All is well/, options),
  )
  return row('message to answer, model 0 s', '50 ms', 'ms', median(product), median(baseline))
}

async function turns(house: House, text: string, answer: RegExp, options: BotOptions): Promise<number[]> {
  const times: number[] = []
  for (let turn = 0; turn < options.turns; turn++) times.push(await turnMs(house, text, answer))
  // The first few meet code that was not compiled yet.
  return times.slice(5)
}

async function turnMs({ homeserver, room }: House, text: string, answer: RegExp): Promise<number> {
  const before = homeserver.events(room).length
  const started = performance.now()
  homeserver.say(alice, room, text)
  const isAnswered = () =>
    homeserver
      .events(room)
      .slice(before + 1)
      .some(({ sender, content }) => sender === homeserver.bot.user && answer.test(String(content.body)))
  await until(isAnswered, 1)
  return performance.now() - started
}

/** Idle means: started, has answered, and nothing to do. Then a thousand threads with an approval that nobody gives. */
async function measureMemory(house: House, options: BotOptions): Promise<Row[]> {
  const baseline = await withProgram(startEcho(house.echoEnv), async (echo) => {
    await turns(house, 'hello', /^echo: /, options)
    return settled(echo)
  })
  return withProgram(startProduct(house.productEnv()), async (bot) => {
    await turns(house, `${house.homeserver.bot.user} how is it going?`, /All is well/, options)
    const idle = await settled(bot)
    const count = options.threads
    for (let thread = 0; thread < count; thread++) {
      house.homeserver.say(alice, house.room, `${house.homeserver.bot.user} restart api`)
      if (thread % 20 === 19) await until(async () => (await openApprovals(bot)) > thread - 20)
    }
    await until(async () => (await openApprovals(bot)) === count)
    const waiting = await settled(bot)
    return [
      row('resident memory, idle', '120 MiB', 'MiB', idle, baseline),
      row(`resident memory, ${count} threads wait for an approval`, '256 MiB', 'MiB', waiting, baseline),
    ]
  })
}

async function openApprovals({ url }: Program): Promise<number> {
  const metrics = await (await fetch(`${url}/metrics`)).text()
  return Number(/^kube_agent_approvals_total\{state="open"\} (\d+)/m.exec(metrics)?.[1] ?? 0)
}

/** After what was begun has ended and the collector had its turn. */
async function settled(program: Program): Promise<number> {
  await pause(20_000)
  return program.memory()
}

async function withProgram<Result>(
  starting: Promise<Program>,
  work: (program: Program) => Promise<Result>,
): Promise<Result> {
  const program = await starting
  try {
    return await work(program)
  } finally {
    await program.stop()
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

async function until(isDone: () => Promise<boolean> | boolean, everyMs = 50): Promise<void> {
  const deadline = performance.now() + 600_000
  while (!(await isDone())) {
    if (performance.now() > deadline) throw new Error('a program did not do what it was started for')
    await pause(everyMs)
  }
}

function row(what: string, goal: string, unit: string, product: number, baseline: number): Row {
  const show = (value: number) => `${value < 10 ? value.toFixed(1) : Math.round(value)} ${unit}`
  return { what, goal, product: show(product), baseline: show(baseline), ratio: (product / baseline).toFixed(2) }
}
