import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type House, openHouse } from './lib/house.ts'

let house: House
let room: string

before(async () => {
  house = await openHouse({ relaxed: false })
  await house.start()
  room = await house.room()
})

after(() => house[Symbol.asyncDispose]())

test("with the server's default limits, three threads at once get their prompts and answers, and nothing is said twice", async () => {
  const { alice, bob } = house
  const before = await house.restarts('api')
  const talk = await Promise.all(
    ['one', 'two'].map((word) => alice.say(room, `hello ${word}`, { mention: house.botId })),
  )
  const thread = await alice.say(room, 'restart api', { mention: house.botId })

  const prompt = await alice.sees(room, thread, /Approval needed/)
  await bob.react(room, prompt.id, '✅')
  await alice.sees(room, thread, /Report: restarted/, 120_000)
  for (const [index, word] of ['one', 'two'].entries())
    await alice.sees(room, talk[index], new RegExp(`You said: hello ${word}`), 120_000)
  await alice.sees(room, thread, /Approved by .*, done/, 120_000)

  assert.equal(await house.restarts('api'), before + 1)
  const said = (await alice.shown(room, thread)).filter((message) => message.sender === house.botId)
  assert.equal(said.filter((message) => /Approval needed/.test(message.text)).length, 1)
  assert.equal(said.filter((message) => /Report: /.test(message.text)).length, 1)
})
