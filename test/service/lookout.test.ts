import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import pino from 'pino'
import type { BotJob } from '../../src/bot/jobs/index.ts'
import type { Kept } from '../../src/service/build.ts'
import { createLookout } from '../../src/service/lookout.ts'
import type { ForgeSignal, PushSignal, Repository, Signal } from '../../src/signal.ts'
import { openSqlite } from '../../src/storage/sqlite/index.ts'
import type { Gitea } from '../../src/tools/gitea/client.ts'
import { GiteaError, GiteaUnreachable } from '../../src/tools/gitea/errors.ts'
import { temporaryFolder, until } from '../bot/house.ts'
import { createReceiver, deliver, recorded, sign } from '../webhooks/receiver.ts'

const sha = (n: number): string => n.toString(16).padStart(40, '0')
const repository: Repository = { id: 1, fullName: 'acme/shop', url: '', private: false, defaultBranch: 'main' }

interface Run {
  id: number
  conclusion: string
  ended: string
}

/** What the forge has; the test lets things happen in it. */
function createForge() {
  const forge = {
    runs: [] as Run[],
    heads: { main: sha(1) } as Record<string, string>,
    statuses: [] as { id: number; context: string; status: string }[],
    isAway: false,
    isGone: false,
    hidesRuns: false,
    asked: 0,
  }
  const answer = (path: string): unknown => {
    forge.asked++
    if (forge.isAway) throw new GiteaUnreachable('Gitea cannot be reached.', { mayHaveArrived: false })
    if (forge.isGone) throw new GiteaError('not found', { status: 404 })
    if (path.startsWith('/api/v1/repositories/'))
      return { id: 1, full_name: 'acme/shop', html_url: '', private: false, default_branch: 'main' }
    if (path.endsWith('/actions/runs') && forge.hidesRuns)
      throw new GiteaError('user should be the owner of the repo', { status: 403 })
    if (path.endsWith('/actions/runs'))
      return forge.runs.map(({ id, conclusion, ended }) => ({
        id,
        conclusion,
        status: 'completed',
        completed_at: ended,
      }))
    if (path.endsWith('/branches')) return Object.entries(forge.heads).map(([name, id]) => ({ name, commit: { id } }))
    const [, head = ''] = /\/compare\/.*\.\.\.(\w+)$/.exec(path) ?? []
    const commit = { message: 'A change\n\nwith words', author: { name: 'Dana' } }
    if (head) return { total_commits: 1, commits: [{ sha: head, commit, files: [{ filename: 'a.ts' }] }] }
    return { author: { login: 'dana' } }
  }
  const gitea = {
    features: async () => ({ version: '1.26.4', forge: 'Gitea', runs: true, rerun: true, compareDiff: false }),
    get: async (path: string, schema: { parse(value: unknown): unknown }) => schema.parse(answer(path)),
    list: async (path: string, item: { parse(value: unknown): unknown }) => ({
      items: (answer(path) as unknown[]).map((one) => item.parse(one)),
      more: false,
      total: undefined,
    }),
    status: async () => ({
      state: '',
      statuses: forge.statuses.map((one) => ({ ...one, creator: null, description: '', target_url: '' })),
    }),
  } as unknown as Gitea
  return { ...forge, gitea, forge }
}

async function watch(
  t: TestContext,
  {
    gitea,
    folder,
    wants = (branch) => branch === 'main' || branch.startsWith('release/'),
  }: { gitea: Gitea; folder: string; wants?: (branch: string) => boolean },
) {
  const log = pino({ enabled: false })
  const store = await openSqlite<Kept>(folder, { log })
  const stopping = new AbortController()
  const jobs: BotJob[] = []
  const found: Signal[] = []
  const lookout = createLookout({
    gitea,
    seen: store.seen,
    wants,
    inbox: {
      put: async (job: BotJob) => {
        jobs.push(job)
        if (job.kind === 'signal') found.push(job.data)
        return true
      },
    },
    everyMs: 1,
    settleMs: 1,
    stopping: stopping.signal,
    log,
  })
  let isClosed = false
  const leave = async () => {
    if (isClosed) return
    isClosed = true
    stopping.abort()
    await store.close()
  }
  t.after(leave)
  const ids = () => [...new Set(found.map(({ id }) => id))]
  const kept = async () => (await Array.fromAsync(store.seen.entries())).length
  return { lookout, jobs, found, ids, leave, kept }
}

const push = (after: string): PushSignal => ({
  kind: 'push',
  source: 'gitea',
  id: `push:1:refs/heads/main:${sha(0)}:${after}`,
  repository,
  branch: 'main',
  before: sha(0),
  after,
  pusher: { login: 'dana', name: 'Dana' },
  commits: [],
  total: 1,
})

const at = (minute: number): string => `2026-11-26T10:${String(minute).padStart(2, '0')}:00Z`

test('what a repository had when it was first heard of is no news; what comes while we are away is, under the ids of its deliveries', async (t) => {
  const { forge, gitea } = createForge()
  const folder = temporaryFolder(t)
  forge.runs = [{ id: 1, conclusion: 'failure', ended: at(1) }]
  forge.statuses = [{ id: 3, context: 'ci/old', status: 'failure' }]
  const first = await watch(t, { gitea, folder })
  await first.lookout.onSeen(push(sha(1)))
  await first.leave()
  assert.deepEqual(first.ids(), [])

  forge.runs.unshift({ id: 2, conclusion: 'failure', ended: at(30) })
  forge.heads = { main: sha(2), feature: sha(9) }
  forge.statuses.push({ id: 4, context: 'ci/new', status: 'failure' })
  const second = await watch(t, { gitea, folder })
  second.lookout.start()
  await until(() => (second.ids().length >= 3 ? true : undefined), 'three things that were missed')

  assert.deepEqual(second.ids().sort(), [
    `push:1:refs/heads/main:${sha(1)}:${sha(2)}`,
    `run:1:2:failure:${at(30)}`,
    `status:1:${sha(2)}:4`,
  ])
  const late = second.found.find((signal) => signal.kind === 'push')
  assert.equal(late?.late, true)
  assert.deepEqual(late?.commits[0]?.files, ['a.ts'])
  assert.equal(late?.pusher.login, 'dana')
})

test('a push whose delivery comes while we look is not found late', async (t) => {
  const { forge, gitea } = createForge()
  const one = await watch(t, { gitea, folder: temporaryFolder(t) })
  await one.lookout.onSeen(push(sha(1)))
  forge.heads = { main: sha(2) }
  await one.lookout.onSeen(push(sha(2)))
  const asked = forge.asked

  one.lookout.start()
  await until(() => (forge.asked > asked + 20 ? true : undefined), 'several looks')

  assert.deepEqual(one.ids(), [])
})

test('a new branch that is wanted is found, one that is not is left alone', async (t) => {
  const { forge, gitea } = createForge()
  const one = await watch(t, { gitea, folder: temporaryFolder(t) })
  await one.lookout.onSeen(push(sha(1)))
  forge.heads = { main: sha(1), 'release/2': sha(5), feature: sha(6) }

  one.lookout.start()
  await until(() => one.ids()[0], 'the new branch')

  assert.deepEqual(one.ids(), [`push:1:refs/heads/release/2:${sha(0)}:${sha(5)}`])
})

test('where runs are listed to administrators alone, pushes are found all the same', async (t) => {
  const { forge, gitea } = createForge()
  forge.hidesRuns = true
  const one = await watch(t, { gitea, folder: temporaryFolder(t) })
  await one.lookout.onSeen(push(sha(1)))
  forge.heads = { main: sha(2) }

  one.lookout.start()

  assert.equal(await until(() => one.ids()[0], 'the push'), `push:1:refs/heads/main:${sha(1)}:${sha(2)}`)
})

test('a forge that is away loses nothing: it is asked again', async (t) => {
  const { forge, gitea } = createForge()
  const one = await watch(t, { gitea, folder: temporaryFolder(t) })
  await one.lookout.onSeen(push(sha(1)))
  forge.isAway = true
  forge.runs = [{ id: 2, conclusion: 'failure', ended: at(30) }]
  const asked = forge.asked
  one.lookout.start()
  await until(() => (forge.asked > asked + 3 ? true : undefined), 'a few tries')
  assert.deepEqual(one.ids(), [])

  forge.isAway = false

  await until(() => one.ids()[0], 'the run')
})

test('a repository that is gone is not asked for any more', async (t) => {
  const { forge, gitea } = createForge()
  const folder = temporaryFolder(t)
  const one = await watch(t, { gitea, folder })
  await one.lookout.onSeen(push(sha(1)))
  forge.isGone = true
  assert.equal(await one.kept(), 1)

  one.lookout.start()

  await until(async () => (await one.kept()) === 0 || undefined, 'it to be forgotten')
})

/** A recorded delivery's body, as far as a look at the forge can find the same. */
interface Told {
  repository: { id: number; full_name: string; default_branch: string }
  ref: string
  before: string
  after: string
  workflow_run?: object
  id: number
  sha?: string
  context: string
  state: string
}

/** The forge that made a delivery: as it was before, and, once `hasHappened`, as it was then. */
function forgeOf(told: Told) {
  const forge = { hasHappened: false }
  const name = told.ref?.replace('refs/heads/', '') ?? 'main'
  const heads = (): Record<string, string> => {
    if (told.sha) return { [name]: told.sha }
    if (!told.ref) return {}
    if (forge.hasHappened) return { [name]: told.after }
    return /^0+$/.test(told.before) ? {} : { [name]: told.before }
  }
  const answer = (path: string): unknown => {
    if (path.startsWith('/api/v1/repositories/')) return told.repository
    if (path.endsWith('/actions/runs')) return forge.hasHappened && told.workflow_run ? [told.workflow_run] : []
    if (path.endsWith('/branches')) return Object.entries(heads()).map(([name, id]) => ({ name, commit: { id } }))
    if (path.includes('/compare/')) return { total_commits: 0, commits: [] }
    return {}
  }
  const gitea = {
    features: async () => ({ version: '1.26.4', forge: 'Gitea', runs: true, rerun: true, compareDiff: false }),
    get: async (path: string, schema: { parse(value: unknown): unknown }) => schema.parse(answer(path)),
    list: async (path: string, item: { parse(value: unknown): unknown }) => ({
      items: (answer(path) as unknown[]).map((one) => item.parse(one)),
    }),
    status: async () => ({
      statuses: forge.hasHappened && told.sha ? [{ id: told.id, context: told.context, status: told.state }] : [],
    }),
  } as unknown as Gitea
  return { forge, gitea }
}

const found = [
  'push-plain',
  'push-many',
  'push-newbranch',
  'push-force',
  'workflow_run-completed-success',
  'workflow_run-completed-failure',
  'workflow_run-completed-failure-rerun',
  'workflow_run-completed-failure-pull_request',
  'workflow_run-completed-failure-pull_request-fork',
  'workflow_run-completed-cancelled',
  'status-failure-external',
  'status-success-external',
  'status-failure-actions',
]
for (const name of found) {
  test(`a recorded ${name} that did not arrive is found as the same job that its delivery makes`, async (t) => {
    const { app, jobs } = await createReceiver()
    await app.listen({ host: '127.0.0.1', port: 0 })
    t.after(() => app.close())
    const { headers, body } = recorded(name)
    await deliver(app, { headers, body }, { 'X-Gitea-Signature': sign(body) })
    const delivered = jobs[0]
    assert.ok(delivered)
    const { forge, gitea } = forgeOf(JSON.parse(body))
    const one = await watch(t, { gitea, folder: temporaryFolder(t), wants: () => true })
    const { repository } = delivered.data as ForgeSignal
    await one.lookout.onSeen({ kind: 'test', source: 'gitea', id: 'test', repository })

    forge.hasHappened = true
    one.lookout.start()
    const missed = await until(() => one.jobs[0], 'what was missed')

    assert.deepEqual([missed.id, missed.thread, missed.kind], [delivered.id, delivered.thread, delivered.kind])
  })
}
