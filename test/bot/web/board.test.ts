import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { UserId } from '../../../src/agent/approval.ts'
import type { MessageId, ThreadId } from '../../../src/bot/platform.ts'
import { type BoardOptions, type Change, createBoard } from '../../../src/bot/web/board.ts'
import { createPositions } from './room.ts'

const alice = '@alice:web' as UserId
const bot = '@kube-agent:web' as UserId

async function setup(options: Partial<BoardOptions> = {}) {
  const positions = options.positions ?? createPositions()
  let clock = 0
  const open = async () => {
    const board = createBoard({ rooms: ['ops'], now: () => ++clock, ...options, positions })
    await board.load()
    return board
  }
  return { positions, board: await open(), restart: open }
}

const said = (markdown: string) => ({ from: alice, name: 'alice', markdown, bot: false })
const posted = (markdown: string, post: string) => ({ from: bot, name: 'kube-agent', markdown, bot: true, post })

test('a post that is sent twice stands once, also when the second comes after a restart', async () => {
  const { board, restart } = await setup()
  const root = await board.add('ops', undefined, said('hello'))

  const first = await board.add('ops', root.thread, posted('hi', 'p-1'))
  const second = await board.add('ops', root.thread, posted('hi', 'p-1'))
  const later = await restart()
  const third = await later.add('ops', root.thread, posted('hi', 'p-1'))

  assert.deepEqual([second.id, third.id], [first.id, first.id])
  assert.equal(later.thread(root.thread).length, 2)
})

test('what stands in a thread is there again after a restart: texts, edits, marks, files', async () => {
  const { board, restart } = await setup()
  const { id, thread } = await board.add('ops', undefined, {
    ...posted('first', 'p-1'),
    file: { name: 'a.md', text: 'whole' },
  })
  await board.edit(id, 'second', true)
  await board.offer(id)
  await board.mark(id, alice, 'approve', true)

  const [message] = (await restart()).thread(thread)

  assert.equal(message?.markdown, 'second')
  assert.equal(message?.choice, true)
  assert.equal(message?.file?.text, 'whole')
  assert.deepEqual(
    message?.marks.map(({ from, mark }) => [from, mark]),
    [[alice, 'approve']],
  )
})

test('an edit that is not to be kept is shown, and gone after a restart', async () => {
  const { board, restart } = await setup()
  const { id, thread } = await board.add('ops', undefined, posted('step 1', 'p-1'))

  await board.edit(id, 'step 2', false)

  assert.equal(board.find(id)?.markdown, 'step 2')
  assert.equal((await restart()).thread(thread)[0]?.markdown, 'step 1')
})

test('no id is given twice, whatever was added before a restart', async () => {
  const { board, restart } = await setup()
  const { id: prompt, thread } = await board.add('ops', undefined, posted('prompt', 'p-1'))
  const vote = await board.mark(prompt, alice, 'approve', true)

  const later = await restart()
  const other = await later.mark(prompt, '@bob:web' as UserId, 'approve', true)
  const next = await (await restart()).add('ops', thread, said('next'))
  const last = await (await restart()).add('ops', thread, said('last'))

  assert.equal(new Set([prompt, vote?.vote, next.id, other?.vote, last.id]).size, 5)
})

test('a mark keeps its id until it is taken back, and has a new one when it is set again', async () => {
  const { board } = await setup()
  const { id } = await board.add('ops', undefined, posted('prompt', 'p-1'))

  const set = await board.mark(id, alice, 'approve', true)
  const setTwice = await board.mark(id, alice, 'approve', true)
  const takenBack = await board.mark(id, alice, 'approve', false)
  const setAgain = await board.mark(id, alice, 'approve', true)

  assert.equal(setTwice, undefined)
  assert.equal(takenBack?.vote, set?.vote)
  assert.notEqual(setAgain?.vote, set?.vote)
  assert.deepEqual(board.votes(id), [{ id: setAgain?.vote, from: alice, mark: 'approve' }])
})

test('a double click is one mark', async () => {
  const { board } = await setup()
  const { id } = await board.add('ops', undefined, posted('prompt', 'p-1'))

  await Promise.all([board.mark(id, alice, 'approve', true), board.mark(id, alice, 'approve', true)])

  assert.equal(board.votes(id).length, 1)
})

test('when there are too many threads, the one that was silent for longest is forgotten, on disk too', async () => {
  const { board, positions, restart } = await setup({ mostThreads: 2, positions: createPositions() })
  const old = await board.add('ops', undefined, said('old but alive'))
  const silent = await board.add('ops', undefined, posted('silent', 'p-1'))
  await board.add('ops', old.thread, said('still here'))

  const fresh = await board.add('ops', undefined, said('fresh'))

  assert.deepEqual(board.threads(), [old.thread, fresh.thread])
  assert.equal(board.find(silent.id), undefined)
  assert.equal(await positions.get(`web:thread:${silent.thread}`), undefined)
  assert.deepEqual((await restart()).threads(), [old.thread, fresh.thread])
})

test('a very long thread loses its oldest messages, but never the one that began it', async () => {
  const { board } = await setup({ mostMessages: 3 })
  const root = await board.add('ops', undefined, said('root'))

  for (const text of ['one', 'two', 'three']) await board.add('ops', root.thread, said(text))

  assert.deepEqual(
    board.thread(root.thread).map((message) => message.markdown),
    ['root', 'two', 'three'],
  )
})

test('whoever listens is told every change, until he leaves', async () => {
  const { board } = await setup()
  const changes: Change[] = []
  const leave = board.listen((change) => changes.push(change))

  const { id, thread } = await board.add('ops', undefined, posted('one', 'p-1'))
  await board.edit(id, 'two', false)
  board.working(thread, true)
  leave()
  await board.edit(id, 'three', false)

  assert.deepEqual(
    changes.map(({ kind }) => kind),
    ['message', 'message', 'working'],
  )
})

test('what is not there (any more) is not changed, and nobody is told so', async () => {
  const { board } = await setup()
  const changes: Change[] = []
  board.listen((change) => changes.push(change))
  const nothing = 'web|ops|99' as MessageId

  await board.offer(nothing)
  await board.acknowledge(nothing)

  assert.equal(await board.edit(nothing, 'text', true), false)
  assert.equal(await board.mark(nothing, alice, 'approve', true), undefined)
  assert.deepEqual(board.thread('web|ops|99' as ThreadId), [])
  assert.deepEqual(changes, [])
})
