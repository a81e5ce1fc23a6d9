import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RoomId, ThreadId } from '../../src/bot/platform.ts'
import type { CiThread, Place, SignalThread } from '../../src/bot/signals/deps.ts'
import { createFlood, type Flood, noteFailing, noteOpened } from '../../src/bot/signals/flood.ts'
import { newLine } from '../../src/bot/signals/line.ts'
import { tell } from '../../src/bot/signals/tell.ts'
import type { BranchSignal, CommentSignal, PullSignal, PushSignal, Repository } from '../../src/signal.ts'
import { md } from '../../src/text/markdown.ts'
import type { CiResult } from '../../src/tools/gitea/ci/result.ts'
import { createChat } from '../helpers/chat.ts'

const now = Date.parse('2026-11-26T10:00:00Z')
const minutes = (count: number): number => count * 60_000
const hours = (count: number): number => minutes(count * 60)
const days = (count: number): number => hours(count * 24)

const thread = 'fake|t1' as ThreadId
const room = 'fake|ops' as RoomId
const place: Place = { room, chat: createChat([]) }
const elsewhere: Place = { ...place, room: 'fake|payments' as RoomId }
const repository: Repository = { id: 1, fullName: 'acme/shop', url: '', private: false, defaultBranch: 'main' }
const commit = 'a'.repeat(40)

const failure: CiResult = {
  repository,
  line: { name: 'main', branch: 'main', isFork: false },
  subject: 'ci.yml',
  state: 'failed',
  key: 'actions:1:7:1',
  order: 7,
  commit,
  run: 7,
  what: 'job test',
  title: 'Break it',
  url: '',
}
const pass: CiResult = { ...failure, state: 'passed', key: 'actions:1:9:1', order: 9, run: 9 }
const { run: _, ...status } = { ...failure, subject: 'commit status', key: `status:1:${commit}:build`, order: 1 }

/** A line that failed in run 5, a minute ago, and was told of in a thread of its own. */
const red: CiThread = {
  ...newLine(thread, room),
  at: now - minutes(1),
  root: md`❌ CI failed`,
  red: { 'ci.yml': { order: 5, key: 'actions:1:5:1', commit: 'b'.repeat(40) } },
  told: ['actions:1:5:1'],
}
const green: CiThread = { ...red, state: 'green', red: {}, green: { 'ci.yml': 6 } }
const { root: __, ...rootless } = red
/** A line that a thread proposed, and waits for. */
const watched: CiThread = { ...rootless, state: 'watched', red: {}, told: [], until: now + hours(1) }
const listedLine: CiThread = { ...rootless, collected: true }
const often = { recent: [1, 2, 3, 4, 5].map((minute) => now - minutes(minute)) }

const calm = createFlood()
function floodOf(fill: (flood: Flood) => void): Flood {
  const flood = createFlood()
  fill(flood)
  return flood
}
const opened = (count: number, at: number, of: (n: number) => number) =>
  floodOf((flood) => {
    for (let n = 0; n < count; n++) noteOpened(flood, { at, room, repository: of(n) })
  })
/** So many lines fail; the main branch of `first` is the first of them. */
const failing = (count: number, at: number, first = 50) =>
  floodOf((flood) => {
    for (let n = 0; n < count; n++) noteFailing(flood, room, `ci:${first + n}:main`, at)
  })

interface Case {
  line?: CiThread
  place?: Place | 'later' | undefined
  isWanted?: boolean
  attempt?: number
  flood?: Flood
  hint?: 'run' | 'status'
}

const rule = (result: CiResult, given: Case = {}) => {
  const { line, isWanted = true, attempt = 1, flood = calm, hint = 'run' } = given
  const where = 'place' in given ? given.place : place
  return tell.result(result, { line, place: where, isWanted }, { now, attempt, flood, hint })
}

const results: [what: string, result: CiResult, given: Case, ruling: object][] = [
  // A failure that no thread knows of.
  ['a failure settles before it is told', failure, { attempt: 0 }, { kind: 'later', waitMs: 2_000, place }],
  ['a failure that has settled has a thread of its own', failure, {}, { kind: 'open', place }],
  [
    'a failure on a branch that nobody wants is told nobody',
    failure,
    { isWanted: false },
    { why: 'branch not wanted' },
  ],
  ['a repository without a room is told of nowhere', failure, { place: undefined }, { kind: 'nothing' }],
  ['a room that is not found yet is waited for', failure, { place: 'later' }, { kind: 'later', waitMs: 10_000 }],
  ['… longer each time', failure, { place: 'later', attempt: 3 }, { kind: 'later', waitMs: 40_000 }],
  ['… five minutes at most', failure, { place: 'later', attempt: 200 }, { kind: 'later', waitMs: minutes(5) }],
  [
    'a run that was called off is told nobody',
    { ...failure, state: 'other' },
    {},
    { why: 'neither passed nor failed' },
  ],

  // What goes on still.
  [
    'a running run is looked at again',
    { ...failure, state: 'running' },
    { attempt: 0 },
    { kind: 'later', waitMs: 3_000 },
  ],
  ['… after twice the time', { ...failure, state: 'running' }, { attempt: 2 }, { kind: 'later', waitMs: 12_000 }],
  ['… five times', { ...failure, state: 'running' }, { attempt: 5 }, { kind: 'nothing' }],
  [
    'a pending status sends another when it ends',
    { ...status, state: 'running' },
    { hint: 'status' },
    { kind: 'nothing' },
  ],

  // A failure whose line has a story.
  ['a further failure goes on in the thread', failure, { line: red }, { kind: 'continue', as: 'post', room }],
  ['… at once', failure, { line: red, attempt: 0 }, { kind: 'continue' }],
  ['… also on a branch that is not wanted any more', failure, { line: red, isWanted: false }, { kind: 'continue' }],
  ['a result is told once', failure, { line: { ...red, told: [failure.key] } }, { why: 'told before' }],
  ['… also when its story is over', failure, { line: { ...green, told: [failure.key] } }, { why: 'told before' }],
  [
    'a failure older than one that is known is told nobody',
    { ...failure, order: 4 },
    { line: red },
    { kind: 'nothing' },
  ],
  [
    'a failure older than a pass is told nobody',
    { ...failure, order: 5 },
    { line: green },
    { why: 'something newer is known' },
  ],
  [
    'another attempt of the run that failed is told',
    { ...failure, order: 5, run: 5, commit: 'b'.repeat(40) },
    { line: red },
    { kind: 'continue' },
  ],
  [
    'a push and its pull request fail once',
    { ...failure, commit: 'b'.repeat(40) },
    { line: red },
    { why: 'the same failure was told' },
  ],
  [
    'contexts of one commit fail one by one',
    { ...status, key: `status:1:${commit}:build,unit` },
    { line: { ...red, red: { 'commit status': { order: 1, key: status.key, commit } } }, hint: 'status' },
    { kind: 'continue' },
  ],
  ['a failure after a pass begins a new story', failure, { line: green }, { kind: 'open', place }],
  ['a week later nobody reads on in the thread', failure, { line: { ...red, at: now - days(8) } }, { kind: 'open' }],
  [
    'what became private is not told where it was told before',
    failure,
    { line: red, place: undefined },
    { kind: 'nothing' },
  ],
  [
    'what has another room now begins a story there',
    failure,
    { line: red, place: elsewhere },
    { kind: 'open', place: elsewhere },
  ],
  ['a room that is not found yet may be another one', failure, { line: red, place: 'later' }, { kind: 'later' }],
  ['what fails on and on is listed', failure, { line: { ...red, ...often } }, { kind: 'continue', as: 'line' }],
  [
    '… until it has been quiet for ten minutes',
    failure,
    { line: { ...red, recent: often.recent.map((at) => at - minutes(9)) } },
    { kind: 'continue', as: 'post' },
  ],
  ['what was listed is listed again', failure, { line: listedLine }, { kind: 'continue', as: 'line', room }],
  ['what was listed in another room begins a story', failure, { line: listedLine, place: elsewhere }, { kind: 'open' }],
  ['a list is over after ten minutes', failure, { line: { ...listedLine, at: now - minutes(11) } }, { kind: 'open' }],

  // What a thread proposed.
  ['what a thread proposed is told there', failure, { line: watched }, { kind: 'continue', as: 'post' }],
  ['… wherever its repository is told of', failure, { line: watched, place: undefined }, { kind: 'continue' }],
  ['… also on a branch that is not wanted', failure, { line: watched, isWanted: false }, { kind: 'continue' }],
  ['… for its time', failure, { line: { ...watched, until: now - 1 }, isWanted: false }, { why: 'branch not wanted' }],
  ['its pass is told', pass, { line: watched }, { kind: 'continue', as: 'post' }],
  [
    '… once for a commit',
    pass,
    { line: { ...watched, told: [`passed:ci.yml:${commit}`] } },
    { why: 'it had not failed' },
  ],
  ['… for its time', pass, { line: { ...watched, until: now - 1 } }, { why: 'it had not failed' }],

  // Passes.
  ['a pass is told nobody who heard of no failure', pass, {}, { why: 'nobody heard of a failure' }],
  ['a pass is told where its failure was', pass, { line: red }, { kind: 'continue', as: 'post', red: [] }],
  [
    '… with what still fails there',
    pass,
    { line: { ...red, red: { ...red.red, 'lint.yml': { order: 5, key: 'actions:1:6:1', commit } } } },
    { kind: 'continue', red: ['lint.yml'] },
  ],
  ['… as a line where that was one', pass, { line: listedLine }, { kind: 'continue', as: 'line', red: [] }],
  ['… in a thread of any age', pass, { line: { ...red, at: now - days(30) } }, { kind: 'continue' }],
  [
    'a pass older than the failure is no end of it',
    { ...pass, order: 4 },
    { line: red },
    { why: 'something newer failed' },
  ],
  [
    'a pass of another workflow is remembered',
    { ...pass, subject: 'lint.yml' },
    { line: red },
    { why: 'it had not failed' },
  ],

  // Floods.
  [
    'ten threads in ten minutes are enough for a room',
    failure,
    { flood: opened(10, now - minutes(9), (n) => n + 2) },
    { kind: 'list', place },
  ],
  ['… nine are not', failure, { flood: opened(9, now - minutes(9), (n) => n + 2) }, { kind: 'open' }],
  ['… nor are ten that are older', failure, { flood: opened(10, now - minutes(10), (n) => n + 2) }, { kind: 'open' }],
  ['… nor ten in another room', failure, { place: elsewhere, flood: opened(10, now, (n) => n + 2) }, { kind: 'open' }],
  ['five are enough for a repository', failure, { flood: opened(5, now - minutes(9), () => 1) }, { kind: 'list' }],
  ['… not for another one', failure, { flood: opened(5, now - minutes(9), () => 2) }, { kind: 'open' }],
  [
    'what fails with five others in a minute is listed',
    failure,
    { flood: failing(5, now - 59_000) },
    { kind: 'list', place },
  ],
  ['… with four it is not', failure, { flood: failing(4, now - 59_000) }, { kind: 'open' }],
  ['… nor with five in another room', failure, { place: elsewhere, flood: failing(5, now) }, { kind: 'open' }],
  ['… nor with itself', failure, { flood: failing(5, now, 1) }, { kind: 'open' }],
  ['… nor with five that failed before', failure, { flood: failing(5, now - 60_000) }, { kind: 'open' }],
  [
    'a flood waits until it has settled',
    failure,
    { attempt: 0, flood: failing(9, now) },
    { kind: 'later', waitMs: 2_000 },
  ],
  [
    'a flood leaves alone what goes on in a thread',
    failure,
    { line: red, flood: failing(9, now) },
    { kind: 'continue', as: 'post' },
  ],
]
for (const [what, result, given, expected] of results) {
  test(`CI: ${what}`, () => {
    assert.partialDeepStrictEqual(rule(result, given), expected)
  })
}

test('a failure that goes on makes the line red, with the newest failure of its subject, and is remembered as told', () => {
  const ruling = rule(failure, { line: watched })

  assert.deepEqual(ruling.kind === 'continue' && ruling.story, {
    ...watched,
    state: 'red',
    at: now,
    red: { 'ci.yml': { order: 7, key: failure.key, commit } },
    told: [failure.key],
    recent: [now],
  })
})

test('a pass ends the failure of its subject; the line is green when no other is left', () => {
  const other = { order: 5, key: 'actions:1:6:1', commit }
  const last = rule(pass, { line: red })
  const one = rule(pass, { line: { ...red, red: { ...red.red, 'lint.yml': other } } })

  assert.ok(last.kind === 'continue' && one.kind === 'continue')
  assert.partialDeepStrictEqual(last.story, { state: 'green', red: {}, green: { 'ci.yml': 9 }, at: now })
  assert.deepEqual([one.story.state, one.story.red], ['red', { 'lint.yml': other }])
})

test('a pass that nobody is told of is remembered all the same: a failure that comes late is older', () => {
  const ruling = rule(pass, { line: green })

  assert.ok(ruling.kind === 'nothing' && ruling.story)
  assert.equal(rule({ ...failure, order: 8 }, { line: ruling.story }).kind, 'nothing')
})

test('of statuses of a commit the newest word counts, of runs every attempt', () => {
  const line = { ...red, told: [status.key, 'actions:1:5:1', `status:1:${'c'.repeat(40)}:build`] }
  const ruling = rule({ ...status, key: `status:1:${commit}:unit` }, { line, hint: 'status' })

  assert.ok(ruling.kind === 'continue')
  assert.deepEqual(ruling.story.told, ['actions:1:5:1', `status:1:${'c'.repeat(40)}:build`, `status:1:${commit}:unit`])
  const run = rule(failure, { line })
  assert.deepEqual(run.kind === 'continue' && run.story.told, [...line.told, failure.key])
})

test('ruling changes nothing: the same is ruled again', () => {
  const flood = failing(4, now)
  const given = { line: structuredClone(red), flood }

  const first = rule(pass, given)

  assert.deepEqual(rule(pass, given), first)
  assert.deepEqual(given.line, red)
  assert.equal(flood.failing.size, 4)
})

const push: PushSignal = {
  kind: 'push',
  source: 'gitea',
  id: 'push:1',
  repository,
  branch: 'main',
  before: 'c'.repeat(40),
  after: commit,
  pusher: { login: 'dana', name: 'Dana' },
  commits: [],
  total: 1,
}
const lastPush: SignalThread = { thread, at: now - minutes(59), by: 'push:0', last: { ...push, id: 'push:0' } }

interface PushCase {
  last?: SignalThread
  unwanted?: string
  place?: Place | 'later' | undefined
  attempt?: number
  flood?: Flood
}
const pushes: [what: string, given: PushCase, ruling: object][] = [
  ['has a thread of its own', {}, { kind: 'open', place }],
  ['of the bot itself is told nobody', { unwanted: 'own push' }, { kind: 'nothing', why: 'own push' }],
  ['… also in a thread that goes on', { unwanted: 'own push', last: lastPush }, { kind: 'nothing', why: 'own push' }],
  ['to a repository without a room is told nowhere', { place: undefined }, { kind: 'nothing' }],
  ['waits for a room that is not found yet', { place: 'later', attempt: 0 }, { kind: 'later', waitMs: 5_000 }],
  ['goes on in the thread of the last one for an hour', { last: lastPush }, { kind: 'continue', as: 'post', room }],
  ['has a new thread after that', { last: { ...lastPush, at: now - minutes(60) } }, { kind: 'open' }],
  ['is a line when many came lately', { last: { ...lastPush, ...often } }, { kind: 'continue', as: 'line' }],
  ['is listed in a flood', { flood: opened(5, now, () => 1) }, { kind: 'list', place }],
  ['goes on in its thread also in a flood', { last: lastPush, flood: opened(10, now, (n) => n) }, { kind: 'continue' }],
  ['does not count with what fails', { flood: failing(9, now) }, { kind: 'open' }],
]
for (const [what, given, expected] of pushes) {
  test(`a push ${what}`, () => {
    const { last, unwanted, attempt = 0, flood = calm } = given
    const where = 'place' in given ? given.place : place

    const ruling = tell.push(push, { unwanted, place: where, last }, { now, attempt, flood, continueMs: hours(1) })

    assert.partialDeepStrictEqual(ruling, expected)
  })
}

test('the thread of pushes goes on from the newest push, and keeps who opened it', () => {
  const ruling = tell.push(
    push,
    { unwanted: undefined, place, last: lastPush },
    { now, attempt: 0, flood: calm, continueMs: hours(1) },
  )

  assert.deepEqual(ruling.kind === 'continue' && ruling.story, {
    thread,
    at: now,
    by: 'push:0',
    last: push,
    recent: [now],
  })
})

const at = { source: 'gitea', repository, number: 7, url: '', by: 'Dana', login: 'dana' } as const
const pullOf = (action: PullSignal['action'], branch?: string): PullSignal => ({
  ...at,
  kind: 'pull',
  id: `pull:1:7:${action}`,
  action,
  title: '',
  ...(branch && { branch }),
})
const comment: CommentSignal = { ...at, kind: 'comment', id: 'comment:1', branch: 'fix', text: 'hi' }

const deeds: [what: string, signal: PullSignal | CommentSignal, line: CiThread | undefined, ruling: object][] = [
  ['a comment is told in the thread of its branch', comment, red, { kind: 'continue', as: 'post', room }],
  ['… of the bot itself it is not', { ...comment, login: 'kube-agent' }, red, { why: 'the bot did it itself' }],
  ['… of a branch without a story it is not', comment, undefined, { kind: 'nothing' }],
  ['… where the story is over it is not', comment, green, { why: 'no story of the branch goes on' }],
  ['… as a line when many come', comment, { ...red, ...often }, { kind: 'continue', as: 'line' }],
  ['… where a change waits for its CI', comment, watched, { kind: 'continue' }],
  ['a pull request that is opened says nothing new', pullOf('opened', 'fix'), red, { why: 'it was opened' }],
  ['a merge is told', pullOf('merged', 'fix'), red, { kind: 'continue', as: 'post' }],
  ['a pull request that is opened again is told', pullOf('reopened'), red, { kind: 'continue' }],
  ['a merge of a fork ends its story', pullOf('merged'), red, { kind: 'continue', isOver: true }],
  ['a fork that is closed ends its story', pullOf('closed'), red, { kind: 'continue', isOver: true }],
]
for (const [what, signal, line, expected] of deeds) {
  test(`pull requests: ${what}`, () => {
    assert.partialDeepStrictEqual(tell.pull(signal, { line, ownLogin: 'kube-agent' }, now), expected)
  })
}

test('a branch whose pull request is closed goes on: runs can still pass there', () => {
  for (const signal of [pullOf('merged', 'fix'), pullOf('closed', 'fix'), pullOf('reopened')]) {
    const ruling = tell.pull(signal, { line: red, ownLogin: undefined }, now)

    assert.deepEqual([ruling.kind, ruling.isOver], ['continue', undefined])
    assert.deepEqual(ruling.story, { ...red, recent: [now] })
  }
})

const branchOf = (action: BranchSignal['action']): BranchSignal => ({
  kind: 'branch',
  source: 'gitea',
  id: 'branch:1',
  repository,
  action,
  branch: 'fix',
  by: 'Dana',
})
const branches: [what: string, action: BranchSignal['action'], line: CiThread | undefined, ruling: object][] = [
  ['deleted while it is red ends its story, and that is told', 'deleted', red, { kind: 'continue', isOver: true }],
  ['deleted while it is green ends its story without a word', 'deleted', green, { kind: 'nothing', isOver: true }],
  ['deleted while it is watched ends its story without a word', 'deleted', watched, { kind: 'nothing', isOver: true }],
  ['without a story is told of nowhere', 'deleted', undefined, { kind: 'nothing' }],
  ['that is created is told of nowhere', 'created', red, { kind: 'nothing' }],
]
for (const [what, action, line, expected] of branches) {
  test(`a branch ${what}`, () => {
    assert.partialDeepStrictEqual(tell.branch(branchOf(action), line), expected)
  })
}

const releases: [what: string, given: { place: Place | 'later' | undefined; last?: SignalThread }, ruling: object][] = [
  [
    'is told in the thread of the last push',
    { place, last: lastPush },
    { kind: 'continue', as: 'post', story: lastPush },
  ],
  ['is not told an hour after it', { place, last: { ...lastPush, at: now - hours(1) } }, { kind: 'nothing' }],
  ['is not told without one', { place }, { kind: 'nothing' }],
  ['is not told without a room', { place: undefined, last: lastPush }, { kind: 'nothing' }],
  ['is not told in a room that is not found yet', { place: 'later', last: lastPush }, { kind: 'nothing' }],
]
for (const [what, { place, last }, expected] of releases) {
  test(`a release ${what}`, () => {
    assert.partialDeepStrictEqual(tell.release({ place, last }, { now, continueMs: hours(1) }), expected)
  })
}
