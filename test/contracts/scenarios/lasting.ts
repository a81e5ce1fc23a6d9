import assert from 'node:assert/strict'
import { begin, hears, prompt, shows, until } from '../life.ts'
import { type Scenario, scenario } from '../scene.ts'

/** Absence, broken connections, and other trouble. */
export const lasting: Scenario[] = [
  scenario('health is ready once it has started, and not before', [], async (stage) => {
    const chat = stage.live()
    assert.equal(chat.health().state, 'connecting')

    await begin(chat)

    assert.deepEqual(chat.health(), { state: 'ready' })
  }),

  scenario('the first start is silent: what was said before is not for the bot', ['newborn'], async (stage) => {
    const before = await begin(stage.live())
    await hears(stage, before, 'old words')
    await before.chat.close()

    const life = await begin(stage.can.newborn())
    await hears(stage, life, 'new words')

    assert.deepEqual(life.texts(), ['new words'])
  }),

  scenario('two hundred messages missed while away are heard in their order, each once', ['away'], async (stage) => {
    const before = await begin(stage.live())
    const { thread } = await hears(stage, before, 'message 0')
    await before.chat.close()

    const missed = Array.from({ length: 200 }, (_, index) => `message ${index + 1}`)
    for (const text of missed) await stage.alice.say(text, thread)
    const life = await begin(stage.live())
    await life.hears('message 200')

    assert.deepEqual(life.texts(), missed)
  }),

  scenario(
    'what could not be kept comes again under the same id, and nothing overtakes it',
    ['again'],
    async (stage) => {
      const attempts: string[] = []
      let isFull = true
      const first = await begin(stage.live(), (event) => {
        if (event.kind !== 'message') return
        attempts.push(event.id)
        if (isFull) throw new Error('disk full')
      })

      await stage.alice.say(`${stage.call} one`).catch(() => {})
      await until(
        () => attempts.length > 0,
        () => 'a first attempt',
      )
      await first.chat.close()
      isFull = false
      const life = await begin(stage.live(), (event) => void (event.kind === 'message' && attempts.push(event.id)))
      const one = await life.hears('one')
      await hears(stage, life, 'two')

      assert.equal(one.id, attempts[0])
      assert.deepEqual(life.texts(), ['one', 'two'])
    },
  ),

  scenario(
    'the bot that is removed from a room is told so, and hears nothing from there until it is back',
    ['expel', 'readmit'],
    async (stage) => {
      const { room, can } = stage
      const life = await begin(stage.live())
      await hears(stage, life, 'before')

      await can.expel()
      await life.gets((event) => event.kind === 'left' && event.room === room, 'that it is out')
      await can.readmit()

      await until(
        async () => {
          await stage.alice.say(`${stage.call} are you back?`)
          return life.texts().includes('are you back?')
        },
        () => 'an ear in the room again',
      )
      assert.equal(life.texts()[0], 'before')
    },
  ),

  scenario('removed from a room while away, it is told so at the next start', ['away', 'expel'], async (stage) => {
    const before = await begin(stage.live())
    await hears(stage, before, 'before')
    await before.chat.close()

    await stage.can.expel()
    const life = await begin(stage.live())

    await life.gets((event) => event.kind === 'left' && event.room === stage.room, 'that it is out')
  }),

  scenario(
    'while the connection is cut health says so; what was said meanwhile is heard once it is mended',
    ['wire'],
    async (stage) => {
      const { wire } = stage.can
      const life = await begin(stage.live())
      const { thread } = await hears(stage, life, 'message 0')

      wire.cut()
      const missed = Array.from({ length: 60 }, (_, index) => `message ${index + 1}`)
      for (const text of missed) await stage.alice.say(text, thread)
      await until(
        () => life.chat.health().state !== 'ready',
        () => 'health to be red',
      )
      const { state, detail = '' } = life.chat.health() as { state: string; detail?: string }
      wire.mend()
      await life.hears('message 60')
      await until(
        () => life.chat.health().state === 'ready',
        () => 'health to be green',
      )

      assert.match(`${state} ${detail}`, /^(?:down|connecting) .{10}/)
      assert.deepEqual(life.texts(), ['message 0', ...missed])
    },
  ),

  scenario('a mark set while the connection is cut is told after it', ['wire'], async (stage) => {
    const life = await begin(stage.live())
    const message = await prompt(stage, life)

    stage.can.wire.cut()
    await until(
      () => life.chat.health().state !== 'ready',
      () => 'health to be red',
    )
    await stage.mark(stage.alice, message, 'approve')
    stage.can.wire.mend()

    await life.gets((event) => event.kind === 'mark' && event.message === message, 'the mark')
    assert.equal(life.marks().length, 1)
  }),

  scenario(
    'what is posted and edited while the connection is cut stands once it is mended, once',
    ['wire', 'edits'],
    async (stage) => {
      const { wire } = stage.can
      const life = await begin(stage.live())
      const { thread } = await hears(stage, life, 'begin')
      const message = await life.chat.post(thread, { id: 'before', markdown: 'at work' })

      wire.cut()
      const posting = life.chat.post(thread, { id: 'waits', markdown: 'the answer' })
      const editing = life.chat.edit(message, 'done', 'final')
      await until(
        () => life.chat.health().state !== 'ready',
        () => 'health to be red',
      )
      wire.mend()
      await Promise.all([posting, editing])

      const texts = (await stage.sees(thread)).map(({ text }) => text).join('\n')
      assert.deepEqual(
        [texts.split('the answer').length - 1, /done/.test(texts), /at work/.test(texts)],
        [1, true, false],
      )
    },
  ),

  scenario('closing ends what waits for a server that is away', ['wire'], async (stage) => {
    const life = await begin(stage.live())
    const { thread } = await hears(stage, life, 'begin')

    stage.can.wire.cut()
    const posting = assert.rejects(life.chat.post(thread, { id: 'waits', markdown: 'never' }), /closed/)
    await life.chat.close()

    await posting
    stage.can.wire.mend()
    assert.doesNotMatch((await stage.sees(thread)).map(({ text }) => text).join('\n'), /never/)
  }),

  scenario(
    'a restart of the server loses neither a word nor a mark, and doubles none',
    ['restartServer', 'bob'],
    async (stage) => {
      const { alice, can } = stage
      const life = await begin(stage.live())
      const message = await prompt(stage, life)
      const { thread } = await hears(stage, life, 'message 0')
      await life.chat.post(thread, { id: 'before', markdown: 'an answer' })

      await can.restartServer()
      await stage.mark(can.bob, message, 'approve')
      await alice.say('message 1', thread)
      await life.hears('message 1')
      await life.gets(({ kind }) => kind === 'mark', 'the mark')
      await life.chat.post(thread, { id: 'before', markdown: 'an answer' })
      await life.chat.post(thread, { id: 'after', markdown: 'another' })

      await shows(stage, thread, /another/)
      assert.deepEqual(life.texts(), ['question for prompt', 'message 0', 'message 1'])
      assert.equal(life.marks().length, 1)
      assert.equal((await stage.sees(thread)).filter(({ text }) => /an answer/.test(text)).length, 1)
    },
  ),

  scenario('a server that limits the bot gets everything in the end, in order and once', ['limit'], async (stage) => {
    const life = await begin(stage.live())
    const { thread } = await hears(stage, life, 'begin')
    await stage.can.limit()

    const numbers = Array.from({ length: 20 }, (_, index) => index)
    for (const number of numbers) await life.chat.post(thread, { id: `post-${number}`, markdown: `number ${number}.` })

    const text = (await stage.sees(thread)).map(({ text }) => text).join('\n')
    assert.deepEqual(
      text.match(/number \d+/g),
      numbers.map((number) => `number ${number}`),
    )
  }),

  scenario(
    'a token that is revoked turns health to revoked, with a sentence on what to do',
    ['revocable'],
    async (stage) => {
      const { platform, revoke } = await stage.can.revocable()
      const life = await begin(platform)

      await revoke()
      await until(
        () => life.chat.health().state === 'revoked',
        () => `a red health, not ${JSON.stringify(life.chat.health())}`,
      )

      const { detail } = life.chat.health() as { detail: string }
      assert.match(detail, /token.*KUBE_AGENT_/s)
    },
  ),

  scenario('a token that was revoked before ends the start with that sentence', ['revocable'], async (stage) => {
    const { platform, revoke } = await stage.can.revocable()
    await revoke()

    await assert.rejects(begin(platform), /token.*KUBE_AGENT_/s)

    assert.equal(platform.health().state, 'revoked')
  }),
]
