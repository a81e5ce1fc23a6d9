import assert from 'node:assert/strict'
import { PostRefused, type ThreadId } from '../../../src/bot/platform.ts'
import { begin, hears, shows } from '../life.ts'
import { type Scenario, type Stage, scenario } from '../scene.ts'

/** What the bot posts and edits. */
export const posting: Scenario[] = [
  scenario(
    'a post stands once however often it is sent, in the next life too; another id is another post',
    [],
    async (stage) => {
      const first = await begin(stage.live())
      const { thread } = await hears(stage, first, 'begin')
      const sent = await first.chat.post(thread, { id: 'once', markdown: 'only once' })
      const again = await first.chat.post(thread, { id: 'once', markdown: 'only once' })
      await first.chat.close()

      const second = await begin(stage.live())
      const later = await second.chat.post(thread, { id: 'once', markdown: 'only once' })
      await second.chat.post(thread, { id: 'other', markdown: 'and another' })

      await shows(stage, thread, /and another/)
      assert.deepEqual([again, later], [sent, sent])
      assert.equal(await times(stage, thread, 'only once'), 1)
    },
  ),

  scenario('a post sent twice at the same moment stands once', [], async (stage) => {
    const life = await begin(stage.live())
    const { thread } = await hears(stage, life, 'begin')

    const sent = await Promise.all([1, 2].map(() => life.chat.post(thread, { id: 'twin', markdown: 'a twin' })))

    assert.equal(new Set(sent).size, 1)
    assert.equal(await times(stage, thread, 'a twin'), 1)
  }),

  scenario('posts stand in the order in which they were sent', [], async (stage) => {
    const life = await begin(stage.live())
    const { thread } = await hears(stage, life, 'begin')

    for (const number of [1, 2, 3, 4, 5])
      await life.chat.post(thread, { id: `post-${number}`, markdown: `number ${number}.` })

    const text = (await stage.sees(thread)).map(({ text }) => text).join('\n')
    assert.deepEqual(
      text.match(/number \d/g),
      [1, 2, 3, 4, 5].map((number) => `number ${number}`),
    )
  }),

  scenario(
    'those who are to be notified are, and nobody else, whatever a text or an edit says',
    ['bob', 'calls', 'edits'],
    async (stage) => {
      const { alice, can, call } = stage
      const life = await begin(stage.live())
      const { thread } = await hears(stage, life, 'begin')
      const before = await can.calls(can.bob)

      const escaped = `\\\\\`${can.bob.name}\\\\\` \\\\${can.bob.name}`
      const text = `${escaped} ${can.bob.name} @channel @all @here @room and **${can.bob.name}** or \`@all\``
      const message = await life.chat.post(thread, { id: 'names', markdown: text })
      await life.chat.edit(message, `${text} again`, 'final')
      await shows(stage, thread, /again/)
      assert.equal(await can.calls(can.bob), before)

      await life.chat.post(thread, { id: 'meant', markdown: 'your turn', mention: [can.bob.id] })
      await shows(stage, thread, /your turn/)
      assert.equal(await can.calls(can.bob), before + 1)
      assert.equal(await can.calls(alice), 0, call)
    },
  ),

  scenario(
    'a text of any length reaches people whole: in the post, or beside its beginning as a file',
    [],
    async (stage) => {
      const life = await begin(stage.live())
      const { thread } = await hears(stage, life, 'begin')
      const lines = Array.from({ length: 4_000 }, (_, index) => `line ${index} 🎉`)

      await life.chat.post(thread, { id: 'long', markdown: lines.join('\n\n') })

      const shown = await shows(stage, thread, /line 0 🎉\s+line 1 🎉/)
      const whole = [shown.text, ...shown.files, ...(await stage.sees(thread)).flatMap(({ files }) => files)]
      assert.ok(
        whole.some((text) => /line 0 🎉[\s\S]*line 3999 🎉/.test(text)),
        `${whole.map((text) => text.length)}`,
      )
    },
  ),

  scenario('a file that goes along can be read to its end', ['files'], async (stage) => {
    const life = await begin(stage.live())
    const { thread } = await hears(stage, life, 'begin')
    const text = Array.from({ length: 20_000 }, (_, index) => `entry ${index} ✓`).join('\n')

    await life.chat.post(thread, { id: 'log', markdown: 'the log', file: { name: 'pod.log', text } })
    await shows(stage, thread, /the log/)

    assert.ok((await stage.sees(thread)).some(({ files }) => files.includes(text)))
  }),

  scenario('a text with halves of characters, NULs and turned writing is shown, not refused', [], async (stage) => {
    const life = await begin(stage.live())
    const { thread } = await hears(stage, life, 'begin')

    await life.chat.post(thread, { id: 'odd', markdown: 'first \0 \uD800 \u202E then\u202C last' })

    await shows(stage, thread, /first[\s\S]*last/)
  }),

  scenario('of many progress edits the latest is shown', ['edits'], async (stage) => {
    const life = await begin(stage.live())
    const { thread } = await hears(stage, life, 'begin')
    const message = await life.chat.post(thread, { id: 'progress', markdown: 'step 0', quiet: true, progress: true })

    for (let step = 1; step <= 30; step++) await life.chat.edit(message, `step ${step}`, 'progress')

    await shows(stage, thread, /step 30/)
    assert.equal(await times(stage, thread, 'step'), 1)
  }),

  scenario('a final edit stays: no progress edit from before overtakes it', ['edits'], async (stage) => {
    const life = await begin(stage.live())
    const { thread } = await hears(stage, life, 'begin')
    const message = await life.chat.post(thread, { id: 'progress', markdown: 'step 0', quiet: true, progress: true })

    for (let round = 1; round <= 3; round++) {
      for (let step = 1; step <= 10; step++) void life.chat.edit(message, `step ${step}`, 'progress')
      await life.chat.edit(message, `round ${round} is over`, 'final')
    }
    await shows(stage, thread, /round 3 is over/)
    // Another message's edits take their turns meanwhile: what still waited had its own.
    const other = await life.chat.post(thread, { id: 'other', markdown: 'turn 0', quiet: true, progress: true })
    for (const turn of [1, 2, 3]) {
      await life.chat.edit(other, `turn ${turn}`, 'progress')
      await shows(stage, thread, new RegExp(`turn ${turn}`))
    }

    const texts = (await stage.sees(thread)).map(({ text }) => text).join('\n')
    assert.match(texts, /round 3 is over/)
    assert.doesNotMatch(texts, /step/)
  }),

  scenario('an edit changes the post where it stands, and leaves its file', ['edits', 'files'], async (stage) => {
    const life = await begin(stage.live())
    const { thread } = await hears(stage, life, 'begin')
    const file = { name: 'pod.log', text: 'one\ntwo' }
    const message = await life.chat.post(thread, { id: 'edited', markdown: 'looking', file })

    await life.chat.edit(message, 'found it', 'final')

    await shows(stage, thread, /found it/)
    const seen = await stage.sees(thread)
    assert.equal(seen.filter(({ text }) => /looking/.test(text)).length, 0)
    assert.ok(seen.some(({ files }) => files.includes(file.text)))
  }),

  scenario(
    'a final edit of a post that somebody deleted ends: it is done, or refused',
    ['edits', 'remove'],
    async (stage) => {
      const life = await begin(stage.live())
      const { thread } = await hears(stage, life, 'begin')
      const message = await life.chat.post(thread, { id: 'progress', markdown: 'at work', quiet: true, progress: true })
      await stage.can.remove(message)
      await life.gets(({ kind }) => kind === 'gone', 'that it is gone')

      await life.chat.edit(message, 'still at work', 'progress')
      await life.chat.edit(message, 'done', 'final').catch((error) => assert.ok(error instanceof PostRefused))

      await life.chat.post(thread, { id: 'answer', markdown: 'the answer' })
      await shows(stage, thread, /the answer/)
      assert.equal(life.chat.health().state, 'ready')
    },
  ),

  scenario('a post into a thread that cannot be is refused with a reason', ['refusal'], async (stage) => {
    const life = await begin(stage.live())

    await assert.rejects(
      life.chat.post(stage.nowhere, { id: 'lost', markdown: 'is anybody there?' }),
      (error) => error instanceof PostRefused && error.message.length > 20,
    )
  }),

  scenario('courtesies and progress never fail, also not for what is not there', [], async (stage) => {
    const life = await begin(stage.live())
    const { id, thread } = await hears(stage, life, 'begin')
    const nothing = stage.nowhere as string as typeof id

    await life.chat.acknowledge(thread, id)
    await life.chat.working(thread, true)
    await life.chat.working(thread, false)
    await life.chat.acknowledge(stage.nowhere, nothing)
    await life.chat.working(stage.nowhere, true)
    await life.chat.working(stage.nowhere, false)
    await life.chat.offer(nothing)
    await life.chat.edit(nothing, 'x', 'progress')

    assert.equal(life.chat.health().state, 'ready')
  }),
]

/** How often people see this text in a thread. */
async function times(stage: Stage, thread: ThreadId, text: string): Promise<number> {
  const seen = await stage.sees(thread)
  return seen.reduce((count, one) => count + one.text.split(text).length - 1, 0)
}
