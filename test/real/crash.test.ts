import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { BotProcess } from './lib/bot-process.ts'
import { type House, openHouse } from './lib/house.ts'
import { type Shown, until } from './lib/matrix-person.ts'
import { moments } from './lib/moments.ts'

let house: House
const rooms: string[] = []

before(async () => {
  house = await openHouse()
  const bot = await house.start()
  for (const _moment of moments) rooms.push(await house.room())
  await bot.kill('SIGTERM')
})

after(() => house[Symbol.asyncDispose]())

for (const { at, restarts, report } of moments) {
  const times = restarts === 1 ? 'runs once' : 'does not run'
  test(`killed at ${at}: after the restart nothing is lost, the change ${times}, and the room reads sensibly`, async (t) => {
    const { alice, bob } = house
    const room = rooms.pop() ?? ''
    const before = await house.restarts('api')
    const thread = await alice.say(room, 'restart api', { mention: house.botId })
    const life = await liveThrough(at)
    t.after(() => life.end())

    const prompt = await alice.sees(room, thread, /Approval needed/)
    await bob.react(room, prompt.id, '✅')
    await alice.sees(room, thread, report)
    assert.equal(await life.died, 'SIGKILL')
    await alice.sees(room, thread, /After .restart deployment shop\/api.* 2 of 2 pods/)
    await until(
      async () => (await settled(room, thread)) || undefined,
      async () => describe(await alice.shown(room, thread)),
    )

    assert.equal(await house.restarts('api'), before + restarts)
    const shown = (await alice.shown(room, thread)).filter((message) => message.sender === house.botId)
    assert.equal(count(shown, /Approval needed/), 1, describe(shown))
    assert.equal(count(shown, /^.*Report: /s), 1, describe(shown))
    assert.equal(count(shown, /steps, \d+ s/), 1, describe(shown))
  })
}

/** Whether the prompt and the progress show their final state. */
async function settled(room: string, thread: string): Promise<boolean> {
  const shown = await house.alice.shown(room, thread)
  return count(shown, /Approved by .*(, done| started at)/) === 1 && count(shown, /Working|Thinking|Waiting/) === 0
}

const count = (shown: Shown[], what: RegExp): number => shown.filter((message) => what.test(message.text)).length

const describe = (shown: Shown[]): string => shown.map((message) => message.text).join('\n---\n')

/** The bot, killed at a moment and started again, as a supervisor does. */
async function liveThrough(at: string): Promise<{ died: Promise<number | string>; end(): Promise<void> }> {
  const first = await house.start({}, { killAt: at })
  let second: Promise<BotProcess> | undefined
  const died = first.exited.then((how) => {
    second = house.start()
    return how
  })
  return {
    died,
    async end() {
      if (second === undefined) await first.kill('SIGKILL')
      await (await second)?.kill('SIGTERM')
    },
  }
}
