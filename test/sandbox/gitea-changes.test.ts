import assert from 'node:assert/strict'
import { test } from 'node:test'
import { recorded, setup, shapeOf } from './gitea-visitor.ts'

type Api = Awaited<ReturnType<typeof setup>>['api']
const post = (api: Api, path: string, body: object) =>
  api(`/repos/acme/shop${path}`, { method: 'POST', body: JSON.stringify(body) })
const base64 = (text: string) => Buffer.from(text).toString('base64')

/** Corrects a file on a new branch, as a proposal does. */
async function propose(api: Api, branch = 'fix/readme') {
  const { body: readme } = await api('/repos/acme/shop/contents/README.md')
  return post(api, '/contents', {
    branch: 'main',
    new_branch: branch,
    message: 'docs: say more',
    files: [
      { operation: 'update', path: 'README.md', content: base64('# shop\n\nMore.\n'), sha: readme.sha },
      { operation: 'create', path: 'docs/new.md', content: base64('new\n') },
    ],
  })
}

test('several files are one commit on a new branch, which is told as a push of that branch, and runs in CI', async (t) => {
  const { api, received } = await setup(t)

  const made = await propose(api)

  assert.equal(made.status, 201)
  assert.deepEqual(
    made.body.commit.files.map(({ filename, status }: { filename: string; status: string }) => [filename, status]),
    [
      ['docs/new.md', 'added'],
      ['README.md', 'modified'],
    ],
  )
  const [create, push] = (await received(2))
    .map(({ body }) => JSON.parse(body))
    .sort((a, b) => a.ref.length - b.ref.length)
  assert.deepEqual([create.ref, push.ref, push.after], ['fix/readme', 'refs/heads/fix/readme', made.body.commit.sha])
  const file = await api('/repos/acme/shop/contents/docs/new.md?ref=fix/readme')
  assert.equal(Buffer.from(file.body.content, 'base64').toString(), 'new\n')
  assert.equal((await api(`/repos/acme/shop/commits/${made.body.commit.sha}/status`)).body.state, 'success')
})

const refused: [what: string, change: object, status: number, message: RegExp][] = [
  [
    'a file that is there already',
    { operation: 'create', path: 'README.md' },
    422,
    /already exists \[path: README\.md\]/,
  ],
  [
    'an update of an older file',
    { operation: 'update', path: 'README.md', sha: '1'.repeat(40) },
    422,
    /sha does not match/,
  ],
  ['a path into git itself', { operation: 'create', path: '.git/config' }, 422, /malformed path component/],
  ['a path out of the repository', { operation: 'create', path: '../x' }, 422, /malformed path component/],
]
for (const [what, change, status, message] of refused) {
  test(`${what} is refused, and nothing is there of it`, async (t) => {
    const { api } = await setup(t)

    const answer = await post(api, '/contents', { new_branch: 'x', message: 'x', files: [change] })

    assert.equal(answer.status, status)
    assert.match(answer.body.message, message)
    assert.equal((await api('/repos/acme/shop/branches/x')).status, 404)
  })
}

test('a branch that is there already is not a new one', async (t) => {
  const { api } = await setup(t)
  await propose(api)

  const again = await propose(api)

  assert.deepEqual([again.status, again.body.message], [422, 'branch already exists [name: fix/readme]'])
})

test('a pull request shows what it changes, is merged at the head that was looked at, and its branch goes', async (t) => {
  const { api, received } = await setup(t, { events: ['pull_request', 'push', 'delete'] })
  const { body: made } = await propose(api)
  const { body: pull, status } = await post(api, '/pulls', { title: 'Say more', head: 'fix/readme', base: 'main' })

  assert.deepEqual(
    [status, pull.number, pull.state, pull.mergeable, pull.head.sha],
    [201, 1, 'open', true, made.commit.sha],
  )
  assert.match((await api('/repos/acme/shop/pulls/1.diff')).text, /^\+More\.$/m)
  const files = await api('/repos/acme/shop/pulls/1/files')
  assert.deepEqual(
    files.body.map(({ filename }: { filename: string }) => filename),
    ['README.md', 'docs/new.md'],
  )
  assert.equal((await api('/repos/acme/shop/pulls/main/fix%2Freadme')).body.number, 1)
  assert.equal((await post(api, '/pulls', { title: 'Again', head: 'fix/readme', base: 'main' })).status, 409)
  const merge = { Do: 'merge', head_commit_id: made.commit.sha, delete_branch_after_merge: true }
  const stale = await post(api, '/pulls/1/merge', { ...merge, head_commit_id: '1'.repeat(40) })
  assert.deepEqual([stale.status, stale.body.message], [409, 'head out of date'])

  assert.equal((await post(api, '/pulls/1/merge', merge)).status, 200)

  const merged = (await api('/repos/acme/shop/pulls/1')).body
  assert.deepEqual([merged.state, merged.merged], ['closed', true])
  const main = (await api('/repos/acme/shop/branches/main')).body.commit.id
  assert.equal(main, merged.merge_commit_sha)
  assert.equal((await api('/repos/acme/shop/branches/fix%2Freadme')).status, 404)
  assert.deepEqual([(await post(api, '/pulls/1/merge', merge)).body.message], ['The PR is already merged'])
  const told = (await received(5)).map(({ body }) => JSON.parse(body))
  const opened = told.find(({ action }) => action === 'opened')
  const closed = told.find(({ action }) => action === 'closed')
  assert.equal(closed.pull_request.merged, true)
  const real = shapeOf(JSON.parse((await recorded('pull_request-opened')).body))
  assert.deepEqual(
    shapeOf(opened).filter((field) => !real.includes(field)),
    [],
  )
})

test('pull requests in conflict are never mergeable, and Gitea says to try again later', async (t) => {
  const { api } = await setup(t)
  await propose(api, 'one')
  await propose(api, 'two')
  const { body: readme } = await api('/repos/acme/shop/contents/README.md?ref=two')
  const file = { operation: 'update', path: 'README.md', content: base64('# other\n'), sha: readme.sha }
  await post(api, '/contents', { branch: 'two', message: 'other', files: [file] })
  for (const head of ['one', 'two']) await post(api, '/pulls', { title: head, head, base: 'main' })
  await post(api, '/pulls/1/merge', { Do: 'squash' })

  const { body } = await api('/repos/acme/shop/pulls/2')
  const answer = await post(api, '/pulls/2/merge', { Do: 'merge' })

  assert.equal(body.mergeable, false)
  assert.deepEqual([answer.status, answer.body.message], [405, 'Please try again later'])
})

test('issues and pull requests count together, and both are commented on', async (t) => {
  const { api, received } = await setup(t, { events: ['issue_comment'] })
  await propose(api)
  const issue = await post(api, '/issues', { title: 'Checkout is down' })
  await post(api, '/pulls', { title: 'Say more', head: 'fix/readme', base: 'main' })

  const [first, second] = [
    await post(api, '/issues/1/comments', { body: 'one' }),
    await post(api, '/issues/2/comments', { body: 'two' }),
  ]

  assert.equal(issue.body.number, 1)
  assert.deepEqual([first.status, second.status], [201, 201])
  assert.match(second.body.html_url, /\/pulls\/2#issuecomment-2$/)
  const told = (await received(2)).map(({ body }) => JSON.parse(body))
  assert.deepEqual(told.map(({ is_pull }) => is_pull).sort(), [false, true])
  assert.equal((await api('/repos/acme/shop/issues/9')).status, 404)
})

test('the files of a tree, people and a repository by its number are found', async (t) => {
  const { api } = await setup(t)

  const tree = await api('/repos/acme/shop/git/trees/main?recursive=true')
  const people = await api('/users/search?q=ali')
  const repository = await api('/repositories/1')

  assert.deepEqual(
    tree.body.tree.filter(({ type }: { type: string }) => type === 'blob').map(({ path }: { path: string }) => path),
    ['.gitea/workflows/ci.yml', 'README.md', 'deploy/checkout.yaml'],
  )
  assert.deepEqual(
    people.body.data.map(({ login }: { login: string }) => login),
    ['alice'],
  )
  assert.equal(repository.body.full_name, 'acme/shop')
  assert.equal((await api('/repositories/2')).status, 404)
})
