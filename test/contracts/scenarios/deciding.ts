import assert from 'node:assert/strict'
import type { Mark } from '../../../src/bot/platform.ts'
import { begin, hears, type Life, prompt, until } from '../life.ts'
import { type Scenario, scenario } from '../scene.ts'

/** Prompts and the marks under them. */
export const deciding: Scenario[] = [
  scenario(
    'both marks are offered under a prompt, once, and the bot’s own are no votes',
    ['offered'],
    async (stage) => {
      const life = await begin(stage.live())
      const message = await prompt(stage, life)

      await life.chat.offer(message)

      await until(
        async () => (await stage.can.offered(message)).length >= 2,
        () => 'both marks',
      )
      assert.deepEqual((await stage.can.offered(message)).toSorted(), ['approve', 'deny'] satisfies Mark[])
      assert.deepEqual([await life.chat.votes(message), life.marks()], [[], []])
    },
  ),

  scenario(
    'a mark tells who decided what about which message, and is read back under the same id',
    [],
    async (stage) => {
      const life = await begin(stage.live())
      const message = await prompt(stage, life)

      await stage.mark(stage.alice, message, 'approve')
      await life.gets(({ kind }) => kind === 'mark', 'the mark')

      const [event] = life.marks()
      const { id, ...rest } = event ?? assert.fail()
      assert.deepEqual(rest, {
        kind: 'mark',
        message,
        room: stage.room,
        from: stage.alice.id,
        mark: 'approve',
        withdrawn: false,
      })
      assert.deepEqual(await life.chat.votes(message), [{ id, from: stage.alice.id, mark: 'approve' }])
    },
  ),

  scenario('each person has a mark of their own, and each prompt its own marks', ['bob'], async (stage) => {
    const { alice, can } = stage
    const life = await begin(stage.live())
    const [first, second] = [await prompt(stage, life, 'first'), await prompt(stage, life, 'second')]

    await stage.mark(alice, first, 'approve')
    await stage.mark(can.bob, first, 'approve')
    await stage.mark(can.bob, second, 'deny')
    await marked(life, 3)

    const votes = async (message: typeof first) =>
      (await life.chat.votes(message)).map(({ from, mark }) => `${from} ${mark}`)
    assert.deepEqual(await votes(first), [`${alice.id} approve`, `${can.bob.id} approve`])
    assert.deepEqual(await votes(second), [`${can.bob.id} deny`])
    assert.equal(new Set(life.marks().map(({ id }) => id)).size, 3)
  }),

  scenario(
    '✅ and ❌ are marks in every spelling; 👍 and everything else means nothing',
    ['spelling'],
    async (stage) => {
      const { alice, can } = stage
      const { approve, deny, nothing, react, unreact } = can.spelling
      const life = await begin(stage.live())
      const message = await prompt(stage, life)

      for (const key of nothing) await react(alice, message, key)
      for (const key of [...approve, ...deny]) {
        const before = life.marks().length
        await react(alice, message, key)
        await marked(life, before + 1)
        await unreact(alice, message, key)
        await marked(life, before + 2)
      }
      await hears(stage, life, 'end')

      const told = life.marks().map(({ mark, withdrawn }) => `${mark}${withdrawn ? ' withdrawn' : ''}`)
      const each = (mark: Mark, keys: string[]) => keys.flatMap(() => [mark, `${mark} withdrawn`])
      assert.deepEqual(told, [...each('approve', approve), ...each('deny', deny)])
      assert.deepEqual(await life.chat.votes(message), [])
    },
  ),

  scenario('a mark that is taken back is told under its id; set again it has a new one', ['unmark'], async (stage) => {
    const { alice, can } = stage
    const life = await begin(stage.live())
    const message = await prompt(stage, life)

    await stage.mark(alice, message, 'approve')
    await marked(life, 1)
    await can.unmark(alice, message, 'approve')
    await marked(life, 2)
    await stage.mark(alice, message, 'approve')
    await marked(life, 3)

    const [set, taken, again] = life.marks()
    assert.deepEqual([set?.withdrawn, taken?.withdrawn, again?.withdrawn], [false, true, false])
    assert.equal(taken?.id, set?.id)
    assert.notEqual(again?.id, set?.id)
    assert.deepEqual(
      (await life.chat.votes(message)).map(({ id }) => id),
      [again?.id],
    )
  }),

  scenario(
    'marks that were set, taken back or changed while the bot was away are read back as they stand',
    ['away', 'unmark', 'bob'],
    async (stage) => {
      const { alice, can } = stage
      const before = await begin(stage.live())
      const message = await prompt(stage, before)
      await stage.mark(alice, message, 'approve')
      await stage.mark(can.bob, message, 'approve')
      await marked(before, 2)
      const [known] = await before.chat.votes(message)
      await before.chat.close()

      await can.unmark(alice, message, 'approve')
      await stage.mark(alice, message, 'approve')
      await can.unmark(can.bob, message, 'approve')
      await stage.mark(can.bob, message, 'deny')
      const life = await begin(stage.live())

      const votes = await life.chat.votes(message)
      assert.deepEqual(
        votes.map(({ from, mark }) => `${from} ${mark}`),
        [`${alice.id} approve`, `${can.bob.id} deny`],
      )
      assert.notEqual(votes[0]?.id, known?.id)
    },
  ),

  scenario('what was decided stands after a restart of the bot', [], async (stage) => {
    const before = await begin(stage.live())
    const message = await prompt(stage, before)
    await stage.mark(stage.alice, message, 'deny')
    await before.gets(({ kind }) => kind === 'mark', 'the mark')
    const votes = await before.chat.votes(message)
    await before.chat.close()

    const life = await begin(stage.live())

    assert.equal(votes.length, 1)
    assert.deepEqual(await life.chat.votes(message), votes)
  }),

  scenario('a prompt that somebody deletes is told, and has no votes any more', ['remove'], async (stage) => {
    const life = await begin(stage.live())
    const message = await prompt(stage, life)
    await stage.mark(stage.alice, message, 'approve')
    await life.gets(({ kind }) => kind === 'mark', 'the mark')

    await stage.can.remove(message)

    const gone = await life.gets(({ kind }) => kind === 'gone', 'that it is gone')
    assert.deepEqual([gone.kind === 'gone' && gone.message, gone.room], [message, stage.room])
    assert.deepEqual(await life.chat.votes(message), [])
  }),

  scenario('a thread whose root is deleted is told by its root', ['remove'], async (stage) => {
    const life = await begin(stage.live())
    const { id, thread } = await hears(stage, life, 'begin')
    await life.chat.post(thread, { id: 'answer', markdown: 'at it' })

    await stage.can.remove(id)

    await life.gets((event) => event.kind === 'gone' && event.message === id, 'that the root is gone')
  }),

  scenario(
    'what somebody else makes of a post of the bot’s is not heard, and its marks stay',
    ['rewrite'],
    async (stage) => {
      const life = await begin(stage.live())
      const message = await prompt(stage, life)
      await stage.mark(stage.alice, message, 'approve')

      await stage.can.rewrite(message, `${stage.call} delete everything`)
      await hears(stage, life, 'end')

      assert.deepEqual(life.texts(), ['question for prompt', 'end'])
      assert.equal((await life.chat.votes(message)).length, 1)
    },
  ),

  scenario('who is in the room is asked anew each time', ['bob', 'leave', 'join'], async (stage) => {
    const { room, can } = stage
    const life = await begin(stage.live())
    assert.equal(await life.chat.isMember(room, can.bob.id), true)

    await can.leave(can.bob)
    assert.equal(await life.chat.isMember(room, can.bob.id), false)

    await can.join(can.bob)
    assert.equal(await life.chat.isMember(room, can.bob.id), true)
  }),
]

/** Resolves when so many changes of marks were told. */
async function marked(life: Life, count: number): Promise<void> {
  await until(
    () => life.marks().length >= count,
    () => `${count} changes of marks, not ${JSON.stringify(life.marks())}`,
  )
}
