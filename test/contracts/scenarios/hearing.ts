import assert from 'node:assert/strict'
import type { UserId } from '../../../src/agent/approval.ts'
import { platformOf } from '../../../src/bot/platform.ts'
import { begin, hears, shows } from '../life.ts'
import { type Scenario, scenario } from '../scene.ts'

/** What people say, and what of it is for the bot. */
export const hearing: Scenario[] = [
  scenario(
    'a message tells who said what, where and when, without the mention that calls the bot',
    [],
    async (stage) => {
      const life = await begin(stage.live())

      const id = await stage.alice.say(`${stage.call} restart web`)
      const message = await life.hears('restart web')

      const { room, from, addressed } = message
      assert.deepEqual(
        { id: message.id, room, from, addressed },
        { id, room: stage.room, from: stage.alice.id, addressed: true },
      )
      assert.ok(message.name.length > 0 && message.at > 0)
      assert.deepEqual([message.id, message.thread, room].map(platformOf), Array(3).fill(life.chat.name))
    },
  ),

  scenario(
    'a mention calls the bot wherever it stands in a text, and however it is written',
    ['addressing'],
    async (stage) => {
      const { call, can } = stage
      const life = await begin(stage.live())
      const { thread } = await hears(stage, life, 'begin')
      const forms = [
        `${call} restart`,
        `restart, ${call}`,
        `please, ${call}, restart`,
        `**${call}** restart`,
        `(${call}) restart`,
      ]

      const ids = []
      for (const text of [...forms, ...can.addressing.calling])
        ids.push([text, await stage.alice.say(text, thread)] as const)
      await hears(stage, life, 'end', thread)

      const called = new Set(life.messages().flatMap(({ id, addressed }) => (addressed ? [id] : [])))
      assert.deepEqual(
        ids.filter(([, id]) => !called.has(id)).map(([text]) => text),
        [],
      )
    },
  ),

  scenario('what is said without a mention is heard, and not taken for a call', ['addressing'], async (stage) => {
    const life = await begin(stage.live())
    const { thread } = await hears(stage, life, 'begin')

    await stage.alice.say('nothing for machines', thread)

    assert.equal((await life.hears('nothing for machines')).addressed, false)
  }),

  scenario('code, quotes, longer names and calls to everybody do not call the bot', ['addressing'], async (stage) => {
    const { call, can } = stage
    const life = await begin(stage.live())
    const { thread } = await hears(stage, life, 'begin')
    const forms = [
      `run \`${call} restart\``,
      `\`\`\`\n${call} restart\n\`\`\``,
      `> ${call} restart\nhe said`,
      `${call}2 restart`,
      `${call}-x restart`,
      'everybody: @channel @all @here @room',
    ]

    const ids = []
    for (const text of [...forms, ...can.addressing.notCalling])
      ids.push([text, await stage.alice.say(text, thread)] as const)
    await hears(stage, life, 'end', thread)

    const called = new Set(life.messages().flatMap(({ id, addressed }) => (addressed ? [id] : [])))
    assert.deepEqual(
      ids.filter(([, id]) => called.has(id)).map(([text]) => text),
      [],
    )
  }),

  scenario('between two every message is for the bot', ['pair'], async (stage) => {
    const life = await begin(stage.live())
    const pair = await stage.can.pair()

    await pair.say('how is web?')

    const { room, addressed } = await life.hears('how is web?')
    assert.deepEqual({ room, addressed }, { room: pair.room, addressed: true })
  }),

  scenario(
    'an answer stands in the thread that the message names, and what is said there names the same thread',
    [],
    async (stage) => {
      const life = await begin(stage.live())
      const first = await hears(stage, life, 'how is web?')

      await life.chat.post(first.thread, { id: 'answer', markdown: 'web is well' })
      await shows(stage, first.thread, /web is well/)
      const next = await hears(stage, life, 'and api?', first.thread)

      assert.equal(next.thread, first.thread)
    },
  ),

  scenario('a thread that the bot opens is one for people too', ['addressing'], async (stage) => {
    const life = await begin(stage.live())
    const { thread, message } = await life.chat.open(stage.room, { id: 'root', markdown: 'a push to main' })
    await shows(stage, thread, /a push to main/)

    const said = await hears(stage, life, 'who was it?', thread)

    assert.equal(said.thread, thread)
    assert.equal(platformOf(message), life.chat.name)
  }),

  scenario('what is said quickly is heard in its order, each once', [], async (stage) => {
    const life = await begin(stage.live())
    const { thread } = await hears(stage, life, 'message 0')

    const expected = Array.from({ length: 15 }, (_, index) => `message ${index}`)
    for (const text of expected.slice(1)) await stage.alice.say(text, thread)
    await life.hears('message 14')

    assert.deepEqual(life.texts(), expected)
    assert.equal(new Set(life.messages().map(({ id }) => id)).size, expected.length)
  }),

  scenario(
    'an edited message is not a new one; one that calls the bot after an edit is heard under its own id, once',
    ['edit'],
    async (stage) => {
      const { alice, call, can } = stage
      const life = await begin(stage.live())
      const plain = await alice.say('restart web')
      await life.hears('restart web')
      await can.edit(alice, plain, 'restart web and api')
      const late = await alice.say('scale web')

      await can.edit(alice, late, `${call} scale web to 3`)
      const message = await life.hears('scale web to 3')

      assert.deepEqual([message.id, message.addressed], [late, true])
      assert.deepEqual(life.texts(), ['restart web', 'scale web', 'scale web to 3'])
      await life.chat.close()
      const next = await begin(stage.live())
      await hears(stage, next, 'end')
      assert.deepEqual(next.texts(), ['end'])
    },
  ),

  scenario(
    'what machines say is not heard, though it calls the bot; nor is what the bot says',
    ['machine'],
    async (stage) => {
      const life = await begin(stage.live())
      const { thread } = await hears(stage, life, 'begin')

      await stage.can.machine(`${stage.call} restart web`)
      await life.chat.post(thread, { id: 'own', markdown: `${stage.call} said by the bot` })
      await hears(stage, life, 'end', thread)

      assert.deepEqual(life.texts(), ['begin', 'end'])
    },
  ),

  scenario(
    'a room and a person are known by their names; names that nobody has are told in a sentence',
    ['naming'],
    async (stage) => {
      const { alice, can } = stage
      const life = await begin(stage.live())

      assert.equal(await life.chat.room(can.naming.room), stage.room)
      assert.equal(await life.chat.user(alice.name), alice.id as UserId)

      const isSentence = ({ message }: Error) => /^\S.{20,}/s.test(message) && !/undefined/.test(message)
      await assert.rejects(life.chat.room(can.naming.unknownRoom), isSentence)
      await assert.rejects(life.chat.user(can.naming.unknownUser), isSentence)
    },
  ),
]
