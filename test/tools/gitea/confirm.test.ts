import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PushSignal, RunSignal } from '../../../src/signal.ts'
import type { Gitea } from '../../../src/tools/gitea/client.ts'
import { confirmed } from '../../../src/tools/gitea/confirm.ts'
import { GiteaError, GiteaUnreachable } from '../../../src/tools/gitea/errors.ts'

const { signal } = new AbortController()
const repository = { id: 1, fullName: 'acme/shop', url: '', private: false, defaultBranch: 'main' }
const run: RunSignal = { kind: 'run', source: 'gitea', id: 'run:1', repository, run: 7, conclusion: 'failure' }
const push = {
  kind: 'push',
  source: 'gitea',
  id: 'push:1',
  repository,
  branch: 'main',
  after: 'a'.repeat(40),
} as PushSignal

/** A forge that has acme/shop, private, with one commit. */
const forge = {
  get: async (path: string, schema: { parse(value: unknown): unknown }) => {
    if (path === '/api/v1/repositories/1')
      return schema.parse({ id: 1, full_name: 'acme/shop', html_url: '', private: true, default_branch: 'trunk' })
    if (path === `/api/v1/repos/acme/shop/git/commits/${'a'.repeat(40)}`) return schema.parse({ sha: 'a'.repeat(40) })
    throw new GiteaError('not found', { status: 404 })
  },
} as unknown as Gitea

test('what the forge knows is confirmed, and says itself whether the repository is private', async () => {
  const found = await confirmed(forge, run, signal)

  assert.equal(found?.run, 7)
  assert.deepEqual([found?.repository.private, found?.repository.defaultBranch], [true, 'trunk'])
  assert.equal((await confirmed(forge, push, signal))?.after, push.after)
})

test('a repository that is gone, one that has another name, and a commit that nobody pushed are not', async () => {
  const other = { ...repository, fullName: 'mallory/shop' }

  assert.equal(await confirmed(forge, { ...run, repository: { ...repository, id: 2 } }, signal), undefined)
  assert.equal(await confirmed(forge, { ...run, repository: other }, signal), undefined)
  assert.equal(await confirmed(forge, { ...push, after: 'b'.repeat(40) }, signal), undefined)
})

test('a forge that is away contradicts nobody', async () => {
  const away = {
    get: async () => {
      throw new GiteaUnreachable('away', { mayHaveArrived: false })
    },
  } as unknown as Gitea

  assert.deepEqual(await confirmed(away, push, signal), push)
})
